"""Members that leave, or are not heard of.

Timers, by name: ("streams session", group, member) removes a member not heard of, ("streams rebalance", group, member)
one that does not give up what it should.
"""

from __future__ import annotations

from functools import partial

from pykbroker.coordinator.decision import Decision, nothing
from pykbroker.coordinator.groups.history import Kind, counted, silent
from pykbroker.coordinator.groups.shard import GroupShard
from pykbroker.coordinator.groups.streams.group import StreamsGroup
from pykbroker.coordinator.groups.streams.member import MemberState, StreamsMember
from pykbroker.coordinator.groups.streams.records import epoch_record, member_tombstones


def remove(
    shard: GroupShard, group: StreamsGroup, member: StreamsMember, kind: Kind, text: str, now_ms: int
) -> Decision[None]:
    """Have the member be gone, for the history in these words. The group assigns anew with the next heartbeat of those
    who are left.
    """
    shard.histories.note(group.group_id, now_ms, kind, text, member)
    records = [
        *member_tombstones(group.group_id, member.member_id),
        epoch_record(
            group.group_id,
            group.epoch + 1,
            group.metadata_hash,
            group.validated_topology_epoch,
            group.assignment_configs,
        ),
    ]
    return Decision(None, records, partial(_removed, shard, group, member.member_id, kind))


def _removed(shard: GroupShard, group: StreamsGroup, member_id: str, kind: Kind, now_ms: int) -> None:
    shard.timers.cancel(_session(group.group_id, member_id))
    shard.timers.cancel(_rebalance(group.group_id, member_id))
    text = f"epoch {group.epoch} begins: {member_id} {kind.value}"
    shard.histories.note(group.group_id, now_ms, Kind.GENERATION, text, generation=group.epoch)


def start(shard: GroupShard, now_ms: int) -> None:
    """The shard is loaded: expect its members to go on as before."""
    for group in shard.streams_groups.values():
        if group.members:
            text = f"found in epoch {group.epoch} with {counted(len(group.members), 'member')}"
            shard.histories.note(group.group_id, now_ms, Kind.LOADED, text, generation=group.epoch)
        for member in group.members.values():
            heard_of(shard, group.group_id, member.member_id, now_ms)
            expect_revocation(shard, group.group_id, member, now_ms)


def heard_of(shard: GroupShard, group_id: str, member_id: str, now_ms: int) -> None:
    timeout_ms = shard.streams_config(group_id).session_timeout_ms
    expire = partial(_expire_session, shard, group_id, member_id, now_ms, timeout_ms)
    shard.timers.schedule(_session(group_id, member_id), now_ms + timeout_ms, expire)


def expect_revocation(shard: GroupShard, group_id: str, member: StreamsMember, now_ms: int) -> None:
    timer = _rebalance(group_id, member.member_id)
    if member.state is MemberState.UNREVOKED_TASKS:
        expire = partial(_expire_in_epoch, shard, group_id, member.member_id, member.epoch)
        shard.timers.schedule(timer, now_ms + member.rebalance_timeout_ms, expire)
    else:
        shard.timers.cancel(timer)


def _expire_session(
    shard: GroupShard, group_id: str, member_id: str, heard_ms: int, timeout_ms: int, now_ms: int
) -> Decision[None]:
    group = shard.streams_groups.get(group_id)
    member = None if group is None else group.members.get(member_id)
    if group is None or member is None:
        return nothing()
    return remove(shard, group, member, Kind.TIMED_OUT, silent(heard_ms, timeout_ms, now_ms), now_ms)


def _expire_in_epoch(shard: GroupShard, group_id: str, member_id: str, epoch: int, now_ms: int) -> Decision[None]:
    group = shard.streams_groups.get(group_id)
    member = None if group is None else group.members.get(member_id)
    if group is None or member is None or member.epoch != epoch:
        return nothing()
    text = f"did not give up tasks within {member.rebalance_timeout_ms} ms, its rebalance timeout"
    return remove(shard, group, member, Kind.TIMED_OUT, text, now_ms)


def _session(group_id: str, member_id: str) -> tuple[str, str, str]:
    return "streams session", group_id, member_id


def _rebalance(group_id: str, member_id: str) -> tuple[str, str, str]:
    return "streams rebalance", group_id, member_id
