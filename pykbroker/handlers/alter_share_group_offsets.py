"""AlterShareGroupOffsets (key 91): move the start of a share group that has no members (KIP-932).

Served: v0. A group that is not there comes into being, as in Kafka.
"""

from __future__ import annotations

from pykbroker.context import RequestContext
from pykbroker.coordinator.groups.shard import GroupShard
from pykbroker.coordinator.share import listing
from pykbroker.coordinator.share.state_shard import Place
from pykbroker.coordinator.share_coordinator import settled
from pykbroker.errors import BrokerError
from wire.api.alter_share_group_offsets import AlterShareGroupOffsetsRequest, AlterShareGroupOffsetsResponse
from wire.errors import ErrorCode
from wire.types import ZERO_UUID

Asked = AlterShareGroupOffsetsRequest.AlterShareGroupOffsetsRequestTopic
TopicResult = AlterShareGroupOffsetsResponse.AlterShareGroupOffsetsResponseTopic
PartitionResult = TopicResult.AlterShareGroupOffsetsResponsePartition


async def handle(request: AlterShareGroupOffsetsRequest, ctx: RequestContext) -> AlterShareGroupOffsetsResponse:
    broker, group_id = ctx.broker, request.group_id
    if not group_id:
        raise BrokerError(ErrorCode.INVALID_GROUP_ID)
    await settled(broker.groups.read(group_id, lambda shard: _check(shard, group_id)))
    await broker.share_state.create_topic()
    altered: dict[bytes, tuple[int, ...]] = {}
    responses = [await _alter(group_id, asked, altered, ctx) for asked in request.topics]
    broker.shares.forget(group_id)
    if altered:
        await settled(
            broker.groups.write(group_id, lambda shard, _: listing.begin_at(shard, group_id, altered, broker.image))
        )
    return AlterShareGroupOffsetsResponse(responses=responses)


def _check(shard: GroupShard, group_id: str) -> None:
    """Raises BrokerError."""
    group = shard.share_groups.get(group_id)
    if group is not None:
        group.check_empty()
    elif group_id in shard.groups:
        raise BrokerError(ErrorCode.GROUP_ID_NOT_FOUND, f"Group {group_id} is not a share group.")


async def _alter(
    group_id: str, asked: Asked, altered: dict[bytes, tuple[int, ...]], ctx: RequestContext
) -> TopicResult:
    topic = ctx.broker.image.topic(asked.topic_name)
    results = []
    for each in asked.partitions:
        result = PartitionResult(partition_index=each.partition_index)
        results.append(result)
        try:
            if topic is None or topic.partition(each.partition_index) is None:
                raise BrokerError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
            place = Place(group_id, topic.id, each.partition_index)
            await ctx.broker.share_state.begin_anew(place, start_offset=each.start_offset)
            altered[topic.id] = (*altered.get(topic.id, ()), each.partition_index)
        except BrokerError as error:
            result.error_code, result.error_message = error.code, error.message
    return TopicResult(
        topic_name=asked.topic_name, topic_id=ZERO_UUID if topic is None else topic.id, partitions=results
    )


def error_response(
    _request: AlterShareGroupOffsetsRequest, error: BrokerError, _ctx: RequestContext
) -> AlterShareGroupOffsetsResponse:
    return AlterShareGroupOffsetsResponse(error_code=error.code, error_message=error.message, responses=())
