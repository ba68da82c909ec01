"""DeleteShareGroupOffsets (key 92): forget topics of a share group that has no members (KIP-932).

Served: v0.
"""

from __future__ import annotations

from functools import partial

from pykbroker.context import RequestContext
from pykbroker.coordinator.share import listing
from pykbroker.coordinator.share.group import Initialized
from pykbroker.coordinator.share.state_shard import Place
from pykbroker.coordinator.share_coordinator import settled
from pykbroker.errors import BrokerError
from wire.api.delete_share_group_offsets import DeleteShareGroupOffsetsRequest, DeleteShareGroupOffsetsResponse
from wire.errors import ErrorCode
from wire.types import ZERO_UUID

TopicResult = DeleteShareGroupOffsetsResponse.DeleteShareGroupOffsetsResponseTopic


async def handle(request: DeleteShareGroupOffsetsRequest, ctx: RequestContext) -> DeleteShareGroupOffsetsResponse:
    broker, group_id = ctx.broker, request.group_id
    if not group_id:
        raise BrokerError(ErrorCode.INVALID_GROUP_ID)
    known = await settled(broker.groups.read(group_id, partial(listing.emptied, group_id=group_id)))
    responses = [await _delete(group_id, asked.topic_name, known, ctx) for asked in request.topics]
    broker.shares.forget(group_id)
    gone = {each.topic_id for each in responses if each.error_code == ErrorCode.NONE}
    await settled(broker.groups.write(group_id, lambda shard, _: listing.forget_topics(shard, group_id, gone)))
    return DeleteShareGroupOffsetsResponse(responses=responses)


async def _delete(group_id: str, name: str, known: dict[bytes, Initialized], ctx: RequestContext) -> TopicResult:
    topic = ctx.broker.image.topic(name)
    try:
        if topic is None:
            raise BrokerError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
        if topic.id not in known:
            message = "There is no offset information to delete."
            raise BrokerError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, message)
        for index in known[topic.id].partitions:
            await ctx.broker.share_state.delete(Place(group_id, topic.id, index))
    except BrokerError as error:
        return TopicResult(topic_name=name, topic_id=ZERO_UUID, error_code=error.code, error_message=error.message)
    return TopicResult(topic_name=name, topic_id=topic.id)


def error_response(
    _request: DeleteShareGroupOffsetsRequest, error: BrokerError, _ctx: RequestContext
) -> DeleteShareGroupOffsetsResponse:
    return DeleteShareGroupOffsetsResponse(error_code=error.code, error_message=error.message, responses=())
