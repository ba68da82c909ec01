"""DeleteShareGroupState (key 86): forget the delivery state of a share group's partitions (KIP-932).

Served: v0. What is not there is forgotten already.
"""

from __future__ import annotations

from pykbroker.context import RequestContext
from pykbroker.coordinator.share.state_shard import Place
from pykbroker.errors import BrokerError
from pykbroker.share_state_requests import results
from wire.api.delete_share_group_state import DeleteShareGroupStateRequest, DeleteShareGroupStateResponse

Asked = DeleteShareGroupStateRequest.DeleteStateData.PartitionData
TopicResult = DeleteShareGroupStateResponse.DeleteStateResult
Result = TopicResult.PartitionResult


async def handle(request: DeleteShareGroupStateRequest, ctx: RequestContext) -> DeleteShareGroupStateResponse:
    if request.group_id == "":
        return DeleteShareGroupStateResponse(results=())
    state = ctx.broker.share_state

    async def delete(place: Place, _asked: Asked) -> Result:
        await state.delete(place)
        return Result(partition=place.partition)

    return DeleteShareGroupStateResponse(
        results=[
            TopicResult(
                topic_id=topic.topic_id,
                partitions=await results(request.group_id, topic.topic_id, topic.partitions, delete, _refused),
            )
            for topic in request.topics
            if topic.partitions
        ]
    )


def _refused(asked: Asked, error: BrokerError) -> Result:
    return Result(partition=asked.partition, error_code=error.code, error_message=error.message)


def error_response(
    request: DeleteShareGroupStateRequest, error: BrokerError, _ctx: RequestContext
) -> DeleteShareGroupStateResponse:
    topics = [
        TopicResult(topic_id=topic.topic_id, partitions=[_refused(asked, error) for asked in topic.partitions])
        for topic in request.topics
    ]
    return DeleteShareGroupStateResponse(results=topics)
