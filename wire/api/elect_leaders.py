"""ElectLeaders (key 43): make the preferred replicas leaders (KIP-183).

v1  unclean elections too; an error for the whole response (KIP-460)
v2  flexible
"""

from __future__ import annotations

from wire.schema import Request, Response, Struct, since
from wire.types import Array, Int8, Int16, Int32, String


class ElectLeadersRequest(Request, api_key=43, versions=(0, 2), flexible=2):
    election_type: Int8 = since(1, default=0)
    topic_partitions: Array[TopicPartitions] | None
    timeout_ms: Int32 = 60000

    class TopicPartitions(Struct):
        topic: String
        partitions: Array[Int32]


class ElectLeadersResponse(Response, api_key=43, versions=(0, 2), flexible=2):
    throttle_time_ms: Int32 = 0
    error_code: Int16 = since(1, default=0)
    replica_election_results: Array[ReplicaElectionResult]

    class ReplicaElectionResult(Struct):
        topic: String
        partition_result: Array[PartitionResult]

        class PartitionResult(Struct):
            partition_id: Int32
            error_code: Int16 = 0
            error_message: String | None = None
