"""DescribeLogDirs (key 35): log directories of a broker, and the size of each replica (KIP-113).

v2  flexible
v3  an error for the whole response (KIP-784)
v4  total and usable bytes of the volume (KIP-827)
v5  whether the directory is cordoned (KIP-1066)
"""

from __future__ import annotations

from wire.schema import Request, Response, Struct, since
from wire.types import Array, Boolean, Int16, Int32, Int64, String


class DescribeLogDirsRequest(Request, api_key=35, versions=(0, 5), flexible=2):
    topics: Array[DescribableLogDirTopic] | None

    class DescribableLogDirTopic(Struct):
        topic: String
        partitions: Array[Int32]


class DescribeLogDirsResponse(Response, api_key=35, versions=(0, 5), flexible=2):
    throttle_time_ms: Int32 = 0
    error_code: Int16 = since(3, default=0, droppable=True)
    results: Array[DescribeLogDirsResult]

    class DescribeLogDirsResult(Struct):
        error_code: Int16 = 0
        log_dir: String
        topics: Array[DescribeLogDirsTopic]
        total_bytes: Int64 = since(4, default=-1, droppable=True)
        usable_bytes: Int64 = since(4, default=-1, droppable=True)
        is_cordoned: Boolean = since(5, default=False, droppable=True)

        class DescribeLogDirsTopic(Struct):
            name: String
            partitions: Array[DescribeLogDirsPartition]

            class DescribeLogDirsPartition(Struct):
                partition_index: Int32
                partition_size: Int64
                offset_lag: Int64
                is_future_key: Boolean
