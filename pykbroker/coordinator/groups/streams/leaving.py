"""Members that leave, or are not heard of.

Timers, by name: ("streams session", group, member) removes a member not heard of, ("streams rebalance", group, member)
one that does not give up what it should.
"""

from __future__ import annotations

from functools import partial

from pykbroker.coordinator.groups.decision import Decision, nothing
from pykbroker.coordinator.groups.shard import GroupShard
from pykbroker.coordinator.groups.streams.group import StreamsGroup
from pykbroker.coordinator.groups.streams.member import MemberState, StreamsMember
from pykbroker.coordinator.groups.streams.records import epoch_record, member_tombstones


def remove(shard: GroupShard, group: StreamsGroup, member_id: str, reason: str) -> Decision[None]:
    """Have the member be gone. The group assigns anew with the next heartbeat of those who are left."""
    records = [
        *member_tombstones(group.group_id, member_id),
        epoch_record(
            group.group_id,
            group.epoch + 1,
            group.metadata_hash,
            group.validated_topology_epoch,
            group.assignment_configs,
        ),
    ]
    return Decision(None, records, partial(_removed, shard, group, member_id, reason))


def _removed(shard: GroupShard, group: StreamsGroup, member_id: str, reason: str, now_ms: int) -> None:
    shard.timers.cancel(_session(group.group_id, member_id))
    shard.timers.cancel(_rebalance(group.group_id, member_id))
    group.note(now_ms, f"{reason}: epoch {group.epoch} begins")


def start(shard: GroupShard, now_ms: int) -> None:
    """The shard is loaded: expect its members to go on as before."""
    for group in shard.streams_groups.values():
        for member in group.members.values():
            heard_of(shard, group.group_id, member.member_id, now_ms)
            expect_revocation(shard, group.group_id, member, now_ms)


def heard_of(shard: GroupShard, group_id: str, member_id: str, now_ms: int) -> None:
    timeout_ms = shard.streams_config(group_id).session_timeout_ms
    reason = f"{member_id} removed: not heard of for {timeout_ms} ms"
    expire = partial(_expire, shard, group_id, member_id, reason)
    shard.timers.schedule(_session(group_id, member_id), now_ms + timeout_ms, expire)


def expect_revocation(shard: GroupShard, group_id: str, member: StreamsMember, now_ms: int) -> None:
    timer = _rebalance(group_id, member.member_id)
    if member.state is MemberState.UNREVOKED_TASKS:
        expire = partial(_expire_in_epoch, shard, group_id, member.member_id, member.epoch)
        shard.timers.schedule(timer, now_ms + member.rebalance_timeout_ms, expire)
    else:
        shard.timers.cancel(timer)


def _expire(shard: GroupShard, group_id: str, member_id: str, reason: str, now_ms: int) -> Decision[None]:  # noqa: ARG001
    group = shard.streams_groups.get(group_id)
    if group is None or member_id not in group.members:
        return nothing()
    return remove(shard, group, member_id, reason)


def _expire_in_epoch(shard: GroupShard, group_id: str, member_id: str, epoch: int, now_ms: int) -> Decision[None]:
    group = shard.streams_groups.get(group_id)
    member = None if group is None else group.members.get(member_id)
    if member is None or member.epoch != epoch:
        return nothing()
    reason = f"{member_id} removed: did not give up tasks within {member.rebalance_timeout_ms} ms"
    return _expire(shard, group_id, member_id, reason, now_ms)


def _session(group_id: str, member_id: str) -> tuple[str, str, str]:
    return "streams session", group_id, member_id


def _rebalance(group_id: str, member_id: str) -> tuple[str, str, str]:
    return "streams rebalance", group_id, member_id
