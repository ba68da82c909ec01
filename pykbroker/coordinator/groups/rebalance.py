"""From one generation to the next.

    EMPTY --join--> PREPARING_REBALANCE --all joined, or time is up--> COMPLETING_REBALANCE --leader synced--> STABLE
                          ^                                                  |                                  |
                          +----------- a member joins, changes, leaves or goes silent --------------------------+

Timers, by name: ("join", group) ends the wait for members to join, ("sync", group) that for them to sync, and
("session", group, member) removes a member not heard of. As in Kafka a member that waits for our answer is not
expected to heartbeat.
"""

from __future__ import annotations

from functools import partial

from pykbroker.coordinator.decision import Decision, nothing
from pykbroker.coordinator.groups.classic import ClassicGroup, GroupState, Member, join_error
from pykbroker.coordinator.groups.history import Kind, Named, counted, silent
from pykbroker.coordinator.groups.shard import GroupShard, metadata_record
from wire.api.join_group import JoinGroupResponse
from wire.api.sync_group import SyncGroupResponse
from wire.errors import ErrorCode


def start(shard: GroupShard, now_ms: int) -> None:
    """The shard is loaded: expect its members to go on as before."""
    for group in shard.groups.values():
        if group.members:
            text = f"found in generation {group.generation_id} with {counted(len(group.members), 'member')}"
            shard.histories.note(group.group_id, now_ms, Kind.LOADED, text, generation=group.generation_id)
        for member in group.members.values():
            reschedule_session(shard, group, member, now_ms)
        if len(group.members) > shard.config.max_size:
            prepare(shard, group, f"over the maximum size of {shard.config.max_size} after loading", now_ms)


def stop(shard: GroupShard) -> None:
    """The shard is not ours any more: send away whoever waits."""
    shard.timers.clear()
    for group in shard.groups.values():
        group.state = GroupState.DEAD
        for member in group.members.values():
            member.answer_join(join_error(member.member_id, ErrorCode.NOT_COORDINATOR))
            member.answer_sync(SyncGroupResponse(error_code=ErrorCode.NOT_COORDINATOR, assignment=b""))


def reschedule_session(
    shard: GroupShard, group: ClassicGroup, member: Member, now_ms: int, timeout_ms: int | None = None
) -> None:
    """The member has been heard of."""
    schedule_session(
        shard, group.group_id, member.member_id, now_ms, member.session_timeout_ms if timeout_ms is None else timeout_ms
    )


def schedule_session(shard: GroupShard, group_id: str, member_id: str, now_ms: int, timeout_ms: int) -> None:
    expire = partial(_expire_session, shard, group_id, member_id, now_ms)
    shard.timers.schedule(("session", group_id, member_id), now_ms + timeout_ms, expire)


def cancel_session(shard: GroupShard, group: ClassicGroup, member_id: str) -> None:
    shard.timers.cancel(("session", group.group_id, member_id))


def prepare_or_complete_join(shard: GroupShard, group: ClassicGroup, reason: str, now_ms: int) -> Decision[None]:
    if group.can_rebalance:
        return prepare(shard, group, reason, now_ms)
    return maybe_complete_join(shard, group, now_ms)


def prepare(shard: GroupShard, group: ClassicGroup, reason: str, now_ms: int) -> Decision[None]:
    """Have all members join again."""
    after = "" if group.state is GroupState.EMPTY else f" after generation {group.generation_id}"
    text = f"begins{after}: {reason}"
    shard.histories.note(group.group_id, now_ms, Kind.REBALANCE, text, generation=group.generation_id)
    if group.state is GroupState.COMPLETING_REBALANCE:
        reset_assignments(shard, group, ErrorCode.REBALANCE_IN_PROGRESS, now_ms)
    group.pending_sync_members.clear()
    shard.timers.cancel(("sync", group.group_id))
    is_initial = group.state is GroupState.EMPTY
    group.transition_to(GroupState.PREPARING_REBALANCE, now_ms)
    if is_initial:
        # A group that starts gets its members one by one: wait a little for more of them.
        delay_ms = shard.config.initial_rebalance_delay_ms
        remaining_ms = max(group.rebalance_timeout_ms - delay_ms, 0)
        _delay_initial_join(shard, group, delay_ms, remaining_ms, now_ms)
        return nothing()
    if group.has_all_members_joined:
        return complete_join(shard, group, now_ms)
    _schedule_join_timeout(shard, group, now_ms)
    return nothing()


