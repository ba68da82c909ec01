"""JoinGroup: become a member, or stay one in the generation to come.

A member without an id gets one. From v4 on it must come back with it before it counts (KIP-394), so that a client
which never sees our answer leaves no dead member behind; a static member (KIP-345) is known by its instance id and
need not.
"""

from __future__ import annotations

from functools import partial
from uuid import uuid4

from pykbroker.coordinator.decision import Caller, Decision, Pending, StateRecord, nothing
from pykbroker.coordinator.groups import rebalance
from pykbroker.coordinator.groups.classic import ClassicGroup, GroupState, Member, Protocols, join_error, topics_of
from pykbroker.coordinator.groups.consumer import classic_members
from pykbroker.coordinator.groups.consumer.records import group_tombstones
from pykbroker.coordinator.groups.history import Kind, difference, told
from pykbroker.coordinator.groups.shard import GroupShard, metadata_record
from pykbroker.coordinator.groups.streams import records as streams_records
from pykbroker.coordinator.groups.streams.target import stop_waiting
from pykbroker.errors import BrokerError
from wire.api.join_group import JoinGroupRequest, JoinGroupResponse
from wire.errors import ErrorCode

UNKNOWN_MEMBER = ""
KNOWN_ID_REQUIRED_SINCE = 4  # KIP-394
SKIP_ASSIGNMENT_SINCE = 9  # KIP-814

JoinDecision = Decision[JoinGroupResponse]


class _Join:
    """A JoinGroup in hand: the request, and what is told from it."""

    __slots__ = ("caller", "protocols", "reason", "rebalance_timeout_ms", "request", "waiting")

    def __init__(self, request: JoinGroupRequest, caller: Caller) -> None:
        self.request = request
        self.caller = caller
        self.protocols: Protocols = {protocol.name: protocol.metadata for protocol in request.protocols}
        # Version 0 knew one timeout for both.
        self.rebalance_timeout_ms = (
            request.session_timeout_ms if caller.api_version == 0 else request.rebalance_timeout_ms
        )
        self.reason = request.reason or "not provided"
        self.waiting: Pending[JoinGroupResponse] = Pending()

    def new_member(self, member_id: str) -> Member:
        member = Member(
            member_id,
            group_instance_id=self.request.group_instance_id,
            client_id=self.caller.client_id,
            client_host=self.caller.client_host,
            rebalance_timeout_ms=self.rebalance_timeout_ms,
            session_timeout_ms=self.request.session_timeout_ms,
            protocol_type=self.request.protocol_type,
            protocols=self.protocols,
        )
        member.is_new = True
        return member


def join(shard: GroupShard, request: JoinGroupRequest, caller: Caller, now_ms: int) -> JoinDecision:
    config = shard.config
    if request.group_id == "":
        return _refused(request.member_id, ErrorCode.INVALID_GROUP_ID)
    if not config.min_session_timeout_ms <= request.session_timeout_ms <= config.max_session_timeout_ms:
        return _refused(request.member_id, ErrorCode.INVALID_SESSION_TIMEOUT)
    streams_group = shard.streams_groups.get(request.group_id)
    if request.group_id in shard.share_groups or (streams_group is not None and streams_group.members):
        return _refused(request.member_id, ErrorCode.INCONSISTENT_GROUP_PROTOCOL)
    consumer_group = shard.consumer_groups.get(request.group_id)
    if consumer_group is not None and consumer_group.members:
        return classic_members.join(shard, consumer_group, request, caller, now_ms)
    is_new_group = request.group_id not in shard.groups
    if is_new_group and request.member_id != UNKNOWN_MEMBER:
        return _refused(request.member_id, ErrorCode.UNKNOWN_MEMBER_ID)
    group = shard.group_or_new(request.group_id, now_ms)
    decision = _join_group(shard, group, _Join(request, caller), now_ms)
    if is_new_group and not decision.records:
        # A group is not there until it is in the log: else nothing would expire it.
        decision.records.append(_first_record(group, now_ms))
        decision.failed = partial(_new_group_failed, shard, group)
    # An empty one of another kind makes way.
    if consumer_group is not None:
        decision.records[:0] = group_tombstones(consumer_group)
    if streams_group is not None:
        stop_waiting(shard, request.group_id)
        decision.records[:0] = streams_records.group_tombstones(streams_group)
    return decision


def _first_record(group: ClassicGroup, now_ms: int) -> StateRecord:
    return metadata_record(ClassicGroup(group.group_id, state_since_ms=now_ms), {})


