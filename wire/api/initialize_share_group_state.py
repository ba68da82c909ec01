"""InitializeShareGroupState (key 83): a share group begins to read partitions: where it starts (KIP-932).



Only brokers send it, to the coordinator of the share partition.
"""

from __future__ import annotations

from wire.schema import Request, Response, Struct
from wire.types import Array, Int16, Int32, Int64, String, Uuid


class InitializeShareGroupStateRequest(Request, api_key=83, versions=(0, 0), flexible=0):
    group_id: String
    topics: Array[InitializeStateData]

    class InitializeStateData(Struct):
        topic_id: Uuid
        partitions: Array[PartitionData]

        class PartitionData(Struct):
            partition: Int32
            state_epoch: Int32
            start_offset: Int64


class InitializeShareGroupStateResponse(Response, api_key=83, versions=(0, 0), flexible=0):
    results: Array[InitializeStateResult]

    class InitializeStateResult(Struct):
        topic_id: Uuid
        partitions: Array[PartitionResult]

        class PartitionResult(Struct):
            partition: Int32
            error_code: Int16 = 0
            error_message: String | None = None
