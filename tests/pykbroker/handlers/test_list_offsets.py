"""ListOffsets: what Apache Kafka 4.3 was seen to answer; v0 as Kafka 3.9 does."""

from __future__ import annotations

from typing import Any

import pytest

from pykbroker.testing import NOW_MS, InMemoryBroker, in_memory_broker
from storage.testing import MemoryFiles
from wire.api.list_offsets import ListOffsetsRequest, ListOffsetsResponse
from wire.errors import ErrorCode

Topic = ListOffsetsRequest.ListOffsetsTopic
Partition = Topic.ListOffsetsPartition
TopicAnswer = ListOffsetsResponse.ListOffsetsTopicResponse
PartitionAnswer = TopicAnswer.ListOffsetsPartitionResponse

LATEST, EARLIEST, MAX_TIMESTAMP, EARLIEST_LOCAL, LATEST_TIERED, EARLIEST_PENDING_UPLOAD, UNHEARD_OF = range(-1, -8, -1)


def asking(*partitions: tuple[int, int], topic: str = "t", epoch: int = -1, **fields: Any) -> ListOffsetsRequest:
    asked = [Partition(partition_index=index, timestamp=at, current_leader_epoch=epoch) for index, at in partitions]
    return ListOffsetsRequest(**{"replica_id": -1} | fields, topics=[Topic(name=topic, partitions=asked)])


def told(response: ListOffsetsResponse) -> list[tuple[int, int, int, int]]:
    """(error, timestamp, offset, leader epoch) of all partitions."""
    return [
        (each.error_code, each.timestamp, each.offset, each.leader_epoch)
        for topic in response.topics
        for each in topic.partitions
    ]


@pytest.fixture
async def filled(broker: InMemoryBroker) -> InMemoryBroker:
    """Partition 0 of `t` has three batches, partition 1 is empty."""
    await broker.create("t", 2)
    for batch in ([1000, 3000, 2000], [2500, 2500], [1500]):
        broker.append("t", 0, [NOW_MS + at for at in batch])
    return broker


NOTHING = (0, -1, -1, -1)
REFUSED = (ErrorCode.UNSUPPORTED_VERSION, -1, -1, -1)


@pytest.mark.parametrize(
    ("timestamp", "of_filled", "of_empty"),
    [
        (LATEST, (0, -1, 6, 0), (0, -1, 0, 0)),
        (EARLIEST, (0, -1, 0, 0), (0, -1, 0, 0)),
        (MAX_TIMESTAMP, (0, NOW_MS + 3000, 1, 0), NOTHING),
        (EARLIEST_LOCAL, (0, -1, 0, 0), (0, -1, 0, 0)),
        (LATEST_TIERED, NOTHING, NOTHING),
        (EARLIEST_PENDING_UPLOAD, NOTHING, NOTHING),
        (UNHEARD_OF, REFUSED, REFUSED),
        (0, (0, NOW_MS + 1000, 0, 0), NOTHING),
        (NOW_MS + 1000, (0, NOW_MS + 1000, 0, 0), NOTHING),
        (NOW_MS + 1001, (0, NOW_MS + 3000, 1, 0), NOTHING),
        (NOW_MS + 3000, (0, NOW_MS + 3000, 1, 0), NOTHING),
        (NOW_MS + 3001, NOTHING, NOTHING),
    ],
)
async def test_an_offset_is_found_by_its_time(
    filled: InMemoryBroker, timestamp: int, of_filled: tuple[int, ...], of_empty: tuple[int, ...]
) -> None:
    response = await filled.ask(asking((0, timestamp), (1, timestamp)), 11)

    assert [of_filled, of_empty] == told(response)


@pytest.mark.parametrize("version", range(1, 12))
async def test_a_version_knows_the_special_timestamps_of_its_time(filled: InMemoryBroker, version: int) -> None:
    first_version = {LATEST: 1, EARLIEST: 1, MAX_TIMESTAMP: 7, EARLIEST_LOCAL: 8, LATEST_TIERED: 9}
    first_version |= {EARLIEST_PENDING_UPLOAD: 11, UNHEARD_OF: 99}

    for timestamp, first in first_version.items():
        (answer,) = told(await filled.ask(asking((0, timestamp)), version))

        assert (REFUSED[0] if version < first else 0) == answer[0], timestamp


@pytest.mark.parametrize(("version", "epoch"), [(1, -1), (3, -1), (4, 0), (11, 0)])
async def test_leader_epochs_are_told_from_v4_on(filled: InMemoryBroker, version: int, epoch: int) -> None:
    response = await filled.ask(asking((0, NOW_MS + 1500)), version)

    assert [(0, NOW_MS + 3000, 1, epoch)] == told(response)


@pytest.mark.parametrize(
    ("epoch", "answer"),
    [
        (-1, (0, -1, 6, 0)),
        (0, (0, -1, 6, 0)),
        (1, (ErrorCode.UNKNOWN_LEADER_EPOCH, -1, -1, -1)),
        (-2, (ErrorCode.FENCED_LEADER_EPOCH, -1, -1, -1)),
    ],
)
async def test_the_leader_epoch_that_the_client_knows_must_be_the_current_one(
    filled: InMemoryBroker, epoch: int, answer: tuple[int, ...]
) -> None:
    assert [answer] == told(await filled.ask(asking((0, LATEST), epoch=epoch), 11))


