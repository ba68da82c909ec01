"""The records of a consumer group, as they are written."""

from __future__ import annotations

from collections.abc import Iterable

from pykbroker.coordinator.decision import StateRecord
from pykbroker.coordinator.groups.consumer.group import ConsumerGroup, ResolvedRegex
from pykbroker.coordinator.groups.consumer.member import ConsumerMember, Owned, Partitions
from wire.state_records.consumer_groups import (
    ConsumerGroupCurrentMemberAssignmentKey,
    ConsumerGroupCurrentMemberAssignmentValue,
    ConsumerGroupMemberMetadataKey,
    ConsumerGroupMemberMetadataValue,
    ConsumerGroupMetadataKey,
    ConsumerGroupMetadataValue,
    ConsumerGroupPartitionMetadataKey,
    ConsumerGroupRegularExpressionKey,
    ConsumerGroupRegularExpressionValue,
    ConsumerGroupTargetAssignmentMemberKey,
    ConsumerGroupTargetAssignmentMemberValue,
    ConsumerGroupTargetAssignmentMetadataKey,
    ConsumerGroupTargetAssignmentMetadataValue,
)

ClassicMemberMetadata = ConsumerGroupMemberMetadataValue.ClassicMemberMetadata


def epoch_record(group_id: str, epoch: int, metadata_hash: int) -> StateRecord:
    value = ConsumerGroupMetadataValue(epoch=epoch, metadata_hash=metadata_hash)
    return ConsumerGroupMetadataKey(group_id=group_id), value


def member_record(group_id: str, member: ConsumerMember) -> StateRecord:
    classic = member.classic
    value = ConsumerGroupMemberMetadataValue(
        instance_id=member.instance_id,
        rack_id=member.rack_id,
        client_id=member.client_id,
        client_host=member.client_host,
        subscribed_topic_names=sorted(member.topic_names),
        subscribed_topic_regex=member.topic_regex,
        rebalance_timeout_ms=member.rebalance_timeout_ms,
        server_assignor=member.server_assignor,
        classic_member_metadata=None
        if classic is None
        else ClassicMemberMetadata(
            session_timeout_ms=classic.session_timeout_ms,
            supported_protocols=[
                ClassicMemberMetadata.ClassicProtocol(name=name, metadata=metadata)
                for name, metadata in classic.protocols
            ],
        ),
    )
    return ConsumerGroupMemberMetadataKey(group_id=group_id, member_id=member.member_id), value


def target_epoch_record(group_id: str, epoch: int, timestamp_ms: int) -> StateRecord:
    value = ConsumerGroupTargetAssignmentMetadataValue(assignment_epoch=epoch, assignment_timestamp=timestamp_ms)
    return ConsumerGroupTargetAssignmentMetadataKey(group_id=group_id), value


def target_record(group_id: str, member_id: str, target: Partitions) -> StateRecord:
    value = ConsumerGroupTargetAssignmentMemberValue(
        topic_partitions=[
            ConsumerGroupTargetAssignmentMemberValue.TopicPartition(topic_id=topic_id, partitions=sorted(partitions))
            for topic_id, partitions in target.items()
        ]
    )
    return ConsumerGroupTargetAssignmentMemberKey(group_id=group_id, member_id=member_id), value


def current_record(group_id: str, member: ConsumerMember) -> StateRecord:
    value = ConsumerGroupCurrentMemberAssignmentValue(
        member_epoch=member.epoch,
        previous_member_epoch=member.previous_epoch,
        state=member.state,
        assigned_partitions=_owned(member.assigned),
        partitions_pending_revocation=_owned(member.revoking),
    )
    return ConsumerGroupCurrentMemberAssignmentKey(group_id=group_id, member_id=member.member_id), value


def _owned(owned: Owned) -> list[ConsumerGroupCurrentMemberAssignmentValue.TopicPartitions]:
    return [
        ConsumerGroupCurrentMemberAssignmentValue.TopicPartitions(
            topic_id=topic_id,
            partitions=sorted(partitions),
            assignment_epochs=[partitions[index] for index in sorted(partitions)],
        )
        for topic_id, partitions in owned.items()
    ]


def regex_record(group_id: str, regex: str, resolved: ResolvedRegex) -> StateRecord:
    value = ConsumerGroupRegularExpressionValue(
        topics=sorted(resolved.topics), version=resolved.version, timestamp=resolved.timestamp_ms
    )
    return ConsumerGroupRegularExpressionKey(group_id=group_id, regular_expression=regex), value


def regex_tombstone(group_id: str, regex: str) -> StateRecord:
    return ConsumerGroupRegularExpressionKey(group_id=group_id, regular_expression=regex), None


def member_tombstones(group_id: str, member_id: str) -> list[StateRecord]:
    """In this order: the member is there until the last."""
    return [
        (ConsumerGroupCurrentMemberAssignmentKey(group_id=group_id, member_id=member_id), None),
        (ConsumerGroupTargetAssignmentMemberKey(group_id=group_id, member_id=member_id), None),
        (ConsumerGroupMemberMetadataKey(group_id=group_id, member_id=member_id), None),
    ]


def unused_regex_tombstones(group: ConsumerGroup, left: Iterable[ConsumerMember]) -> list[StateRecord]:
    """Of the regular expressions that none of the members uses who are left."""
    used = {member.topic_regex for member in left}
    return [regex_tombstone(group.group_id, regex) for regex in group.regexes if regex not in used]


def group_tombstones(group: ConsumerGroup) -> list[StateRecord]:
    """What forgets the group, but for its offsets."""
    group_id = group.group_id
    records = [record for member_id in group.members for record in member_tombstones(group_id, member_id)]
    records.append((ConsumerGroupTargetAssignmentMetadataKey(group_id=group_id), None))
    records += unused_regex_tombstones(group, ())
    if group.has_partition_metadata:
        records.append((ConsumerGroupPartitionMetadataKey(group_id=group_id), None))
    records.append((ConsumerGroupMetadataKey(group_id=group_id), None))
    return records
