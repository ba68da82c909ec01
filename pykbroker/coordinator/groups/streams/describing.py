"""StreamsGroupDescribe: a group, its topology, its members, what they have and what they should have."""

from __future__ import annotations

from collections.abc import Iterable

from pykbroker.coordinator.groups.shard import GroupShard
from pykbroker.coordinator.groups.streams.configuring import ConfiguredSubtopology, InternalTopic
from pykbroker.coordinator.groups.streams.group import StreamsGroup
from pykbroker.coordinator.groups.streams.member import StreamsMember, Tasks, TaskSet
from pykbroker.coordinator.groups.streams.records import by_subtopology
from pykbroker.coordinator.groups.streams.topology import Subtopology
from wire.api.streams_group_describe import Assignment, KeyValue, StreamsGroupDescribeResponse, TaskIds, TopicInfo
from wire.errors import ErrorCode
from wire.state_records.streams_groups import TopicInfo as DeclaredTopic

DescribedGroup = StreamsGroupDescribeResponse.DescribedGroup
DescribedSubtopology = DescribedGroup.Topology.Subtopology


def described(shard: GroupShard, group_id: str) -> DescribedGroup:
    group = shard.streams_groups.get(group_id)
    if group is None:
        is_other = shard.has_group(group_id)
        message = f"Group {group_id} is not a streams group." if is_other else f"Group {group_id} not found."
        return undescribed(group_id, ErrorCode.GROUP_ID_NOT_FOUND, message)
    return DescribedGroup(
        group_id=group_id,
        group_state=group.state.value,
        group_epoch=group.epoch,
        assignment_epoch=group.assignment_epoch,
        topology=_topology(group),
        members=[_member(group, member) for member in group.members.values()],
    )


def undescribed(group_id: str, code: ErrorCode, message: str | None = None) -> DescribedGroup:
    return DescribedGroup(
        error_code=code,
        error_message=message,
        group_id=group_id,
        group_state="",
        group_epoch=0,
        assignment_epoch=0,
        members=(),
    )


# --- the topology


def _topology(group: StreamsGroup) -> DescribedGroup.Topology | None:
    """Once it is ready, with the numbers of partitions that were decided on."""
    configured = group.configured
    if configured is not None and configured.is_ready:
        subtopologies = [_configured(each) for each in configured.subtopologies.values()]
        return DescribedGroup.Topology(epoch=configured.topology.epoch, subtopologies=subtopologies)
    if group.topology is None:
        return None
    ordered = sorted(group.topology.subtopologies, key=lambda each: each.subtopology_id)
    return DescribedGroup.Topology(epoch=group.topology.epoch, subtopologies=[_declared(each) for each in ordered])


def _configured(subtopology: ConfiguredSubtopology) -> DescribedSubtopology:
    return _subtopology(
        subtopology.declared, map(_internal, subtopology.repartition_sources), map(_internal, subtopology.changelogs)
    )


def _declared(subtopology: Subtopology) -> DescribedSubtopology:
    return _subtopology(
        subtopology,
        map(_topic, subtopology.repartition_source_topics),
        map(_topic, subtopology.state_changelog_topics),
    )


def _subtopology(
    declared: Subtopology, repartition_sources: Iterable[TopicInfo], changelogs: Iterable[TopicInfo]
) -> DescribedSubtopology:
    return DescribedSubtopology(
        subtopology_id=declared.subtopology_id,
        source_topics=sorted(declared.source_topics),
        repartition_sink_topics=sorted(declared.repartition_sink_topics),
        state_changelog_topics=sorted(changelogs, key=lambda topic: topic.name),
        repartition_source_topics=sorted(repartition_sources, key=lambda topic: topic.name),
    )


def _internal(topic: InternalTopic) -> TopicInfo:
    return TopicInfo(
        name=topic.name,
        partitions=topic.partition_count,
        replication_factor=topic.replication_factor,
        topic_configs=[KeyValue(key=key, value=value) for key, value in topic.configs.items()],
    )


def _topic(topic: DeclaredTopic) -> TopicInfo:
    return TopicInfo(
        name=topic.name,
        partitions=topic.partitions,
        replication_factor=topic.replication_factor,
        topic_configs=[KeyValue(key=config.key, value=config.value) for config in topic.topic_configs],
    )


# --- members


def _member(group: StreamsGroup, member: StreamsMember) -> DescribedGroup.Member:
    endpoint = member.endpoint
    return DescribedGroup.Member(
        member_id=member.member_id,
        member_epoch=member.epoch,
        instance_id=member.instance_id,
        rack_id=member.rack_id,
        client_id=member.client_id,
        client_host=member.client_host,
        topology_epoch=member.topology_epoch,
        process_id=member.process_id,
        user_endpoint=None
        if endpoint is None
        else DescribedGroup.Member.Endpoint(host=endpoint.host, port=endpoint.port),
        client_tags=[KeyValue(key=key, value=value) for key, value in member.client_tags.items()],
        task_offsets=(),
        task_end_offsets=(),
        assignment=_assignment(member.assigned),
        target_assignment=_assignment(group.target_of(member.member_id)),
        is_classic=False,
    )


def _assignment(tasks: Tasks) -> Assignment:
    return Assignment(
        active_tasks=_task_ids(tasks.active),
        standby_tasks=_task_ids(tasks.standby),
        warmup_tasks=_task_ids(tasks.warmup),
    )


def _task_ids(tasks: TaskSet) -> list[TaskIds]:
    return [TaskIds(subtopology_id=key, partitions=partitions) for key, partitions in by_subtopology(tasks)]
