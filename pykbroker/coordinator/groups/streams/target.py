"""When the target assignment is worked out anew, and what it is then.

It follows the group's epoch, but not before a new group has waited for more members (the initial rebalance delay), and
no sooner after the last than the assignment interval allows (KIP-1263). A topology that is not ready has no tasks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pykbroker.coordinator.decision import Decision, StateRecord, nothing
from pykbroker.coordinator.groups.history import Event, Kind, counted, event, moves_between
from pykbroker.coordinator.groups.shard import GroupShard
from pykbroker.coordinator.groups.streams.assignor import Candidate, assign
from pykbroker.coordinator.groups.streams.config import StreamsGroupConfig
from pykbroker.coordinator.groups.streams.configuring import ConfiguredTopology
from pykbroker.coordinator.groups.streams.group import StreamsGroup
from pykbroker.coordinator.groups.streams.member import NO_TASKS, StreamsMember, Tasks
from pykbroker.coordinator.groups.streams.records import target_epoch_record, target_record


def is_waiting_for_members(shard: GroupShard, group_id: str) -> bool:
    return _timer(group_id) in shard.timers


def why_not_yet(shard: GroupShard, group: StreamsGroup, config: StreamsGroupConfig, now_ms: int) -> str | None:
    """Why a target that is behind must stay so for now."""
    if is_waiting_for_members(shard, group.group_id):
        return "Assignment delayed due to the configured initial rebalance delay."
    interval_ms = config.assignment_interval_ms
    if group.assigned_at_ms and interval_ms and now_ms < group.assigned_at_ms + interval_ms:
        return "Assignment delayed due to the configured assignment interval."
    return None


def worked_out(
    group: StreamsGroup,
    members: Iterable[StreamsMember],
    configured: ConfiguredTopology,
    config: StreamsGroupConfig,
) -> dict[str, Tasks]:
    """What each member should have."""
    candidates = [Candidate(each.member_id, each.process_id, group.target_of(each.member_id)) for each in members]
    if not configured.is_ready:
        return {candidate.member_id: NO_TASKS for candidate in candidates}
    return assign(candidates, configured.subtopologies, standby_count=config.standby_count)


def target_records(group: StreamsGroup, targets: Mapping[str, Tasks], epoch: int, now_ms: int) -> list[StateRecord]:
    """Of the members whose part has changed, and of the epoch."""
    records = [
        target_record(group.group_id, member_id, target)
        for member_id, target in targets.items()
        if group.targets.get(member_id) != target
    ]
    records.append(target_epoch_record(group.group_id, epoch, now_ms))
    return records


def assigned_event(group: StreamsGroup, targets: Mapping[str, Tasks], epoch: int, now_ms: int) -> Event:
    """Active tasks are told by subtopology and partition."""
    moves = moves_between(_owners(group.last_targets), _owners(targets))
    text = f"epoch {epoch} is assigned: {counted(len(moves), 'active task')} to move"
    return event(now_ms, Kind.ASSIGNED, text, generation=epoch, moves=moves)


def _owners(targets: Mapping[str, Tasks]) -> dict[tuple[str, int], str]:
    return {
        (task.subtopology_id, task.partition): member_id
        for member_id, target in targets.items()
        for task in target.active
    }


# --- the initial rebalance delay


def wait_for_members(shard: GroupShard, group: StreamsGroup, config: StreamsGroupConfig, now_ms: int) -> None:
    """Members of a group that has none tend to come together."""
    delay_ms, timer = config.initial_rebalance_delay_ms, _timer(group.group_id)
    if not group.members and delay_ms > 0 and timer not in shard.timers:
        group_id = group.group_id
        shard.timers.schedule(timer, now_ms + delay_ms, lambda now_ms: _begin(shard, group_id, now_ms))


def stop_waiting(shard: GroupShard, group_id: str) -> None:
    shard.timers.cancel(_timer(group_id))


def _begin(shard: GroupShard, group_id: str, now_ms: int) -> Decision[None]:
    group = shard.streams_groups.get(group_id)
    configured = None if group is None else group.configured
    if group is None or configured is None or not group.members or group.epoch <= group.assignment_epoch:
        return nothing()  # the next heartbeat sees to it
    targets = worked_out(group, group.members.values(), configured, shard.streams_config(group_id))
    shard.histories.add(group_id, assigned_event(group, targets, group.epoch, now_ms))
    group.last_targets = dict(targets)
    return Decision(None, target_records(group, targets, group.epoch, now_ms))


def _timer(group_id: str) -> tuple[str, str]:
    return "initial rebalance", group_id
