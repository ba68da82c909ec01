"""ListPartitionReassignments (key 46): the reassignments under way (KIP-455)."""

from __future__ import annotations

from wire.schema import Request, Response, Struct
from wire.types import Array, Int16, Int32, String


class ListPartitionReassignmentsRequest(Request, api_key=46, versions=(0, 0), flexible=0):
    timeout_ms: Int32 = 60000
    topics: Array[ListPartitionReassignmentsTopics] | None = None

    class ListPartitionReassignmentsTopics(Struct):
        name: String
        partition_indexes: Array[Int32]


class ListPartitionReassignmentsResponse(Response, api_key=46, versions=(0, 0), flexible=0):
    throttle_time_ms: Int32 = 0
    error_code: Int16 = 0
    error_message: String | None = None
    topics: Array[OngoingTopicReassignment]

    class OngoingTopicReassignment(Struct):
        name: String
        partitions: Array[OngoingPartitionReassignment]

        class OngoingPartitionReassignment(Struct):
            partition_index: Int32
            replicas: Array[Int32]
            adding_replicas: Array[Int32]
            removing_replicas: Array[Int32]
