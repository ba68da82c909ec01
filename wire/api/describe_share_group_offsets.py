"""DescribeShareGroupOffsets (key 90): from where share groups read (KIP-932).

v1  lag (KIP-1226)
"""

from __future__ import annotations

from wire.schema import Request, Response, Struct, since
from wire.types import Array, Int16, Int32, Int64, String, Uuid


class DescribeShareGroupOffsetsRequest(Request, api_key=90, versions=(0, 1), flexible=0):
    groups: Array[DescribeShareGroupOffsetsRequestGroup]

    class DescribeShareGroupOffsetsRequestGroup(Struct):
        group_id: String
        topics: Array[DescribeShareGroupOffsetsRequestTopic] | None

        class DescribeShareGroupOffsetsRequestTopic(Struct):
            topic_name: String
            partitions: Array[Int32]


class DescribeShareGroupOffsetsResponse(Response, api_key=90, versions=(0, 1), flexible=0):
    throttle_time_ms: Int32 = 0
    groups: Array[DescribeShareGroupOffsetsResponseGroup]

    class DescribeShareGroupOffsetsResponseGroup(Struct):
        group_id: String
        topics: Array[DescribeShareGroupOffsetsResponseTopic]
        error_code: Int16 = 0
        error_message: String | None = None

        class DescribeShareGroupOffsetsResponseTopic(Struct):
            topic_name: String
            topic_id: Uuid
            partitions: Array[DescribeShareGroupOffsetsResponsePartition]

            class DescribeShareGroupOffsetsResponsePartition(Struct):
                partition_index: Int32
                start_offset: Int64
                leader_epoch: Int32
                lag: Int64 = since(1, default=-1, droppable=True)
                error_code: Int16 = 0
                error_message: String | None = None
