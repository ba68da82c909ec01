"""StreamsGroupHeartbeat: join, say that one lives and which tasks one has, learn what to give up and to take.

Epoch 0 joins, or joins again; -1 leaves. Any of these steps may be none: the group's epoch moves on when the member,
the topics, the topology or the settings of the assignor are other than they were; the target assignment follows it; the
member is taken one step nearer to its part.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple

from pykbroker.coordinator.decision import Caller, Decision, StateRecord
from pykbroker.coordinator.groups.history import Event, Kind, Named, event
from pykbroker.coordinator.groups.shard import GroupShard
from pykbroker.coordinator.groups.streams import leaving, target, topology
from pykbroker.coordinator.groups.streams.admission import (
    claimed_by,
    found,
    group_to_join,
    known_member,
    updated_by,
)
from pykbroker.coordinator.groups.streams.config import StreamsGroupConfig
from pykbroker.coordinator.groups.streams.configuring import ConfiguredTopology, InternalTopic, Status, StatusCode
from pykbroker.coordinator.groups.streams.endpoints import partitions_by_endpoint
from pykbroker.coordinator.groups.streams.group import StreamsGroup, StreamsGroupState
from pykbroker.coordinator.groups.streams.member import (
    JOINING,
    LEAVING,
    NO_TASKS,
    StreamsMember,
    Tasks,
    TaskSet,
)
from pykbroker.coordinator.groups.streams.reconciliation import Taken, next_step
from pykbroker.coordinator.groups.streams.records import (
    by_subtopology,
    current_record,
    epoch_record,
    member_record,
    topology_record,
)
from pykbroker.coordinator.groups.streams.validation import check, check_tasks
from pykbroker.errors import BrokerError
from wire.api.streams_group_heartbeat import StreamsGroupHeartbeatRequest, StreamsGroupHeartbeatResponse, TaskIds
from wire.errors import ErrorCode

NOT_VALIDATED = -1  # in place of a topology's epoch


class Heartbeat(NamedTuple):
    response: StreamsGroupHeartbeatResponse
    missing: tuple[InternalTopic, ...] = ()  # which the broker is to make


@dataclass(slots=True)
class _Step:
    """What came of it so far. The group is as it was: records change it, when they are replayed."""

    group: StreamsGroup
    config: StreamsGroupConfig
    now_ms: int
    records: list[StateRecord] = field(default_factory=list)
    statuses: list[Status] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)  # for another epoch
    events: list[Event] = field(default_factory=list)
    is_assigned: bool = False  # there is a new target assignment
    has_moved: bool = False  # the member took a step


def heartbeat(
    shard: GroupShard, request: StreamsGroupHeartbeatRequest, caller: Caller, now_ms: int
) -> Decision[Heartbeat]:
    """Raises BrokerError."""
    check(request)
    if request.member_epoch == LEAVING:
        return _leave(shard, request, now_ms)
    group, records = group_to_join(shard, request)
    step = _Step(group, shard.streams_config(group.group_id), now_ms, records)
    claimed = claimed_by(request)
    try:
        former = known_member(group, request, claimed)
    except BrokerError as error:
        who = Named(request.member_id, caller.client_id, caller.client_host)
        shard.histories.note(group.group_id, now_ms, Kind.FENCED, f"refused: {error.message}", who)
        raise
    member = updated_by(former, request, caller)
    if not former.has_same_metadata(member):
        step.records.append(member_record(group.group_id, member))
        is_new = former.member_id not in group.members
        kind, text = (Kind.JOINED, "joined") if is_new else (Kind.CHANGED, "describes itself in another way")
        step.events.append(event(now_ms, kind, text, member))
        step.reasons.append(f"{member.member_id} {text}")
    configured = _configured(shard, step, request, member)
    check_tasks(configured, claimed)
    epoch = _next_epoch(step, configured)
    target.wait_for_members(shard, group, step.config, now_ms)
    target_epoch, wanted = _follow(shard, step, member, configured, epoch)
    reconciled = member
    if not member.is_reconciled_to(target_epoch):
        taken = Taken(group.active_tasks, group.tasks_of_process(member.process_id))
        reconciled = next_step(member, target_epoch, wanted, taken, claimed)
    if reconciled != member:
        step.has_moved = True
        step.records.append(current_record(group.group_id, reconciled))
        leaving.expect_revocation(shard, group.group_id, reconciled, now_ms)
    leaving.heard_of(shard, group.group_id, member.member_id, now_ms)
    if request.shutdown_application and group.shutdown_requested_by is None:
        group.shutdown_requested_by = member.member_id
    is_told = request.member_epoch == JOINING or former.assigned != reconciled.assigned
    response = _response(shard, step, request, reconciled, is_told=is_told, configured=configured)
    return Decision(Heartbeat(response, configured.missing), step.records, partial(_committed, shard, step))


def _committed(shard: GroupShard, step: _Step, now_ms: int) -> None:
    group = shard.streams_groups.get(step.group.group_id)
    if group is None:
        return
    if step.is_assigned:
        group.last_targets = dict(group.targets)
    stable_in = group.epoch if step.has_moved and group.state is StreamsGroupState.STABLE else None
    shard.histories.add_step(group.group_id, step.events, stable_in=stable_in, at_ms=now_ms)


def _leave(shard: GroupShard, request: StreamsGroupHeartbeatRequest, now_ms: int) -> Decision[Heartbeat]:
    group = found(shard, request.group_id, f"Group {request.group_id} not found.")
    if request.shutdown_application and group.shutdown_requested_by is None:
        group.shutdown_requested_by = request.member_id
    member = group.member(request.member_id)
    removal = leaving.remove(shard, group, member, Kind.LEFT, "left", now_ms)
    response = StreamsGroupHeartbeatResponse(
        member_id=member.member_id,
        member_epoch=LEAVING,
        heartbeat_interval_ms=0,
        acceptable_recovery_lag=0,
        task_offset_interval_ms=0,
        status=(),
        endpoint_information_epoch=0,
    )
    return Decision(Heartbeat(response), removal.records, removal.committed)


# --- the topology


def _configured(
    shard: GroupShard, step: _Step, request: StreamsGroupHeartbeatRequest, member: StreamsMember
) -> ConfiguredTopology:
    """What the group's topology makes of the topics that there are. Raises BrokerError."""
    group = step.group
    known = group.topology
    asked = None if request.topology is None else topology.of_request(request.topology)
    if known is None:
        assert asked is not None, "no member is without having told the topology"
        step.records.append(topology_record(group.group_id, asked))
        step.reasons.append(f"it brought topology {asked.epoch}")
        return group.configure(asked, shard.image.topics)
    if asked is not None and asked.epoch >= known.epoch and not topology.is_same(known, asked):
        raise BrokerError(ErrorCode.INVALID_REQUEST, "Topology updates are not supported yet.")
    if member.topology_epoch < known.epoch:
        detail = (
            f"The member's topology epoch {member.topology_epoch} is behind the group's topology epoch {known.epoch}."
        )
        step.statuses.append(Status(StatusCode.STALE_TOPOLOGY, detail))
    return group.configure(known, shard.image.topics)