def maybe_complete_join(shard: GroupShard, group: ClassicGroup, now_ms: int) -> Decision[None]:
    """Go on to the next generation if nobody is waited for. An initial rebalance has its time, though."""
    if (
        group.state is GroupState.PREPARING_REBALANCE
        and group.previous_state is not GroupState.EMPTY
        and group.has_all_members_joined
    ):
        return complete_join(shard, group, now_ms)
    return nothing()


def complete_join(shard: GroupShard, group: ClassicGroup, now_ms: int) -> Decision[None]:
    """Start the next generation with those who have joined, and with static members, who may come back later."""
    shard.timers.cancel(("join", group.group_id))
    for member in list(group.members.values()):
        if member.awaiting_join is None and member.group_instance_id is None:
            text = f"did not join again within {group.rebalance_timeout_ms} ms, the rebalance timeout"
            shard.histories.note(group.group_id, now_ms, Kind.TIMED_OUT, text, member)
            group.remove(member.member_id)
            cancel_session(shard, group, member.member_id)
    if group.members and not group.elect_joined_leader():
        # Only static members are left, and none has joined: wait until one does, or their sessions are over.
        _schedule_join_timeout(shard, group, now_ms)
        return nothing()
    took_ms = now_ms - (now_ms if group.state_since_ms is None else group.state_since_ms)
    group.init_next_generation(now_ms)
    text = f"generation {group.generation_id} begins, after {took_ms} ms, with {_described(group)}"
    shard.histories.note(group.group_id, now_ms, Kind.GENERATION, text, generation=group.generation_id)
    if group.state is GroupState.EMPTY:
        # Should this not be written, the members before are found after a restart, and time out.
        return Decision(None, [metadata_record(group, {})])
    for member in group.members.values():
        member.answer_join(joined(group, member))
        reschedule_session(shard, group, member, now_ms)
        member.is_new = False
        group.pending_sync_members.add(member.member_id)
    shard.timers.schedule(
        ("sync", group.group_id),
        now_ms + group.rebalance_timeout_ms,
        partial(_expire_sync, shard, group.group_id, group.generation_id),
    )
    return nothing()


def _described(group: ClassicGroup) -> str:
    if not group.members:
        return "no members"
    return f"{counted(len(group.members), 'member')}, {group.protocol_name}, led by {group.leader_id}"


def joined(group: ClassicGroup, member: Member) -> JoinGroupResponse:
    """The present generation, as told to a member: all members to the leader, to others none."""
    is_leader = member.member_id == group.leader_id
    return JoinGroupResponse(
        generation_id=group.generation_id,
        protocol_type=group.protocol_type,
        protocol_name=group.protocol_name,
        leader=group.leader_id or "",
        member_id=member.member_id,
        members=group.described_members() if is_leader else (),
    )


def remove_member(shard: GroupShard, group: ClassicGroup, member: Member) -> None:
    """A member goes before its time. If it waits to join it may try anew."""
    member.answer_join(join_error("", ErrorCode.UNKNOWN_MEMBER_ID))
    member.answer_sync(SyncGroupResponse(error_code=ErrorCode.UNKNOWN_MEMBER_ID, assignment=b""))
    group.remove(member.member_id)
    cancel_session(shard, group, member.member_id)


def reset_assignments(shard: GroupShard, group: ClassicGroup, code: ErrorCode, now_ms: int) -> None:
    """The generation came to nothing: tell so whoever waits for its assignments."""
    for member in group.members.values():
        member.assignment = b""
        if member.answer_sync(SyncGroupResponse(error_code=code, assignment=b"")):
            reschedule_session(shard, group, member, now_ms)


