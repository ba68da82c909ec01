"""ReadShareGroupStateSummary (key 87): where a share group starts to read, without its batches (KIP-932).

Served: v0-v1.

v1  how many records past the start are done with (KIP-1226)
"""

from __future__ import annotations

from pykbroker.context import RequestContext
from pykbroker.coordinator.share.state_shard import DeliveryState, Place
from pykbroker.errors import BrokerError
from pykbroker.share_state_requests import results
from wire.api.read_share_group_state_summary import (
    ReadShareGroupStateSummaryRequest,
    ReadShareGroupStateSummaryResponse,
)

Asked = ReadShareGroupStateSummaryRequest.ReadStateSummaryData.PartitionData
TopicResult = ReadShareGroupStateSummaryResponse.ReadStateSummaryResult
Result = TopicResult.PartitionResult


async def handle(request: ReadShareGroupStateSummaryRequest, ctx: RequestContext) -> ReadShareGroupStateSummaryResponse:
    if request.group_id == "":
        return ReadShareGroupStateSummaryResponse(results=())
    state = ctx.broker.share_state

    async def read(place: Place, _asked: Asked) -> Result:
        found = await state.summary(place) or DeliveryState()
        return Result(
            partition=place.partition,
            state_epoch=found.state_epoch,
            leader_epoch=found.leader_epoch,
            start_offset=found.start_offset,
            delivery_complete_count=found.delivery_complete_count,
        )

    return ReadShareGroupStateSummaryResponse(
        results=[
            TopicResult(
                topic_id=topic.topic_id,
                partitions=await results(request.group_id, topic.topic_id, topic.partitions, read, _refused),
            )
            for topic in request.topics
            if topic.partitions
        ]
    )


def _refused(asked: Asked, error: BrokerError) -> Result:
    return Result(
        partition=asked.partition,
        error_code=error.code,
        error_message=error.message,
        state_epoch=0,
        leader_epoch=0,
        start_offset=0,
    )


def error_response(
    request: ReadShareGroupStateSummaryRequest, error: BrokerError, _ctx: RequestContext
) -> ReadShareGroupStateSummaryResponse:
    topics = [
        TopicResult(topic_id=topic.topic_id, partitions=[_refused(asked, error) for asked in topic.partitions])
        for topic in request.topics
    ]
    return ReadShareGroupStateSummaryResponse(results=topics)