async def test_partitions_that_are_not_there_do_not_disturb_the_others(filled: InMemoryBroker) -> None:
    unknown = (ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, -1, -1, -1)

    assert [unknown, (0, -1, 6, 0), unknown] == told(await filled.ask(asking((7, -1), (0, -1), (-1, -1)), 11))
    assert [unknown] == told(await filled.ask(asking((0, -1), topic="nope"), 11))
    assert [unknown] == told(await filled.ask(asking((0, -1), topic="a/b"), 11))


async def test_a_partition_named_twice_is_refused_once_and_topics_are_joined(filled: InMemoryBroker) -> None:
    asked = asking((0, LATEST))
    asked.topics = [
        Topic(name="nope", partitions=[]),
        *asked.topics,
        *asking((0, LATEST), (1, LATEST)).topics,
    ]

    response = await filled.ask(asked, 11)

    partitions = [
        PartitionAnswer(partition_index=0, error_code=ErrorCode.INVALID_REQUEST),
        PartitionAnswer(partition_index=1, offset=0, leader_epoch=0),
    ]
    assert [TopicAnswer(name="t", partitions=partitions)] == response.topics


async def test_consumers_see_what_is_committed_and_others_all(filled: InMemoryBroker) -> None:
    partition = filled.broker.replicas.leader("t", 0)
    partition.high_watermark = 3  # as if a follower had not yet fetched the rest

    consumer = await filled.ask(asking((0, LATEST)), 11)
    follower = await filled.ask(asking((0, LATEST), replica_id=2), 11)
    beyond = await filled.ask(asking((0, NOW_MS + 3000)), 11)
    partition.high_watermark = 1
    hidden = await filled.ask(asking((0, NOW_MS + 3000)), 11)

    assert [(0, -1, 3, 0), (0, -1, 6, 0)] == [*told(consumer), *told(follower)]
    assert [(0, NOW_MS + 3000, 1, 0), NOTHING] == [*told(beyond), *told(hidden)]


async def test_an_isolation_level_is_0_or_1(filled: InMemoryBroker) -> None:
    committed = await filled.ask(asking((0, LATEST), isolation_level=1), 2)
    unheard_of = await filled.ask(asking((0, LATEST), isolation_level=7), 2)

    assert [(0, -1, 6, -1)] == told(committed)
    assert [(ErrorCode.UNKNOWN_SERVER_ERROR, -1, -1, -1)] == told(unheard_of)


@pytest.mark.parametrize(
    ("timestamp", "max_num_offsets", "offsets"),
    [
        (LATEST, 1, [6]),
        (LATEST, 10, [6, 5, 3, 0]),
        (LATEST, 0, []),
        (EARLIEST, 10, [0]),
        (NOW_MS, 2, [6, 5]),
        (NOW_MS - 1, 10, [5, 3, 0]),
        (39, 10, [3, 0]),
        (20, 10, [0]),
        (19, 10, []),
    ],
)
async def test_v0_lists_where_segments_begin(timestamp: int, max_num_offsets: int, offsets: list[int]) -> None:
    """By when they were written last; the log's end is of now."""
    files = MemoryFiles()
    async with in_memory_broker(files=files) as broker:
        await broker.create("s")
        for timestamps, starts_segment in (([1], True), ([2, 3], False), ([4, 5], True), ([6], True)):
            files.now_ms += 10
            partition = broker.broker.replicas.leader("s", 0)
            if starts_segment:
                partition.log.roll(NOW_MS)
            broker.append("s", 0, timestamps)
        asked = asking((0, timestamp), topic="s")
        asked.topics[0].partitions[0].max_num_offsets = max_num_offsets

        response = await broker.ask(asked, 0)

    assert offsets == response.topics[0].partitions[0].old_style_offsets


async def test_v0_names_the_start_for_each_segment_that_is_before_it(filled: InMemoryBroker) -> None:
    await filled.create("s")
    for timestamp in (1, 2, 3):
        partition = filled.append("s", 0, [timestamp])
        partition.log.roll(NOW_MS)
    partition.delete_records_before(2)
    asked = asking((0, LATEST), topic="s")
    asked.topics[0].partitions[0].max_num_offsets = 10

    response = await filled.ask(asked, 0)

    assert [3, 2, 2, 2] == response.topics[0].partitions[0].old_style_offsets


async def test_v0_cannot_list_fewer_than_none(filled: InMemoryBroker) -> None:
    asked = asking((0, LATEST))
    asked.topics[0].partitions[0].max_num_offsets = -1

    response = await filled.ask(asked, 0)

    assert ErrorCode.UNKNOWN_SERVER_ERROR == response.topics[0].partitions[0].error_code


async def test_v0_knows_no_other_special_timestamps(filled: InMemoryBroker) -> None:
    response = await filled.ask(asking((0, MAX_TIMESTAMP)), 0)

    assert [ErrorCode.UNSUPPORTED_VERSION] == [each.error_code for each in response.topics[0].partitions]
