"""DeleteRecords (key 21): drop all records before an offset (KIP-107).

v2  flexible
"""

from __future__ import annotations

from wire.schema import Request, Response, Struct
from wire.types import Array, Int16, Int32, Int64, String


class DeleteRecordsRequest(Request, api_key=21, versions=(0, 2), flexible=2):
    topics: Array[DeleteRecordsTopic]
    timeout_ms: Int32

    class DeleteRecordsTopic(Struct):
        name: String
        partitions: Array[DeleteRecordsPartition]

        class DeleteRecordsPartition(Struct):
            partition_index: Int32
            offset: Int64


class DeleteRecordsResponse(Response, api_key=21, versions=(0, 2), flexible=2):
    throttle_time_ms: Int32 = 0
    topics: Array[DeleteRecordsTopicResult]

    class DeleteRecordsTopicResult(Struct):
        name: String
        partitions: Array[DeleteRecordsPartitionResult]

        class DeleteRecordsPartitionResult(Struct):
            partition_index: Int32
            low_watermark: Int64
            error_code: Int16 = 0
