"""ShareGroupHeartbeat (KIP-932): joining, staying, leaving, and members that do not come back.

Nothing is taken from a member before another gets it, so there is no rebalance: a heartbeat tells a member what it
reads from now on.

A partition that the group has not read before needs a start first. `Heartbeat.to_initialize` names such; who carries
the heartbeat out has the share coordinator make their state, tells `initialized`, and asks again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import NamedTuple
from zlib import crc32

from pykbroker.coordinator.decision import Decision, StateRecord
from pykbroker.coordinator.groups.history import Event, Kind, counted, event, silent, told
from pykbroker.coordinator.groups.shard import GroupShard
from pykbroker.coordinator.share import group_records
from pykbroker.coordinator.share.assignor import assign
from pykbroker.coordinator.share.config import ShareGroupConfig
from pykbroker.coordinator.share.group import Assignment, ShareGroup, ShareMember, check_epoch, with_partitions
from pykbroker.coordinator.share.reasons import assigned_event, subscription_event
from pykbroker.errors import BrokerError
from pykbroker.metadata.image import MetadataImage, TopicImage
from wire.api.share_group_heartbeat import ShareGroupHeartbeatRequest, ShareGroupHeartbeatResponse
from wire.errors import ErrorCode

JOIN_EPOCH, LEAVE_EPOCH = 0, -1

Told = ShareGroupHeartbeatResponse.Assignment
TopicPartitions = Mapping[bytes, tuple[int, ...]]


class Caller(NamedTuple):
    client_id: str
    client_host: str


class Heartbeat(NamedTuple):
    response: ShareGroupHeartbeatResponse
    to_initialize: TopicPartitions
    group_epoch: int


def check_request(request: ShareGroupHeartbeatRequest) -> None:
    """Raises BrokerError."""
    if request.member_id.strip() == "":
        raise BrokerError(ErrorCode.INVALID_REQUEST)
    message = ""
    if request.group_id.strip() == "":
        message = "GroupId can't be empty."
    elif request.rack_id is not None and request.rack_id.strip() == "":
        message = "RackId can't be empty."
    elif request.member_epoch < LEAVE_EPOCH:
        message = "MemberEpoch is invalid."
    elif request.member_epoch == JOIN_EPOCH and not request.subscribed_topic_names:
        message = "SubscribedTopicNames must be set in first request."
    if message:
        raise BrokerError(ErrorCode.INVALID_REQUEST, message)


def heartbeat(
    shard: GroupShard,
    request: ShareGroupHeartbeatRequest,
    caller: Caller,
    *,
    image: MetadataImage,
    config: ShareGroupConfig,
    now_ms: int,
    may_initialize: bool = True,
) -> Decision[Heartbeat]:
    """Raises BrokerError. Without `may_initialize` what is not initialized is left for later."""
    if request.member_epoch == LEAVE_EPOCH:
        return _leave(shard, request, now_ms)
    group = _group_to_join(shard, request)
    known = group.members.get(request.member_id)
    if request.member_epoch == JOIN_EPOCH:
        if known is None and len(group.members) >= config.max_size:
            message = f"The share group has reached its maximum capacity of {config.max_size} members."
            raise BrokerError(ErrorCode.GROUP_MAX_SIZE_REACHED, message)
    else:
        member = group.member(request.member_id)
        try:
            check_epoch(member, request.member_epoch)
        except BrokerError as error:
            shard.histories.note(group.group_id, now_ms, Kind.FENCED, f"refused: {error.message}", member)
            raise
    told = _Update(group, image, config, now_ms, may_initialize=may_initialize)
    response = told.heartbeat(known, request, caller)
    to_initialize = told.to_initialize
    committed = partial(
        _committed, shard, group.group_id, request.member_id, config.session_timeout_ms, told.events, told.is_assigned
    )
    return Decision(Heartbeat(response, to_initialize, told.group_epoch), told.records, committed=committed)


def _committed(
    shard: GroupShard,
    group_id: str,
    member_id: str,
    session_timeout_ms: int,
    events: Sequence[Event],
    is_assigned: bool,
    now_ms: int,
) -> None:
    schedule_session(shard, group_id, member_id, session_timeout_ms, now_ms)
    for each in events:
        shard.histories.add(group_id, each)
    group = shard.share_groups.get(group_id)
    if is_assigned and group is not None:
        group.last_target = dict(group.target)


def _group_to_join(shard: GroupShard, request: ShareGroupHeartbeatRequest) -> ShareGroup:
    group = shard.share_groups.get(request.group_id)
    if group is not None:
        return group
    if shard.has_group(request.group_id):
        message = f"Group {request.group_id} is not a share group."
        raise BrokerError(ErrorCode.GROUP_ID_NOT_FOUND, message)
    if request.member_epoch != JOIN_EPOCH:
        raise BrokerError(ErrorCode.GROUP_ID_NOT_FOUND, f"Share group {request.group_id} not found.")
    return ShareGroup(request.group_id)


class _Update:
    """What one heartbeat changes of a group; the group itself changes when the records are replayed."""

    def __init__(
        self, group: ShareGroup, image: MetadataImage, config: ShareGroupConfig, now_ms: int, *, may_initialize: bool
    ) -> None:
        self._group = group
        self._image = image
        self._config = config
        self._now_ms = now_ms
        self._may_initialize = may_initialize
        self.records: list[StateRecord] = []
        self.events: list[Event] = []
        self.is_assigned = False
        self.to_initialize: TopicPartitions = {}
        self.group_epoch = group.epoch

    def heartbeat(
        self, known: ShareMember | None, request: ShareGroupHeartbeatRequest, caller: Caller
    ) -> ShareGroupHeartbeatResponse:
        group = self._group
        member = _updated(known, request, caller)
        members = {**group.members, member.member_id: member}
        is_changed = known is None or not _is_same(known, member)
        if is_changed:
            self.records.append(group_records.member_record(group.group_id, member))
        topics = _subscribed(members, self._image)
        self.group_epoch = self._raised_epoch(topics, subscription_event(known, member, self._now_ms))
        self.to_initialize = missing(group, topics) if self._may_initialize else {}
        target, assignment_epoch = self._target(members, topics, self.group_epoch)
        told = target.get(member.member_id, {})
        is_news = self._tell(member, told, assignment_epoch)
        is_full = request.member_epoch == JOIN_EPOCH or request.subscribed_topic_names is not None
        return ShareGroupHeartbeatResponse(
            member_id=member.member_id,
            member_epoch=assignment_epoch,
            heartbeat_interval_ms=self._config.heartbeat_interval_ms,
            assignment=_told(told) if is_news or is_full else None,
        )

    def _raised_epoch(self, topics: Mapping[str, TopicImage], change: Event | None) -> int:
        group = self._group
        found_hash = topics_hash(topics)
        if change is None and found_hash == group.metadata_hash:
            return group.epoch
        self.records.append(group_records.epoch_record(group.group_id, group.epoch + 1, found_hash))
        why = f"the topics that are read have changed, of {told(topics)}"
        if change is not None:
            self.events.append(change)
            why = f"{change.member_id} {change.text}"
        text = f"epoch {group.epoch + 1} begins: {why}"
        self.events.append(event(self._now_ms, Kind.GENERATION, text, generation=group.epoch + 1))
        return group.epoch + 1

    def _target(
        self, members: Mapping[str, ShareMember], topics: Mapping[str, TopicImage], epoch: int
    ) -> tuple[Mapping[str, Assignment], int]:
        """Who is to read what; as before, where it need not or may not be computed yet."""
        group = self._group
        since_ms = self._now_ms - group.assigned_at_ms
        may_assign = not 0 <= since_ms < self._config.assignment_interval_ms  # the clock may have been set back
        if group.assignment_epoch == epoch or not may_assign or self.to_initialize:
            return group.target, group.assignment_epoch
        subscriptions = {
            member_id: [topics[name].id for name in member.subscribed_topics if name in topics]
            for member_id, member in members.items()
        }
        partitions = {
            topic.id: [each.index for each in topic.partitions if group.is_initialized(topic.id, each.index)]
            for topic in topics.values()
        }
        target = assign(subscriptions, partitions)
        self.records += [
            group_records.target_record(group.group_id, member_id, each)
            for member_id, each in target.items()
            if group.target.get(member_id) != each
        ]
        self.records.append(group_records.assignment_epoch_record(group.group_id, epoch, self._now_ms))
        self.is_assigned = True
        before = {**group.last_target, **group.target}
        self.events.append(assigned_event(before, target, self._image, epoch, self._now_ms))
        return target, epoch

    def _tell(self, member: ShareMember, told: Assignment, epoch: int) -> bool:
        """Is it news to the member?"""
        if member.epoch == epoch and member.assigned == told:
            return False
        is_news = member.assigned != told
        member.previous_epoch, member.epoch = member.epoch, epoch
        member.assigned = told
        self.records.append(group_records.current_record(self._group.group_id, member))
        return is_news


def _updated(known: ShareMember | None, request: ShareGroupHeartbeatRequest, caller: Caller) -> ShareMember:
    member = known or ShareMember(request.member_id)
    topics = request.subscribed_topic_names
    return ShareMember(
        request.member_id,
        rack_id=member.rack_id if request.rack_id is None else request.rack_id,
        client_id=caller.client_id,
        client_host=caller.client_host,
        subscribed_topics=member.subscribed_topics if topics is None else tuple(sorted(set(topics))),
        epoch=member.epoch,
        previous_epoch=member.previous_epoch,
        assigned=member.assigned,
    )


def _is_same(known: ShareMember, member: ShareMember) -> bool:
    return (known.rack_id, known.client_id, known.client_host, known.subscribed_topics) == (
        member.rack_id, member.client_id, member.client_host, member.subscribed_topics,
    )  # fmt: skip


def _told(assignment: Assignment) -> Told:
    return Told(
        topic_partitions=[
            Told.TopicPartitions(topic_id=topic_id, partitions=partitions)
            for topic_id, partitions in assignment.items()
        ]
    )


# --- topics


def _subscribed(members: Mapping[str, ShareMember], image: MetadataImage) -> dict[str, TopicImage]:
    names = {name for member in members.values() for name in member.subscribed_topics}
    return {name: topic for name in sorted(names) if (topic := image.topic(name)) is not None}


def topics_hash(topics: Mapping[str, TopicImage]) -> int:
    """It differs when a topic came, went, was made anew, or got partitions."""
    if not topics:
        return 0
    text = repr([(name, topic.id, len(topic.partitions)) for name, topic in sorted(topics.items())])
    return crc32(text.encode())


def missing(group: ShareGroup, topics: Mapping[str, TopicImage]) -> TopicPartitions:
    """The partitions of `topics` that the group has no state of."""
    by_topic = {
        topic.id: tuple(each.index for each in topic.partitions if not group.is_initialized(topic.id, each.index))
        for topic in topics.values()
    }
    return {topic_id: partitions for topic_id, partitions in by_topic.items() if partitions}


def initialized(
    shard: GroupShard, group_id: str, partitions: TopicPartitions, image: MetadataImage, now_ms: int
) -> Decision[None]:
    """The share coordinator has made the state of these: now they can be assigned."""
    group = shard.share_groups.get(group_id)
    if group is None:
        return Decision(None)
    known = dict(group.initialized)
    for topic_id, indexes in partitions.items():
        topic = image.topic_by_id(topic_id)
        if topic is not None:
            known[topic_id] = with_partitions(known.get(topic_id), topic.name, indexes)
    count = sum(len(indexes) for indexes in partitions.values())
    text = f"epoch {group.epoch + 1} begins: {count} partitions are to be read for the first time"
    shard.histories.note(group_id, now_ms, Kind.GENERATION, text, generation=group.epoch + 1)
    return Decision(
        None,
        [
            group_records.initialized_record(group_id, known),
            group_records.epoch_record(group_id, group.epoch + 1, group.metadata_hash),
        ],
    )


def forget_topics(shard: GroupShard, topic_ids: set[bytes]) -> Decision[None]:
    """Topics were deleted: there is nothing of them that could be read."""
    records = []
    for group in shard.share_groups.values():
        kept = {topic_id: each for topic_id, each in group.initialized.items() if topic_id not in topic_ids}
        if len(kept) < len(group.initialized):
            records.append(group_records.initialized_record(group.group_id, kept))
    return Decision(None, records)


def start(shard: GroupShard, group: ShareGroup, config: ShareGroupConfig, now_ms: int) -> None:
    """The group was found in the log: give its members time to come back."""
    if group.members:
        text = f"found in epoch {group.epoch} with {counted(len(group.members), 'member')}"
        shard.histories.note(group.group_id, now_ms, Kind.LOADED, text, generation=group.epoch)
    for member_id in group.members:
        schedule_session(shard, group.group_id, member_id, config.session_timeout_ms, now_ms)


# --- leaving


def _leave(shard: GroupShard, request: ShareGroupHeartbeatRequest, now_ms: int) -> Decision[Heartbeat]:
    group = shard.share_groups.get(request.group_id)
    if group is None:
        raise BrokerError(ErrorCode.GROUP_ID_NOT_FOUND, f"Group {request.group_id} not found.")
    member = group.member(request.member_id)
    response = ShareGroupHeartbeatResponse(
        member_id=request.member_id, member_epoch=LEAVE_EPOCH, heartbeat_interval_ms=0
    )
    shard.timers.cancel(_timer(request.group_id, request.member_id))
    return Decision(Heartbeat(response, {}, group.epoch), _remove(shard, group, member, Kind.LEFT, "left", now_ms))


def _remove(
    shard: GroupShard, group: ShareGroup, member: ShareMember, kind: Kind, text: str, now_ms: int
) -> list[StateRecord]:
    shard.histories.note(group.group_id, now_ms, kind, text, member)
    why = f"epoch {group.epoch + 1} begins: {member.member_id} {kind.value}"
    shard.histories.note(group.group_id, now_ms, Kind.GENERATION, why, generation=group.epoch + 1)
    return [
        *group_records.member_tombstones(group.group_id, [member.member_id]),
        group_records.epoch_record(group.group_id, group.epoch + 1, group.metadata_hash),
    ]


def schedule_session(shard: GroupShard, group_id: str, member_id: str, timeout_ms: int, now_ms: int) -> None:
    expire = partial(_expire, shard, group_id, member_id, now_ms, timeout_ms)
    shard.timers.schedule(_timer(group_id, member_id), now_ms + timeout_ms, expire)


def _expire(
    shard: GroupShard, group_id: str, member_id: str, heard_ms: int, timeout_ms: int, now_ms: int
) -> Decision[None]:
    group = shard.share_groups.get(group_id)
    member = None if group is None else group.members.get(member_id)
    if group is None or member is None:
        return Decision(None)
    text = silent(heard_ms, timeout_ms, now_ms)
    return Decision(None, _remove(shard, group, member, Kind.TIMED_OUT, text, now_ms))


def _timer(group_id: str, member_id: str) -> tuple[str, str, str]:
    return "share session", group_id, member_id
