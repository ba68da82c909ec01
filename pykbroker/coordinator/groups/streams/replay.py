"""What each record of a streams group changes.

The records of a compacted log come in the order in which they were last written: that of a member's assignment may
come before that of the member, and a tombstone for what was never seen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, Protocol

from pykbroker.coordinator.groups.streams.group import StreamsGroup
from pykbroker.coordinator.groups.streams.member import (
    LEAVING,
    NO_TASKS,
    Endpoint,
    MemberState,
    StreamsMember,
    Task,
    Tasks,
    TaskSet,
)
from wire.state_records import StateKey
from wire.state_records.streams_groups import (
    StreamsGroupCurrentMemberAssignmentKey,
    StreamsGroupCurrentMemberAssignmentValue,
    StreamsGroupMemberMetadataKey,
    StreamsGroupMetadataKey,
    StreamsGroupTargetAssignmentMemberKey,
    StreamsGroupTargetAssignmentMetadataKey,
    StreamsGroupTopologyKey,
)

CurrentTasks = StreamsGroupCurrentMemberAssignmentValue.TaskIds


class StoredTasks(Protocol):
    @property
    def subtopology_id(self) -> str: ...

    @property
    def partitions(self) -> Iterable[int]: ...


def replay(groups: dict[str, StreamsGroup], key: StateKey[Any], value: Any) -> bool:
    """Take up the record, if it is one of a streams group."""
    taker = _TAKERS.get(type(key))
    if taker is None:
        return False
    group = groups.get(key.group_id)  # type: ignore[attr-defined] # all of these keys have it
    if group is None:
        if value is None:
            return True
        group = groups[key.group_id] = StreamsGroup(key.group_id)  # type: ignore[attr-defined]
    if isinstance(key, StreamsGroupMetadataKey) and value is None:
        del groups[key.group_id]
    else:
        taker(group, key, value)
    return True


def tasks_of(stored: Iterable[StoredTasks]) -> TaskSet:
    return frozenset(Task(each.subtopology_id, partition) for each in stored for partition in each.partitions)


def _metadata(group: StreamsGroup, _key: Any, value: Any) -> None:
    group.epoch, group.metadata_hash = value.epoch, value.metadata_hash
    group.validated_topology_epoch = value.validated_topology_epoch
    group.assignment_configs = {config.key: config.value for config in value.last_assignment_configs or ()}


def _topology(group: StreamsGroup, _key: Any, value: Any) -> None:
    group.topology = value


def _member(group: StreamsGroup, key: Any, value: Any) -> None:
    if value is None:
        group.remove_member(key.member_id)
        return
    former = group.members.get(key.member_id, StreamsMember(key.member_id))
    endpoint = value.user_endpoint
    group.put_member(
        replace(
            former,
            instance_id=value.instance_id,
            rack_id=value.rack_id,
            client_id=value.client_id,
            client_host=value.client_host,
            rebalance_timeout_ms=value.rebalance_timeout_ms,
            topology_epoch=value.topology_epoch,
            process_id=value.process_id,
            endpoint=None if endpoint is None else Endpoint(endpoint.host, endpoint.port),
            client_tags={tag.key: tag.value for tag in value.client_tags},
        )
    )


def _target_epoch(group: StreamsGroup, _key: Any, value: Any) -> None:
    if value is None:
        group.assignment_epoch = LEAVING
        group.targets.clear()
    else:
        group.assignment_epoch, group.assigned_at_ms = value.assignment_epoch, value.assignment_timestamp


def _target(group: StreamsGroup, key: Any, value: Any) -> None:
    if value is None:
        group.targets.pop(key.member_id, None)
    else:
        group.targets[key.member_id] = Tasks(
            tasks_of(value.active_tasks), tasks_of(value.standby_tasks), tasks_of(value.warmup_tasks)
        )


def _current(group: StreamsGroup, key: Any, value: Any) -> None:
    former = group.members.get(key.member_id)
    if value is None:
        if former is not None:
            gone = replace(former, epoch=LEAVING, previous_epoch=LEAVING, assigned=NO_TASKS, revoking=NO_TASKS)
            group.put_member(gone)
        return
    assigned = Tasks(tasks_of(value.active_tasks), tasks_of(value.standby_tasks), tasks_of(value.warmup_tasks))
    revoking = Tasks(
        tasks_of(value.active_tasks_pending_revocation),
        tasks_of(value.standby_tasks_pending_revocation),
        tasks_of(value.warmup_tasks_pending_revocation),
    )
    active = (*value.active_tasks, *value.active_tasks_pending_revocation)
    group.put_member(
        replace(
            former or StreamsMember(key.member_id),
            epoch=value.member_epoch,
            previous_epoch=value.previous_member_epoch,
            state=MemberState(value.state),
            assigned=assigned,
            revoking=revoking,
            assigned_in=_assigned_in(active, value.member_epoch),
        )
    )


def _assigned_in(stored: Iterable[CurrentTasks], member_epoch: int) -> Mapping[Task, int]:
    """Before Kafka 4.3 nobody wrote down when a task was assigned."""
    return {
        Task(each.subtopology_id, partition): epoch
        for each in stored
        for partition, epoch in zip(
            each.partitions, each.assignment_epochs or [member_epoch] * len(each.partitions), strict=True
        )
    }


_TAKERS: dict[type[StateKey[Any]], Callable[[StreamsGroup, Any, Any], None]] = {
    StreamsGroupMetadataKey: _metadata,
    StreamsGroupTopologyKey: _topology,
    StreamsGroupMemberMetadataKey: _member,
    StreamsGroupTargetAssignmentMetadataKey: _target_epoch,
    StreamsGroupTargetAssignmentMemberKey: _target,
    StreamsGroupCurrentMemberAssignmentKey: _current,
}
