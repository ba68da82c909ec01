"""TxnOffsetCommit: offsets that count once their transaction has committed (KIP-98, KIP-447)."""

from __future__ import annotations

from typing import NamedTuple

from pykbroker.coordinator.groups.classic import GroupState
from pykbroker.coordinator.groups.consumer.commits import check_commit
from pykbroker.coordinator.groups.decision import Decision, StateRecord
from pykbroker.coordinator.groups.java import string_length
from pykbroker.coordinator.groups.offsets import NO_EXPIRY
from pykbroker.coordinator.groups.shard import GroupShard
from pykbroker.errors import BrokerError
from wire.api.txn_offset_commit import TxnOffsetCommitRequest, TxnOffsetCommitResponse
from wire.errors import ErrorCode
from wire.state_records import OffsetCommitKey, OffsetCommitValue

CommitPartition = TxnOffsetCommitRequest.TxnOffsetCommitRequestTopic.TxnOffsetCommitRequestPartition
CommitResult = TxnOffsetCommitResponse.TxnOffsetCommitResponseTopic.TxnOffsetCommitResponsePartition


class TransactionalCommit(NamedTuple):
    """One offset to commit, and where to put its error code."""

    topic: str
    partition: CommitPartition
    result: CommitResult


def commit_in_transaction(
    shard: GroupShard, request: TxnOffsetCommitRequest, commits: list[TransactionalCommit], now_ms: int
) -> Decision[None]:
    """That the transaction may, the transaction coordinator has said already. Raises BrokerError."""
    _check_member(shard, request, commits)
    records: list[StateRecord] = []
    for each in commits:
        metadata = each.partition.committed_metadata or ""
        if string_length(metadata) > shard.config.offset_metadata_max_length:
            each.result.error_code = ErrorCode.OFFSET_METADATA_TOO_LARGE
            continue
        key = OffsetCommitKey(group=request.group_id, topic=each.topic, partition=each.partition.partition_index)
        value = OffsetCommitValue(
            offset=each.partition.committed_offset,
            leader_epoch=each.partition.committed_leader_epoch,
            metadata=metadata,
            commit_timestamp=now_ms,
            expire_timestamp=NO_EXPIRY,
        )
        records.append((key, value))
    return Decision(None, records, producer=(request.producer_id, request.producer_epoch))


def _check_member(shard: GroupShard, request: TxnOffsetCommitRequest, commits: list[TransactionalCommit]) -> None:
    """Old producers do not say for which member they commit; those that do are fenced with it."""
    consumer_group = shard.consumer_groups.get(request.group_id)
    if consumer_group is not None:
        topics = shard.image.topics
        known = [each for each in commits if each.topic in topics]
        places = [(topics[each.topic].id, each.partition.partition_index) for each in known]
        try:
            check_commit(consumer_group, request.member_id, request.generation_id, places, knows_epochs=True)
        except BrokerError as error:
            # Producers know the classic protocol's word for it alone.
            is_stale = error.code == ErrorCode.STALE_MEMBER_EPOCH
            raise BrokerError(ErrorCode.ILLEGAL_GENERATION if is_stale else error.code, error.message) from None
        return
    group = shard.groups.get(request.group_id)
    if group is None:
        if request.generation_id >= 0:
            raise BrokerError(ErrorCode.ILLEGAL_GENERATION)
        return
    if request.generation_id < 0 and group.state is GroupState.EMPTY:
        return
    if request.generation_id >= 0 or request.member_id != "" or request.group_instance_id is not None:
        group.validate_member(request.member_id, request.group_instance_id)
        if request.generation_id != group.generation_id:
            raise BrokerError(ErrorCode.ILLEGAL_GENERATION)
