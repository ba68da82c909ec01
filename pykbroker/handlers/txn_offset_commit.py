"""TxnOffsetCommit (key 28): offsets that count once the transaction has committed (KIP-98).

Served: v0-v5.

v2  leader epochs (KIP-320)
v3  member and generation, so that zombies are fenced (KIP-447)
v4  TRANSACTION_ABORTABLE
v5  adds the group to the transaction by itself (KIP-890)
"""

from __future__ import annotations

from pykbroker.context import RequestContext
from pykbroker.coordinator.group_coordinator import OFFSETS_TOPIC
from pykbroker.coordinator.groups.transactional import CommitResult, TransactionalCommit, commit_in_transaction
from pykbroker.coordinator.verification import verify_or_add
from pykbroker.errors import BrokerError
from wire.api.txn_offset_commit import TxnOffsetCommitRequest, TxnOffsetCommitResponse
from wire.errors import ErrorCode

ABORTABLE_SINCE = 4
ADDS_SINCE = 5

RequestTopic = TxnOffsetCommitRequest.TxnOffsetCommitRequestTopic
ResponseTopic = TxnOffsetCommitResponse.TxnOffsetCommitResponseTopic

# What the transaction coordinator says, as clients of the group coordinator know it.
_TOLD_AS = {
    ErrorCode.PRODUCER_FENCED: ErrorCode.INVALID_PRODUCER_EPOCH,
    ErrorCode.NOT_ENOUGH_REPLICAS: ErrorCode.COORDINATOR_NOT_AVAILABLE,
    ErrorCode.REQUEST_TIMED_OUT: ErrorCode.COORDINATOR_NOT_AVAILABLE,
    ErrorCode.UNKNOWN_TOPIC_OR_PARTITION: ErrorCode.COORDINATOR_NOT_AVAILABLE,
    ErrorCode.NOT_LEADER_OR_FOLLOWER: ErrorCode.NOT_COORDINATOR,
    ErrorCode.KAFKA_STORAGE_ERROR: ErrorCode.NOT_COORDINATOR,
}


async def handle(request: TxnOffsetCommitRequest, ctx: RequestContext) -> TxnOffsetCommitResponse:
    commits: list[TransactionalCommit] = []
    response = TxnOffsetCommitResponse(topics=[_topic(topic, commits, ctx) for topic in request.topics])
    if commits:
        try:
            await _commit(request, commits, ctx)
        except BrokerError as error:
            for each in commits:
                each.result.error_code = _TOLD_AS.get(error.code, error.code)
    return response


def _topic(topic: RequestTopic, commits: list[TransactionalCommit], ctx: RequestContext) -> ResponseTopic:
    """The topic's place in the response. What may be committed goes into `commits`, the rest has its error already."""
    results = []
    for partition in topic.partitions:
        result = CommitResult(partition_index=partition.partition_index)
        if ctx.broker.image.partition(topic.name, partition.partition_index) is None:
            result.error_code = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
        else:
            commits.append(TransactionalCommit(topic.name, partition, result))
        results.append(result)
    return ResponseTopic(name=topic.name, partitions=results)


async def _commit(request: TxnOffsetCommitRequest, commits: list[TransactionalCommit], ctx: RequestContext) -> None:
    """Raises BrokerError."""
    if request.group_id == "":
        raise BrokerError(ErrorCode.INVALID_GROUP_ID)
    groups = ctx.broker.groups
    index = groups.partition_of(request.group_id)
    try:
        partition = ctx.broker.replicas.leader(OFFSETS_TOPIC, index)
    except BrokerError as error:
        raise BrokerError(_TOLD_AS.get(error.code, error.code)) from error
    if not partition.has_ongoing_transaction(request.producer_id, request.producer_epoch):
        await verify_or_add(
            ctx.broker.transactions,
            request.transactional_id,
            request.producer_id,
            request.producer_epoch,
            [(OFFSETS_TOPIC, index)],
            adds=ctx.api_version >= ADDS_SINCE,
            knows_abortable=ctx.api_version >= ABORTABLE_SINCE,
        )
    done = groups.write(request.group_id, lambda shard, now_ms: commit_in_transaction(shard, request, commits, now_ms))
    if done is not None:
        await done


def error_response(
    request: TxnOffsetCommitRequest, error: BrokerError, _ctx: RequestContext
) -> TxnOffsetCommitResponse:
    return TxnOffsetCommitResponse(
        topics=[
            ResponseTopic(
                name=topic.name,
                partitions=[
                    CommitResult(partition_index=partition.partition_index, error_code=error.code)
                    for partition in topic.partitions
                ],
            )
            for topic in request.topics
        ]
    )
