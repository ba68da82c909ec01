"""WriteShareGroupState (key 85): store the delivery state of a share group's partitions (KIP-932).

v1  how many records past the start are done with (KIP-1226)

Only brokers send it, to the coordinator of the share partition.
"""

from __future__ import annotations

from wire.schema import Request, Response, Struct, since
from wire.types import Array, Int8, Int16, Int32, Int64, String, Uuid


class WriteShareGroupStateRequest(Request, api_key=85, versions=(0, 1), flexible=0):
    group_id: String
    topics: Array[WriteStateData]

    class WriteStateData(Struct):
        topic_id: Uuid
        partitions: Array[PartitionData]

        class PartitionData(Struct):
            partition: Int32
            state_epoch: Int32
            leader_epoch: Int32
            start_offset: Int64
            delivery_complete_count: Int32 = since(1, default=-1, droppable=True)
            state_batches: Array[StateBatch]

            class StateBatch(Struct):
                first_offset: Int64
                last_offset: Int64
                delivery_state: Int8
                delivery_count: Int16


class WriteShareGroupStateResponse(Response, api_key=85, versions=(0, 1), flexible=0):
    results: Array[WriteStateResult]

    class WriteStateResult(Struct):
        topic_id: Uuid
        partitions: Array[PartitionResult]

        class PartitionResult(Struct):
            partition: Int32
            error_code: Int16 = 0
            error_message: String | None = None
