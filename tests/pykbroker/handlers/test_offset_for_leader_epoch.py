"""OffsetForLeaderEpoch: what Apache Kafka 4.3 was seen to answer."""

from __future__ import annotations

import pytest

from pykbroker.testing import InMemoryBroker
from wire.api.offset_for_leader_epoch import OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse
from wire.errors import ErrorCode

Topic = OffsetForLeaderEpochRequest.OffsetForLeaderTopic
Partition = Topic.OffsetForLeaderPartition


def asking(*partitions: tuple[int, int, int], topic: str = "t", version: int = 4) -> OffsetForLeaderEpochRequest:
    """Of (partition, current leader epoch, leader epoch)."""
    asked = [
        Partition(partition=index, current_leader_epoch=current, leader_epoch=of) for index, current, of in partitions
    ]
    topics = [Topic(topic=topic, partitions=asked)]
    return OffsetForLeaderEpochRequest(topics=topics, replica_id=-1 if version >= 3 else -2)


def told(response: OffsetForLeaderEpochResponse) -> list[tuple[int, int, int, int]]:
    return [
        (each.partition, each.error_code, each.leader_epoch, each.end_offset)
        for topic in response.topics
        for each in topic.partitions
    ]


@pytest.fixture
async def filled(broker: InMemoryBroker) -> InMemoryBroker:
    """Partition 0 of `t` has six records of epoch 0, partition 1 is empty."""
    await broker.create("t", 2)
    broker.append("t", 0, range(6))
    return broker


@pytest.mark.parametrize("version", range(5))
async def test_the_current_epoch_ends_where_the_log_does(filled: InMemoryBroker, version: int) -> None:
    response = await filled.ask(asking((0, -1, 0), version=version), version)

    assert [(0, 0, 0 if version else -1, 6)] == told(response)


@pytest.mark.parametrize(
    ("epoch", "answers"),
    [
        (-1, [(0, 0, -1, -1), (1, 0, -1, -1)]),
        (-2, [(0, 0, -2, 0), (1, 0, -2, 0)]),
        (0, [(0, 0, 0, 6), (1, 0, 0, 0)]),
        (1, [(0, 0, -1, -1), (1, 0, -1, -1)]),
        (100, [(0, 0, -1, -1), (1, 0, -1, -1)]),
    ],
)
async def test_an_epoch_that_never_was_has_no_end(
    filled: InMemoryBroker, epoch: int, answers: list[tuple[int, ...]]
) -> None:
    assert answers == told(await filled.ask(asking((0, -1, epoch), (1, -1, epoch)), 4))


@pytest.mark.parametrize(
    ("current", "code"),
    [(0, 0), (1, ErrorCode.UNKNOWN_LEADER_EPOCH), (-2, ErrorCode.FENCED_LEADER_EPOCH)],
)
async def test_the_leader_epoch_that_the_client_knows_must_be_the_current_one(
    filled: InMemoryBroker, current: int, code: int
) -> None:
    answer = (0, code, -1, -1) if code else (0, 0, 0, 6)

    assert [answer] == told(await filled.ask(asking((0, current, 0)), 4))


async def test_partitions_that_are_not_there_do_not_disturb_the_others(filled: InMemoryBroker) -> None:
    unknown = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION

    response = await filled.ask(asking((9, -1, 0), (0, -1, 0), (-1, -1, 0)), 4)
    other = await filled.ask(asking((0, -1, 0), topic="nope"), 4)

    assert [(9, unknown, -1, -1), (0, 0, 0, 6), (-1, unknown, -1, -1)] == told(response)
    assert [(0, unknown, -1, -1)] == told(other)


async def test_a_partition_asked_for_twice_is_answered_twice(filled: InMemoryBroker) -> None:
    assert [(0, 0, 0, 6), (0, 0, -1, -1)] == told(await filled.ask(asking((0, -1, 0), (0, -1, 1)), 4))


async def test_a_leaders_epoch_begins_where_it_took_over_even_before_it_writes(filled: InMemoryBroker) -> None:
    for index in (0, 1):
        filled.broker.replicas.leader("t", index).leader_epoch = 3

    response = await filled.ask(asking(*((index, -1, epoch) for index in (0, 1) for epoch in (0, 1, 3, 4))), 4)

    of_filled = [(0, 0, 0, 6), (0, 0, 0, 6), (0, 0, 3, 6), (0, 0, -1, -1)]
    of_empty = [(1, 0, 0, 0), (1, 0, 1, 0), (1, 0, 3, 0), (1, 0, -1, -1)]
    assert of_filled + of_empty == told(response)


async def test_the_epochs_of_a_log_end_where_the_next_begins(filled: InMemoryBroker) -> None:
    filled.broker.replicas.leader("t", 0).leader_epoch = 3
    filled.append("t", 0, [1, 2])

    response = await filled.ask(asking((0, -1, 0), (0, -1, 2), (0, -1, 3)), 4)

    assert [(0, 0, 0, 6), (0, 0, 0, 6), (0, 0, 3, 8)] == told(response)
