"""DescribeTopicPartitions (key 75): topics with their partitions, page by page (KIP-966)."""

from __future__ import annotations

from wire.schema import Request, Response, Struct
from wire.types import Array, Boolean, Int16, Int32, String, Uuid


class DescribeTopicPartitionsRequest(Request, api_key=75, versions=(0, 0), flexible=0):
    topics: Array[TopicRequest]
    response_partition_limit: Int32 = 2000
    cursor: Cursor | None = None

    class TopicRequest(Struct):
        name: String

    class Cursor(Struct):
        topic_name: String
        partition_index: Int32


class DescribeTopicPartitionsResponse(Response, api_key=75, versions=(0, 0), flexible=0):
    throttle_time_ms: Int32 = 0
    topics: Array[DescribeTopicPartitionsResponseTopic]
    next_cursor: Cursor | None = None

    class DescribeTopicPartitionsResponseTopic(Struct):
        error_code: Int16 = 0
        name: String | None
        topic_id: Uuid
        is_internal: Boolean = False
        partitions: Array[DescribeTopicPartitionsResponsePartition]
        topic_authorized_operations: Int32 = -2147483648

        class DescribeTopicPartitionsResponsePartition(Struct):
            error_code: Int16 = 0
            partition_index: Int32
            leader_id: Int32
            leader_epoch: Int32 = -1
            replica_nodes: Array[Int32]
            isr_nodes: Array[Int32]
            eligible_leader_replicas: Array[Int32] | None = None
            last_known_elr: Array[Int32] | None = None
            offline_replicas: Array[Int32]

    class Cursor(Struct):
        topic_name: String
        partition_index: Int32