def _join_group(shard: GroupShard, group: ClassicGroup, join: _Join, now_ms: int) -> JoinDecision:
    request = join.request
    if not _has_room(shard, group, request.member_id):
        group.remove(request.member_id)
        return _refused(UNKNOWN_MEMBER, ErrorCode.GROUP_MAX_SIZE_REACHED)
    if not group.supports(request.protocol_type, join.protocols):
        return _refused(request.member_id, ErrorCode.INCONSISTENT_GROUP_PROTOCOL)
    if request.member_id == UNKNOWN_MEMBER:
        return _join_unknown(shard, group, join, now_ms)
    if request.member_id in group.pending_join_members:
        if request.group_instance_id is not None:  # a static member is never pending
            raise BrokerError(ErrorCode.UNKNOWN_SERVER_ERROR)
        return _add_member(shard, group, join, request.member_id, now_ms)
    try:
        group.validate_member(request.member_id, request.group_instance_id)
    except BrokerError as error:
        return Decision(join_error(request.member_id, error.code))
    return _rejoin(shard, group, join, group.members[request.member_id], now_ms)


def _has_room(shard: GroupShard, group: ClassicGroup, member_id: str) -> bool:
    """Whether the group takes the member. While members join, those who have joined count: the last are left out."""
    member = group.members.get(member_id)
    if group.state is GroupState.EMPTY:
        return True
    if group.state is GroupState.PREPARING_REBALANCE:
        has_joined = member is not None and member.awaiting_join is not None
        return has_joined or group.awaiting_join_count < shard.config.max_size
    return member is not None or len(group.members) < shard.config.max_size


def _join_unknown(shard: GroupShard, group: ClassicGroup, join: _Join, now_ms: int) -> JoinDecision:
    instance_id = join.request.group_instance_id
    member_id = f"{join.caller.client_id if instance_id is None else instance_id}-{uuid4()}"
    if instance_id is not None:
        existing_id = group.static_members.get(instance_id)
        if existing_id is None:
            return _add_member(shard, group, join, member_id, now_ms)
        return _replace_static(shard, group, join, existing_id, member_id, now_ms)
    if join.caller.api_version < KNOWN_ID_REQUIRED_SINCE:
        return _add_member(shard, group, join, member_id, now_ms)
    group.pending_join_members.add(member_id)
    rebalance.schedule_session(shard, group.group_id, member_id, now_ms, join.request.session_timeout_ms)
    return _refused(member_id, ErrorCode.MEMBER_ID_REQUIRED)


def _add_member(shard: GroupShard, group: ClassicGroup, join: _Join, member_id: str, now_ms: int) -> JoinDecision:
    member = join.new_member(member_id)
    if group.state is GroupState.PREPARING_REBALANCE and group.previous_state is GroupState.EMPTY:
        group.new_member_added = True
    group.add(member)
    member.await_join(join.waiting)
    text = f"joined{_read_by(member.protocol_type, join.protocols)}; client reason: {join.reason}"
    shard.histories.note(group.group_id, now_ms, Kind.JOINED, text, member)
    # It cannot heartbeat before it knows its id. Should its client be gone, it must not stay for ever.
    rebalance.reschedule_session(shard, group, member, now_ms, shard.config.new_member_join_timeout_ms)
    return _waiting(join, rebalance.prepare_or_complete_join(shard, group, f"{member_id} joined", now_ms))


def _read_by(protocol_type: str, protocols: Protocols) -> str:
    topics = topics_of(protocol_type, protocols)
    return f", reads {told(topics)}" if topics else ""


def _rejoin(shard: GroupShard, group: ClassicGroup, join: _Join, member: Member, now_ms: int) -> JoinDecision:
    state, is_unchanged = group.state, list(member.protocols.items()) == list(join.protocols.items())
    if state is GroupState.EMPTY:  # has no members: cannot happen
        return _refused(member.member_id, ErrorCode.UNKNOWN_MEMBER_ID)
    if state is GroupState.COMPLETING_REBALANCE and is_unchanged:
        return Decision(rebalance.joined(group, member))  # it missed our answer
    if state is GroupState.STABLE and is_unchanged and member.member_id != group.leader_id:
        return Decision(_without_members(group, member))
    # The leader of a stable group may want a rebalance for what only it knows, such as new partitions.
    changed = difference(*(topics_of(member.protocol_type, each) for each in (member.protocols, join.protocols)))
    if changed:
        text = f"{changed}; client reason: {join.reason}"
        shard.histories.note(group.group_id, now_ms, Kind.CHANGED, text, member)
    asked = f"asks for a new generation; client reason: {join.reason}"
    reason = f"{member.member_id} {changed or asked}"
    _update(group, member, join)
    member.await_join(join.waiting)
    return _waiting(join, rebalance.prepare_or_complete_join(shard, group, reason, now_ms))


