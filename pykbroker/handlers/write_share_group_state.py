"""WriteShareGroupState (key 85): store the delivery state of a share group's partitions (KIP-932).

Served: v0-v1.

v1  how many records past the start are done with (KIP-1226)
"""

from __future__ import annotations

from pykbroker.context import RequestContext
from pykbroker.coordinator.share.state_batches import StateBatch
from pykbroker.coordinator.share.state_shard import Place, StateWrite
from pykbroker.errors import BrokerError
from pykbroker.share_state_requests import results
from wire.api.write_share_group_state import WriteShareGroupStateRequest, WriteShareGroupStateResponse

Asked = WriteShareGroupStateRequest.WriteStateData.PartitionData
TopicResult = WriteShareGroupStateResponse.WriteStateResult
Result = TopicResult.PartitionResult


async def handle(request: WriteShareGroupStateRequest, ctx: RequestContext) -> WriteShareGroupStateResponse:
    if request.group_id == "":
        return WriteShareGroupStateResponse(results=())
    state = ctx.broker.share_state

    async def write(place: Place, asked: Asked) -> Result:
        batches = [
            StateBatch(each.first_offset, each.last_offset, each.delivery_state, each.delivery_count)
            for each in asked.state_batches
        ]
        written = StateWrite(
            start_offset=asked.start_offset,
            batches=batches,
            state_epoch=asked.state_epoch,
            leader_epoch=asked.leader_epoch,
            delivery_complete_count=asked.delivery_complete_count,
        )
        await state.store(place, written)
        return Result(partition=place.partition)

    return WriteShareGroupStateResponse(
        results=[
            TopicResult(
                topic_id=topic.topic_id,
                partitions=await results(request.group_id, topic.topic_id, topic.partitions, write, _refused),
            )
            for topic in request.topics
            if topic.partitions
        ]
    )


def _refused(asked: Asked, error: BrokerError) -> Result:
    return Result(partition=asked.partition, error_code=error.code, error_message=error.message)


def error_response(
    request: WriteShareGroupStateRequest, error: BrokerError, _ctx: RequestContext
) -> WriteShareGroupStateResponse:
    topics = [
        TopicResult(topic_id=topic.topic_id, partitions=[_refused(asked, error) for asked in topic.partitions])
        for topic in request.topics
    ]
    return WriteShareGroupStateResponse(results=topics)