def propagate_assignments(shard: GroupShard, group: ClassicGroup, assignments: dict[str, bytes], now_ms: int) -> None:
    for member in group.members.values():
        member.assignment = assignments.get(member.member_id, b"")
        # Whose session ended while it waited was spared; from now on it is expected to heartbeat again.
        if member.answer_sync(synced(group, member)):
            reschedule_session(shard, group, member, now_ms)


def synced(group: ClassicGroup, member: Member) -> SyncGroupResponse:
    return SyncGroupResponse(
        protocol_type=group.protocol_type, protocol_name=group.protocol_name, assignment=member.assignment
    )


def _schedule_join_timeout(shard: GroupShard, group: ClassicGroup, now_ms: int) -> None:
    shard.timers.schedule(
        ("join", group.group_id), now_ms + group.rebalance_timeout_ms, partial(_expire_join, shard, group.group_id)
    )


def _expire_join(shard: GroupShard, group_id: str, now_ms: int) -> Decision[None]:
    group = shard.groups.get(group_id)
    if group is None or group.state is not GroupState.PREPARING_REBALANCE:
        return nothing()
    return complete_join(shard, group, now_ms)


def _delay_initial_join(shard: GroupShard, group: ClassicGroup, delay_ms: int, remaining_ms: int, now_ms: int) -> None:
    group.new_member_added = False
    shard.timers.schedule(
        ("join", group.group_id),
        now_ms + delay_ms,
        partial(_expire_initial_join, shard, group.group_id, delay_ms, remaining_ms),
    )


def _expire_initial_join(
    shard: GroupShard, group_id: str, delay_ms: int, remaining_ms: int, now_ms: int
) -> Decision[None]:
    """Wait once more if somebody came meanwhile, but all in all no longer than the rebalance timeout."""
    group = shard.groups.get(group_id)
    if group is None or group.state is not GroupState.PREPARING_REBALANCE:
        return nothing()
    if group.new_member_added and remaining_ms > 0:
        next_delay_ms = min(shard.config.initial_rebalance_delay_ms, remaining_ms)
        _delay_initial_join(shard, group, next_delay_ms, max(remaining_ms - delay_ms, 0), now_ms)
        return nothing()
    return complete_join(shard, group, now_ms)


def _expire_sync(shard: GroupShard, group_id: str, generation_id: int, now_ms: int) -> Decision[None]:
    group = shard.groups.get(group_id)
    if group is None or group.generation_id != generation_id or not group.pending_sync_members:
        return nothing()
    if group.state not in (GroupState.COMPLETING_REBALANCE, GroupState.STABLE):
        return nothing()
    for member_id in sorted(group.pending_sync_members):
        text = f"did not sync within {group.rebalance_timeout_ms} ms, the rebalance timeout"
        shard.histories.note(group_id, now_ms, Kind.TIMED_OUT, text, group.members[member_id])
        remove_member(shard, group, group.members[member_id])
    return prepare(shard, group, "members did not sync in time", now_ms)


def _expire_session(shard: GroupShard, group_id: str, member_id: str, heard_ms: int, now_ms: int) -> Decision[None]:
    group = shard.groups.get(group_id)
    if group is None:
        return nothing()
    if member_id in group.pending_join_members:
        text = f"did not join with the id that it was given {now_ms - heard_ms} ms ago"
        shard.histories.note(group_id, now_ms, Kind.TIMED_OUT, text, Named(member_id))
        group.remove(member_id)
        if group.state is GroupState.PREPARING_REBALANCE and group.has_all_members_joined:
            return complete_join(shard, group, now_ms)
        return nothing()
    member = group.members.get(member_id)
    if member is None or member.has_satisfied_heartbeat:
        return nothing()
    timeout_ms = shard.config.new_member_join_timeout_ms if member.is_new else member.session_timeout_ms
    shard.histories.note(group_id, now_ms, Kind.TIMED_OUT, silent(heard_ms, timeout_ms, now_ms), member)
    remove_member(shard, group, member)
    if group.state in (GroupState.STABLE, GroupState.COMPLETING_REBALANCE):
        return prepare(shard, group, f"{member_id} timed out", now_ms)
    if group.state is GroupState.PREPARING_REBALANCE and group.has_all_members_joined:
        return complete_join(shard, group, now_ms)
    return nothing()
