"""DescribeShareGroupOffsets (key 90): from where share groups read (KIP-932).

Served: v0-v1.

v1  lag (KIP-1226)

The start offset is that of what was stored last: records at it may be done with already, which the lag knows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pykbroker.context import RequestContext
from pykbroker.coordinator.groups.shard import GroupShard
from pykbroker.coordinator.share.state_shard import UNINITIALIZED_START, UNKNOWN_COUNT, DeliveryState, Place
from pykbroker.coordinator.share_coordinator import settled
from pykbroker.errors import BrokerError
from wire.api.describe_share_group_offsets import DescribeShareGroupOffsetsRequest, DescribeShareGroupOffsetsResponse
from wire.types import ZERO_UUID

AskedGroup = DescribeShareGroupOffsetsRequest.DescribeShareGroupOffsetsRequestGroup
GroupResult = DescribeShareGroupOffsetsResponse.DescribeShareGroupOffsetsResponseGroup
TopicResult = GroupResult.DescribeShareGroupOffsetsResponseTopic
PartitionResult = TopicResult.DescribeShareGroupOffsetsResponsePartition

UNKNOWN_LAG = -1


async def handle(request: DescribeShareGroupOffsetsRequest, ctx: RequestContext) -> DescribeShareGroupOffsetsResponse:
    return DescribeShareGroupOffsetsResponse(groups=[await _group(asked, ctx) for asked in request.groups])


async def _group(asked: AskedGroup, ctx: RequestContext) -> GroupResult:
    try:
        known = await settled(ctx.broker.groups.read(asked.group_id, lambda shard: _initialized(shard, asked.group_id)))
    except BrokerError as error:
        return _failed(asked.group_id, error)
    wanted: Mapping[str, Sequence[int]] = known
    if asked.topics is not None:
        wanted = {topic.topic_name: topic.partitions for topic in asked.topics}
    topics = [await _topic(asked.group_id, name, indexes, ctx) for name, indexes in wanted.items()]
    return GroupResult(group_id=asked.group_id, topics=topics)


def _initialized(shard: GroupShard, group_id: str) -> dict[str, Sequence[int]]:
    """The group's partitions by topic; none of a group that is not there."""
    group = shard.share_groups.get(group_id)
    return {} if group is None else {each.topic_name: sorted(each.partitions) for each in group.initialized.values()}


async def _topic(group_id: str, name: str, indexes: Sequence[int], ctx: RequestContext) -> TopicResult:
    topic = ctx.broker.image.topic(name)
    topic_id = ZERO_UUID if topic is None else topic.id
    partitions = [await _partition(Place(group_id, topic_id, index), ctx) for index in indexes]
    return TopicResult(topic_name=name, topic_id=topic_id, partitions=partitions)


async def _partition(place: Place, ctx: RequestContext) -> PartitionResult:
    try:
        state = None if place.topic_id == ZERO_UUID else await ctx.broker.share_state.summary(place)
        lag = UNKNOWN_LAG if state is None else _lag(place, state, ctx)
    except BrokerError as error:
        return PartitionResult(
            partition_index=place.partition,
            start_offset=UNINITIALIZED_START,
            leader_epoch=0,
            error_code=error.code,
            error_message=error.message,
        )
    return PartitionResult(
        partition_index=place.partition,
        start_offset=UNINITIALIZED_START if state is None else state.start_offset,
        leader_epoch=0 if state is None else state.leader_epoch,
        lag=lag,
    )


def _lag(place: Place, state: DeliveryState, ctx: RequestContext) -> int:
    """How many records are still to be done with."""
    if state.start_offset == UNINITIALIZED_START or state.delivery_complete_count == UNKNOWN_COUNT:
        return UNKNOWN_LAG
    partition = ctx.broker.shares.partition(place)
    return partition.high_watermark - state.start_offset - state.delivery_complete_count


def _failed(group_id: str, error: BrokerError) -> GroupResult:
    return GroupResult(group_id=group_id, topics=(), error_code=error.code, error_message=error.message)


def error_response(
    request: DescribeShareGroupOffsetsRequest, error: BrokerError, _ctx: RequestContext
) -> DescribeShareGroupOffsetsResponse:
    return DescribeShareGroupOffsetsResponse(groups=[_failed(asked.group_id, error) for asked in request.groups])
