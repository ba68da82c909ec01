"""Streams groups (KIP-1071) in `__consumer_offsets`."""

from __future__ import annotations

from wire.schema import Struct, tagged
from wire.state_records.prefixed import StateKey, StateValue
from wire.types import Array, Int8, Int16, Int32, Int64, String, UInt16


class StreamsGroupMetadataValue(StateValue, versions=(0, 0), flexible=0):
    epoch: Int32
    metadata_hash: Int64
    validated_topology_epoch: Int32 = tagged(0, since=0, default=-1)
    last_assignment_configs: Array[LastAssignmentConfig] | None = tagged(1, since=0, default=())

    class LastAssignmentConfig(Struct):
        key: String
        value: String


class StreamsGroupMetadataKey(StateKey[StreamsGroupMetadataValue], record_type=17):
    group_id: String


class StreamsGroupMemberMetadataValue(StateValue, versions=(0, 0), flexible=0):
    instance_id: String | None
    rack_id: String | None
    client_id: String
    client_host: String
    rebalance_timeout_ms: Int32 = -1
    topology_epoch: Int32
    process_id: String
    user_endpoint: Endpoint | None = None
    client_tags: Array[KeyValue]

    class Endpoint(Struct):
        host: String
        port: UInt16

    class KeyValue(Struct):
        key: String
        value: String


class StreamsGroupMemberMetadataKey(StateKey[StreamsGroupMemberMetadataValue], record_type=19):
    group_id: String
    member_id: String


class StreamsGroupTargetAssignmentMetadataValue(StateValue, versions=(0, 0), flexible=0):
    assignment_epoch: Int32
    assignment_timestamp: Int64 = tagged(0, since=0, default=0)


class StreamsGroupTargetAssignmentMetadataKey(StateKey[StreamsGroupTargetAssignmentMetadataValue], record_type=20):
    group_id: String


class StreamsGroupTargetAssignmentMemberValue(StateValue, versions=(0, 0), flexible=0):
    active_tasks: Array[TaskIds]
    standby_tasks: Array[TaskIds]
    warmup_tasks: Array[TaskIds]

    class TaskIds(Struct):
        subtopology_id: String
        partitions: Array[Int32]


class StreamsGroupTargetAssignmentMemberKey(StateKey[StreamsGroupTargetAssignmentMemberValue], record_type=21):
    group_id: String
    member_id: String


class StreamsGroupCurrentMemberAssignmentValue(StateValue, versions=(0, 0), flexible=0):
    member_epoch: Int32
    previous_member_epoch: Int32
    state: Int8
    active_tasks: Array[TaskIds]
    standby_tasks: Array[TaskIds]
    warmup_tasks: Array[TaskIds]
    active_tasks_pending_revocation: Array[TaskIds]
    standby_tasks_pending_revocation: Array[TaskIds]
    warmup_tasks_pending_revocation: Array[TaskIds]

    class TaskIds(Struct):
        subtopology_id: String
        partitions: Array[Int32]
        assignment_epochs: Array[Int32] | None = tagged(0, since=0, default=())


class StreamsGroupCurrentMemberAssignmentKey(StateKey[StreamsGroupCurrentMemberAssignmentValue], record_type=22):
    group_id: String
    member_id: String


class TopicInfo(Struct):
    name: String
    partitions: Int32
    replication_factor: Int16
    topic_configs: Array[TopicConfig]


class TopicConfig(Struct):
    key: String
    value: String


class StreamsGroupTopologyValue(StateValue, versions=(0, 0), flexible=0):
    epoch: Int32
    subtopologies: Array[Subtopology]

    class Subtopology(Struct):
        subtopology_id: String
        source_topics: Array[String]
        source_topic_regex: Array[String]
        state_changelog_topics: Array[TopicInfo]
        repartition_sink_topics: Array[String]
        repartition_source_topics: Array[TopicInfo]
        copartition_groups: Array[CopartitionGroup]

        class CopartitionGroup(Struct):
            source_topics: Array[Int16]
            source_topic_regex: Array[Int16]
            repartition_source_topics: Array[Int16]


class StreamsGroupTopologyKey(StateKey[StreamsGroupTopologyValue], record_type=23):
    group_id: String
