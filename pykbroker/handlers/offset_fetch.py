"""OffsetFetch (key 9): how far groups have read.

Served: v0-v10. (v0 meant ZooKeeper; here it is v1.)

v2   null topics mean all; an error code for the whole answer
v5   leader epochs (KIP-320)
v7   require_stable: offsets of open transactions are an error, not passed over (KIP-447)
v8   many groups (KIP-709)
v9   the member that asks, for new consumer groups (KIP-848)
v10  topic ids instead of names (KIP-516)

A group that does not exist has no offsets, which is no error.
"""

from __future__ import annotations

from collections.abc import Awaitable
from functools import partial

from pykbroker.context import RequestContext
from pykbroker.coordinator.groups.commits import Asked, FetchedTopic, check_fetch, fetch, no_offset
from pykbroker.coordinator.groups.shard import GroupShard
from pykbroker.errors import BrokerError
from pykbroker.metadata.image import MetadataImage
from wire.api.offset_fetch import OffsetFetchRequest, OffsetFetchResponse
from wire.errors import ErrorCode
from wire.types import ZERO_UUID

GROUP_ERROR_SINCE = 2
MANY_GROUPS_SINCE = 8
IDS_SINCE = 10

RequestGroup = OffsetFetchRequest.OffsetFetchRequestGroup
RequestTopics = RequestGroup.OffsetFetchRequestTopics
Group = OffsetFetchResponse.OffsetFetchResponseGroup
SingleTopic = OffsetFetchResponse.OffsetFetchResponseTopic
SinglePartition = SingleTopic.OffsetFetchResponsePartition


def handle(request: OffsetFetchRequest, ctx: RequestContext) -> OffsetFetchResponse | Awaitable[OffsetFetchResponse]:
    api_version = ctx.api_version
    asked = request.groups if api_version >= MANY_GROUPS_SINCE else [_single_group(request)]
    found = [_fetch_group(group, ctx, require_stable=request.require_stable) for group in asked]
    answered = [group for group in found if isinstance(group, Group)]
    if len(answered) == len(found):
        return _told(answered, request, api_version)
    return _awaited(found, request, api_version)


def _single_group(request: OffsetFetchRequest) -> RequestGroup:
    topics = request.topics
    return RequestGroup(
        group_id=request.group_id,
        topics=None
        if topics is None
        else [RequestTopics(name=topic.name, partition_indexes=topic.partition_indexes) for topic in topics],
    )


def _fetch_group(group: RequestGroup, ctx: RequestContext, *, require_stable: bool) -> Group | Awaitable[Group]:
    by_id = ctx.api_version >= IDS_SINCE
    image = ctx.broker.image
    asked: list[Asked] | None = None
    unknown: list[FetchedTopic] = []
    if group.topics is not None:
        asked = []
        for topic in group.topics:
            known = image.topic_by_id(topic.topic_id) if by_id else image.topic(topic.name)
            if known is not None:
                asked.append(Asked(known.name, known.id, tuple(topic.partition_indexes)))
            elif by_id:
                unknown.append(_unknown_topic(topic))
            else:
                asked.append(Asked(topic.name, ZERO_UUID, tuple(topic.partition_indexes)))
    look = partial(_look, group=group, asked=asked, require_stable=require_stable)
    try:
        topics = ctx.broker.groups.read(group.group_id, look)
    except BrokerError as error:
        return _refused(group, error)
    if isinstance(topics, list):
        return _group(group, topics, unknown, image if by_id else None)
    return _awaited_group(group, topics, unknown, image if by_id else None)


def _look(
    shard: GroupShard, *, group: RequestGroup, asked: list[Asked] | None, require_stable: bool
) -> list[FetchedTopic]:
    check_fetch(shard, group.group_id, group.member_id, group.member_epoch)
    return fetch(shard, group.group_id, asked, require_stable=require_stable)


async def _awaited_group(
    group: RequestGroup, topics: Awaitable[list[FetchedTopic]], unknown: list[FetchedTopic], ids: MetadataImage | None
) -> Group:
    try:
        return _group(group, await topics, unknown, ids)
    except BrokerError as error:
        return _refused(group, error)


def _group(
    group: RequestGroup, topics: list[FetchedTopic], unknown: list[FetchedTopic], ids: MetadataImage | None
) -> Group:
    if ids is not None:
        topics = _with_ids(topics, ids)
    return Group(group_id=group.group_id, topics=[*topics, *unknown])


def _with_ids(topics: list[FetchedTopic], image: MetadataImage) -> list[FetchedTopic]:
    """The topics by their ids. One that has none any more cannot be told of."""
    told = []
    for topic in topics:
        known = image.topic(topic.name)
        if topic.topic_id == ZERO_UUID and known is not None:
            topic.topic_id = known.id
        if topic.topic_id != ZERO_UUID:
            topic.name = ""
            told.append(topic)
    return told


def _unknown_topic(topic: RequestTopics) -> FetchedTopic:
    return FetchedTopic(
        topic_id=topic.topic_id,
        partitions=[no_offset(index, ErrorCode.UNKNOWN_TOPIC_ID) for index in topic.partition_indexes],
    )


def _refused(group: RequestGroup, error: BrokerError) -> Group:
    return Group(group_id=group.group_id, topics=[], error_code=error.code)


def _error_at_partitions(request: OffsetFetchRequest, code: int) -> OffsetFetchResponse:
    """For versions that have no place for a group's error."""
    return OffsetFetchResponse(
        topics=[
            SingleTopic(
                name=topic.name,
                partitions=[
                    SinglePartition(partition_index=index, committed_offset=-1, metadata="", error_code=code)
                    for index in topic.partition_indexes
                ],
            )
            for topic in request.topics or ()
        ]
    )


async def _awaited(
    found: list[Group | Awaitable[Group]], request: OffsetFetchRequest, api_version: int
) -> OffsetFetchResponse:
    return _told([group if isinstance(group, Group) else await group for group in found], request, api_version)


def _told(groups: list[Group], request: OffsetFetchRequest, api_version: int) -> OffsetFetchResponse:
    if api_version >= MANY_GROUPS_SINCE:
        return OffsetFetchResponse(groups=groups)
    (group,) = groups
    if group.error_code and api_version < GROUP_ERROR_SINCE:
        return _error_at_partitions(request, group.error_code)
    topics = [
        SingleTopic(
            name=topic.name,
            partitions=[
                SinglePartition(
                    partition_index=partition.partition_index,
                    committed_offset=partition.committed_offset,
                    committed_leader_epoch=partition.committed_leader_epoch,
                    metadata=partition.metadata,
                    error_code=partition.error_code,
                )
                for partition in topic.partitions
            ],
        )
        for topic in group.topics
    ]
    return OffsetFetchResponse(topics=topics, error_code=group.error_code)


def error_response(request: OffsetFetchRequest, error: BrokerError, ctx: RequestContext) -> OffsetFetchResponse:
    asked = request.groups if ctx.api_version >= MANY_GROUPS_SINCE else [_single_group(request)]
    return _told([_refused(group, error) for group in asked], request, ctx.api_version)
