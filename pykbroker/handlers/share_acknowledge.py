"""ShareAcknowledge (key 79): accept, release or reject acquired records (KIP-932).

Served: v1 and v2. v0 was early access, and Kafka 4.1 and later do not serve it.

v2  renewal of acquisitions (KIP-1222)
"""

from __future__ import annotations

from pykbroker.context import RequestContext
from pykbroker.coordinator.share.sessions import FINAL_EPOCH, INITIAL_EPOCH
from pykbroker.errors import BrokerError
from pykbroker.share_acknowledging import acknowledge, by_topic, read, words
from wire.api.share_acknowledge import ShareAcknowledgeRequest, ShareAcknowledgeResponse
from wire.errors import ErrorCode

TopicResult = ShareAcknowledgeResponse.ShareAcknowledgeTopicResponse
PartitionResult = TopicResult.PartitionData


async def handle(request: ShareAcknowledgeRequest, ctx: RequestContext) -> ShareAcknowledgeResponse:
    shares = ctx.broker.shares
    group_id, member_id = request.group_id or "", request.member_id or ""
    key = (group_id, member_id)
    if request.share_session_epoch == INITIAL_EPOCH:
        raise BrokerError(ErrorCode.INVALID_SHARE_SESSION_EPOCH)
    is_final = request.share_session_epoch == FINAL_EPOCH
    session = shares.sessions.find(key) if is_final else shares.sessions.use(key, request.share_session_epoch)
    config = shares.config(group_id)
    may_renew = request.is_renew_ack and config.is_renewal_enabled
    batches = read(
        ((topic.topic_id, asked.partition_index), asked.acknowledgement_batches)
        for topic in request.topics
        for asked in topic.partitions
    )
    told = await acknowledge(shares, group_id, member_id, batches, may_renew=may_renew)
    if is_final:
        shares.sessions.close(key)
        await shares.release(session)
    return ShareAcknowledgeResponse(
        acquisition_lock_timeout_ms=config.record_lock_duration_ms,
        responses=[
            TopicResult(topic_id=topic_id, partitions=[_result(index, told[topic_id, index]) for index in indexes])
            for topic_id, indexes in by_topic(told)
        ],
        node_endpoints=(),
    )


def _result(index: int, error: BrokerError | None) -> PartitionResult:
    return PartitionResult(
        partition_index=index,
        error_code=ErrorCode.NONE if error is None else error.code,
        error_message=words(error),
        current_leader=PartitionResult.LeaderIdAndEpoch(leader_id=0, leader_epoch=0),
    )


def error_response(
    _request: ShareAcknowledgeRequest, error: BrokerError, _ctx: RequestContext
) -> ShareAcknowledgeResponse:
    return ShareAcknowledgeResponse(error_code=error.code, error_message=words(error), responses=(), node_endpoints=())
