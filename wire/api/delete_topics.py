"""DeleteTopics (key 20): delete topics with all that is in them.

v1  throttle time
v3  TOPIC_DELETION_DISABLED may be answered
v4  flexible
v5  error text; THROTTLING_QUOTA_EXCEEDED may be answered (KIP-599)
v6  by name or by topic id (KIP-516)
"""

from __future__ import annotations

from wire.schema import Request, Response, Struct, since, until
from wire.types import ZERO_UUID, Array, Int16, Int32, String, Uuid


class DeleteTopicsRequest(Request, api_key=20, versions=(0, 6), flexible=4):
    topics: Array[DeleteTopicState] = since(6, default=())
    topic_names: Array[String] = until(5, default=(), droppable=True)
    timeout_ms: Int32

    class DeleteTopicState(Struct):
        name: String | None = None
        topic_id: Uuid


class DeleteTopicsResponse(Response, api_key=20, versions=(0, 6), flexible=4):
    throttle_time_ms: Int32 = since(1, default=0, droppable=True)
    responses: Array[DeletableTopicResult]

    class DeletableTopicResult(Struct):
        name: String | None = since(0, nullable_since=6)
        topic_id: Uuid = since(6, default=ZERO_UUID, droppable=True)
        error_code: Int16 = 0
        error_message: String | None = since(5, default=None, droppable=True)
