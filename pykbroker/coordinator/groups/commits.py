"""OffsetCommit, OffsetFetch, OffsetDelete, and the expiry of what nobody has committed for long."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

from pykbroker.coordinator.decision import Decision, StateRecord
from pykbroker.coordinator.groups import rebalance
from pykbroker.coordinator.groups.classic import ClassicGroup, GroupState
from pykbroker.coordinator.groups.consumer.commits import EPOCHS_SINCE, check_commit
from pykbroker.coordinator.groups.consumer.commits import check_fetch as check_consumer_fetch
from pykbroker.coordinator.groups.consumer.group import ConsumerGroup
from pykbroker.coordinator.groups.consumer.records import group_tombstones
from pykbroker.coordinator.groups.offsets import NO_EXPIRY, CommittedOffset, Place, tombstone
from pykbroker.coordinator.groups.shard import GroupShard, tombstones
from pykbroker.coordinator.groups.streams import commits as streams_commits
from pykbroker.coordinator.groups.streams import records as streams_records
from pykbroker.coordinator.groups.streams.group import StreamsGroup
from pykbroker.coordinator.java import string_length
from pykbroker.errors import BrokerError
from wire.api.offset_commit import OffsetCommitRequest, OffsetCommitResponse
from wire.api.offset_delete import OffsetDeleteRequest, OffsetDeleteResponse
from wire.api.offset_fetch import OffsetFetchResponse
from wire.errors import ErrorCode
from wire.state_records import OffsetCommitKey, OffsetCommitValue
from wire.types import ZERO_UUID

CommitPartition = OffsetCommitRequest.OffsetCommitRequestTopic.OffsetCommitRequestPartition
CommitResult = OffsetCommitResponse.OffsetCommitResponseTopic.OffsetCommitResponsePartition
DeleteTopic = OffsetDeleteRequest.OffsetDeleteRequestTopic
DeletedTopic = OffsetDeleteResponse.OffsetDeleteResponseTopic
FetchedTopic = OffsetFetchResponse.OffsetFetchResponseGroup.OffsetFetchResponseTopics
FetchedPartition = FetchedTopic.OffsetFetchResponsePartitions

DEFAULT = -1  # of retention times, timestamps, generations: nothing was said
GROUP_ID_NOT_FOUND_SINCE = 9  # of OffsetCommit; KIP-848

Group = ClassicGroup | ConsumerGroup | StreamsGroup


class Commit(NamedTuple):
    """One offset to commit, and where to put its error code."""

    topic: str
    topic_id: bytes
    partition: CommitPartition
    result: CommitResult


class Asked(NamedTuple):
    """What OffsetFetch asks of a topic."""

    topic: str
    topic_id: bytes
    partitions: tuple[int, ...]


def commit(
    shard: GroupShard, request: OffsetCommitRequest, commits: list[Commit], *, api_version: int, now_ms: int
) -> Decision[None]:
    consumer_group = shard.consumer_groups.get(request.group_id)
    streams_group = shard.streams_groups.get(request.group_id)
    epoch, knows_epochs = request.generation_id_or_member_epoch, api_version >= EPOCHS_SINCE
    group = None
    if consumer_group is not None:
        places = ((each.topic_id, each.partition.partition_index) for each in commits if _has_room(shard, each))
        check_commit(consumer_group, request.member_id, epoch, places, knows_epochs=knows_epochs)
    elif streams_group is not None:
        named = ((each.topic, each.partition.partition_index) for each in commits)
        streams_commits.check_commit(streams_group, request.member_id, epoch, named, knows_epochs=knows_epochs)
    else:
        group = _group_for_commit(shard, request, api_version)
    if group is not None and group.state in (GroupState.STABLE, GroupState.PREPARING_REBALANCE):
        rebalance.reschedule_session(shard, group, group.members[request.member_id], now_ms)
    retention_ms = request.retention_time_ms
    expire_timestamp_ms = NO_EXPIRY if retention_ms == DEFAULT else now_ms + retention_ms
    records: list[StateRecord] = []
    for each in commits:
        if not _has_room(shard, each):
            each.result.error_code = ErrorCode.OFFSET_METADATA_TOO_LARGE
            continue
        key = OffsetCommitKey(group=request.group_id, topic=each.topic, partition=each.partition.partition_index)
        said_timestamp = each.partition.commit_timestamp
        value = OffsetCommitValue(
            offset=each.partition.committed_offset,
            leader_epoch=each.partition.committed_leader_epoch,
            metadata=each.partition.committed_metadata or "",
            commit_timestamp=now_ms if said_timestamp == DEFAULT else said_timestamp,
            expire_timestamp=expire_timestamp_ms,
            topic_id=ZERO_UUID if expire_timestamp_ms != NO_EXPIRY else each.topic_id,
        )
        records.append((key, value))
    return Decision(None, records)


def _has_room(shard: GroupShard, each: Commit) -> bool:
    return string_length(each.partition.committed_metadata or "") <= shard.config.offset_metadata_max_length


def _group_for_commit(shard: GroupShard, request: OffsetCommitRequest, api_version: int) -> ClassicGroup | None:
    """The group, once it is sure that the caller may commit; None for one that this commit brings into being."""
    generation_id, member_id = request.generation_id_or_member_epoch, request.member_id
    group = shard.groups.get(request.group_id)
    if group is None:
        shard.check_not_shared(request.group_id, ErrorCode.GROUP_ID_NOT_FOUND)
        if generation_id < 0:
            return None
        is_new_client = api_version >= GROUP_ID_NOT_FOUND_SINCE
        raise BrokerError(ErrorCode.GROUP_ID_NOT_FOUND if is_new_client else ErrorCode.ILLEGAL_GENERATION)
    if generation_id < 0 and group.state is GroupState.EMPTY:
        return group  # of a consumer that manages its partitions itself, or of an administrator
    if generation_id < 0 and member_id == "" and request.group_instance_id is None:
        raise BrokerError(ErrorCode.UNKNOWN_MEMBER_ID)
    group.validate_member(member_id, request.group_instance_id)
    if generation_id != group.generation_id:
        raise BrokerError(ErrorCode.ILLEGAL_GENERATION)
    if group.state is GroupState.COMPLETING_REBALANCE:
        # The member has not got its assignment yet, so this is about the one before.
        raise BrokerError(ErrorCode.REBALANCE_IN_PROGRESS)
    return group


def fetch(shard: GroupShard, group_id: str, asked: list[Asked] | None, *, require_stable: bool) -> list[FetchedTopic]:
    """The offsets of some topics, or of all (None). A group that is not there has none."""
    offsets = shard.offsets.of_group(group_id) if shard.has_group(group_id) else {}
    if asked is None:
        asked = [Asked(topic, ZERO_UUID, tuple(partitions)) for topic, partitions in offsets.items()]
    topics = []
    for topic, topic_id, partitions in asked:
        of_topic = offsets.get(topic, {})
        fetched = []
        for partition in partitions:
            found = of_topic.get(partition)
            if require_stable and shard.offsets.has_pending(group_id, topic, partition):
                fetched.append(no_offset(partition, ErrorCode.UNSTABLE_OFFSET_COMMIT))
            elif found is None or not found.is_of_topic(topic_id):
                fetched.append(no_offset(partition))
            else:
                fetched.append(_fetched(partition, found))
        topics.append(FetchedTopic(name=topic, topic_id=topic_id, partitions=fetched))
    return topics


def check_fetch(shard: GroupShard, group_id: str, member_id: str | None, member_epoch: int) -> None:
    """Raises BrokerError: members of consumer and streams groups say who they are, and may be of the past."""
    consumer_group = shard.consumer_groups.get(group_id)
    streams_group = shard.streams_groups.get(group_id)
    if consumer_group is not None:
        check_consumer_fetch(consumer_group, member_id, member_epoch)
    elif streams_group is not None:
        streams_commits.check_fetch(streams_group, member_id, member_epoch)


def no_offset(partition: int, code: ErrorCode = ErrorCode.NONE) -> FetchedPartition:
    return FetchedPartition(partition_index=partition, committed_offset=-1, metadata="", error_code=code)


def _fetched(partition: int, found: CommittedOffset) -> FetchedPartition:
    return FetchedPartition(
        partition_index=partition,
        committed_offset=found.offset,
        committed_leader_epoch=found.leader_epoch,
        metadata=found.metadata,
    )


def delete(shard: GroupShard, group_id: str, topics: list[DeleteTopic]) -> Decision[list[DeletedTopic]]:
    """Forget offsets of topics that the group does not read."""
    if group_id == "":
        raise BrokerError(ErrorCode.INVALID_GROUP_ID)
    modern = shard.consumer_groups.get(group_id) or shard.streams_groups.get(group_id)
    group = modern or shard.groups.get(group_id)
    if group is None:
        raise BrokerError(ErrorCode.GROUP_ID_NOT_FOUND)
    if isinstance(group, ClassicGroup) and group.state is not GroupState.EMPTY and not group.is_consumer_group:
        raise BrokerError(ErrorCode.NON_EMPTY_GROUP)
    records: list[StateRecord] = []
    results = []
    for topic in topics:
        is_read = group.is_subscribed_to(topic.name)
        code = ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC if is_read else ErrorCode.NONE
        indexes = [partition.partition_index for partition in topic.partitions]
        results.append(deleted(topic.name, dict.fromkeys(indexes, code)))
        if not is_read:
            places = [(group_id, topic.name, index) for index in indexes]
            records += [tombstone(place) for place in places if _is_known(shard, place)]
    return Decision(results, records)


def _is_known(shard: GroupShard, place: Place) -> bool:
    return shard.offsets.get(*place) is not None or shard.offsets.has_pending(*place)


def deleted(topic: str, codes: dict[int, ErrorCode]) -> DeletedTopic:
    return DeletedTopic(
        name=topic,
        partitions=[
            DeletedTopic.OffsetDeleteResponsePartition(partition_index=index, error_code=code)
            for index, code in codes.items()
        ],
    )


def delete_all(shard: GroupShard, group_id: str) -> list[StateRecord]:
    """What forgets every offset of a group."""
    stored = (
        (group_id, topic, partition)
        for topic, partitions in shard.offsets.of_group(group_id).items()
        for partition in partitions
    )
    places = dict.fromkeys([*stored, *shard.offsets.pending_of_group(group_id)])
    return [tombstone(place) for place in places]


def forget_topics(shard: GroupShard, topics: set[str]) -> Decision[None]:
    """Topics were deleted, and with them what their offsets mean."""
    return Decision(None, [tombstone(place) for place in shard.offsets.places(lambda topic, _: topic in topics)])


def schedule_cleanup(shard: GroupShard, now_ms: int) -> None:
    deadline_ms = now_ms + shard.config.offsets_retention_check_interval_ms
    shard.timers.schedule("cleanup", deadline_ms, partial(_cleanup, shard))


def _cleanup(shard: GroupShard, now_ms: int) -> Decision[None]:
    """Expire offsets, and forget groups that are empty and have none left."""
    schedule_cleanup(shard, now_ms)
    records: list[StateRecord] = []
    groups: list[Group] = [*shard.groups.values(), *shard.consumer_groups.values(), *shard.streams_groups.values()]
    for group in groups:
        expired = _expired(shard, group, now_ms)
        records += [tombstone(place) for place in expired]
        count = sum(len(partitions) for partitions in shard.offsets.of_group(group.group_id).values())
        has_transaction = any(shard.offsets.pending_of_group(group.group_id))
        if _is_empty(group) and len(expired) == count and not has_transaction:
            records += _group_tombstones(group)
    return Decision(None, records)


def _is_empty(group: Group) -> bool:
    return group.state is GroupState.EMPTY if isinstance(group, ClassicGroup) else not group.members


def _group_tombstones(group: Group) -> list[StateRecord]:
    """What forgets the group, but for its offsets."""
    if isinstance(group, ClassicGroup):
        return tombstones([group.group_id])
    return group_tombstones(group) if isinstance(group, ConsumerGroup) else streams_records.group_tombstones(group)


def _expired(shard: GroupShard, group: Group, now_ms: int) -> list[Place]:
    """Which offsets have outlived their retention: counted from the commit, or from when the last member left."""
    since_ms: int | None
    if not isinstance(group, ClassicGroup):
        since_ms = None
    elif group.protocol_type is not None and group.state is not GroupState.EMPTY:
        if group.state is not GroupState.STABLE or group.subscribed_topics is None:
            return []
        since_ms = None
    else:
        since_ms = None if group.protocol_type is None else group.state_since_ms
    retention_ms = shard.config.offsets_retention_ms
    return [
        (group.group_id, topic, partition)
        for topic, partitions in shard.offsets.of_group(group.group_id).items()
        if not group.is_subscribed_to(topic)
        for partition, offset in partitions.items()
        if offset.is_expired(
            now_ms,
            since_ms=offset.commit_timestamp_ms if since_ms is None else since_ms,
            retention_ms=retention_ms,
        )
        and not shard.offsets.has_pending(group.group_id, topic, partition)
    ]
