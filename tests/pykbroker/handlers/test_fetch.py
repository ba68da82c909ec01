"""Fetch: what is read, when it waits, and what a fetch session leaves out (KIP-227)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from pykbroker.testing import NOW_MS, InMemoryBroker
from wire.api.fetch import FetchRequest
from wire.errors import ErrorCode
from wire.record_batch import batches

Topic = FetchRequest.FetchTopic
Partition = Topic.FetchPartition
BY_NAME, BY_ID, NEWEST = 12, 13, 18
EVERYTHING = 1 << 30


def fetch(
    *wanted: tuple[int, int],
    topic: str = "t",
    topic_id: bytes = bytes(16),
    partition_max_bytes: int = EVERYTHING,
    epoch: int = -1,
    last_fetched_epoch: int = -1,
    **fields: Any,
) -> FetchRequest:
    """`wanted`: (partition, offset) of each."""
    partitions = [
        Partition(
            partition=index,
            fetch_offset=offset,
            partition_max_bytes=partition_max_bytes,
            current_leader_epoch=epoch,
            last_fetched_epoch=last_fetched_epoch,
        )
        for index, offset in wanted
    ]
    topics = [Topic(topic=topic, topic_id=topic_id, partitions=partitions)] if partitions else []
    return FetchRequest(**{"max_wait_ms": 0, "min_bytes": 1} | fields, topics=topics)


def told(response: Any) -> list[Any]:
    return [partition for topic in response.responses for partition in topic.partitions]


def offsets(partition: Any) -> list[int]:
    return [record.offset for batch in batches(partition.records) for record in batch.records()]


@pytest.fixture
async def filled(broker: InMemoryBroker) -> InMemoryBroker:
    """Both partitions of `t` have batches of 2, 3 and 1 records."""
    await broker.create("t", 2)
    for index in (0, 1):
        for count in (2, 3, 1):
            broker.append("t", index, [NOW_MS] * count)
    return broker


@pytest.mark.parametrize("version", range(4, BY_NAME + 1))
async def test_batches_come_whole_from_the_one_that_has_the_offset(filled: InMemoryBroker, version: int) -> None:
    [partition] = told(await filled.ask(fetch((0, 3)), version))

    assert [2, 3, 4, 5] == offsets(partition)
    assert (0, 6, 6) == (partition.error_code, partition.high_watermark, partition.last_stable_offset)


@pytest.mark.parametrize("version", range(BY_ID, NEWEST + 1))
async def test_topics_are_named_by_id_from_v13_on(filled: InMemoryBroker, version: int) -> None:
    topic = filled.broker.controller.image.topics["t"]

    [partition] = told(await filled.ask(fetch((0, 5), topic_id=topic.id), version))
    [unknown] = told(await filled.ask(fetch((0, 5), topic_id=bytes(15) + b"x"), version))

    assert [5] == offsets(partition)
    assert ErrorCode.UNKNOWN_TOPIC_ID == unknown.error_code


async def test_what_cannot_be_read_says_why_and_the_rest_is_read(filled: InMemoryBroker) -> None:
    response = await filled.ask(fetch((0, 7), (1, 0), (2, 0), (0, -5)), BY_NAME)

    assert [
        ErrorCode.OFFSET_OUT_OF_RANGE,
        ErrorCode.NONE,
        ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
        ErrorCode.OFFSET_OUT_OF_RANGE,
    ] == [partition.error_code for partition in told(response)]


@pytest.mark.parametrize(("epoch", "error"), [(-1, 0), (0, 0), (1, ErrorCode.UNKNOWN_LEADER_EPOCH)])
async def test_the_leader_epoch_that_the_client_knows_must_be_the_current_one(
    filled: InMemoryBroker, epoch: int, error: int
) -> None:
    """KIP-320."""
    [partition] = told(await filled.ask(fetch((0, 0), epoch=epoch), BY_NAME))

    assert error == partition.error_code


@pytest.mark.parametrize(
    ("last_fetched_epoch", "offset", "error", "diverging"),
    [
        (0, 6, 0, (-1, -1)),
        (0, 7, 0, (0, 6)),
        (1, 6, ErrorCode.OFFSET_OUT_OF_RANGE, (-1, -1)),
        (1, 0, ErrorCode.OFFSET_OUT_OF_RANGE, (-1, -1)),
    ],
)
async def test_a_reader_is_told_where_its_records_are_not_ours_any_more(
    filled: InMemoryBroker, last_fetched_epoch: int, offset: int, error: int, diverging: tuple[int, int]
) -> None:
    """KIP-595; answers of Apache Kafka 4.3."""
    request = fetch((0, offset), last_fetched_epoch=last_fetched_epoch)

    [answer] = told(await filled.ask(request, BY_NAME))

    assert error == answer.error_code
    assert diverging == (answer.diverging_epoch.epoch, answer.diverging_epoch.end_offset)


async def test_nobody_waits_with_records_that_are_not_ours_any_more(
    filled: InMemoryBroker, mock_clock: MockClock
) -> None:
    request = fetch((0, 7), (1, 6), last_fetched_epoch=0, max_wait_ms=10_000)

    answers = told(await filled.ask(request, BY_NAME))

    assert [0, -1] == [answer.diverging_epoch.epoch for answer in answers]


async def test_the_first_batch_always_comes_and_the_limit_holds_for_the_rest(filled: InMemoryBroker) -> None:
    """KIP-74: else a batch larger than the limit could never be read."""
    response = await filled.ask(fetch((0, 0), (1, 0), max_bytes=1), BY_NAME)

    first, second = told(response)
    assert [0, 1] == offsets(first)
    assert b"" == bytes(second.records)


async def test_a_partition_has_a_limit_of_its_own(filled: InMemoryBroker) -> None:
    response = await filled.ask(fetch((0, 0), (1, 0), partition_max_bytes=1), BY_NAME)

    first, second = told(response)
    assert [0, 1] == offsets(first)
    assert b"" == bytes(second.records)


async def test_nothing_is_waited_for_when_there_is_enough(filled: InMemoryBroker, mock_clock: MockClock) -> None:
    before = trio.current_time()

    await filled.ask(fetch((0, 0), max_wait_ms=500), BY_NAME)

    assert trio.current_time() == before


async def test_an_empty_answer_comes_when_the_time_is_over(filled: InMemoryBroker, autojump_clock: MockClock) -> None:
    before = trio.current_time()

    [partition] = told(await filled.ask(fetch((0, 6), max_wait_ms=500), BY_NAME))

    assert trio.current_time() - before == pytest.approx(0.5)
    assert b"" == bytes(partition.records)


async def test_a_waiting_fetch_is_answered_as_soon_as_there_is_enough(
    filled: InMemoryBroker, autojump_clock: MockClock
) -> None:
    """Each batch has 72 bytes or so."""
    answers: list[Any] = []

    async def ask() -> None:
        answers.extend(told(await filled.ask(fetch((0, 6), max_wait_ms=10_000, min_bytes=100), BY_NAME)))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(ask)
        await wait_all_tasks_blocked()
        filled.append("t", 0, [NOW_MS])
        await wait_all_tasks_blocked()
        assert [] == answers
        filled.append("t", 0, [NOW_MS])

    assert [[6, 7]] == [offsets(partition) for partition in answers]
    assert trio.current_time() < 9


async def test_a_fetch_that_waits_at_a_topic_is_told_when_it_is_deleted(
    filled: InMemoryBroker, mock_clock: MockClock
) -> None:
    """The clock stands still: nothing else can end the wait."""
    answers: list[Any] = []

    async def ask() -> None:
        answers.extend(told(await filled.ask(fetch((0, 6), max_wait_ms=10_000), BY_NAME)))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(ask)
        await wait_all_tasks_blocked()
        await filled.broker.controller.delete_topics(["t"])

    assert [ErrorCode.UNKNOWN_TOPIC_OR_PARTITION] == [partition.error_code for partition in answers]


class Session:
    """A client's side of a fetch session."""

    def __init__(self, broker: InMemoryBroker, topic_id: bytes = bytes(16)) -> None:
        self._broker = broker
        self._topic_id = topic_id
        self.id, self.epoch = 0, 0

    async def fetch(self, *wanted: tuple[int, int], forgotten: Sequence[int] = ()) -> Any:
        topic = {"topic_id": self._topic_id}
        gone = [FetchRequest.ForgottenTopic(topic="t", partitions=list(forgotten), **topic)] if forgotten else []
        request = fetch(*wanted, session_id=self.id, session_epoch=self.epoch, forgotten_topics_data=gone, **topic)
        response = await self._broker.ask(request, BY_ID if any(self._topic_id) else BY_NAME)
        if response.error_code == 0:
            self.id, self.epoch = response.session_id, self.epoch + 1
        return response


