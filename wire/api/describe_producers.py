"""DescribeProducers (key 61): the producers that are active on partitions (KIP-664)."""

from __future__ import annotations

from wire.schema import Request, Response, Struct
from wire.types import Array, Int16, Int32, Int64, String


class DescribeProducersRequest(Request, api_key=61, versions=(0, 0), flexible=0):
    topics: Array[TopicRequest]

    class TopicRequest(Struct):
        name: String
        partition_indexes: Array[Int32]


class DescribeProducersResponse(Response, api_key=61, versions=(0, 0), flexible=0):
    throttle_time_ms: Int32 = 0
    topics: Array[TopicResponse]

    class TopicResponse(Struct):
        name: String
        partitions: Array[PartitionResponse]

        class PartitionResponse(Struct):
            partition_index: Int32
            error_code: Int16 = 0
            error_message: String | None = None
            active_producers: Array[ProducerState]

            class ProducerState(Struct):
                producer_id: Int64
                producer_epoch: Int32
                last_sequence: Int32 = -1
                last_timestamp: Int64 = -1
                coordinator_epoch: Int32
                current_txn_start_offset: Int64 = -1
