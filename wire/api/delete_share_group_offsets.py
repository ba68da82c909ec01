"""DeleteShareGroupOffsets (key 92): forget topics of a share group that has no members (KIP-932)."""

from __future__ import annotations

from wire.schema import Request, Response, Struct
from wire.types import Array, Int16, Int32, String, Uuid


class DeleteShareGroupOffsetsRequest(Request, api_key=92, versions=(0, 0), flexible=0):
    group_id: String
    topics: Array[DeleteShareGroupOffsetsRequestTopic]

    class DeleteShareGroupOffsetsRequestTopic(Struct):
        topic_name: String


class DeleteShareGroupOffsetsResponse(Response, api_key=92, versions=(0, 0), flexible=0):
    throttle_time_ms: Int32 = 0
    error_code: Int16 = 0
    error_message: String | None = None
    responses: Array[DeleteShareGroupOffsetsResponseTopic]

    class DeleteShareGroupOffsetsResponseTopic(Struct):
        topic_name: String
        topic_id: Uuid
        error_code: Int16 = 0
        error_message: String | None = None
