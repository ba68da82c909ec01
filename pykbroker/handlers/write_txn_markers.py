"""WriteTxnMarkers (key 27): have partitions end a transaction (KIP-98). Coordinators ask this of other brokers.

Served: v0-v2.

v2  the transaction's version: with version 2 the marker's epoch must be after the transaction's (KIP-1228)
"""

from __future__ import annotations

from pykbroker.context import RequestContext
from pykbroker.coordinator.markers import Marker
from pykbroker.coordinator.transactions.transaction import TRANSACTION_V2
from pykbroker.errors import BrokerError
from wire.api.write_txn_markers import WriteTxnMarkersRequest, WriteTxnMarkersResponse

TIMEOUT_MS = 30_000

RequestMarker = WriteTxnMarkersRequest.WritableTxnMarker
MarkerResult = WriteTxnMarkersResponse.WritableTxnMarkerResult
TopicResult = MarkerResult.WritableTxnMarkerTopicResult
PartitionResult = TopicResult.WritableTxnMarkerPartitionResult


async def handle(request: WriteTxnMarkersRequest, ctx: RequestContext) -> WriteTxnMarkersResponse:
    return WriteTxnMarkersResponse(markers=[await _marker(marker, ctx) for marker in request.markers])


async def _marker(asked: RequestMarker, ctx: RequestContext) -> MarkerResult:
    marker = Marker(
        asked.producer_id,
        asked.producer_epoch,
        committed=asked.transaction_result,
        coordinator_epoch=asked.coordinator_epoch,
        is_v2=asked.transaction_version >= TRANSACTION_V2,
    )
    topics = []
    for topic in asked.topics:
        results = [await _partition(topic.name, index, marker, ctx) for index in topic.partition_indexes]
        topics.append(TopicResult(name=topic.name, partitions=results))
    return MarkerResult(producer_id=asked.producer_id, topics=topics)


async def _partition(topic: str, index: int, marker: Marker, ctx: RequestContext) -> PartitionResult:
    result = PartitionResult(partition_index=index)
    try:
        partition, next_offset = ctx.broker.markers.write(topic, index, marker)
        await partition.wait_committed(next_offset, timeout_ms=TIMEOUT_MS)
    except BrokerError as error:
        result.error_code = error.code
    return result


def error_response(
    request: WriteTxnMarkersRequest, error: BrokerError, _ctx: RequestContext
) -> WriteTxnMarkersResponse:
    return WriteTxnMarkersResponse(
        markers=[
            MarkerResult(
                producer_id=marker.producer_id,
                topics=[
                    TopicResult(
                        name=topic.name,
                        partitions=[
                            PartitionResult(partition_index=index, error_code=error.code)
                            for index in topic.partition_indexes
                        ],
                    )
                    for topic in marker.topics
                ],
            )
            for marker in request.markers
        ]
    )
