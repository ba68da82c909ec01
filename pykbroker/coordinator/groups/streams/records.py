"""The records of a streams group, as they are written."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from pykbroker.coordinator.decision import StateRecord
from pykbroker.coordinator.groups.streams.group import StreamsGroup
from pykbroker.coordinator.groups.streams.member import StreamsMember, Task, Tasks, TaskSet
from pykbroker.coordinator.groups.streams.topology import Topology
from wire.state_records.streams_groups import (
    StreamsGroupCurrentMemberAssignmentKey,
    StreamsGroupCurrentMemberAssignmentValue,
    StreamsGroupMemberMetadataKey,
    StreamsGroupMemberMetadataValue,
    StreamsGroupMetadataKey,
    StreamsGroupMetadataValue,
    StreamsGroupTargetAssignmentMemberKey,
    StreamsGroupTargetAssignmentMemberValue,
    StreamsGroupTargetAssignmentMetadataKey,
    StreamsGroupTargetAssignmentMetadataValue,
    StreamsGroupTopologyKey,
)

TargetTasks = StreamsGroupTargetAssignmentMemberValue.TaskIds
CurrentTasks = StreamsGroupCurrentMemberAssignmentValue.TaskIds


def by_subtopology(tasks: Iterable[Task]) -> list[tuple[str, list[int]]]:
    """The partitions of each subtopology, as they are written and told: in order."""
    partitions = defaultdict(list)
    for task in sorted(tasks):
        partitions[task.subtopology_id].append(task.partition)
    return list(partitions.items())


def epoch_record(
    group_id: str, epoch: int, metadata_hash: int, validated_topology_epoch: int, assignment_configs: Mapping[str, str]
) -> StateRecord:
    value = StreamsGroupMetadataValue(
        epoch=epoch,
        metadata_hash=metadata_hash,
        validated_topology_epoch=validated_topology_epoch,
        last_assignment_configs=[
            StreamsGroupMetadataValue.LastAssignmentConfig(key=key, value=text)
            for key, text in sorted(assignment_configs.items())
        ],
    )
    return StreamsGroupMetadataKey(group_id=group_id), value


def topology_record(group_id: str, topology: Topology) -> StateRecord:
    return StreamsGroupTopologyKey(group_id=group_id), topology


def member_record(group_id: str, member: StreamsMember) -> StateRecord:
    endpoint = member.endpoint
    value = StreamsGroupMemberMetadataValue(
        instance_id=member.instance_id,
        rack_id=member.rack_id,
        client_id=member.client_id,
        client_host=member.client_host,
        rebalance_timeout_ms=member.rebalance_timeout_ms,
        topology_epoch=member.topology_epoch,
        process_id=member.process_id,
        user_endpoint=None
        if endpoint is None
        else StreamsGroupMemberMetadataValue.Endpoint(host=endpoint.host, port=endpoint.port),
        client_tags=[
            StreamsGroupMemberMetadataValue.KeyValue(key=key, value=text)
            for key, text in sorted(member.client_tags.items())
        ],
    )
    return StreamsGroupMemberMetadataKey(group_id=group_id, member_id=member.member_id), value


def target_epoch_record(group_id: str, epoch: int, timestamp_ms: int) -> StateRecord:
    value = StreamsGroupTargetAssignmentMetadataValue(assignment_epoch=epoch, assignment_timestamp=timestamp_ms)
    return StreamsGroupTargetAssignmentMetadataKey(group_id=group_id), value


def target_record(group_id: str, member_id: str, target: Tasks) -> StateRecord:
    value = StreamsGroupTargetAssignmentMemberValue(
        active_tasks=_target(target.active),
        standby_tasks=_target(target.standby),
        warmup_tasks=_target(target.warmup),
    )
    return StreamsGroupTargetAssignmentMemberKey(group_id=group_id, member_id=member_id), value


def _target(tasks: TaskSet) -> list[TargetTasks]:
    return [TargetTasks(subtopology_id=key, partitions=partitions) for key, partitions in by_subtopology(tasks)]


def current_record(group_id: str, member: StreamsMember) -> StateRecord:
    assigned, revoking = member.assigned, member.revoking
    value = StreamsGroupCurrentMemberAssignmentValue(
        member_epoch=member.epoch,
        previous_member_epoch=member.previous_epoch,
        state=member.state,
        active_tasks=_active(assigned.active, member.assigned_in),
        standby_tasks=_current(assigned.standby),
        warmup_tasks=_current(assigned.warmup),
        active_tasks_pending_revocation=_active(revoking.active, member.assigned_in),
        standby_tasks_pending_revocation=_current(revoking.standby),
        warmup_tasks_pending_revocation=_current(revoking.warmup),
    )
    return StreamsGroupCurrentMemberAssignmentKey(group_id=group_id, member_id=member.member_id), value


def _current(tasks: TaskSet) -> list[CurrentTasks]:
    return [CurrentTasks(subtopology_id=key, partitions=partitions) for key, partitions in by_subtopology(tasks)]


def _active(tasks: TaskSet, assigned_in: Mapping[Task, int]) -> list[CurrentTasks]:
    return [
        CurrentTasks(
            subtopology_id=key,
            partitions=partitions,
            assignment_epochs=[assigned_in[Task(key, partition)] for partition in partitions],
        )
        for key, partitions in by_subtopology(tasks)
    ]


def member_tombstones(group_id: str, member_id: str) -> list[StateRecord]:
    """In this order: the member is there until the last."""
    return [
        (StreamsGroupCurrentMemberAssignmentKey(group_id=group_id, member_id=member_id), None),
        (StreamsGroupTargetAssignmentMemberKey(group_id=group_id, member_id=member_id), None),
        (StreamsGroupMemberMetadataKey(group_id=group_id, member_id=member_id), None),
    ]


def group_tombstones(group: StreamsGroup) -> list[StateRecord]:
    """What forgets a group without members, but for its offsets."""
    assert not group.members, group.group_id
    group_id = group.group_id
    return [
        (StreamsGroupTargetAssignmentMetadataKey(group_id=group_id), None),
        (StreamsGroupMetadataKey(group_id=group_id), None),
        (StreamsGroupTopologyKey(group_id=group_id), None),
    ]
