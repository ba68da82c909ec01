"""TxnOffsetCommit: offsets that count once their transaction has committed (KIP-98, KIP-447)."""

from __future__ import annotations

from typing import NamedTuple

from pykbroker.coordinator.decision import Decision, StateRecord
from pykbroker.coordinator.groups.classic import GroupState
from pykbroker.coordinator.groups.consumer.commits import check_commit
from pykbroker.coordinator.groups.consumer.group import ConsumerGroup
from pykbroker.coordinator.groups.offsets import NO_EXPIRY
from pykbroker.coordinator.groups.shard import GroupShard
from pykbroker.coordinator.groups.streams import commits as streams_commits
from pykbroker.coordinator.groups.streams.group import StreamsGroup
from pykbroker.coordinator.java import string_length
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
    modern = shard.consumer_groups.get(request.group_id) or shard.streams_groups.get(request.group_id)
    if modern is not None:
        try:
            _check_modern_member(shard, modern, request, commits)
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


def _check_modern_member(
    shard: GroupShard,
    group: ConsumerGroup | StreamsGroup,
    request: TxnOffsetCommitRequest,
    commits: list[TransactionalCommit],
) -> None:
    member_id, epoch = request.member_id, request.generation_id
    if isinstance(group, StreamsGroup):
        if epoch < 0 and member_id == "" and request.group_instance_id is None:
            return  # of a producer that does not say
        named = [(each.topic, each.partition.partition_index) for each in commits]
        streams_commits.check_commit(group, member_id, epoch, named, knows_epochs=True)
        return
    topics = shard.image.topics
    known = [each for each in commits if each.topic in topics]
    places = [(topics[each.topic].id, each.partition.partition_index) for each in known]
    check_commit(group, member_id, epoch, places, knows_epochs=True)
