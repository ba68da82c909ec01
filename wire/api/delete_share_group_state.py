"""DeleteShareGroupState (key 86): forget the delivery state of a share group's partitions (KIP-932).



Only brokers send it, to the coordinator of the share partition.
"""

from __future__ import annotations

from wire.schema import Request, Response, Struct
from wire.types import Array, Int16, Int32, String, Uuid


class DeleteShareGroupStateRequest(Request, api_key=86, versions=(0, 0), flexible=0):
    group_id: String
    topics: Array[DeleteStateData]

    class DeleteStateData(Struct):
        topic_id: Uuid
        partitions: Array[PartitionData]

        class PartitionData(Struct):
            partition: Int32


class DeleteShareGroupStateResponse(Response, api_key=86, versions=(0, 0), flexible=0):
    results: Array[DeleteStateResult]

    class DeleteStateResult(Struct):
        topic_id: Uuid
        partitions: Array[PartitionResult]

        class PartitionResult(Struct):
            partition: Int32
            error_code: Int16 = 0
            error_message: String | None = None
