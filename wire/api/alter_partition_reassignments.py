"""AlterPartitionReassignments (key 45): move partitions to other brokers, or cancel that (KIP-455).

v1  refuse what would change the replication factor (KIP-860)
"""

from __future__ import annotations

from wire.schema import Request, Response, Struct, since
from wire.types import Array, Boolean, Int16, Int32, String


class AlterPartitionReassignmentsRequest(Request, api_key=45, versions=(0, 1), flexible=0):
    timeout_ms: Int32 = 60000
    allow_replication_factor_change: Boolean = since(1, default=True)
    topics: Array[ReassignableTopic]

    class ReassignableTopic(Struct):
        name: String
        partitions: Array[ReassignablePartition]

        class ReassignablePartition(Struct):
            partition_index: Int32
            replicas: Array[Int32] | None = None


class AlterPartitionReassignmentsResponse(Response, api_key=45, versions=(0, 1), flexible=0):
    throttle_time_ms: Int32 = 0
    allow_replication_factor_change: Boolean = since(1, default=True, droppable=True)
    error_code: Int16 = 0
    error_message: String | None = None
    responses: Array[ReassignableTopicResponse]

    class ReassignableTopicResponse(Struct):
        name: String
        partitions: Array[ReassignablePartitionResponse]

        class ReassignablePartitionResponse(Struct):
            partition_index: Int32
            error_code: Int16 = 0
            error_message: String | None = None
