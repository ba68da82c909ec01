"""InitializeShareGroupState (key 83): a share group begins to read partitions: where it starts (KIP-932).

Served: v0.
"""

from __future__ import annotations

from pykbroker.context import RequestContext
from pykbroker.coordinator.share.state_shard import Place
from pykbroker.errors import BrokerError
from pykbroker.share_state_requests import results
from wire.api.initialize_share_group_state import InitializeShareGroupStateRequest, InitializeShareGroupStateResponse

Asked = InitializeShareGroupStateRequest.InitializeStateData.PartitionData
TopicResult = InitializeShareGroupStateResponse.InitializeStateResult
Result = TopicResult.PartitionResult


async def handle(request: InitializeShareGroupStateRequest, ctx: RequestContext) -> InitializeShareGroupStateResponse:
    if request.group_id == "":
        return InitializeShareGroupStateResponse(results=())
    state = ctx.broker.share_state
    await state.create_topic()

    async def initialize(place: Place, asked: Asked) -> Result:
        await state.initialize(place, state_epoch=asked.state_epoch, start_offset=asked.start_offset)
        return Result(partition=place.partition)

    return InitializeShareGroupStateResponse(
        results=[
            TopicResult(
                topic_id=topic.topic_id,
                partitions=await results(request.group_id, topic.topic_id, topic.partitions, initialize, _refused),
            )
            for topic in request.topics
            if topic.partitions
        ]
    )


def _refused(asked: Asked, error: BrokerError) -> Result:
    return Result(partition=asked.partition, error_code=error.code, error_message=error.message)


def error_response(
    request: InitializeShareGroupStateRequest, error: BrokerError, _ctx: RequestContext
) -> InitializeShareGroupStateResponse:
    topics = [
        TopicResult(topic_id=topic.topic_id, partitions=[_refused(asked, error) for asked in topic.partitions])
        for topic in request.topics
    ]
    return InitializeShareGroupStateResponse(results=topics)
