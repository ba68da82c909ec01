"""StreamsGroupHeartbeat (key 88): membership in a streams group, its topology, tasks and endpoints (KIP-1071)."""

from __future__ import annotations

from wire.schema import Request, Response, Struct
from wire.types import Array, Boolean, Int8, Int16, Int32, Int64, String, UInt16


class TopicInfo(Struct):
    name: String
    partitions: Int32
    replication_factor: Int16
    topic_configs: Array[KeyValue]


class KeyValue(Struct):
    key: String
    value: String


class TaskIds(Struct):
    subtopology_id: String
    partitions: Array[Int32]


class TaskOffset(Struct):
    subtopology_id: String
    partition: Int32
    offset: Int64


class TopicPartition(Struct):
    topic: String
    partitions: Array[Int32]


class StreamsGroupHeartbeatRequest(Request, api_key=88, versions=(0, 0), flexible=0):
    group_id: String
    member_id: String
    member_epoch: Int32
    endpoint_information_epoch: Int32
    instance_id: String | None = None
    rack_id: String | None = None
    rebalance_timeout_ms: Int32 = -1
    topology: Topology | None = None
    active_tasks: Array[TaskIds] | None = None
    standby_tasks: Array[TaskIds] | None = None
    warmup_tasks: Array[TaskIds] | None = None
    process_id: String | None = None
    user_endpoint: Endpoint | None = None
    client_tags: Array[KeyValue] | None = None
    task_offsets: Array[TaskOffset] | None = None
    task_end_offsets: Array[TaskOffset] | None = None
    shutdown_application: Boolean

    class Topology(Struct):
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

    class Endpoint(Struct):
        host: String
        port: UInt16


class StreamsGroupHeartbeatResponse(Response, api_key=88, versions=(0, 0), flexible=0):
    throttle_time_ms: Int32 = 0
    error_code: Int16 = 0
    error_message: String | None = None
    member_id: String
    member_epoch: Int32
    heartbeat_interval_ms: Int32
    acceptable_recovery_lag: Int32
    task_offset_interval_ms: Int32
    status: Array[Status] | None
    active_tasks: Array[TaskIds] | None = None
    standby_tasks: Array[TaskIds] | None = None
    warmup_tasks: Array[TaskIds] | None = None
    endpoint_information_epoch: Int32
    partitions_by_user_endpoint: Array[EndpointToPartitions] | None = None

    class Status(Struct):
        status_code: Int8
        status_detail: String

    class EndpointToPartitions(Struct):
        user_endpoint: Endpoint
        active_partitions: Array[TopicPartition]
        standby_partitions: Array[TopicPartition]

        class Endpoint(Struct):
            host: String
            port: UInt16
