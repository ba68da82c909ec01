"""Consumer groups of the new protocol (KIP-848) in `__consumer_offsets`."""

from __future__ import annotations

from wire.schema import OF_DEFAULTS, Struct, tagged
from wire.state_records.prefixed import StateKey, StateValue
from wire.types import Array, Bytes, Int8, Int32, Int64, String, Uuid


class ConsumerGroupMetadataValue(StateValue, versions=(0, 0), flexible=0):
    epoch: Int32
    metadata_hash: Int64 = tagged(0, since=0, default=0)


class ConsumerGroupMetadataKey(StateKey[ConsumerGroupMetadataValue], record_type=3):
    group_id: String


class ConsumerGroupPartitionMetadataValue(StateValue, versions=(0, 0), flexible=0):
    topics: Array[TopicMetadata]

    class TopicMetadata(Struct):
        topic_id: Uuid
        topic_name: String
        num_partitions: Int32
        partition_metadata: Array[PartitionMetadata]

        class PartitionMetadata(Struct):
            partition: Int32
            racks: Array[String]


class ConsumerGroupPartitionMetadataKey(StateKey[ConsumerGroupPartitionMetadataValue], record_type=4):
    group_id: String


class ConsumerGroupMemberMetadataValue(StateValue, versions=(0, 0), flexible=0):
    instance_id: String | None
    rack_id: String | None
    client_id: String
    client_host: String
    subscribed_topic_names: Array[String]
    subscribed_topic_regex: String | None
    rebalance_timeout_ms: Int32 = -1
    server_assignor: String | None
    # A member of the new protocol has None here, which is written: what is not written is a struct of defaults.
    classic_member_metadata: ClassicMemberMetadata | None = tagged(0, since=0, default=OF_DEFAULTS)

    class ClassicMemberMetadata(Struct):
        session_timeout_ms: Int32 = 0
        supported_protocols: Array[ClassicProtocol] = ()

        class ClassicProtocol(Struct):
            name: String
            metadata: Bytes


class ConsumerGroupMemberMetadataKey(StateKey[ConsumerGroupMemberMetadataValue], record_type=5):
    group_id: String
    member_id: String


class ConsumerGroupTargetAssignmentMetadataValue(StateValue, versions=(0, 0), flexible=0):
    assignment_epoch: Int32
    assignment_timestamp: Int64 = tagged(0, since=0, default=0)


class ConsumerGroupTargetAssignmentMetadataKey(StateKey[ConsumerGroupTargetAssignmentMetadataValue], record_type=6):
    group_id: String


class ConsumerGroupTargetAssignmentMemberValue(StateValue, versions=(0, 0), flexible=0):
    topic_partitions: Array[TopicPartition]

    class TopicPartition(Struct):
        topic_id: Uuid
        partitions: Array[Int32]


class ConsumerGroupTargetAssignmentMemberKey(StateKey[ConsumerGroupTargetAssignmentMemberValue], record_type=7):
    group_id: String
    member_id: String


class ConsumerGroupCurrentMemberAssignmentValue(StateValue, versions=(0, 0), flexible=0):
    member_epoch: Int32
    previous_member_epoch: Int32
    state: Int8
    assigned_partitions: Array[TopicPartitions]
    partitions_pending_revocation: Array[TopicPartitions]

    class TopicPartitions(Struct):
        topic_id: Uuid
        partitions: Array[Int32]
        assignment_epochs: Array[Int32] | None = tagged(0, since=0, default=())


class ConsumerGroupCurrentMemberAssignmentKey(StateKey[ConsumerGroupCurrentMemberAssignmentValue], record_type=8):
    group_id: String
    member_id: String


class ConsumerGroupRegularExpressionValue(StateValue, versions=(0, 0), flexible=0):
    topics: Array[String]
    version: Int64
    timestamp: Int64


class ConsumerGroupRegularExpressionKey(StateKey[ConsumerGroupRegularExpressionValue], record_type=16):
    group_id: String
    regular_expression: String
