"""Members that leave, or are not heard of.

Timers, by name: ("session", group, member) removes a member not heard of, ("rebalance", group, member) one that does
not give up what it should. For members that speak the classic protocol ("join", group, member) and
("sync", group, member) stand in for the latter.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from functools import partial

from pykbroker.coordinator.decision import Decision, StateRecord, nothing
from pykbroker.coordinator.groups.consumer import migration
from pykbroker.coordinator.groups.consumer.group import ConsumerGroup
from pykbroker.coordinator.groups.consumer.member import LEAVING_STATIC, ConsumerMember, MemberState
from pykbroker.coordinator.groups.consumer.records import (
    current_record,
    epoch_record,
    member_tombstones,
    unused_regex_tombstones,
)
from pykbroker.coordinator.groups.consumer.stepping import hash_of
from pykbroker.coordinator.groups.history import Kind, counted, silent, told
from pykbroker.coordinator.groups.shard import GroupShard
from pykbroker.errors import BrokerError
from wire.api.consumer_group_heartbeat import ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse
from wire.errors import ErrorCode

LeaveDecision = Decision[ConsumerGroupHeartbeatResponse]

_TIMERS = ("session", "rebalance", "join", "sync")


def leave(shard: GroupShard, request: ConsumerGroupHeartbeatRequest, now_ms: int) -> LeaveDecision:
    group_id = request.group_id
    group = shard.consumer_groups.get(group_id)
    if group is None:
        why = "is not a consumer group" if group_id in shard.groups else "not found"
        raise BrokerError(ErrorCode.GROUP_ID_NOT_FOUND, f"Group {group_id} {why}.")
    member = group.member_of(request.member_id, request.instance_id)
    response = ConsumerGroupHeartbeatResponse(
        member_id=member.member_id, member_epoch=request.member_epoch, heartbeat_interval_ms=0
    )
    if request.member_epoch == LEAVING_STATIC:
        # It will be back before its session ends, and keeps what it has.
        away = replace(member, epoch=LEAVING_STATIC, revoking={})
        text = f"static member {member.instance_id} is away, and keeps what it has until its session ends"
        shard.histories.note(group.group_id, now_ms, Kind.LEFT, text, member)
        return Decision(response, [current_record(group.group_id, away)])
    removal = remove(shard, group, [member], Kind.LEFT, "left", now_ms)
    return Decision(response, removal.records, removal.committed)


def remove(
    shard: GroupShard, group: ConsumerGroup, members: Collection[ConsumerMember], kind: Kind, text: str, now_ms: int
) -> Decision[None]:
    """Have these members be gone, for the history in these words. The group assigns anew with the next heartbeat of
    those who are left.
    """
    for member in members:
        shard.histories.note(group.group_id, now_ms, kind, text, member)
    member_ids = [member.member_id for member in members]
    reason = f"{told(member_ids)} {kind.value}"
    if migration.may_downgrade_without(shard, group, member_ids):
        return migration.downgrade(shard, group, member_ids, reason)
    left = [member for member_id, member in group.members.items() if member_id not in member_ids]
    records: list[StateRecord] = []
    for member_id in member_ids:
        records += member_tombstones(group.group_id, member_id)
    records += unused_regex_tombstones(group, left)
    hashed = hash_of(left, group.regexes, shard.image.topics)
    records.append(epoch_record(group.group_id, group.epoch + 1, hashed))
    return Decision(None, records, partial(_removed, shard, group, member_ids, reason))


def _removed(shard: GroupShard, group: ConsumerGroup, member_ids: Collection[str], reason: str, now_ms: int) -> None:
    for member_id in member_ids:
        cancel_timers(shard, group.group_id, member_id)
    text = f"epoch {group.epoch} begins: {reason}"
    shard.histories.note(group.group_id, now_ms, Kind.GENERATION, text, generation=group.epoch)


def cancel_timers(shard: GroupShard, group_id: str, member_id: str) -> None:
    for kind in _TIMERS:
        shard.timers.cancel((kind, group_id, member_id))


def start(shard: GroupShard, now_ms: int) -> None:
    """The shard is loaded: expect its members to go on as before."""
    for group in shard.consumer_groups.values():
        if group.members:
            text = f"found in epoch {group.epoch} with {counted(len(group.members), 'member')}"
            shard.histories.note(group.group_id, now_ms, Kind.LOADED, text, generation=group.epoch)
        for member in group.members.values():
            heard_of(shard, group.group_id, member, now_ms)
            expect_revocation(shard, group.group_id, member, now_ms)


def heard_of(shard: GroupShard, group_id: str, member: ConsumerMember, now_ms: int) -> None:
    classic = member.classic
    timeout_ms = shard.consumer_config(group_id).session_timeout_ms if classic is None else classic.session_timeout_ms
    expire = partial(_expire_session, shard, group_id, member.member_id, now_ms, timeout_ms)
    shard.timers.schedule(("session", group_id, member.member_id), now_ms + timeout_ms, expire)


def expect_revocation(shard: GroupShard, group_id: str, member: ConsumerMember, now_ms: int) -> None:
    """Members that speak the classic protocol have other timers."""
    if member.state is MemberState.UNREVOKED_PARTITIONS and not member.uses_classic_protocol:
        text = f"did not give up partitions within {member.rebalance_timeout_ms} ms, its rebalance timeout"
        deadline_ms = now_ms + member.rebalance_timeout_ms
        expire = partial(_expire_in_epoch, shard, group_id, member.member_id, member.epoch, text)
        shard.timers.schedule(("rebalance", group_id, member.member_id), deadline_ms, expire)
    else:
        shard.timers.cancel(("rebalance", group_id, member.member_id))


def schedule(shard: GroupShard, kind: str, group_id: str, member_id: str, deadline_ms: int, text: str) -> None:
    """Remove the member by then, for the history in these words."""
    shard.timers.schedule((kind, group_id, member_id), deadline_ms, partial(_expire, shard, group_id, member_id, text))


def _expire_session(
    shard: GroupShard, group_id: str, member_id: str, heard_ms: int, timeout_ms: int, now_ms: int
) -> Decision[None]:
    return _expire(shard, group_id, member_id, silent(heard_ms, timeout_ms, now_ms), now_ms)


def _expire(shard: GroupShard, group_id: str, member_id: str, text: str, now_ms: int) -> Decision[None]:
    group = shard.consumer_groups.get(group_id)
    member = None if group is None else group.members.get(member_id)
    if group is None or member is None:
        return nothing()
    return remove(shard, group, [member], Kind.TIMED_OUT, text, now_ms)


def _expire_in_epoch(
    shard: GroupShard, group_id: str, member_id: str, epoch: int, text: str, now_ms: int
) -> Decision[None]:
    group = shard.consumer_groups.get(group_id)
    member = None if group is None else group.members.get(member_id)
    if member is None or member.epoch != epoch or member.state is not MemberState.UNREVOKED_PARTITIONS:
        return nothing()
    return _expire(shard, group_id, member_id, text, now_ms)
