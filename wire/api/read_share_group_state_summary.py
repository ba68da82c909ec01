"""ReadShareGroupStateSummary (key 87): where a share group starts to read, without its batches (KIP-932).

v1  how many records past the start are done with (KIP-1226)

Only brokers send it, to the coordinator of the share partition.
"""

from __future__ import annotations

from wire.schema import Request, Response, Struct, since
from wire.types import Array, Int16, Int32, Int64, String, Uuid


class ReadShareGroupStateSummaryRequest(Request, api_key=87, versions=(0, 1), flexible=0):
    group_id: String
    topics: Array[ReadStateSummaryData]

    class ReadStateSummaryData(Struct):
        topic_id: Uuid
        partitions: Array[PartitionData]

        class PartitionData(Struct):
            partition: Int32
            leader_epoch: Int32


class ReadShareGroupStateSummaryResponse(Response, api_key=87, versions=(0, 1), flexible=0):
    results: Array[ReadStateSummaryResult]

    class ReadStateSummaryResult(Struct):
        topic_id: Uuid
        partitions: Array[PartitionResult]

        class PartitionResult(Struct):
            partition: Int32
            error_code: Int16 = 0
            error_message: String | None = None
            state_epoch: Int32
            leader_epoch: Int32
            start_offset: Int64
            delivery_complete_count: Int32 = since(1, default=-1, droppable=True)
