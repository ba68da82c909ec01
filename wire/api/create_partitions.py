"""CreatePartitions (key 37): raise the number of partitions of topics (KIP-195).

v2  flexible
v3  THROTTLING_QUOTA_EXCEEDED may be answered (KIP-599)
"""

from __future__ import annotations

from wire.schema import Request, Response, Struct
from wire.types import Array, Boolean, Int16, Int32, String


class CreatePartitionsRequest(Request, api_key=37, versions=(0, 3), flexible=2):
    topics: Array[CreatePartitionsTopic]
    timeout_ms: Int32
    validate_only: Boolean

    class CreatePartitionsTopic(Struct):
        name: String
        count: Int32
        assignments: Array[CreatePartitionsAssignment] | None

        class CreatePartitionsAssignment(Struct):
            broker_ids: Array[Int32]


class CreatePartitionsResponse(Response, api_key=37, versions=(0, 3), flexible=2):
    throttle_time_ms: Int32 = 0
    results: Array[CreatePartitionsTopicResult]

    class CreatePartitionsTopicResult(Struct):
        name: String
        error_code: Int16 = 0
        error_message: String | None = None
