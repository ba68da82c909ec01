"""StreamsGroupDescribe (key 89): state, topology, members and tasks of streams groups (KIP-1071)."""

from __future__ import annotations

from wire.schema import Request, Response, Struct
from wire.types import Array, Boolean, Int16, Int32, Int64, String, UInt16


class TopicInfo(Struct):
    name: String
    partitions: Int32
    replication_factor: Int16
    topic_configs: Array[KeyValue]


class KeyValue(Struct):
    key: String
    value: String


class TaskOffset(Struct):
    subtopology_id: String
    partition: Int32
    offset: Int64


class Assignment(Struct):
    active_tasks: Array[TaskIds]
    standby_tasks: Array[TaskIds]
    warmup_tasks: Array[TaskIds]


class TaskIds(Struct):
    subtopology_id: String
    partitions: Array[Int32]


class StreamsGroupDescribeRequest(Request, api_key=89, versions=(0, 0), flexible=0):
    group_ids: Array[String]
    include_authorized_operations: Boolean


class StreamsGroupDescribeResponse(Response, api_key=89, versions=(0, 0), flexible=0):
    throttle_time_ms: Int32 = 0
    groups: Array[DescribedGroup]

    class DescribedGroup(Struct):
        error_code: Int16 = 0
        error_message: String | None = None
        group_id: String
        group_state: String
        group_epoch: Int32
        assignment_epoch: Int32
        topology: Topology | None = None
        members: Array[Member]
        authorized_operations: Int32 = -2147483648

        class Topology(Struct):
            epoch: Int32
            subtopologies: Array[Subtopology] | None = None

            class Subtopology(Struct):
                subtopology_id: String
                source_topics: Array[String]
                repartition_sink_topics: Array[String]
                state_changelog_topics: Array[TopicInfo]
                repartition_source_topics: Array[TopicInfo]

        class Member(Struct):
            member_id: String
            member_epoch: Int32
            instance_id: String | None = None
            rack_id: String | None = None
            client_id: String
            client_host: String
            topology_epoch: Int32
            process_id: String
            user_endpoint: Endpoint | None = None
            client_tags: Array[KeyValue]
            task_offsets: Array[TaskOffset]
            task_end_offsets: Array[TaskOffset]
            assignment: Assignment
            target_assignment: Assignment
            is_classic: Boolean

            class Endpoint(Struct):
                host: String
                port: UInt16
