"""What each record of a consumer group changes.

The records of a compacted log come in the order in which they were last written: that of a member's assignment may
come before that of the member, and a tombstone for what was never seen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from pykbroker.coordinator.groups.consumer.group import ConsumerGroup, ResolvedRegex
from pykbroker.coordinator.groups.consumer.member import (
    LEAVING,
    ClassicMetadata,
    ConsumerMember,
    MemberState,
    Owned,
    partitions_of,
)
from wire.state_records import StateKey
from wire.state_records.consumer_groups import (
    ConsumerGroupCurrentMemberAssignmentKey,
    ConsumerGroupCurrentMemberAssignmentValue,
    ConsumerGroupMemberMetadataKey,
    ConsumerGroupMetadataKey,
    ConsumerGroupPartitionMetadataKey,
    ConsumerGroupRegularExpressionKey,
    ConsumerGroupTargetAssignmentMemberKey,
    ConsumerGroupTargetAssignmentMetadataKey,
)


def replay(groups: dict[str, ConsumerGroup], key: StateKey[Any], value: Any) -> bool:
    """Take up the record, if it is one of a consumer group."""
    taker = _TAKERS.get(type(key))
    if taker is None:
        return False
    group = groups.get(key.group_id)  # type: ignore[attr-defined] # all of these keys have it
    if group is None:
        if value is None:
            return True
        group = groups[key.group_id] = ConsumerGroup(key.group_id)  # type: ignore[attr-defined]
    if isinstance(key, ConsumerGroupMetadataKey) and value is None:
        del groups[key.group_id]
    else:
        taker(group, key, value)
    return True


def _metadata(group: ConsumerGroup, _key: Any, value: Any) -> None:
    group.epoch, group.metadata_hash = value.epoch, value.metadata_hash


def _partition_metadata(group: ConsumerGroup, _key: Any, value: Any) -> None:
    group.has_partition_metadata = value is not None


def _member(group: ConsumerGroup, key: Any, value: Any) -> None:
    if value is None:
        group.remove_member(key.member_id)
        return
    former = group.members.get(key.member_id, ConsumerMember(key.member_id))
    stored = value.classic_member_metadata
    group.put_member(
        replace(
            former,
            instance_id=value.instance_id,
            rack_id=value.rack_id,
            client_id=value.client_id,
            client_host=value.client_host,
            rebalance_timeout_ms=value.rebalance_timeout_ms,
            topic_names=frozenset(value.subscribed_topic_names),
            topic_regex=value.subscribed_topic_regex or "",
            server_assignor=value.server_assignor,
            classic=None
            if stored is None
            else ClassicMetadata(
                stored.session_timeout_ms,
                tuple((protocol.name, bytes(protocol.metadata)) for protocol in stored.supported_protocols),
            ),
        )
    )


def _target_epoch(group: ConsumerGroup, _key: Any, value: Any) -> None:
    if value is None:
        group.assignment_epoch = LEAVING
        group.targets.clear()
    else:
        group.assignment_epoch, group.assigned_at_ms = value.assignment_epoch, value.assignment_timestamp


def _target(group: ConsumerGroup, key: Any, value: Any) -> None:
    if value is None:
        group.targets.pop(key.member_id, None)
    else:
        group.targets[key.member_id] = partitions_of(
            (each.topic_id, each.partitions) for each in value.topic_partitions
        )


def _current(group: ConsumerGroup, key: Any, value: Any) -> None:
    former = group.members.get(key.member_id)
    if value is None:
        if former is not None:
            group.put_member(
                replace(
                    former, epoch=LEAVING, previous_epoch=LEAVING, state=MemberState.STABLE, assigned={}, revoking={}
                )
            )
        return
    group.put_member(
        replace(
            former or ConsumerMember(key.member_id),
            epoch=value.member_epoch,
            previous_epoch=value.previous_member_epoch,
            state=MemberState(value.state),
            assigned=_owned(value.assigned_partitions, value.member_epoch),
            revoking=_owned(value.partitions_pending_revocation, value.member_epoch),
        )
    )


def _owned(topics: Iterable[ConsumerGroupCurrentMemberAssignmentValue.TopicPartitions], member_epoch: int) -> Owned:
    """Before Kafka 4.3 nobody wrote down when a partition was assigned."""
    return {
        topic.topic_id: dict(
            zip(topic.partitions, topic.assignment_epochs or [member_epoch] * len(topic.partitions), strict=True)
        )
        for topic in topics
    }


def _regex(group: ConsumerGroup, key: Any, value: Any) -> None:
    if value is None:
        group.regexes.pop(key.regular_expression, None)
    else:
        resolved = ResolvedRegex(frozenset(value.topics), value.version, value.timestamp)
        group.regexes[key.regular_expression] = resolved


_TAKERS: dict[type[StateKey[Any]], Callable[[ConsumerGroup, Any, Any], None]] = {
    ConsumerGroupMetadataKey: _metadata,
    ConsumerGroupPartitionMetadataKey: _partition_metadata,
    ConsumerGroupMemberMetadataKey: _member,
    ConsumerGroupTargetAssignmentMetadataKey: _target_epoch,
    ConsumerGroupTargetAssignmentMemberKey: _target,
    ConsumerGroupCurrentMemberAssignmentKey: _current,
    ConsumerGroupRegularExpressionKey: _regex,
}
