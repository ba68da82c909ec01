"""What a topology makes of the topics that there are: partitions of internal topics, numbers of tasks, what is missing.

A repartition topic has as many partitions as the topology says, else as the largest source of a subtopology that writes
to it; topics of a copartition group have as many as each other. A changelog topic has one for each task, and a
subtopology has as many tasks as its largest source has partitions.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import IntEnum
from typing import NamedTuple, TypeVar

from pykbroker.coordinator.groups.consumer.subscriptions import metadata_hash
from pykbroker.coordinator.groups.streams.topology import UNDEFINED, Subtopology, Topology, required_topics, sources
from pykbroker.errors import BrokerError
from pykbroker.metadata.image import TopicImage
from wire.errors import ErrorCode
from wire.state_records.streams_groups import TopicInfo

MOST_NAMED = 3  # topics in a status

T = TypeVar("T")


class StatusCode(IntEnum):
    """What a member is told besides its tasks."""

    STALE_TOPOLOGY = 0
    MISSING_SOURCE_TOPICS = 1
    INCORRECTLY_PARTITIONED_TOPICS = 2
    MISSING_INTERNAL_TOPICS = 3
    SHUTDOWN_APPLICATION = 4
    ASSIGNMENT_DELAYED = 5


class Status(NamedTuple):
    code: StatusCode
    detail: str


class InternalTopic(NamedTuple):
    name: str
    partition_count: int
    replication_factor: int
    configs: Mapping[str, str]


class ConfiguredSubtopology(NamedTuple):
    declared: Subtopology
    task_count: int
    repartition_sources: tuple[InternalTopic, ...]
    changelogs: tuple[InternalTopic, ...]

    @property
    def is_stateful(self) -> bool:
        return bool(self.changelogs)


class ConfiguredTopology(NamedTuple):
    """Ready if there is no `problem`. `subtopologies` are in the order of their ids, and none where it is not known
    what they would be."""

    topology: Topology
    topics: Mapping[str, TopicImage]
    metadata_hash: int  # of the topics that the topology needs, as far as they are there
    subtopologies: Mapping[str, ConfiguredSubtopology]
    missing: tuple[InternalTopic, ...] = ()
    problem: Status | None = None

    @property
    def is_ready(self) -> bool:
        return self.problem is None


class _Misfit(Exception):
    """The topics that there are do not do for the topology."""

    def __init__(self, code: StatusCode, detail: str) -> None:
        super().__init__(detail)
        self.status = Status(code, detail)


def configure(topology: Topology, topics: Mapping[str, TopicImage]) -> ConfiguredTopology:
    """Raises BrokerError(STREAMS_INVALID_TOPOLOGY) for what no topics would do for."""
    hashed = metadata_hash(required_topics(topology), topics)
    try:
        _check_sources(topology, topics)
        counts = _decided_counts(topology, topics)
        ordered = sorted(topology.subtopologies, key=lambda each: each.subtopology_id)
        subtopologies = {each.subtopology_id: _configured(each, counts, topics) for each in ordered}
        missing = _missing(topology, subtopologies, topics)
    except _Misfit as misfit:
        return ConfiguredTopology(topology, topics, hashed, {}, problem=misfit.status)
    if not missing:
        return ConfiguredTopology(topology, topics, hashed, subtopologies)
    detail = f"Internal topics are missing: {_named(topic.name for topic in missing)}"
    problem = Status(StatusCode.MISSING_INTERNAL_TOPICS, detail)
    return ConfiguredTopology(topology, topics, hashed, subtopologies, missing, problem)


def _check_sources(topology: Topology, topics: Mapping[str, TopicImage]) -> None:
    missing = {name for each in topology.subtopologies for name in each.source_topics if name not in topics}
    if missing:
        detail = f"Source topics {_named(sorted(missing))} are missing."
        raise _Misfit(StatusCode.MISSING_SOURCE_TOPICS, detail)


def _named(names: Iterable[str]) -> str:
    listed = list(names)
    more = len(listed) - MOST_NAMED
    return ", ".join(listed[:MOST_NAMED]) + (f" and {more} additional topics" if more > 0 else "")


# --- numbers of partitions


def _decided_counts(topology: Topology, topics: Mapping[str, TopicImage]) -> dict[str, int]:
    """How many partitions internal topics are to have."""
    counts = _repartition_counts(topology, topics)
    for subtopology in topology.subtopologies:
        for group in subtopology.copartition_groups:
            names = [_at(subtopology.source_topics, index) for index in group.source_topics]
            repartition = subtopology.repartition_source_topics
            names += (_at(repartition, index).name for index in group.repartition_source_topics)
            counts.update(_copartitioned(topology, names, counts, topics))
    for subtopology in topology.subtopologies:
        if not any(sources(subtopology)):
            reason = f"No source topics found for subtopology {subtopology.subtopology_id}"
            raise BrokerError(ErrorCode.STREAMS_INVALID_TOPOLOGY, reason)
        for changelog in subtopology.state_changelog_topics:
            counts[changelog.name] = max(_count(name, counts, topics) for name in sources(subtopology))
    return counts


def _at(named: Sequence[T], index: int) -> T:
    if not 0 <= index < len(named):
        raise BrokerError(ErrorCode.UNKNOWN_SERVER_ERROR)  # as Kafka has it
    return named[index]


def _count(name: str, counts: Mapping[str, int], topics: Mapping[str, TopicImage]) -> int:
    topic = topics.get(name)
    return counts[name] if topic is None else len(topic.partitions)


def _repartition_counts(topology: Topology, topics: Mapping[str, TopicImage]) -> dict[str, int]:
    """Round after round, as one repartition topic may depend on another."""
    repartition = [topic for each in topology.subtopologies for topic in each.repartition_source_topics]
    counts = {topic.name: topic.partitions for topic in repartition if topic.partitions != UNDEFINED}
    is_progress = True
    while is_progress:
        is_progress = False
        for subtopology in topology.subtopologies:
            for sink in subtopology.repartition_sink_topics:
                if sink not in counts and (count := _largest_source(subtopology, counts, topics)) is not None:
                    counts[sink] = count
                    is_progress = True
    reason = None
    if any(sink not in counts for each in topology.subtopologies for sink in each.repartition_sink_topics):
        reason = (
            "Failed to compute number of partitions for all repartition topics. There may be loops in the topology "
            "that cannot be resolved."
        )
    elif any(topic.name not in counts for topic in repartition):
        reason = (
            "Failed to compute number of partitions for all repartition topics, because a repartition source topic is "
            "never used as a sink topic."
        )
    if reason is not None:
        raise BrokerError(ErrorCode.STREAMS_INVALID_TOPOLOGY, reason)
    return counts


def _largest_source(
    subtopology: Subtopology, counts: Mapping[str, int], topics: Mapping[str, TopicImage]
) -> int | None:
    known = [counts[topic.name] for topic in subtopology.repartition_source_topics if topic.name in counts]
    known += [len(topics[name].partitions) for name in subtopology.source_topics]
    return max(known, default=None)


def _copartitioned(
    topology: Topology, names: list[str], counts: Mapping[str, int], topics: Mapping[str, TopicImage]
) -> dict[str, int]:
    """What the repartition topics of a copartition group are to have. Others have what they have."""
    repartition = {topic.name: topic for each in topology.subtopologies for topic in each.repartition_source_topics}
    internal = {name: _count(name, counts, topics) for name in names if name in repartition}
    external = {name: _count(name, counts, topics) for name in names if name not in repartition}
    fixed = [name for name, topic in repartition.items() if topic.partitions != UNDEFINED]
    if external:
        wanted = _same(external, external)
    elif fixed:
        wanted = _same({name: _count(name, counts, topics) for name in fixed}, internal)
    else:
        wanted = max(internal.values(), default=0)
    for name, count in internal.items():
        if name in fixed and count != wanted:
            detail = (
                f"Number of partitions [{count}] of repartition topic [{name}] doesn't match number of partitions "
                f"[{wanted}] of the source topic."
            )
            raise _Misfit(StatusCode.INCORRECTLY_PARTITIONED_TOPICS, detail)
    return dict.fromkeys(internal, wanted)


def _same(counts: Mapping[str, int], told: Mapping[str, int]) -> int:
    wanted = next(iter(counts.values()))
    if any(count != wanted for count in counts.values()):
        listed = ", ".join(f"{name}={count}" for name, count in sorted(told.items()))
        detail = f"Following topics do not have the same number of partitions: [{{{listed}}}]"
        raise _Misfit(StatusCode.INCORRECTLY_PARTITIONED_TOPICS, detail)
    return wanted


# --- subtopologies


def _configured(
    declared: Subtopology, counts: Mapping[str, int], topics: Mapping[str, TopicImage]
) -> ConfiguredSubtopology:
    return ConfiguredSubtopology(
        declared,
        task_count=max(_count(name, counts, topics) for name in sources(declared)),
        repartition_sources=tuple(_internal(topic, counts) for topic in declared.repartition_source_topics),
        changelogs=tuple(_internal(topic, counts) for topic in declared.state_changelog_topics),
    )


def _internal(topic: TopicInfo, counts: Mapping[str, int]) -> InternalTopic:
    count = counts[topic.name] if topic.partitions == UNDEFINED else topic.partitions
    if count < 1:
        raise BrokerError(ErrorCode.UNKNOWN_SERVER_ERROR)  # as Kafka has it
    configs = {config.key: config.value for config in topic.topic_configs}
    return InternalTopic(topic.name, count, topic.replication_factor, configs)


def _missing(
    topology: Topology, subtopologies: Mapping[str, ConfiguredSubtopology], topics: Mapping[str, TopicImage]
) -> tuple[InternalTopic, ...]:
    wanted = {
        topic.name: topic for each in subtopologies.values() for topic in (*each.repartition_sources, *each.changelogs)
    }
    for name in sorted(required_topics(topology)):
        found = topics.get(name)
        expected = None if found is None else wanted.pop(name, None)
        if found is not None and expected is not None and len(found.partitions) != expected.partition_count:
            detail = (
                f"Existing topic {name} has different number of partitions: expected {expected.partition_count}, "
                f"found {len(found.partitions)}"
            )
            raise _Misfit(StatusCode.INCORRECTLY_PARTITIONED_TOPICS, detail)
    return tuple(wanted.values())
