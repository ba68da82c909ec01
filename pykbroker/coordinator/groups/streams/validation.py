"""Which heartbeats are refused for what they say, in Kafka's words."""

from __future__ import annotations

from pykbroker import topic_names
from pykbroker.coordinator.groups.streams.configuring import ConfiguredTopology
from pykbroker.coordinator.groups.streams.member import JOINING, LEAVING_STATIC, Tasks
from pykbroker.coordinator.groups.streams.topology import UNDEFINED
from pykbroker.errors import BrokerError
from pykbroker.metadata.image import INTERNAL_TOPICS
from wire.api.streams_group_heartbeat import StreamsGroupHeartbeatRequest
from wire.errors import ErrorCode

UNKNOWN_TIMEOUT = -1

Asked = StreamsGroupHeartbeatRequest.Topology


def check(request: StreamsGroupHeartbeatRequest) -> None:
    """Raises BrokerError."""
    if request.topology is not None:
        _check_names(request.topology)
    reason = _why_unsupported(request) or _why_invalid(request)
    if reason is not None:
        raise BrokerError(ErrorCode.INVALID_REQUEST, reason)


def _check_names(topology: Asked) -> None:
    names = dict.fromkeys(
        name
        for each in topology.subtopologies
        for name in (
            *each.source_topics,
            *each.repartition_sink_topics,
            *(topic.name for topic in each.repartition_source_topics),
            *(topic.name for topic in each.state_changelog_topics),
        )
    )
    internal = [name for name in names if name in INTERNAL_TOPICS]
    if internal:
        reason = f"Use of Kafka internal topics {','.join(internal)} in a Kafka Streams topology is prohibited."
        raise BrokerError(ErrorCode.STREAMS_INVALID_TOPOLOGY, reason)
    invalid = [name for name in names if not topic_names.is_valid(name)]
    if invalid:
        reason = f"Topic names {','.join(invalid)} are not valid topic names."
        raise BrokerError(ErrorCode.STREAMS_INVALID_TOPOLOGY, reason)


def _why_unsupported(request: StreamsGroupHeartbeatRequest) -> str | None:
    """What the protocol has a place for, and Kafka 4.3 does not do."""
    if request.instance_id is not None:
        return "Static membership is not yet supported."
    if request.task_offsets is not None:
        return "TaskOffsets are not supported yet."
    if request.task_end_offsets is not None:
        return "TaskEndOffsets are not supported yet."
    if request.warmup_tasks:
        return "WarmupTasks are not supported yet."
    topology = request.topology
    if topology is not None and any(each.source_topic_regex for each in topology.subtopologies):
        return "Regular expressions for source topics are not supported yet."
    return None


def _why_invalid(request: StreamsGroupHeartbeatRequest) -> str | None:
    for value, name in ((request.member_id, "MemberId"), (request.group_id, "GroupId"), (request.rack_id, "RackId")):
        if value is not None and value.strip() == "":
            return f"{name} can't be empty."
    epoch = request.member_epoch
    if epoch == JOINING:
        reason = _why_cannot_join(request)
        if reason is not None:
            return reason
    elif epoch == LEAVING_STATIC:
        return "InstanceId can't be null."
    elif epoch < LEAVING_STATIC:
        return f"MemberEpoch is {epoch}, but must be greater than or equal to -2."
    told = [tasks is not None for tasks in (request.active_tasks, request.standby_tasks, request.warmup_tasks)]
    if any(told) and not all(told):
        return "If one task-type is non-null, all must be non-null."
    if epoch != JOINING and request.topology is not None:
        return "Topology can only be provided when (re-)joining."
    return None


def _why_cannot_join(request: StreamsGroupHeartbeatRequest) -> str | None:
    if request.rebalance_timeout_ms == UNKNOWN_TIMEOUT:
        return "RebalanceTimeoutMs must be provided in first request."
    if request.active_tasks:
        return "ActiveTasks must be empty when (re-)joining."
    if request.standby_tasks:
        return "StandbyTasks must be empty when (re-)joining."
    if request.topology is None:
        return "Topology must be non-null when (re-)joining."
    for subtopology in request.topology.subtopologies:
        for topic in subtopology.state_changelog_topics:
            if topic.partitions != UNDEFINED:
                reason = (
                    f"Changelog topic {topic.name} must have an undefined partition count, but it is set to "
                    f"{topic.partitions}."
                )
                raise BrokerError(ErrorCode.STREAMS_INVALID_TOPOLOGY, reason)
    return None


def check_tasks(configured: ConfiguredTopology, claimed: Tasks | None) -> None:
    """That the topology has what the member says to have. Raises BrokerError."""
    if not configured.is_ready or claimed is None:
        return
    for task in sorted(claimed.all):
        subtopology = configured.subtopologies.get(task.subtopology_id)
        reason = None
        if subtopology is None:
            reason = f"Subtopology {task.subtopology_id} does not exist in the topology."
        elif not 0 <= task.partition < subtopology.task_count:
            reason = (
                f"Task {task.partition} for subtopology {task.subtopology_id} is invalid. Number of tasks for this "
                f"subtopology: {subtopology.task_count}"
            )
        if reason is not None:
            raise BrokerError(ErrorCode.INVALID_REQUEST, reason)
