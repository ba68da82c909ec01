"""When the target assignment is worked out anew, and what it is then.

It follows the group's epoch, but no sooner than the assignment interval allows (KIP-1263): of many members that come
at once, most wait for the next.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from pykbroker.coordinator.decision import StateRecord
from pykbroker.coordinator.groups.consumer.assignors import ASSIGNORS, Subscriber
from pykbroker.coordinator.groups.consumer.group import ConsumerGroup, ResolvedRegex
from pykbroker.coordinator.groups.consumer.member import ConsumerMember, Partitions
from pykbroker.coordinator.groups.consumer.records import target_epoch_record, target_record
from pykbroker.coordinator.groups.consumer.subscriptions import topic_ids, topics_of
from pykbroker.metadata.image import TopicImage


class Roster(NamedTuple):
    """The group as it will be once the records decided on so far are replayed."""

    members: Mapping[str, ConsumerMember]
    targets: Mapping[str, Partitions]
    regexes: Mapping[str, ResolvedRegex]


def is_due(group: ConsumerGroup, epoch: int, interval_ms: int, now_ms: int) -> bool:
    if epoch <= group.assignment_epoch:
        return False
    is_first = group.assignment_epoch <= 0 or not group.members
    return is_first or not 0 <= now_ms - group.assigned_at_ms < interval_ms


def assign(roster: Roster, assignor: str, topics: Mapping[str, TopicImage]) -> dict[str, Partitions]:
    """What each member should have."""
    subscribers = [
        Subscriber(
            member.member_id,
            member.instance_id,
            topic_ids(topics_of(member, roster.regexes), topics),
            roster.targets.get(member.member_id, {}),
        )
        for member in roster.members.values()
    ]
    wanted = frozenset[bytes]().union(*(subscriber.topic_ids for subscriber in subscribers))
    counts = {topic.id: len(topic.partitions) for topic in topics.values() if topic.id in wanted}
    return ASSIGNORS[assignor](subscribers, counts) if subscribers else {}


def target_records(
    group_id: str, before: Mapping[str, Partitions], after: Mapping[str, Partitions], epoch: int, now_ms: int
) -> list[StateRecord]:
    """Of the members whose part has changed, and of the epoch."""
    records = [
        target_record(group_id, member_id, target)
        for member_id, target in after.items()
        if member_id not in before or before[member_id] != target
    ]
    records.append(target_epoch_record(group_id, epoch, now_ms))
    return records
