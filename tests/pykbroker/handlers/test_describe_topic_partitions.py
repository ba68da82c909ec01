"""DescribeTopicPartitions: what Apache Kafka 4.3 was seen to answer."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from pykbroker.testing import InMemoryBroker, in_memory_broker
from wire.api.describe_topic_partitions import DescribeTopicPartitionsRequest, DescribeTopicPartitionsResponse
from wire.errors import ErrorCode
from wire.types import ZERO_UUID

TopicAnswer = DescribeTopicPartitionsResponse.DescribeTopicPartitionsResponseTopic
PartitionAnswer = TopicAnswer.DescribeTopicPartitionsResponsePartition

Shown = list[tuple[int, str | None, list[int]]]
UNKNOWN = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
INVALID = ErrorCode.INVALID_REQUEST


def asking(
    names: Sequence[str], limit: int = 2000, cursor: tuple[str, int] | None = None
) -> DescribeTopicPartitionsRequest:
    at = DescribeTopicPartitionsRequest.Cursor(topic_name=cursor[0], partition_index=cursor[1]) if cursor else None
    topics = [DescribeTopicPartitionsRequest.TopicRequest(name=name) for name in names]
    return DescribeTopicPartitionsRequest(topics=topics, response_partition_limit=limit, cursor=at)


def told(response: DescribeTopicPartitionsResponse) -> tuple[Shown, tuple[str, int] | None]:
    topics = [
        (topic.error_code, topic.name, [partition.partition_index for partition in topic.partitions])
        for topic in response.topics
    ]
    cursor = response.next_cursor
    return topics, None if cursor is None else (cursor.topic_name, cursor.partition_index)


@pytest.fixture
async def filled(broker: InMemoryBroker) -> InMemoryBroker:
    await broker.create("c")
    await broker.create("b", 3)
    await broker.create("a", 3)
    return broker


async def test_a_topic_is_told_whole(filled: InMemoryBroker) -> None:
    response = await filled.ask(asking(["c"]), 0)

    topic = filled.broker.image.topic("c")
    assert topic is not None
    partition = PartitionAnswer(
        partition_index=0,
        leader_id=1,
        leader_epoch=0,
        replica_nodes=[1],
        isr_nodes=[1],
        eligible_leader_replicas=[],
        last_known_elr=[],
        offline_replicas=[],
    )
    expected = TopicAnswer(name="c", topic_id=topic.id, partitions=[partition], topic_authorized_operations=3576)
    assert DescribeTopicPartitionsResponse(topics=[expected]) == response


async def test_topics_come_by_name_each_once_and_none_means_all(filled: InMemoryBroker) -> None:
    everything: Shown = [(0, "a", [0, 1, 2]), (0, "b", [0, 1, 2]), (0, "c", [0])]

    assert (everything, None) == told(await filled.ask(asking(["b", "a", "c", "a"]), 0))
    assert (everything, None) == told(await filled.ask(asking([]), 0))


async def test_topics_that_do_not_exist_come_first(filled: InMemoryBroker) -> None:
    response = await filled.ask(asking(["nope", "a", "also-not", "a/b"]), 0)

    expected = [(17, "a/b", []), (UNKNOWN, "also-not", []), (UNKNOWN, "nope", []), (0, "a", [0, 1, 2])]
    assert (expected, None) == told(response)
    assert {3576} == {topic.topic_authorized_operations for topic in response.topics}


@pytest.mark.parametrize(
    ("limit", "shown", "cursor"),
    [
        (-1, [(0, "a", [0])], ("a", 1)),
        (0, [(0, "a", [0])], ("a", 1)),
        (1, [(0, "a", [0])], ("a", 1)),
        (2, [(0, "a", [0, 1])], ("a", 2)),
        (3, [(0, "a", [0, 1, 2])], ("b", 0)),
        (4, [(0, "a", [0, 1, 2]), (0, "b", [0])], ("b", 1)),
        (6, [(0, "a", [0, 1, 2]), (0, "b", [0, 1, 2])], ("c", 0)),
        (7, [(0, "a", [0, 1, 2]), (0, "b", [0, 1, 2]), (0, "c", [0])], None),
    ],
)
async def test_a_page_ends_at_its_limit_and_says_where_the_next_begins(
    filled: InMemoryBroker, limit: int, shown: Shown, cursor: tuple[str, int] | None
) -> None:
    missing = (UNKNOWN, "nope", [])

    assert ([missing, *shown], cursor) == told(await filled.ask(asking(["b", "a", "c", "nope"], limit), 0))


@pytest.mark.parametrize(
    ("cursor", "shown", "next_cursor"),
    [
        (("a", 0), [(0, "a", [0, 1])], ("a", 2)),
        (("a", 1), [(0, "a", [1, 2])], ("b", 0)),
        (("a", 2), [(0, "a", [2]), (0, "b", [0])], ("b", 1)),
        (("a", 3), [(0, "a", []), (0, "b", [0, 1])], ("b", 2)),
        (("b", 0), [(0, "b", [0, 1])], ("b", 2)),
        (("b", 5), [(0, "b", []), (0, "c", [0])], None),
    ],
)
async def test_a_page_begins_at_its_cursor(
    filled: InMemoryBroker, cursor: tuple[str, int], shown: Shown, next_cursor: tuple[str, int] | None
) -> None:
    assert (shown, next_cursor) == told(await filled.ask(asking(["b", "a", "c"], 2, cursor), 0))


async def test_pages_one_after_the_other_show_everything_once(filled: InMemoryBroker) -> None:
    seen = []
    cursor: tuple[str, int] | None = ("a", 0)
    while cursor is not None:
        topics, cursor = told(await filled.ask(asking([], 2, cursor), 0))
        seen += [(name, index) for _, name, indexes in topics for index in indexes]

    assert [(name, index) for name, count in (("a", 3), ("b", 3), ("c", 1)) for index in range(count)] == seen


async def test_a_cursor_at_a_topic_that_does_not_exist_goes_on_behind_it(filled: InMemoryBroker) -> None:
    response = await filled.ask(asking(["aa", "b"], 2, ("aa", 1)), 0)

    assert ([(UNKNOWN, "aa", []), (0, "b", [0, 1])], ("b", 2)) == told(response)


@pytest.mark.parametrize("cursor", [("aa", 0), ("zzz", 0), ("nope", 1), ("a", -1)])
async def test_a_cursor_that_cannot_be_one_fails_the_request(filled: InMemoryBroker, cursor: tuple[str, int]) -> None:
    response = await filled.ask(asking(["b", "a"], 2, cursor), 0)

    expected = [TopicAnswer(error_code=INVALID, name=name, topic_id=ZERO_UUID, partitions=[]) for name in ("b", "a")]
    assert DescribeTopicPartitionsResponse(topics=expected) == response


async def test_the_broker_has_a_limit_of_its_own() -> None:
    async with in_memory_broker({"max.request.partition.size.limit": "2"}) as opened:
        await opened.create("t", 5)

        assert ([(0, "t", [0, 1])], ("t", 2)) == told(await opened.ask(asking(["t"], 2000), 0))


async def test_a_topic_without_a_name_fails_the_request(filled: InMemoryBroker) -> None:
    response = await filled.ask(asking([""]), 0)

    assert ([(ErrorCode.UNKNOWN_SERVER_ERROR, "", [])], None) == told(response)
