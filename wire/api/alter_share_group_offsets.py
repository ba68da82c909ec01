"""AlterShareGroupOffsets (key 91): move the start of a share group that has no members (KIP-932)."""

from __future__ import annotations

from wire.schema import Request, Response, Struct
from wire.types import Array, Int16, Int32, Int64, String, Uuid


class AlterShareGroupOffsetsRequest(Request, api_key=91, versions=(0, 0), flexible=0):
    group_id: String
    topics: Array[AlterShareGroupOffsetsRequestTopic]

    class AlterShareGroupOffsetsRequestTopic(Struct):
        topic_name: String
        partitions: Array[AlterShareGroupOffsetsRequestPartition]

        class AlterShareGroupOffsetsRequestPartition(Struct):
            partition_index: Int32
            start_offset: Int64


class AlterShareGroupOffsetsResponse(Response, api_key=91, versions=(0, 0), flexible=0):
    throttle_time_ms: Int32 = 0
    error_code: Int16 = 0
    error_message: String | None = None
    responses: Array[AlterShareGroupOffsetsResponseTopic]

    class AlterShareGroupOffsetsResponseTopic(Struct):
        topic_name: String
        topic_id: Uuid
        partitions: Array[AlterShareGroupOffsetsResponsePartition]

        class AlterShareGroupOffsetsResponsePartition(Struct):
            partition_index: Int32
            error_code: Int16 = 0
            error_message: String | None = None