def _update(group: ClassicGroup, member: Member, join: _Join) -> None:
    group.update(
        member,
        join.protocols,
        rebalance_timeout_ms=join.rebalance_timeout_ms,
        session_timeout_ms=join.request.session_timeout_ms,
    )


def _replace_static(
    shard: GroupShard, group: ClassicGroup, join: _Join, old_id: str, new_id: str, now_ms: int
) -> JoinDecision:
    """A static member was started again: it takes the place of its former self, whose assignment it keeps."""
    instance_id = join.request.group_instance_id
    assert instance_id is not None
    old, former_leader = group.members[old_id], group.leader_id
    member = group.replace_static_member(instance_id, old_id, new_id)
    rebalance.cancel_session(shard, group, old_id)
    rebalance.reschedule_session(shard, group, member, now_ms)
    _update(group, member, join)
    member.await_join(join.waiting)
    group.last_assignments = {
        new_id if each == old_id else each: assignment for each, assignment in group.last_assignments.items()
    }
    text = f"static member {instance_id} is back and takes the place of {old_id}; client reason: {join.reason}"
    shard.histories.note(group.group_id, now_ms, Kind.REPLACED, text, member)
    reason = f"static member {instance_id} joined anew; client reason: {join.reason}"
    if group.state is GroupState.COMPLETING_REBALANCE:
        # The leader may be assigning to the old id just now.
        return _waiting(join, rebalance.prepare(shard, group, reason, now_ms))
    if group.state is not GroupState.STABLE:
        return _waiting(join, rebalance.maybe_complete_join(shard, group, now_ms))
    if group.select_protocol() != group.protocol_name:
        return _waiting(join, rebalance.prepare_or_complete_join(shard, group, reason, now_ms))
    assignments = {each.member_id: each.assignment for each in group.members.values()}
    return Decision(
        join.waiting,
        [metadata_record(group, assignments)],
        committed=partial(_replaced, group, join, member, former_leader),
        failed=partial(_replacement_failed, shard, group, join, old, member, former_leader),
    )


def _replaced(
    group: ClassicGroup,
    join: _Join,
    member: Member,
    former_leader: str | None,
    now_ms: int,  # noqa: ARG001
) -> None:
    """The new id is in the log. Nothing else about the generation has changed, so nobody need rebalance."""
    if join.caller.api_version >= SKIP_ASSIGNMENT_SINCE:
        response = rebalance.joined(group, member)
        response.skip_assignment = member.member_id == group.leader_id
    else:
        # Older clients would assign if they were leader, and the group would not listen: name them the old id.
        response = _without_members(group, member)
        response.leader = former_leader or ""
    member.answer_join(response)


def _replacement_failed(
    shard: GroupShard,
    group: ClassicGroup,
    join: _Join,
    old: Member,
    member: Member,
    former_leader: str | None,
    code: ErrorCode,
    now_ms: int,
) -> Decision[None]:
    """The new id could not be stored: be as if it had not come."""
    response = _without_members(group, member)
    response.error_code, response.member_id, response.leader = code, UNKNOWN_MEMBER, former_leader or ""
    join.waiting.resolve(response)
    if old.group_instance_id is None or group.members.get(member.member_id) is not member:
        return nothing()
    restored = group.replace_static_member(old.group_instance_id, member.member_id, old.member_id)
    group.update(
        restored,
        old.protocols,
        rebalance_timeout_ms=old.rebalance_timeout_ms,
        session_timeout_ms=old.session_timeout_ms,
    )
    rebalance.cancel_session(shard, group, member.member_id)
    rebalance.reschedule_session(shard, group, restored, now_ms)
    return nothing()


def _new_group_failed(shard: GroupShard, group: ClassicGroup, code: ErrorCode, now_ms: int) -> Decision[None]:  # noqa: ARG001
    for member in group.members.values():
        member.answer_join(join_error("", code))
        rebalance.cancel_session(shard, group, member.member_id)
    shard.timers.cancel(("join", group.group_id))
    if shard.groups.get(group.group_id) is group:
        del shard.groups[group.group_id]
    group.state = GroupState.DEAD
    return nothing()


def _without_members(group: ClassicGroup, member: Member) -> JoinGroupResponse:
    return JoinGroupResponse(
        generation_id=group.generation_id,
        protocol_type=group.protocol_type,
        protocol_name=group.protocol_name,
        leader=group.leader_id or "",
        member_id=member.member_id,
        members=(),
    )


def _waiting(join: _Join, decision: Decision[None]) -> JoinDecision:
    return Decision(join.waiting, decision.records, decision.committed, decision.failed)


def _refused(member_id: str, code: ErrorCode) -> JoinDecision:
    return Decision(join_error(member_id, code))
