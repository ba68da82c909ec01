"""ListOffsets (key 2): the offset at a timestamp, or the earliest, the latest and other special ones.

v1  one offset with its timestamp, instead of a list of segment starts (KIP-79)
v2  isolation level; throttle time (KIP-98)
v4  leader epochs (KIP-320)
v5  OFFSET_NOT_AVAILABLE may be answered
v6  flexible
v7  offset of the largest timestamp, -3 (KIP-734)
v8  earliest local offset, -4 (KIP-405)
v9  latest tiered offset, -5 (KIP-1005)
v10 timeout for lookups in remote storage (KIP-1075)
v11 earliest offset not uploaded yet, -6 (KIP-1023)
"""

from __future__ import annotations

from wire.schema import Request, Response, Struct, since, until
from wire.types import Array, Int8, Int16, Int32, Int64, String


class ListOffsetsRequest(Request, api_key=2, versions=(0, 11), flexible=6):
    replica_id: Int32
    isolation_level: Int8 = since(2, default=0)
    topics: Array[ListOffsetsTopic]
    timeout_ms: Int32 = since(10, default=0, droppable=True)

    class ListOffsetsTopic(Struct):
        name: String
        partitions: Array[ListOffsetsPartition]

        class ListOffsetsPartition(Struct):
            partition_index: Int32
            current_leader_epoch: Int32 = since(4, default=-1, droppable=True)
            timestamp: Int64
            max_num_offsets: Int32 = until(0, default=1)


class ListOffsetsResponse(Response, api_key=2, versions=(0, 11), flexible=6):
    throttle_time_ms: Int32 = since(2, default=0, droppable=True)
    topics: Array[ListOffsetsTopicResponse]

    class ListOffsetsTopicResponse(Struct):
        name: String
        partitions: Array[ListOffsetsPartitionResponse]

        class ListOffsetsPartitionResponse(Struct):
            partition_index: Int32
            error_code: Int16 = 0
            timestamp: Int64 = since(1, default=-1)
            offset: Int64 = since(1, default=-1)
            leader_epoch: Int32 = since(4, default=-1)
            old_style_offsets: Array[Int64] = until(0, default=())
