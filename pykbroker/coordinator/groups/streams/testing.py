"""A shard in memory (see `groups.testing`) with topics, asked as Kafka Streams asks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pykbroker.coordinator.decision import Caller
from pykbroker.coordinator.groups.config import GroupConfig
from pykbroker.coordinator.groups.consumer.config import Bounded
from pykbroker.coordinator.groups.consumer.testing import topic_image
from pykbroker.coordinator.groups.streams.config import StreamsGroupDefaults
from pykbroker.coordinator.groups.streams.configuring import InternalTopic
from pykbroker.coordinator.groups.streams.group import StreamsGroup
from pykbroker.coordinator.groups.streams.heartbeat import Heartbeat, heartbeat
from pykbroker.coordinator.groups.testing import REBALANCE_MS, OneShard
from pykbroker.errors import BrokerError
from wire.api.streams_group_heartbeat import (
    KeyValue,
    StreamsGroupHeartbeatRequest,
    StreamsGroupHeartbeatResponse,
    TaskIds,
    TopicInfo,
)
from wire.errors import ErrorCode

Topology = StreamsGroupHeartbeatRequest.Topology
Subtopology = Topology.Subtopology

SESSION_MS = 45_000
NO_WAITING = StreamsGroupDefaults(
    assignment_interval=Bounded(0, 0, 15_000), initial_rebalance_delay=Bounded(0, 0, 15_000)
)
AT_ONCE = GroupConfig(initial_rebalance_delay_ms=0, streams=NO_WAITING)

Has = Mapping[str, Iterable[int]]  # subtopology -> partitions


def with_standbys(count: int) -> GroupConfig:
    streams = StreamsGroupDefaults(
        assignment_interval=Bounded(0, 0, 15_000),
        initial_rebalance_delay=Bounded(0, 0, 15_000),
        standby_count=Bounded(count, 0, 2),
    )
    return GroupConfig(initial_rebalance_delay_ms=0, streams=streams)


def topic(name: str, partitions: int = 0, **configs: str) -> TopicInfo:
    """An internal topic; without a number of partitions the broker is to decide."""
    told = [KeyValue(key=key.replace("_", "."), value=value) for key, value in configs.items()]
    return TopicInfo(name=name, partitions=partitions, replication_factor=0, topic_configs=told)


def subtopology(
    subtopology_id: str,
    *sources: str,
    changelogs: Iterable[TopicInfo] = (),
    sinks: Iterable[str] = (),
    repartition: Iterable[TopicInfo] = (),
    copartition: Iterable[Subtopology.CopartitionGroup] = (),
) -> Subtopology:
    return Subtopology(
        subtopology_id=subtopology_id,
        source_topics=list(sources),
        source_topic_regex=(),
        state_changelog_topics=list(changelogs),
        repartition_sink_topics=list(sinks),
        repartition_source_topics=list(repartition),
        copartition_groups=list(copartition),
    )


def topology(*subtopologies: Subtopology, epoch: int = 0) -> Topology:
    return Topology(epoch=epoch, subtopologies=list(subtopologies))


# Two subtopologies, as of a program that counts words: the first gives to the second by a repartition topic.
WORD_COUNT = topology(
    subtopology("0", "t", sinks=["words"]),
    subtopology("1", repartition=[topic("words")], changelogs=[topic("counts", cleanup_policy="compact")]),
)


class OneStreamsShard(OneShard):
    """It has a topic "t" of four partitions, and makes internal topics when it is told that they are missing."""

    def __init__(self, config: GroupConfig = AT_ONCE, *, makes_topics: bool = True) -> None:
        super().__init__(config)
        self.makes_topics = makes_topics
        self.set_topics(t=4)
        self.restart()

    def set_topics(self, **partition_counts: int) -> None:
        self.image = self.image.with_topics(topic_image(name, count) for name, count in partition_counts.items())

    def make(self, missing: Iterable[InternalTopic]) -> None:
        self.set_topics(**{each.name: each.partition_count for each in missing})

    def group(self, group_id: str = "g") -> StreamsGroup:
        return self.shard.streams_groups[group_id]

    def beat(
        self,
        member_id: str,
        epoch: int = 0,
        *,
        group_id: str = "g",
        process: str | None = None,
        topology: Topology | None = WORD_COUNT,
        has: Has | None = None,
        standby: Has | None = None,
        **fields: Any,
    ) -> StreamsGroupHeartbeatResponse:
        """A heartbeat; one that joins is of a process of its own if it does not say otherwise. Raises BrokerError."""
        is_joining = epoch == 0
        active = {} if has is None and (is_joining or standby is not None) else has
        request = StreamsGroupHeartbeatRequest(
            group_id=group_id,
            member_id=member_id,
            member_epoch=epoch,
            endpoint_information_epoch=fields.pop("endpoint_epoch", 0),
            rebalance_timeout_ms=REBALANCE_MS if is_joining else -1,
            topology=topology if is_joining else None,
            active_tasks=_task_ids(active),
            standby_tasks=_task_ids(standby or {}) if active is not None else None,
            warmup_tasks=() if active is not None else None,
            process_id=(process or f"process of {member_id}") if is_joining else None,
            shutdown_application=fields.pop("shutdown", False),
            **fields,
        )
        told: Any = self.do(heartbeat(self.shard, request, Caller("client", "/127.0.0.1", 0), self.now_ms))
        assert isinstance(told, Heartbeat)
        if self.makes_topics and told.missing:
            self.make(told.missing)
        return told.response

    def refusal(self, member_id: str, epoch: int = 0, **how: Any) -> ErrorCode:
        """Why a heartbeat is refused; NONE if it is not."""
        try:
            self.beat(member_id, epoch, **how)
        except BrokerError as error:
            return error.code
        return ErrorCode.NONE

    def ready(self, *member_ids: str) -> None:
        """The members have joined, and the internal topics are there. Nobody has any tasks yet."""
        for member_id in member_ids:
            self.beat(member_id)
        assert not self.image.topics.keys() ^ {"t", "words", "counts"}


def _task_ids(tasks: Has | None) -> list[TaskIds] | None:
    if tasks is None:
        return None
    return [TaskIds(subtopology_id=key, partitions=list(partitions)) for key, partitions in tasks.items()]


def active(response: StreamsGroupHeartbeatResponse) -> dict[str, list[int]] | None:
    """The active tasks that a member is told to have; None if it is told nothing."""
    return _told(response.active_tasks)


def standby(response: StreamsGroupHeartbeatResponse) -> dict[str, list[int]] | None:
    return _told(response.standby_tasks)


def _told(tasks: Iterable[TaskIds] | None) -> dict[str, list[int]] | None:
    return None if tasks is None else {each.subtopology_id: list(each.partitions) for each in tasks}


def statuses(response: StreamsGroupHeartbeatResponse) -> list[int]:
    return [status.status_code for status in response.status or ()]
