"""OffsetCommit (key 8): store how far a group has read.

Served: v0-v10. (v0 meant ZooKeeper; here, as in v1, it is a commit by nobody in particular.)

v1   generation and member; a timestamp for each offset
v2   a retention time for the whole instead, until v4
v6   leader epochs (KIP-320)
v7   static members (KIP-345)
v9   members of new consumer groups too (KIP-848)
v10  topic ids instead of names (KIP-516)
"""

from __future__ import annotations

from collections.abc import Awaitable

from pykbroker.context import RequestContext
from pykbroker.coordinator.groups.commits import Commit, CommitResult, commit
from pykbroker.errors import BrokerError
from pykbroker.metadata.image import TopicImage
from wire.api.offset_commit import OffsetCommitRequest, OffsetCommitResponse
from wire.errors import ErrorCode

IDS_SINCE = 10

RequestTopic = OffsetCommitRequest.OffsetCommitRequestTopic
ResponseTopic = OffsetCommitResponse.OffsetCommitResponseTopic


def handle(request: OffsetCommitRequest, ctx: RequestContext) -> OffsetCommitResponse | Awaitable[OffsetCommitResponse]:
    commits: list[Commit] = []
    response = OffsetCommitResponse(topics=[_topic(topic, commits, ctx) for topic in request.topics])
    if not commits:
        return response
    api_version = ctx.api_version
    try:
        done = ctx.broker.groups.write(
            request.group_id,
            lambda shard, now_ms: commit(shard, request, commits, api_version=api_version, now_ms=now_ms),
        )
    except BrokerError as error:
        return _refused(response, commits, error)
    return response if done is None else _awaited(done, response, commits)


async def _awaited(
    done: Awaitable[None], response: OffsetCommitResponse, commits: list[Commit]
) -> OffsetCommitResponse:
    try:
        await done
    except BrokerError as error:
        return _refused(response, commits, error)
    return response


def _topic(topic: RequestTopic, commits: list[Commit], ctx: RequestContext) -> ResponseTopic:
    """The topic's place in the response. What may be committed goes into `commits`, the rest has its error already."""
    image = ctx.broker.image
    by_id = ctx.api_version >= IDS_SINCE
    known = image.topic_by_id(topic.topic_id) if by_id else image.topic(topic.name)
    unknown = ErrorCode.UNKNOWN_TOPIC_ID if by_id and known is None else ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    results = []
    for partition in topic.partitions:
        result = CommitResult(partition_index=partition.partition_index)
        if known is None or not _has_partition(known, partition.partition_index):
            result.error_code = unknown
        else:
            commits.append(Commit(known.name, known.id, partition, result))
        results.append(result)
    return ResponseTopic(topic_id=topic.topic_id, name=topic.name, partitions=results)


def _has_partition(topic: TopicImage, index: int) -> bool:
    return 0 <= index < len(topic.partitions)


def _refused(response: OffsetCommitResponse, commits: list[Commit], error: BrokerError) -> OffsetCommitResponse:
    for each in commits:
        each.result.error_code = error.code
    return response


def error_response(request: OffsetCommitRequest, error: BrokerError, _ctx: RequestContext) -> OffsetCommitResponse:
    return OffsetCommitResponse(
        topics=[
            ResponseTopic(
                topic_id=topic.topic_id,
                name=topic.name,
                partitions=[
                    CommitResult(partition_index=partition.partition_index, error_code=error.code)
                    for partition in topic.partitions
                ],
            )
            for topic in request.topics
        ]
    )
