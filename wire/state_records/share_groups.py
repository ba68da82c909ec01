"""Share groups (KIP-932) in `__consumer_offsets`: members and assignments. Their offsets are in `share_state`."""

from __future__ import annotations

from wire.schema import Struct, tagged
from wire.state_records.prefixed import StateKey, StateValue
from wire.types import Array, Int8, Int32, Int64, String, Uuid


class ShareGroupPartitionMetadataValue(StateValue, versions=(0, 0), flexible=0):
    initialized_topics: Array[TopicPartitionsInfo]
    deleting_topics: Array[TopicInfo]

    class TopicPartitionsInfo(Struct):
        topic_id: Uuid
        topic_name: String
        partitions: Array[Int32]

    class TopicInfo(Struct):
        topic_id: Uuid
        topic_name: String


class ShareGroupPartitionMetadataKey(StateKey[ShareGroupPartitionMetadataValue], record_type=9):
    group_id: String


class ShareGroupMemberMetadataValue(StateValue, versions=(0, 0), flexible=0):
    rack_id: String | None
    client_id: String
    client_host: String
    subscribed_topic_names: Array[String]


class ShareGroupMemberMetadataKey(StateKey[ShareGroupMemberMetadataValue], record_type=10):
    group_id: String
    member_id: String


class ShareGroupMetadataValue(StateValue, versions=(0, 0), flexible=0):
    epoch: Int32
    metadata_hash: Int64


class ShareGroupMetadataKey(StateKey[ShareGroupMetadataValue], record_type=11):
    group_id: String


class ShareGroupTargetAssignmentMetadataValue(StateValue, versions=(0, 0), flexible=0):
    assignment_epoch: Int32
    assignment_timestamp: Int64 = tagged(0, since=0, default=0)


class ShareGroupTargetAssignmentMetadataKey(StateKey[ShareGroupTargetAssignmentMetadataValue], record_type=12):
    group_id: String


class ShareGroupTargetAssignmentMemberValue(StateValue, versions=(0, 0), flexible=0):
    topic_partitions: Array[TopicPartition]

    class TopicPartition(Struct):
        topic_id: Uuid
        partitions: Array[Int32]


class ShareGroupTargetAssignmentMemberKey(StateKey[ShareGroupTargetAssignmentMemberValue], record_type=13):
    group_id: String
    member_id: String


class ShareGroupCurrentMemberAssignmentValue(StateValue, versions=(0, 0), flexible=0):
    member_epoch: Int32
    previous_member_epoch: Int32
    state: Int8
    assigned_partitions: Array[TopicPartitions]

    class TopicPartitions(Struct):
        topic_id: Uuid
        partitions: Array[Int32]


class ShareGroupCurrentMemberAssignmentKey(StateKey[ShareGroupCurrentMemberAssignmentValue], record_type=14):
    group_id: String
    member_id: String


class ShareGroupStatePartitionMetadataValue(StateValue, versions=(0, 0), flexible=0):
    initializing_topics: Array[TopicPartitionsInfo]
    initialized_topics: Array[TopicPartitionsInfo]
    deleting_topics: Array[TopicInfo]

    class TopicInfo(Struct):
        topic_id: Uuid
        topic_name: String

    class TopicPartitionsInfo(Struct):
        topic_id: Uuid
        topic_name: String
        partitions: Array[Int32]


class ShareGroupStatePartitionMetadataKey(StateKey[ShareGroupStatePartitionMetadataValue], record_type=15):
    group_id: String
