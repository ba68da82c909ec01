"""WriteTxnMarkers (key 27): the transaction coordinator has partitions end a transaction (KIP-98).

v1  flexible
v2  transaction version (KIP-1228)
"""

from __future__ import annotations

from wire.schema import Request, Response, Struct, since
from wire.types import Array, Boolean, Int8, Int16, Int32, Int64, String


class WriteTxnMarkersRequest(Request, api_key=27, versions=(0, 2), flexible=1):
    markers: Array[WritableTxnMarker]

    class WritableTxnMarker(Struct):
        producer_id: Int64
        producer_epoch: Int16
        transaction_result: Boolean
        topics: Array[WritableTxnMarkerTopic]
        coordinator_epoch: Int32
        transaction_version: Int8 = since(2, default=0, droppable=True)

        class WritableTxnMarkerTopic(Struct):
            name: String
            partition_indexes: Array[Int32]


class WriteTxnMarkersResponse(Response, api_key=27, versions=(0, 2), flexible=1):
    markers: Array[WritableTxnMarkerResult]

    class WritableTxnMarkerResult(Struct):
        producer_id: Int64
        topics: Array[WritableTxnMarkerTopicResult]

        class WritableTxnMarkerTopicResult(Struct):
            name: String
            partitions: Array[WritableTxnMarkerPartitionResult]

            class WritableTxnMarkerPartitionResult(Struct):
                partition_index: Int32
                error_code: Int16 = 0
