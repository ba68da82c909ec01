"""Who should have what: the assignors that a broker offers.

uniform  every member has as many partitions as any other, as far as subscriptions allow, and keeps what it had
range    of each topic every member has a run of partitions; of topics of as many partitions the same run, so that
         what is written under one key in several topics is read by one member
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from pykbroker.coordinator.groups.consumer.member import Partitions, partitions_of

Place = tuple[bytes, int]


class Subscriber(NamedTuple):
    """A member as assignors see it."""

    member_id: str
    instance_id: str | None
    topic_ids: frozenset[bytes]
    had: Partitions  # its part of the target before


Assignor = Callable[[list[Subscriber], Mapping[bytes, int]], dict[str, Partitions]]


def uniform(subscribers: list[Subscriber], partition_counts: Mapping[bytes, int]) -> dict[str, Partitions]:
    kept, free = _keep(subscribers, partition_counts)
    if len({subscriber.topic_ids for subscriber in subscribers}) == 1:
        _fill_alike(kept, free)
    else:
        _fill_by_subscription(kept, free, subscribers)
        _balance_by_subscription(kept, subscribers)
    return {member_id: _assignment(places) for member_id, places in kept.items()}


def _keep(
    subscribers: list[Subscriber], partition_counts: Mapping[bytes, int]
) -> tuple[dict[str, list[Place]], list[Place]]:
    """What members have had and may keep, and what nobody has."""
    kept: dict[str, list[Place]] = {}
    taken: set[Place] = set()
    for subscriber in subscribers:
        mine = kept[subscriber.member_id] = []
        for topic_id, partitions in subscriber.had.items():
            if topic_id in subscriber.topic_ids:
                count = partition_counts.get(topic_id, 0)
                mine += [(topic_id, p) for p in sorted(partitions) if p < count and (topic_id, p) not in taken]
        taken.update(mine)
    wanted = sorted(frozenset[bytes]().union(*(subscriber.topic_ids for subscriber in subscribers)))
    places = ((topic_id, p) for topic_id in wanted for p in range(partition_counts.get(topic_id, 0)))
    return kept, [place for place in places if place not in taken]


def _fill_alike(kept: dict[str, list[Place]], free: list[Place]) -> None:
    """All read the same topics: give each its share, those with more going first for what is left over."""
    total = len(free) + sum(map(len, kept.values()))
    quota, left_over = divmod(total, len(kept))
    shares: dict[str, int] = {}
    for member_id in sorted(kept, key=lambda each: -len(kept[each])):
        shares[member_id] = quota + (left_over > 0)
        left_over = max(left_over - 1, 0)
    for member_id, mine in kept.items():
        free += mine[shares[member_id] :]
        del mine[shares[member_id] :]
    free.sort()
    given = iter(free)
    for member_id, mine in kept.items():
        mine += (next(given) for _ in range(shares[member_id] - len(mine)))


def _fill_by_subscription(kept: dict[str, list[Place]], free: list[Place], subscribers: list[Subscriber]) -> None:
    """Give each partition to whoever of its readers has the least, topics with few readers first."""
    readers = _readers(subscribers)
    for place in sorted(free, key=lambda each: (len(readers[each[0]]), each)):
        kept[min(readers[place[0]], key=lambda member_id: len(kept[member_id]))].append(place)


def _balance_by_subscription(kept: dict[str, list[Place]], subscribers: list[Subscriber]) -> None:
    """Move partitions from those with more to those with less, while a reader of theirs has two fewer.

    Ends: with each move the sum of the squares of what members have gets smaller.
    """
    readers = _readers(subscribers)
    has_moved = True
    while has_moved:
        has_moved = False
        for member_id in sorted(kept, key=lambda each: -len(kept[each])):
            mine = kept[member_id]
            for place in list(mine):
                least = min(readers[place[0]], key=lambda each: len(kept[each]))
                if len(kept[least]) + 1 < len(mine):
                    mine.remove(place)
                    kept[least].append(place)
                    has_moved = True


def _readers(subscribers: Iterable[Subscriber]) -> dict[bytes, list[str]]:
    readers = defaultdict(list)
    for subscriber in subscribers:
        for topic_id in subscriber.topic_ids:
            readers[topic_id].append(subscriber.member_id)
    return readers


def assign_ranges(subscribers: list[Subscriber], partition_counts: Mapping[bytes, int]) -> dict[str, Partitions]:
    """Static members first, by their instance ids, so that they get the same when they come back with another id."""
    ordered = sorted(subscribers, key=lambda each: (each.instance_id is None, each.instance_id or each.member_id))
    assigned: dict[str, list[Place]] = {subscriber.member_id: [] for subscriber in subscribers}
    for topic_id, members in _readers(ordered).items():
        quota, left_over = divmod(partition_counts.get(topic_id, 0), len(members))
        start = 0
        for position, member_id in enumerate(members):
            end = start + quota + (position < left_over)
            assigned[member_id] += ((topic_id, partition) for partition in range(start, end))
            start = end
    return {member_id: _assignment(places) for member_id, places in assigned.items()}


def _assignment(places: Iterable[Place]) -> Partitions:
    by_topic = defaultdict(list)
    for topic_id, partition in sorted(places):
        by_topic[topic_id].append(partition)
    return partitions_of(by_topic.items())


ASSIGNORS: dict[str, Assignor] = {"uniform": uniform, "range": assign_ranges}
