"""The groups and committed offsets of one partition of `__consumer_offsets`.

Invariants
  `metadata` and `offsets` are changed by `replay` alone, so replaying the partition's log into a new shard gives them.
  A group is in one of `groups`, `consumer_groups`, `streams_groups`, in two for no longer than a decision takes.
  Every other group with metadata or offsets is in `groups`; a group in `groups` without either has yet to write its
  first record.
  A group that is STABLE or EMPTY is as `metadata` says, once its records are committed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from pykbroker.config.resources import group_configs
from pykbroker.coordinator.decision import Decision, StateRecord
from pykbroker.coordinator.groups.classic import ClassicGroup, GroupState, Member
from pykbroker.coordinator.groups.config import GroupConfig
from pykbroker.coordinator.groups.consumer.config import ConsumerGroupConfig
from pykbroker.coordinator.groups.consumer.group import ConsumerGroup
from pykbroker.coordinator.groups.consumer.replay import replay as replay_consumer_group
from pykbroker.coordinator.groups.history import Histories
from pykbroker.coordinator.groups.offsets import NO_PRODUCER_ID, CommittedOffset, OffsetStore, Place
from pykbroker.coordinator.groups.streams.config import StreamsGroupConfig
from pykbroker.coordinator.groups.streams.group import StreamsGroup
from pykbroker.coordinator.groups.streams.replay import replay as replay_streams_group
from pykbroker.coordinator.share import group_records
from pykbroker.coordinator.share.group import ShareGroup
from pykbroker.coordinator.timers import Timers
from pykbroker.errors import BrokerError
from pykbroker.metadata.image import MetadataImage
from wire.errors import ErrorCode
from wire.state_records import GroupMetadataKey, GroupMetadataValue, OffsetCommitKey, OffsetCommitValue, StateKey

_NO_METADATA = MetadataImage(version=0, cluster_id="", controller_id=-1)


class GroupShard:
    def __init__(
        self,
        config: GroupConfig,
        image: Callable[[], MetadataImage] = lambda: _NO_METADATA,
        histories: Histories | None = None,
    ) -> None:
        self.config = config
        self._image = image
        self.histories = Histories() if histories is None else histories  # of all shards of the node
        self.groups: dict[str, ClassicGroup] = {}
        self.consumer_groups: dict[str, ConsumerGroup] = {}
        self.streams_groups: dict[str, StreamsGroup] = {}
        self.metadata: dict[str, GroupMetadataValue] = {}
        self.share_groups: dict[str, ShareGroup] = {}
        self.offsets = OffsetStore()
        self.timers: Timers[Decision[None]] = Timers()
        self.is_loaded = False

    @property
    def size(self) -> int:
        return len(self.groups) + len(self.consumer_groups) + len(self.streams_groups) + len(self.share_groups)

    def has_group(self, group_id: str) -> bool:
        """Of whatever kind."""
        return (
            group_id in self.groups
            or group_id in self.consumer_groups
            or group_id in self.streams_groups
            or group_id in self.share_groups
        )

    @property
    def image(self) -> MetadataImage:
        """The metadata as of now: what topics there are."""
        return self._image()

    def consumer_config(self, group_id: str) -> ConsumerGroupConfig:
        return self.config.consumer.for_group(group_configs(self.image, self.config.node_id, group_id))

    def streams_config(self, group_id: str) -> StreamsGroupConfig:
        return self.config.streams.for_group(group_configs(self.image, self.config.node_id, group_id))

    def replay(
        self,
        key: StateKey[Any],
        value: object,
        *,
        record_offset: int,
        producer_id: int = NO_PRODUCER_ID,
    ) -> None:
        """Take up one record of the log: newly written, or found there at the start."""
        if isinstance(key, OffsetCommitKey):
            assert value is None or isinstance(value, OffsetCommitValue)
            self._replay_offset((key.group, key.topic, key.partition), value, record_offset, producer_id)
        elif isinstance(key, GroupMetadataKey):
            assert value is None or isinstance(value, GroupMetadataValue)
            self._replay_metadata(key.group, value)
        elif replay_consumer_group(self.consumer_groups, key, value) or replay_streams_group(
            self.streams_groups, key, value
        ):
            if value is not None:
                self.groups.pop(key.group_id, None)  # type: ignore[attr-defined] # was there for its offsets alone
        else:
            group_records.replay(self.share_groups, key, value)

    def replay_end_transaction(self, producer_id: int, *, committed: bool) -> None:
        self.offsets.end_transaction(producer_id, committed=committed)

    def _replay_offset(
        self, place: Place, value: OffsetCommitValue | None, record_offset: int, producer_id: int
    ) -> None:
        if value is None:
            self.offsets.remove(place)
            return
        self.offsets.put(place, CommittedOffset.of(value, record_offset), producer_id)
        if not self.has_group(place[0]):
            # Of consumers that only store their offsets here.
            self.groups[place[0]] = ClassicGroup(place[0], state_since_ms=value.commit_timestamp)

    def _replay_metadata(self, group_id: str, value: GroupMetadataValue | None) -> None:
        if value is not None:
            self.metadata[group_id] = value
            if self.is_loaded and group_id not in self.groups:  # was a consumer group
                self.groups[group_id] = restored(group_id, value)
            elif not self.is_loaded:
                self.groups[group_id] = ClassicGroup(group_id, state_since_ms=None)  # completed when all is read
            return
        self.metadata.pop(group_id, None)
        group = self.groups.pop(group_id, None)
        if group is not None:
            group.state = GroupState.DEAD

    def finish_loading(self) -> None:
        """All records are replayed: make the groups what their metadata says."""
        for group_id, value in self.metadata.items():
            self.groups[group_id] = restored(group_id, value)
        self.is_loaded = True

    def check_not_shared(self, group_id: str, code: ErrorCode) -> None:
        """Share groups have no classic members and no committed offsets. Raises BrokerError."""
        if group_id in self.share_groups:
            raise BrokerError(code)

    def group_or_new(self, group_id: str, now_ms: int) -> ClassicGroup:
        group = self.groups.get(group_id)
        if group is None:
            group = self.groups[group_id] = ClassicGroup(group_id, state_since_ms=now_ms)
        return group


def restored(group_id: str, value: GroupMetadataValue) -> ClassicGroup:
    """The group as it was when its metadata was written."""
    since_ms = None if value.current_state_timestamp == -1 else value.current_state_timestamp
    group = ClassicGroup(group_id, state_since_ms=since_ms)
    for stored in value.members:
        group.add(_restored_member(stored, value))
    group.state = GroupState.STABLE if value.members else GroupState.EMPTY
    group.generation_id = value.generation
    group.protocol_type = value.protocol_type or None
    group.protocol_name = value.protocol
    group.leader_id = value.leader
    group.subscribed_topics = group.compute_subscribed_topics()
    group.last_assignments = {member.member_id: member.assignment for member in group.members.values()}
    return group


def _restored_member(stored: GroupMetadataValue.MemberMetadata, value: GroupMetadataValue) -> Member:
    return Member(
        stored.member_id,
        group_instance_id=stored.group_instance_id,
        client_id=stored.client_id,
        client_host=stored.client_host,
        rebalance_timeout_ms=stored.session_timeout if stored.rebalance_timeout == -1 else stored.rebalance_timeout,
        session_timeout_ms=stored.session_timeout,
        protocol_type=value.protocol_type,
        protocols={} if value.protocol is None else {value.protocol: stored.subscription},
        assignment=stored.assignment,
    )


def metadata_record(group: ClassicGroup, assignments: dict[str, bytes]) -> StateRecord:
    """What makes the group's present generation survive a restart."""
    return GroupMetadataKey(group=group.group_id), GroupMetadataValue(
        protocol_type=group.protocol_type or "",
        generation=group.generation_id,
        protocol=group.protocol_name,
        leader=group.leader_id,
        current_state_timestamp=-1 if group.state_since_ms is None else group.state_since_ms,
        members=[_stored_member(member, group, assignments) for member in group.members.values()],
    )


def _stored_member(
    member: Member, group: ClassicGroup, assignments: dict[str, bytes]
) -> GroupMetadataValue.MemberMetadata:
    assert group.protocol_name is not None, group.group_id
    return GroupMetadataValue.MemberMetadata(
        member_id=member.member_id,
        group_instance_id=member.group_instance_id,
        client_id=member.client_id,
        client_host=member.client_host,
        rebalance_timeout=member.rebalance_timeout_ms,
        session_timeout=member.session_timeout_ms,
        subscription=member.protocols[group.protocol_name],
        assignment=assignments[member.member_id],
    )


def tombstones(group_ids: Iterable[str]) -> list[StateRecord]:
    return [(GroupMetadataKey(group=group_id), None) for group_id in group_ids]
