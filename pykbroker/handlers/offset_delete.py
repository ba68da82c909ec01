"""OffsetDelete (key 47): forget offsets of topics that a group does not read (KIP-496).

Served: v0.
"""

from __future__ import annotations

from collections.abc import Awaitable

from pykbroker.context import RequestContext
from pykbroker.coordinator.groups.commits import DeletedTopic, DeleteTopic, delete, deleted
from pykbroker.errors import BrokerError
from wire.api.offset_delete import OffsetDeleteRequest, OffsetDeleteResponse
from wire.errors import ErrorCode


def handle(request: OffsetDeleteRequest, ctx: RequestContext) -> OffsetDeleteResponse | Awaitable[OffsetDeleteResponse]:
    if not request.group_id:
        raise BrokerError(ErrorCode.INVALID_GROUP_ID)
    known: list[DeleteTopic] = []
    unknown: list[DeletedTopic] = []
    for topic in request.topics:
        there = [each for each in topic.partitions if ctx.broker.image.partition(topic.name, each.partition_index)]
        missing = [each.partition_index for each in topic.partitions if each not in there]
        if missing:
            unknown.append(deleted(topic.name, dict.fromkeys(missing, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)))
        if there:
            known.append(DeleteTopic(name=topic.name, partitions=there))
    results = ctx.broker.groups.write(request.group_id, lambda shard, _: delete(shard, request.group_id, known))
    if isinstance(results, list):
        return _told(unknown, results)
    return _awaited(unknown, results)


async def _awaited(unknown: list[DeletedTopic], results: Awaitable[list[DeletedTopic]]) -> OffsetDeleteResponse:
    return _told(unknown, await results)


def _told(unknown: list[DeletedTopic], results: list[DeletedTopic]) -> OffsetDeleteResponse:
    """A topic of which only some partitions exist is answered as one."""
    topics = {topic.name: topic for topic in unknown}
    for result in results:
        if result.name in topics:
            topics[result.name].partitions = [*topics[result.name].partitions, *result.partitions]
        else:
            topics[result.name] = result
    return OffsetDeleteResponse(topics=list(topics.values()))


def error_response(_request: OffsetDeleteRequest, error: BrokerError, _ctx: RequestContext) -> OffsetDeleteResponse:
    return OffsetDeleteResponse(error_code=error.code, topics=[])
