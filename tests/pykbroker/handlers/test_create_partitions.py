"""CreatePartitions: what Apache Kafka 4.3 was seen to answer."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from pykbroker.testing import InMemoryBroker
from wire.api.create_partitions import CreatePartitionsRequest, CreatePartitionsResponse
from wire.errors import ErrorCode

Topic = CreatePartitionsRequest.CreatePartitionsTopic
Assignment = Topic.CreatePartitionsAssignment

INVALID = ErrorCode.INVALID_PARTITIONS
BAD_ASSIGNMENT = ErrorCode.INVALID_REPLICA_ASSIGNMENT


def growing(name: str, count: int, assignments: Sequence[Sequence[int]] | None = None) -> Topic:
    by_hand = None if assignments is None else [Assignment(broker_ids=ids) for ids in assignments]
    return Topic(name=name, count=count, assignments=by_hand)


def asking(*topics: Topic, timeout_ms: int = 5000, validate_only: bool = False) -> CreatePartitionsRequest:
    return CreatePartitionsRequest(topics=topics, timeout_ms=timeout_ms, validate_only=validate_only)


def told(response: CreatePartitionsResponse) -> list[tuple[str, int, str | None]]:
    return [(result.name, result.error_code, result.error_message) for result in response.results]


def count_of(broker: InMemoryBroker, name: str) -> int:
    topic = broker.broker.image.topic(name)
    assert topic is not None
    return len(topic.partitions)


@pytest.mark.parametrize("version", range(4))
async def test_a_topic_grows_and_what_it_had_stays(broker: InMemoryBroker, version: int) -> None:
    await broker.create("t", 2)
    broker.append("t", 1, [1, 2, 3])

    response = await broker.ask(asking(growing("t", 5)), version)

    assert [("t", 0, None)] == told(response)
    assert 5 == count_of(broker, "t")
    assert [3, 0] == [broker.broker.replicas.leader("t", index).high_watermark for index in (1, 4)]


@pytest.mark.parametrize(
    ("asked", "code", "message"),
    [
        (growing("nope", 3), ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, None),
        (growing("a/b", 3), ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, None),
        (growing("t", 1), INVALID, "Topic already has 1 partition(s)."),
        (growing("t", 0), INVALID, "The topic t currently has 1 partition(s); 0 would not be an increase."),
        (growing("t", -1), INVALID, "The topic t currently has 1 partition(s); -1 would not be an increase."),
        (
            growing("t", 2, [[1, 1]]),
            BAD_ASSIGNMENT,
            "The manual partition assignment includes the broker 1 more than once.",
        ),
        (
            growing("t", 2, [[]]),
            BAD_ASSIGNMENT,
            "The manual partition assignment includes an empty replica list.",
        ),
        (
            growing("t", 2, [[9]]),
            BAD_ASSIGNMENT,
            "The manual partition assignment includes broker 9, but no such broker is registered.",
        ),
        (
            growing("t", 3, [[1]]),
            BAD_ASSIGNMENT,
            "Attempted to add 2 additional partition(s), but only 1 assignment(s) were specified.",
        ),
    ],
)
async def test_what_cannot_be_is_refused_in_kafkas_words_and_the_others_grow(
    broker: InMemoryBroker, asked: Topic, code: int, message: str | None
) -> None:
    await broker.create("t")
    await broker.create("other")

    response = await broker.ask(asking(asked, growing("other", 2)), 3)

    assert [(asked.name, code, message), ("other", 0, None)] == told(response)
    assert (1, 2) == (count_of(broker, "t"), count_of(broker, "other"))


async def test_a_topic_named_twice_is_refused(broker: InMemoryBroker) -> None:
    await broker.create("t")
    await broker.create("other")

    response = await broker.ask(asking(growing("t", 2), growing("other", 2), growing("t", 3)), 3)

    assert {("t", ErrorCode.INVALID_REQUEST, "Duplicate topic name."), ("other", 0, None)} == set(told(response))
    assert 1 == count_of(broker, "t")


async def test_new_partitions_can_be_placed_by_hand(broker: InMemoryBroker) -> None:
    await broker.create("t")

    assert [("t", 0, None)] == told(await broker.ask(asking(growing("t", 3, [[1], [1]])), 3))
    assert 3 == count_of(broker, "t")


async def test_nothing_grows_when_only_validated_or_without_time(broker: InMemoryBroker) -> None:
    await broker.create("t")

    validated = await broker.ask(asking(growing("t", 4), validate_only=True), 3)
    late = await broker.ask(asking(growing("t", 4), timeout_ms=0), 3)

    assert [("t", 0, None), ("t", ErrorCode.REQUEST_TIMED_OUT, None)] == [*told(validated), *told(late)]
    assert 1 == count_of(broker, "t")
