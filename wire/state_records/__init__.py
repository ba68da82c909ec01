"""The records of Kafka's internal topics, and the blobs of the consumer protocol.

    offsets          __consumer_offsets: committed offsets, classic groups
    consumer_groups  __consumer_offsets: consumer groups (KIP-848)
    share_groups     __consumer_offsets: share groups (KIP-932)
    streams_groups   __consumer_offsets: streams groups (KIP-1071)
    transactions     __transaction_state
    share_state      __share_group_state (KIP-932)
    consumer_protocol   subscriptions and assignments of the classic protocol, in JoinGroup and SyncGroup
    prefixed         the int16 before each of them: a key's record type, a value's version

Kafka 4.3 writes OffsetCommitValue in v4 (v1 where the commit names an expiry, as OffsetCommit v0-v4 may), and
GroupMetadataValue in v3, TransactionLogValue in v1, all others in v0: `encode_value` does so by itself.

The record types of the three topics overlap, so `decode_key` is told whose they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wire.state_records.consumer_groups import (
    ConsumerGroupCurrentMemberAssignmentKey,
    ConsumerGroupMemberMetadataKey,
    ConsumerGroupMetadataKey,
    ConsumerGroupPartitionMetadataKey,
    ConsumerGroupRegularExpressionKey,
    ConsumerGroupTargetAssignmentMemberKey,
    ConsumerGroupTargetAssignmentMetadataKey,
)
from wire.state_records.consumer_protocol import (
    ConsumerProtocolAssignment,
    ConsumerProtocolSubscription,
    decode_assignment,
    decode_subscription,
)
from wire.state_records.offsets import (
    GroupMetadataKey,
    GroupMetadataValue,
    LegacyOffsetCommitKey,
    OffsetCommitKey,
    OffsetCommitValue,
)
from wire.state_records.prefixed import (
    StateKey,
    StateValue,
    decode_key_as,
    decode_value,
    encode_key,
    encode_value,
    record_type_of,
)
from wire.state_records.share_groups import (
    ShareGroupCurrentMemberAssignmentKey,
    ShareGroupMemberMetadataKey,
    ShareGroupMetadataKey,
    ShareGroupPartitionMetadataKey,
    ShareGroupStatePartitionMetadataKey,
    ShareGroupTargetAssignmentMemberKey,
    ShareGroupTargetAssignmentMetadataKey,
)
from wire.state_records.share_state import ShareSnapshotKey, ShareUpdateKey
from wire.state_records.streams_groups import (
    StreamsGroupCurrentMemberAssignmentKey,
    StreamsGroupMemberMetadataKey,
    StreamsGroupMetadataKey,
    StreamsGroupTargetAssignmentMemberKey,
    StreamsGroupTargetAssignmentMetadataKey,
    StreamsGroupTopologyKey,
)
from wire.state_records.transactions import TransactionLogKey, TransactionLogValue

__all__ = [
    "GROUP_RECORDS",
    "SHARE_RECORDS",
    "TRANSACTION_RECORDS",
    "ConsumerProtocolAssignment",
    "ConsumerProtocolSubscription",
    "GroupMetadataKey",
    "GroupMetadataValue",
    "KeyTypes",
    "OffsetCommitKey",
    "OffsetCommitValue",
    "StateKey",
    "StateValue",
    "TransactionLogKey",
    "TransactionLogValue",
    "decode_assignment",
    "decode_key",
    "decode_subscription",
    "decode_value",
    "encode_key",
    "encode_value",
]

KeyTypes = Mapping[int, type[StateKey[Any]]]


def _by_record_type(*keys: type[StateKey[Any]]) -> KeyTypes:
    return {key.record_type: key for key in keys}


GROUP_RECORDS = _by_record_type(
    LegacyOffsetCommitKey,
    OffsetCommitKey,
    GroupMetadataKey,
    ConsumerGroupMetadataKey,
    ConsumerGroupPartitionMetadataKey,
    ConsumerGroupMemberMetadataKey,
    ConsumerGroupTargetAssignmentMetadataKey,
    ConsumerGroupTargetAssignmentMemberKey,
    ConsumerGroupCurrentMemberAssignmentKey,
    ShareGroupPartitionMetadataKey,
    ShareGroupMemberMetadataKey,
    ShareGroupMetadataKey,
    ShareGroupTargetAssignmentMetadataKey,
    ShareGroupTargetAssignmentMemberKey,
    ShareGroupCurrentMemberAssignmentKey,
    ShareGroupStatePartitionMetadataKey,
    ConsumerGroupRegularExpressionKey,
    StreamsGroupMetadataKey,
    StreamsGroupMemberMetadataKey,
    StreamsGroupTargetAssignmentMetadataKey,
    StreamsGroupTargetAssignmentMemberKey,
    StreamsGroupCurrentMemberAssignmentKey,
    StreamsGroupTopologyKey,
)
TRANSACTION_RECORDS = _by_record_type(TransactionLogKey)
SHARE_RECORDS = _by_record_type(ShareSnapshotKey, ShareUpdateKey)


def decode_key(data: bytes | memoryview, types: KeyTypes = GROUP_RECORDS) -> StateKey[Any] | None:
    """The key, or None where its record type is not among `types`: newer than we know, so to be passed over."""
    key_class = types.get(record_type_of(data))
    return None if key_class is None else decode_key_as(key_class, data)
