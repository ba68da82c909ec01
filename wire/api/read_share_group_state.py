"""ReadShareGroupState (key 84): delivery state of a share group's partitions (KIP-932).



Only brokers send it, to the coordinator of the share partition.
"""

from __future__ import annotations

from wire.schema import Request, Response, Struct
from wire.types import Array, Int8, Int16, Int32, Int64, String, Uuid


class ReadShareGroupStateRequest(Request, api_key=84, versions=(0, 0), flexible=0):
    group_id: String
    topics: Array[ReadStateData]

    class ReadStateData(Struct):
        topic_id: Uuid
        partitions: Array[PartitionData]

        class PartitionData(Struct):
            partition: Int32
            leader_epoch: Int32


class ReadShareGroupStateResponse(Response, api_key=84, versions=(0, 0), flexible=0):
    results: Array[ReadStateResult]

    class ReadStateResult(Struct):
        topic_id: Uuid
        partitions: Array[PartitionResult]

        class PartitionResult(Struct):
            partition: Int32
            error_code: Int16 = 0
            error_message: String | None = None
            state_epoch: Int32
            start_offset: Int64
            state_batches: Array[StateBatch]

            class StateBatch(Struct):
                first_offset: Int64
                last_offset: Int64
                delivery_state: Int8
                delivery_count: Int16
