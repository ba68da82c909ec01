"""What a topology makes of the topics that there are. What Kafka 4.3 says of each, in its words."""

from __future__ import annotations

import pytest

from pykbroker.coordinator.groups.consumer.testing import topic_image
from pykbroker.coordinator.groups.streams.configuring import ConfiguredTopology, Status, StatusCode, configure
from pykbroker.coordinator.groups.streams.testing import Subtopology, subtopology, topic, topology
from pykbroker.coordinator.groups.streams.topology import of_request
from pykbroker.errors import BrokerError
from wire.errors import ErrorCode


def copartition(sources: list[int], repartition: list[int]) -> Subtopology.CopartitionGroup:
    return Subtopology.CopartitionGroup(
        source_topics=sources, source_topic_regex=(), repartition_source_topics=repartition
    )


def configured(*subtopologies: Subtopology, **partition_counts: int) -> ConfiguredTopology:
    """With topics of so many partitions."""
    topics = {name: topic_image(name, count) for name, count in partition_counts.items()}
    return configure(of_request(topology(*subtopologies)), topics)


def missing(found: ConfiguredTopology) -> dict[str, int]:
    return {each.name: each.partition_count for each in found.missing}


def test_a_repartition_topic_is_as_large_as_what_is_written_to_it() -> None:
    found = configured(
        subtopology("0", "t", "u", sinks=["r"]),
        subtopology("1", repartition=[topic("r")], changelogs=[topic("c", retention_ms="5")], sinks=["s"]),
        subtopology("2", repartition=[topic("s")]),
        t=3,
        u=5,
    )

    assert {"r": 5, "c": 5, "s": 5} == missing(found)
    assert {"retention.ms": "5"} == found.missing[1].configs
    assert [5, 5, 5] == [each.task_count for each in found.subtopologies.values()]
    assert Status(StatusCode.MISSING_INTERNAL_TOPICS, "Internal topics are missing: r, c, s") == found.problem


def test_a_repartition_topic_may_say_how_large_it_is() -> None:
    found = configured(
        subtopology("0", "t", sinks=["r"]), subtopology("1", repartition=[topic("r", 7)], changelogs=[topic("c")]), t=3
    )

    assert {"r": 7, "c": 7} == missing(found)


def test_of_what_is_missing_three_are_named() -> None:
    changelogs = [topic(name) for name in ("c1", "c2", "c3", "c4", "c5")]

    found = configured(subtopology("0", "t", changelogs=changelogs), t=1)

    assert found.problem is not None
    assert "Internal topics are missing: c1, c2, c3 and 2 additional topics" == found.problem.detail


def test_what_is_there_must_be_as_large_as_it_should() -> None:
    found = configured(subtopology("0", "t", changelogs=[topic("c")]), t=4, c=7)

    assert found.problem == Status(
        StatusCode.INCORRECTLY_PARTITIONED_TOPICS,
        "Existing topic c has different number of partitions: expected 4, found 7",
    )
    assert {} == found.subtopologies


def test_copartitioned_source_topics_must_be_alike() -> None:
    found = configured(subtopology("0", "t", "u", copartition=[copartition([0, 1], [])]), t=4, u=2)

    assert found.problem == Status(
        StatusCode.INCORRECTLY_PARTITIONED_TOPICS,
        "Following topics do not have the same number of partitions: [{t=4, u=2}]",
    )


def test_a_copartitioned_repartition_topic_follows_the_source_topic() -> None:
    first = subtopology("0", "u", sinks=["r"])
    second = subtopology("1", "t", repartition=[topic("r")], copartition=[copartition([0], [0])])

    assert {"r": 4} == missing(configured(first, second, t=4, u=2))


def test_one_that_says_otherwise_does_not_fit() -> None:
    first = subtopology("0", "u", sinks=["r"])
    second = subtopology("1", "t", repartition=[topic("r", 3)], copartition=[copartition([0], [0])])

    assert configured(first, second, t=4, u=2).problem == Status(
        StatusCode.INCORRECTLY_PARTITIONED_TOPICS,
        "Number of partitions [3] of repartition topic [r] doesn't match number of partitions [4] of the source topic.",
    )


def test_copartitioned_repartition_topics_are_as_large_as_the_largest() -> None:
    found = configured(
        subtopology("0", "t", sinks=["r"]),
        subtopology("1", "u", sinks=["s"]),
        subtopology("2", repartition=[topic("r"), topic("s")], copartition=[copartition([], [0, 1])]),
        t=4,
        u=2,
    )

    assert {"r": 4, "s": 4} == missing(found)


def test_copartitioned_repartition_topics_that_say_how_large_they_are_must_agree() -> None:
    found = configured(
        subtopology("0", "t", sinks=["r", "s"]),
        subtopology("1", repartition=[topic("r", 2), topic("s", 3)], copartition=[copartition([], [0, 1])]),
        t=4,
    )

    assert found.problem == Status(
        StatusCode.INCORRECTLY_PARTITIONED_TOPICS,
        "Following topics do not have the same number of partitions: [{r=2, s=3}]",
    )


def test_less_than_one_partition_is_refused() -> None:
    with pytest.raises(BrokerError) as refused:
        configured(subtopology("0", "t", sinks=["r"]), subtopology("1", repartition=[topic("r", -1)]), t=1)

    assert ErrorCode.UNKNOWN_SERVER_ERROR == refused.value.code


@pytest.mark.parametrize("index", [-1, 1])
def test_a_copartition_group_of_no_topics_is_refused(index: int) -> None:
    with pytest.raises(BrokerError) as refused:
        configured(subtopology("0", "t", copartition=[copartition([index], [])]), t=1)

    assert ErrorCode.UNKNOWN_SERVER_ERROR == refused.value.code


@pytest.mark.parametrize(
    ("subtopologies", "reason"),
    [
        (
            [subtopology("0", repartition=[topic("r")], sinks=["r"])],
            "Failed to compute number of partitions for all repartition topics. There may be loops in the topology "
            "that cannot be resolved.",
        ),
        (
            [subtopology("0", "t", repartition=[topic("r")])],
            "Failed to compute number of partitions for all repartition topics, because a repartition source topic is "
            "never used as a sink topic.",
        ),
        ([subtopology("0", changelogs=[topic("c")])], "No source topics found for subtopology 0"),
    ],
)
def test_some_topologies_can_never_run(subtopologies: list[Subtopology], reason: str) -> None:
    with pytest.raises(BrokerError) as refused:
        configured(*subtopologies, t=1)

    assert (ErrorCode.STREAMS_INVALID_TOPOLOGY, reason) == (refused.value.code, refused.value.message)
