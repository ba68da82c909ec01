"""SyncGroup, Heartbeat, LeaveGroup: what a member does between joining and leaving."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from functools import partial

from pykbroker.coordinator.decision import Decision, Pending, nothing
from pykbroker.coordinator.groups import rebalance
from pykbroker.coordinator.groups.classic import ClassicGroup, GroupState, sync_error
from pykbroker.coordinator.groups.consumer import classic_members
from pykbroker.coordinator.groups.history import Kind, moved, moves_between, told
from pykbroker.coordinator.groups.shard import GroupShard, metadata_record
from pykbroker.errors import BrokerError
from wire.api.heartbeat import HeartbeatRequest, HeartbeatResponse
from wire.api.leave_group import LeaveGroupRequest, LeaveGroupResponse
from wire.api.sync_group import SyncGroupRequest, SyncGroupResponse
from wire.errors import ErrorCode, ProtocolError
from wire.state_records import decode_assignment

MemberIdentity = LeaveGroupRequest.MemberIdentity
MemberResponse = LeaveGroupResponse.MemberResponse


def sync(shard: GroupShard, request: SyncGroupRequest, now_ms: int) -> Decision[SyncGroupResponse]:
    """Hand out assignments: the leader brings all of them, each member takes its own."""
    if request.group_id == "":
        return Decision(sync_error(ErrorCode.INVALID_GROUP_ID))
    consumer_group = shard.consumer_groups.get(request.group_id)
    if consumer_group is not None:
        return classic_members.sync(shard, consumer_group, request, now_ms)
    group = shard.groups.get(request.group_id)
    if group is None or group.state is GroupState.EMPTY:
        return Decision(sync_error(ErrorCode.UNKNOWN_MEMBER_ID))
    _validate_sync(group, request)
    if group.state is GroupState.PREPARING_REBALANCE:
        return Decision(sync_error(ErrorCode.REBALANCE_IN_PROGRESS))
    group.pending_sync_members.discard(request.member_id)
    if not group.pending_sync_members:
        shard.timers.cancel(("sync", group.group_id))
    member = group.members[request.member_id]
    if group.state is GroupState.STABLE:
        return Decision(rebalance.synced(group, member))
    waiting: Pending[SyncGroupResponse] = Pending()
    member.await_sync(waiting)
    if request.member_id != group.leader_id:
        return Decision(waiting)
    given = {assignment.member_id: assignment.assignment for assignment in request.assignments}
    assignments = {member_id: given.get(member_id, b"") for member_id in group.members}
    generation_id = group.generation_id
    return Decision(
        waiting,
        [metadata_record(group, assignments)],
        committed=partial(_assigned, shard, group, generation_id, assignments),
        failed=partial(_assigning_failed, shard, group, generation_id),
    )


def _validate_sync(group: ClassicGroup, request: SyncGroupRequest) -> None:
    group.validate_member(request.member_id, request.group_instance_id)
    if request.generation_id != group.generation_id:
        raise BrokerError(ErrorCode.ILLEGAL_GENERATION)
    for asked, actual in (
        (request.protocol_type, group.protocol_type),
        (request.protocol_name, group.protocol_name),
    ):
        if asked is not None and actual is not None and asked != actual:
            raise BrokerError(ErrorCode.INCONSISTENT_GROUP_PROTOCOL)


def _is_current(group: ClassicGroup, generation_id: int) -> bool:
    """Whether the group has not moved on while its record was on its way."""
    return group.state is GroupState.COMPLETING_REBALANCE and group.generation_id == generation_id


def _assigned(
    shard: GroupShard, group: ClassicGroup, generation_id: int, assignments: dict[str, bytes], now_ms: int
) -> None:
    if _is_current(group, generation_id):
        rebalance.propagate_assignments(shard, group, assignments, now_ms)
        group.transition_to(GroupState.STABLE, now_ms)
        before, group.last_assignments = group.last_assignments, assignments
        moves = moves_between(_owners(group, before), _owners(group, assignments))
        text = f"generation {generation_id} is stable: {moved(moves)}"
        shard.histories.note(group.group_id, now_ms, Kind.ASSIGNED, text, generation=generation_id, moves=moves)


def _owners(group: ClassicGroup, assignments: Mapping[str, bytes]) -> dict[tuple[str, int], str]:
    """The member of each partition, as far as we can read the assignments: those of consumers."""
    owners: dict[tuple[str, int], str] = {}
    for member_id, assignment in assignments.items() if group.is_consumer_group else ():
        with suppress(ProtocolError):
            for topic in decode_assignment(assignment).assigned_partitions if assignment else ():
                owners.update(dict.fromkeys(((topic.topic, index) for index in topic.partitions), member_id))
    return owners


def _assigning_failed(
    shard: GroupShard, group: ClassicGroup, generation_id: int, code: ErrorCode, now_ms: int
) -> Decision[None]:
    if not _is_current(group, generation_id):
        return nothing()
    rebalance.reset_assignments(shard, group, code, now_ms)
    return rebalance.prepare(shard, group, f"the assignments could not be stored: {code.name}", now_ms)


def heartbeat(shard: GroupShard, request: HeartbeatRequest, now_ms: int) -> Decision[HeartbeatResponse]:
    if request.group_id == "":
        raise BrokerError(ErrorCode.INVALID_GROUP_ID)
    consumer_group = shard.consumer_groups.get(request.group_id)
    if consumer_group is not None:
        return classic_members.heartbeat(shard, consumer_group, request, now_ms)
    group = shard.groups.get(request.group_id)
    if group is None:
        raise BrokerError(ErrorCode.UNKNOWN_MEMBER_ID)
    group.validate_member(request.member_id, request.group_instance_id)
    if request.generation_id != group.generation_id:
        raise BrokerError(ErrorCode.ILLEGAL_GENERATION)
    rebalance.reschedule_session(shard, group, group.members[request.member_id], now_ms)
    if group.state is GroupState.PREPARING_REBALANCE:
        return Decision(HeartbeatResponse(error_code=ErrorCode.REBALANCE_IN_PROGRESS))
    return Decision(HeartbeatResponse())


def leave(shard: GroupShard, request: LeaveGroupRequest, now_ms: int) -> Decision[LeaveGroupResponse]:
    """Let members go, each with a result of its own."""
    if request.group_id == "":
        raise BrokerError(ErrorCode.INVALID_GROUP_ID)
    consumer_group = shard.consumer_groups.get(request.group_id)
    if consumer_group is not None:
        return classic_members.leave(shard, consumer_group, request, now_ms)
    group = shard.groups.get(request.group_id)
    if group is None:
        unknown = ErrorCode.UNKNOWN_MEMBER_ID
        return Decision(LeaveGroupResponse(members=[_left(identity, unknown) for identity in request.members]))
    results = [_leave_one(shard, group, identity, now_ms) for identity in request.members]
    decision = nothing()
    if any(result.error_code == ErrorCode.NONE for result in results):
        if group.state in (GroupState.STABLE, GroupState.COMPLETING_REBALANCE):
            left = told(each.member_id for each in results if each.error_code == ErrorCode.NONE)
            decision = rebalance.prepare(shard, group, f"{left} left", now_ms)
        else:
            decision = rebalance.maybe_complete_join(shard, group, now_ms)
    return Decision(LeaveGroupResponse(members=results), decision.records, decision.committed, decision.failed)


def _leave_one(shard: GroupShard, group: ClassicGroup, identity: MemberIdentity, now_ms: int) -> MemberResponse:
    member_id, instance_id = identity.member_id, identity.group_instance_id
    if member_id == "":  # an administrator removes a static member, whose id only we know
        static_id = None if instance_id is None else group.static_members.get(instance_id)
        if static_id is None:
            return _left(identity, ErrorCode.UNKNOWN_MEMBER_ID)
        member_id = static_id
    elif member_id in group.pending_join_members:
        group.remove(member_id)
        rebalance.cancel_session(shard, group, member_id)
        return _left(identity)
    else:
        try:
            group.validate_member(member_id, instance_id)
        except BrokerError as error:
            return _left(identity, error.code)
    how = "left" if identity.member_id else f"was removed by an administrator, as static member {instance_id}"
    text = f"{how}; client reason: {identity.reason or 'not provided'}"
    shard.histories.note(group.group_id, now_ms, Kind.LEFT, text, group.members[member_id])
    rebalance.remove_member(shard, group, group.members[member_id])
    return _left(identity)


def _left(identity: MemberIdentity, code: ErrorCode = ErrorCode.NONE) -> MemberResponse:
    return MemberResponse(member_id=identity.member_id, group_instance_id=identity.group_instance_id, error_code=code)
