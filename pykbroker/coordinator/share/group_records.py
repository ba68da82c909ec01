"""The records of share groups in `__consumer_offsets`: what to append, and what they do to a group when replayed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from pykbroker.coordinator.decision import StateRecord
from pykbroker.coordinator.share.group import Assignment, Initialized, ShareGroup, ShareMember
from wire.state_records import share_groups as wire

Groups = dict[str, ShareGroup]

STABLE = 0  # a member's state: share groups have nothing to revoke


def epoch_record(group_id: str, epoch: int, metadata_hash: int) -> StateRecord:
    value = wire.ShareGroupMetadataValue(epoch=epoch, metadata_hash=metadata_hash)
    return wire.ShareGroupMetadataKey(group_id=group_id), value


def member_record(group_id: str, member: ShareMember) -> StateRecord:
    return wire.ShareGroupMemberMetadataKey(
        group_id=group_id, member_id=member.member_id
    ), wire.ShareGroupMemberMetadataValue(
        rack_id=member.rack_id,
        client_id=member.client_id,
        client_host=member.client_host,
        subscribed_topic_names=member.subscribed_topics,
    )


def assignment_epoch_record(group_id: str, epoch: int, now_ms: int) -> StateRecord:
    value = wire.ShareGroupTargetAssignmentMetadataValue(assignment_epoch=epoch, assignment_timestamp=now_ms)
    return wire.ShareGroupTargetAssignmentMetadataKey(group_id=group_id), value


def target_record(group_id: str, member_id: str, target: Assignment) -> StateRecord:
    Topic = wire.ShareGroupTargetAssignmentMemberValue.TopicPartition  # noqa: N806 # a class
    topics = [Topic(topic_id=topic_id, partitions=partitions) for topic_id, partitions in target.items()]
    value = wire.ShareGroupTargetAssignmentMemberValue(topic_partitions=topics)
    return wire.ShareGroupTargetAssignmentMemberKey(group_id=group_id, member_id=member_id), value


def current_record(group_id: str, member: ShareMember) -> StateRecord:
    Topic = wire.ShareGroupCurrentMemberAssignmentValue.TopicPartitions  # noqa: N806 # a class
    topics = [Topic(topic_id=topic_id, partitions=partitions) for topic_id, partitions in member.assigned.items()]
    value = wire.ShareGroupCurrentMemberAssignmentValue(
        member_epoch=member.epoch, previous_member_epoch=member.previous_epoch, state=STABLE, assigned_partitions=topics
    )
    return wire.ShareGroupCurrentMemberAssignmentKey(group_id=group_id, member_id=member.member_id), value


def initialized_record(group_id: str, initialized: Mapping[bytes, Initialized]) -> StateRecord:
    Topic = wire.ShareGroupStatePartitionMetadataValue.TopicPartitionsInfo  # noqa: N806 # a class
    topics = [
        Topic(topic_id=topic_id, topic_name=each.topic_name, partitions=sorted(each.partitions))
        for topic_id, each in initialized.items()
    ]
    value = wire.ShareGroupStatePartitionMetadataValue(
        initializing_topics=[], initialized_topics=topics, deleting_topics=[]
    )
    return wire.ShareGroupStatePartitionMetadataKey(group_id=group_id), value


def member_tombstones(group_id: str, member_ids: Iterable[str]) -> list[StateRecord]:
    kinds = (
        wire.ShareGroupCurrentMemberAssignmentKey,
        wire.ShareGroupTargetAssignmentMemberKey,
        wire.ShareGroupMemberMetadataKey,
    )
    return [(kind(group_id=group_id, member_id=member_id), None) for member_id in member_ids for kind in kinds]


def group_tombstones(group: ShareGroup) -> list[StateRecord]:
    kinds = (
        wire.ShareGroupTargetAssignmentMetadataKey,
        wire.ShareGroupStatePartitionMetadataKey,
        wire.ShareGroupMetadataKey,
    )
    members = member_tombstones(group.group_id, group.members)
    return [*members, *((kind(group_id=group.group_id), None) for kind in kinds)]


# --- replaying


def replay(groups: Groups, key: Any, value: Any) -> bool:
    """Take up a record; False if it is not of a share group."""
    change = _REPLAY.get(type(key))
    if change is None:
        return False
    group = groups.get(key.group_id)
    if group is None:
        if value is None:
            return True
        group = groups[key.group_id] = ShareGroup(key.group_id)
    if value is None and isinstance(key, wire.ShareGroupMetadataKey):
        del groups[key.group_id]
    else:
        change(group, key, value)
    return True


def _epoch(group: ShareGroup, _key: Any, value: wire.ShareGroupMetadataValue) -> None:
    group.epoch, group.metadata_hash = value.epoch, value.metadata_hash


def _member(group: ShareGroup, key: Any, value: wire.ShareGroupMemberMetadataValue | None) -> None:
    if value is None:
        group.members.pop(key.member_id, None)
        return
    member = group.members.setdefault(key.member_id, ShareMember(key.member_id))
    member.rack_id = value.rack_id
    member.client_id = value.client_id
    member.client_host = value.client_host
    member.subscribed_topics = tuple(value.subscribed_topic_names)


def _assignment_epoch(group: ShareGroup, _key: Any, value: wire.ShareGroupTargetAssignmentMetadataValue | None) -> None:
    if value is not None:
        group.assignment_epoch, group.assigned_at_ms = value.assignment_epoch, value.assignment_timestamp


def _target(group: ShareGroup, key: Any, value: wire.ShareGroupTargetAssignmentMemberValue | None) -> None:
    if value is None:
        group.target.pop(key.member_id, None)
    else:
        group.target[key.member_id] = {each.topic_id: tuple(each.partitions) for each in value.topic_partitions}


def _current(group: ShareGroup, key: Any, value: wire.ShareGroupCurrentMemberAssignmentValue | None) -> None:
    if value is None:
        return
    member = group.members.setdefault(key.member_id, ShareMember(key.member_id))
    member.epoch, member.previous_epoch = value.member_epoch, value.previous_member_epoch
    member.assigned = {each.topic_id: tuple(each.partitions) for each in value.assigned_partitions}


def _initialized(group: ShareGroup, _key: Any, value: wire.ShareGroupStatePartitionMetadataValue | None) -> None:
    group.initialized = {
        each.topic_id: Initialized(each.topic_name, frozenset(each.partitions))
        for each in (() if value is None else value.initialized_topics)
    }


_REPLAY: dict[type[Any], Callable[[ShareGroup, Any, Any], None]] = {
    wire.ShareGroupMetadataKey: _epoch,
    wire.ShareGroupMemberMetadataKey: _member,
    wire.ShareGroupTargetAssignmentMetadataKey: _assignment_epoch,
    wire.ShareGroupTargetAssignmentMemberKey: _target,
    wire.ShareGroupCurrentMemberAssignmentKey: _current,
    wire.ShareGroupStatePartitionMetadataKey: _initialized,
}