def indices(response: Any) -> Iterator[int]:
    return (partition.partition_index for partition in told(response))


async def test_a_session_tells_only_what_is_new(filled: InMemoryBroker) -> None:
    session = Session(filled)

    assert [0, 1] == list(indices(await session.fetch((0, 0), (1, 0))))
    assert session.id != 0
    assert [] == list(indices(await session.fetch((0, 6), (1, 6))))
    filled.append("t", 1, [NOW_MS])
    response = await session.fetch()
    assert [1] == list(indices(response))
    assert [6] == offsets(told(response)[0])


async def test_a_forgotten_partition_is_told_no_more(filled: InMemoryBroker) -> None:
    session = Session(filled)
    await session.fetch((0, 6), (1, 6))

    filled.append("t", 0, [NOW_MS])
    filled.append("t", 1, [NOW_MS])

    assert [1] == list(indices(await session.fetch(forgotten=[0])))


async def test_a_session_with_nothing_left_to_fetch_is_over(filled: InMemoryBroker) -> None:
    session = Session(filled)
    await session.fetch((0, 6))

    last = await session.fetch(forgotten=[0])

    assert (0, 0) == (last.error_code, last.session_id)
    assert 0 == len(filled.broker.fetch_sessions)


async def test_a_session_learns_that_its_topic_is_gone_and_then_that_it_is_another(filled: InMemoryBroker) -> None:
    """The codes are those of Apache Kafka 4.3, which remembers the name that an id had."""
    topic = filled.broker.image.topic("t")
    assert topic is not None
    session = Session(filled, topic.id)
    await session.fetch((0, 6))

    await filled.broker.controller.delete_topics(["t"])
    [gone] = told(await session.fetch())
    await filled.create("t")
    [another] = told(await session.fetch())
    [stranger] = told(await filled.ask(fetch((0, 0), topic_id=topic.id), BY_ID))

    assert ErrorCode.UNKNOWN_TOPIC_OR_PARTITION == gone.error_code
    assert ErrorCode.INCONSISTENT_TOPIC_ID == another.error_code
    assert ErrorCode.UNKNOWN_TOPIC_ID == stranger.error_code


async def test_who_got_data_is_served_last_the_next_time(filled: InMemoryBroker) -> None:
    """So that a limit on the answer's size starves no partition."""
    session = Session(filled)
    await session.fetch((0, 6), (1, 6))
    filled.append("t", 0, [NOW_MS])
    assert [0] == list(indices(await session.fetch()))
    filled.append("t", 1, [NOW_MS])

    assert [1, 0] == list(indices(await session.fetch((0, 6))))


@pytest.mark.parametrize(
    ("session_id", "epoch_off_by", "error"),
    [(None, 1, ErrorCode.INVALID_FETCH_SESSION_EPOCH), (12345, 0, ErrorCode.FETCH_SESSION_ID_NOT_FOUND)],
)
async def test_a_session_that_does_not_fit_is_refused_whole(
    filled: InMemoryBroker, session_id: int | None, epoch_off_by: int, error: ErrorCode
) -> None:
    session = Session(filled)
    await session.fetch((0, 0))
    session.epoch += epoch_off_by
    session.id = session.id if session_id is None else session_id

    response = await session.fetch((0, 0))

    assert (error, []) == (response.error_code, list(response.responses))
