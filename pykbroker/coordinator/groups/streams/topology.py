"""What a Kafka Streams application consists of, as its members tell it.

A topology is kept as the record that stores it. Subtopologies run independently: each has source topics, changelog
topics for its stores, and repartition topics by which it gives records to others. Such internal topics are made by the
broker. Copartition groups name topics, by their place in the lists of the subtopology, that are joined and so must have
as many partitions as each other.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from wire.state_records.streams_groups import StreamsGroupTopologyValue, TopicConfig, TopicInfo

if TYPE_CHECKING:
    from wire.api.streams_group_heartbeat import StreamsGroupHeartbeatRequest
    from wire.api.streams_group_heartbeat import TopicInfo as AskedTopic

Topology = StreamsGroupTopologyValue
Subtopology = StreamsGroupTopologyValue.Subtopology

UNDEFINED = 0  # of partitions and replicas: the broker is to decide


def of_request(asked: StreamsGroupHeartbeatRequest.Topology) -> Topology:
    return Topology(epoch=asked.epoch, subtopologies=[_subtopology(each) for each in asked.subtopologies])


def _subtopology(asked: StreamsGroupHeartbeatRequest.Topology.Subtopology) -> Subtopology:
    return Subtopology(
        subtopology_id=asked.subtopology_id,
        source_topics=asked.source_topics,
        source_topic_regex=asked.source_topic_regex,
        state_changelog_topics=[_topic(topic) for topic in asked.state_changelog_topics],
        repartition_sink_topics=asked.repartition_sink_topics,
        repartition_source_topics=[_topic(topic) for topic in asked.repartition_source_topics],
        copartition_groups=[
            Subtopology.CopartitionGroup(
                source_topics=group.source_topics,
                source_topic_regex=group.source_topic_regex,
                repartition_source_topics=group.repartition_source_topics,
            )
            for group in asked.copartition_groups
        ],
    )


def _topic(asked: AskedTopic) -> TopicInfo:
    return TopicInfo(
        name=asked.name,
        partitions=asked.partitions,
        replication_factor=asked.replication_factor,
        topic_configs=[TopicConfig(key=config.key, value=config.value) for config in asked.topic_configs],
    )


def is_same(one: Topology, other: Topology) -> bool:
    """Whatever the order of the subtopologies."""
    return one.epoch == other.epoch and _by_id(one) == _by_id(other)


def _by_id(topology: Topology) -> dict[str, Subtopology]:
    return {each.subtopology_id: each for each in topology.subtopologies}


def sources(subtopology: Subtopology) -> Iterator[str]:
    """The topics that its tasks read."""
    yield from subtopology.source_topics
    for topic in subtopology.repartition_source_topics:
        yield topic.name


def subtopologies_by_source(topology: Topology) -> dict[str, str]:
    return {topic: each.subtopology_id for each in topology.subtopologies for topic in sources(each)}


def required_topics(topology: Topology) -> frozenset[str]:
    return frozenset(
        name
        for each in topology.subtopologies
        for name in (*sources(each), *(topic.name for topic in each.state_changelog_topics))
    )