# --- epochs


def _next_epoch(step: _Step, configured: ConfiguredTopology) -> int:
    """The group's epoch: one further if what an assignment depends on has changed."""
    group, configs = step.group, step.config.assignment_configs
    validated = configured.topology.epoch if configured.problem is None else NOT_VALIDATED
    if configured.metadata_hash != group.metadata_hash:
        step.reasons.append("the topics that are needed have changed")
    if validated != group.validated_topology_epoch:
        is_what = "is ready" if configured.problem is None else f"is not ready: {configured.problem.detail}"
        step.reasons.append(f"topology {configured.topology.epoch} {is_what}")
    if not step.reasons and configs != group.assignment_configs:
        step.reasons.append(f"standbys are {step.config.standby_count} now")
    if not step.reasons:
        return group.epoch
    epoch = group.epoch + 1
    text = f"epoch {epoch} begins: {'; '.join(step.reasons)}"
    step.events.append(event(step.now_ms, Kind.GENERATION, text, generation=epoch))
    step.records.append(epoch_record(group.group_id, epoch, configured.metadata_hash, validated, configs))
    return epoch


def _follow(
    shard: GroupShard, step: _Step, member: StreamsMember, configured: ConfiguredTopology, epoch: int
) -> tuple[int, Tasks]:
    """The epoch of the target assignment, and the member's part of it."""
    group, now_ms = step.group, step.now_ms
    is_waiting = target.is_waiting_for_members(shard, group.group_id)
    if is_waiting or group.assignment_epoch < epoch:
        reason = target.why_not_yet(shard, group, step.config, now_ms)
        if reason is None:
            members = {**group.members, member.member_id: member}.values()
            targets = target.worked_out(group, members, configured, step.config)
            step.records += target.target_records(group, targets, epoch, now_ms)
            step.events.append(target.assigned_event(group, targets, epoch, now_ms))
            step.is_assigned = True
            return epoch, targets[member.member_id]
        step.statuses.append(Status(StatusCode.ASSIGNMENT_DELAYED, reason))
    return group.assignment_epoch, NO_TASKS if is_waiting else group.target_of(member.member_id)


# --- the answer


def _response(
    shard: GroupShard,
    step: _Step,
    request: StreamsGroupHeartbeatRequest,
    member: StreamsMember,
    *,
    is_told: bool,
    configured: ConfiguredTopology,
) -> StreamsGroupHeartbeatResponse:
    group = step.group
    if configured.problem is not None:
        step.statuses.append(configured.problem)
    if group.shutdown_requested_by is not None:
        detail = (
            f"Streams group member {group.shutdown_requested_by} encountered a fatal error and requested a shutdown "
            "for the entire application."
        )
        step.statuses.append(Status(StatusCode.SHUTDOWN_APPLICATION, detail))
    if is_told and member.endpoint is not None:
        group.endpoint_epoch += 1
    others = (each for member_id, each in group.members.items() if member_id != member.member_id)
    knows_endpoints = group.endpoint_epoch == request.endpoint_information_epoch
    return StreamsGroupHeartbeatResponse(
        member_id=member.member_id,
        member_epoch=member.epoch,
        heartbeat_interval_ms=step.config.heartbeat_interval_ms,
        acceptable_recovery_lag=0,
        task_offset_interval_ms=0,
        status=_told(step.statuses),
        active_tasks=_task_ids(member.assigned.active) if is_told else None,
        standby_tasks=_task_ids(member.assigned.standby) if is_told else None,
        warmup_tasks=_task_ids(member.assigned.warmup) if is_told else None,
        # Of a group that is only coming into being nothing is remembered that is not in its records.
        endpoint_information_epoch=group.endpoint_epoch if group.group_id in shard.streams_groups else 0,
        partitions_by_user_endpoint=None if knows_endpoints else partitions_by_endpoint((*others, member), configured),
    )


def _told(statuses: Iterable[Status]) -> list[StreamsGroupHeartbeatResponse.Status]:
    return [
        StreamsGroupHeartbeatResponse.Status(status_code=status.code, status_detail=status.detail)
        for status in statuses
    ]


def _task_ids(tasks: TaskSet) -> list[TaskIds]:
    return [TaskIds(subtopology_id=key, partitions=partitions) for key, partitions in by_subtopology(tasks)]
