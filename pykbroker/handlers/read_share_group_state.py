"""ReadShareGroupState (key 84): delivery state of a share group's partitions, for who leads them now (KIP-932).

Served: v0. Leaders of older epochs may not write from then on.
"""

from __future__ import annotations

from pykbroker.context import RequestContext
from pykbroker.coordinator.share.state_shard import Place
from pykbroker.errors import BrokerError
from pykbroker.share_state_requests import results
from wire.api.read_share_group_state import ReadShareGroupStateRequest, ReadShareGroupStateResponse
from wire.errors import ErrorCode

Asked = ReadShareGroupStateRequest.ReadStateData.PartitionData
TopicResult = ReadShareGroupStateResponse.ReadStateResult
Result = TopicResult.PartitionResult


async def handle(request: ReadShareGroupStateRequest, ctx: RequestContext) -> ReadShareGroupStateResponse:
    if request.group_id == "":
        return ReadShareGroupStateResponse(results=())
    state = ctx.broker.share_state

    async def read(place: Place, asked: Asked) -> Result:
        found = await state.take_over(place, leader_epoch=asked.leader_epoch)
        if found is None:
            message = "Read operation on uninitialized share partition not allowed."
            raise BrokerError(ErrorCode.INVALID_REQUEST, message)
        return Result(
            partition=place.partition,
            state_epoch=found.state_epoch,
            start_offset=found.start_offset,
            state_batches=[Result.StateBatch(**batch._asdict()) for batch in found.batches],
        )

    return ReadShareGroupStateResponse(
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
        start_offset=0,
        state_batches=(),
    )


def error_response(
    request: ReadShareGroupStateRequest, error: BrokerError, _ctx: RequestContext
) -> ReadShareGroupStateResponse:
    topics = [
        TopicResult(topic_id=topic.topic_id, partitions=[_refused(asked, error) for asked in topic.partitions])
        for topic in request.topics
    ]
    return ReadShareGroupStateResponse(results=topics)
