"""OffsetDelete (key 47): forget committed offsets of topics that the group does not read (KIP-496)."""

from __future__ import annotations

from wire.schema import Request, Response, Struct
from wire.types import Array, Int16, Int32, String


class OffsetDeleteRequest(Request, api_key=47, versions=(0, 0)):
    group_id: String
    topics: Array[OffsetDeleteRequestTopic]

    class OffsetDeleteRequestTopic(Struct):
        name: String
        partitions: Array[OffsetDeleteRequestPartition]

        class OffsetDeleteRequestPartition(Struct):
            partition_index: Int32


class OffsetDeleteResponse(Response, api_key=47, versions=(0, 0)):
    error_code: Int16 = 0
    throttle_time_ms: Int32 = 0
    topics: Array[OffsetDeleteResponseTopic]

    class OffsetDeleteResponseTopic(Struct):
        name: String
        partitions: Array[OffsetDeleteResponsePartition]

        class OffsetDeleteResponsePartition(Struct):
            partition_index: Int32
            error_code: Int16 = 0
