"""OffsetForLeaderEpoch (key 23): where the records of a leader epoch end, so that logs that diverged find out where.

Served: v0-v4.

v1  the epoch that the offset belongs to (KIP-279)
v2  the leader epoch the client knows (KIP-320)
v3  the replica that asks; a consumer sees no more than the high watermark lets it, but that is checked by Fetch

An epoch not known here is no error: epoch and offset are -1.
"""

from __future__ import annotations

from pykbroker.context import RequestContext
from pykbroker.errors import BrokerError
from wire.api.offset_for_leader_epoch import OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse

Asked = OffsetForLeaderEpochRequest.OffsetForLeaderTopic.OffsetForLeaderPartition
TopicResult = OffsetForLeaderEpochResponse.OffsetForLeaderTopicResult
EpochEndOffset = TopicResult.EpochEndOffset


def handle(request: OffsetForLeaderEpochRequest, ctx: RequestContext) -> OffsetForLeaderEpochResponse:
    return OffsetForLeaderEpochResponse(
        topics=[
            TopicResult(
                topic=topic.topic, partitions=[end_of_epoch(topic.topic, asked, ctx) for asked in topic.partitions]
            )
            for topic in request.topics
        ]
    )


def error_response(
    request: OffsetForLeaderEpochRequest, error: BrokerError, _ctx: RequestContext
) -> OffsetForLeaderEpochResponse:
    return OffsetForLeaderEpochResponse(
        topics=[
            TopicResult(
                topic=topic.topic,
                partitions=[
                    EpochEndOffset(error_code=error.code, partition=asked.partition) for asked in topic.partitions
                ],
            )
            for topic in request.topics
        ]
    )


def end_of_epoch(topic: str, asked: Asked, ctx: RequestContext) -> EpochEndOffset:
    try:
        partition = ctx.broker.replicas.leader(topic, asked.partition)
        partition.check_leader(asked.current_leader_epoch)
    except BrokerError as error:
        return EpochEndOffset(error_code=error.code, partition=asked.partition)
    epoch, end_offset = partition.end_of_epoch(asked.leader_epoch)
    return EpochEndOffset(partition=asked.partition, leader_epoch=epoch, end_offset=end_offset)
