"""Why a consumer group begins another epoch, and what its assignment moves: the group's history, told in its words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pykbroker.coordinator.groups.consumer.group import ConsumerGroup
from pykbroker.coordinator.groups.consumer.member import ConsumerMember, Partitions
from pykbroker.coordinator.groups.consumer.subscriptions import topics_of
from pykbroker.coordinator.groups.consumer.target import Roster
from pykbroker.coordinator.groups.history import Event, Kind, difference, event, moved, moves_between, told
from pykbroker.metadata.image import TopicImage


def why_next_epoch(
    group: ConsumerGroup,
    roster: Roster,
    member: ConsumerMember,
    former: ConsumerMember | None,
    topics: Mapping[str, TopicImage],
    epoch: int,
    now_ms: int,
) -> list[Event]:
    """`member` is the one whose heartbeat brought it about, with what it reads now."""
    reasons = []
    events = []
    before = frozenset[str]() if former is None else group.topics_of(former)
    changed = difference(before, topics_of(member, roster.regexes))
    if former is None:
        reads = " and ".join(filter(None, (told(member.topic_names), _matching(member))))
        events.append(event(now_ms, Kind.JOINED, f"joined, reads {reads or 'nothing'}", member))
        reasons.append(f"{member.member_id} joined")
    elif not former.has_same_subscription(member):
        text = changed or f"reads the same under another subscription{_matching(member)}"
        events.append(event(now_ms, Kind.CHANGED, text, member))
        reasons.append(f"{member.member_id} {text}")
    news = [*_matched_anew(group, roster), *_changed_topics(group, topics)]
    if news:
        events.append(event(now_ms, Kind.TOPICS, "; ".join(news)))
        reasons += news
    why = "; ".join(reasons) or "the topics that are read have changed"
    return [*events, event(now_ms, Kind.GENERATION, f"epoch {epoch} begins: {why}", generation=epoch)]


def _matching(member: ConsumerMember) -> str:
    return f"what matches {member.topic_regex}" if member.topic_regex else ""


def _matched_anew(group: ConsumerGroup, roster: Roster) -> Iterator[str]:
    for regex, resolved in roster.regexes.items():
        known = group.regexes.get(regex)
        if known is not None and known.topics != resolved.topics:
            gained, lost = told(resolved.topics - known.topics), told(known.topics - resolved.topics)
            parts = [f"{gained} too"] * bool(gained) + [f"{lost} no more"] * bool(lost)
            yield f"{regex} matches {' and '.join(parts)}"


def _changed_topics(group: ConsumerGroup, topics: Mapping[str, TopicImage]) -> Iterator[str]:
    """Of those that were read before. After a start it is not known what they were like."""
    seen = group.topics_seen
    if seen is None:
        return
    for name in sorted(frozenset[str]().union(*(group.topics_of(each) for each in group.members.values()))):
        before, after = seen.get(name), topics.get(name)
        if before is after:
            continue
        if after is None:
            yield f"{name} is gone"
        elif before is None:
            yield f"{name} is there now, with {len(after.partitions)} partitions"
        elif before.id != after.id:
            yield f"{name} was made anew"
        elif len(before.partitions) != len(after.partitions):
            yield f"{name} has {len(after.partitions)} partitions, {len(before.partitions)} before"


def assigned_event(
    before: Mapping[str, Partitions],
    after: Mapping[str, Partitions],
    assignor: str,
    topics_by_id: Mapping[bytes, TopicImage],
    epoch: int,
    now_ms: int,
) -> Event:
    moves = moves_between(_owners(before, topics_by_id), _owners(after, topics_by_id))
    text = f"epoch {epoch} is assigned ({assignor}): {moved(moves)}"
    return event(now_ms, Kind.ASSIGNED, text, generation=epoch, moves=moves)


def _owners(targets: Mapping[str, Partitions], topics_by_id: Mapping[bytes, TopicImage]) -> dict[tuple[str, int], str]:
    return {
        (topics_by_id[topic_id].name if topic_id in topics_by_id else "a deleted topic", index): member_id
        for member_id, target in targets.items()
        for topic_id, partitions in target.items()
        for index in partitions
    }
