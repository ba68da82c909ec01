"""Partition: who may append and read, how far, and who is woken."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from pykbroker.errors import BrokerError, RecordsRefused
from pykbroker.partition import READ_UNCOMMITTED, Partition, refused
from pykbroker.purgatory import Waiter, standing_at
from pykbroker.testing import NOW_MS, InMemoryBroker, in_memory_broker
from storage import errors as storage_errors
from wire import errors as wire_errors
from wire.errors import ErrorCode
from wire.record_batch import Record, RecordBatch, build


@pytest.fixture
async def broker() -> AsyncIterator[InMemoryBroker]:
    async with in_memory_broker() as opened:
        yield opened


@pytest.fixture
async def partition(broker: InMemoryBroker) -> Partition:
    await broker.create("t")
    return broker.broker.replicas.leader("t", 0)


def batch(count: int = 1) -> RecordBatch:
    return RecordBatch(memoryview(bytearray(build([Record(timestamp_ms=NOW_MS, value=b"v")] * count))))


def image_of(broker: InMemoryBroker, **changes: object):  # type: ignore[no-untyped-def]
    return replace(broker.broker.controller.image.topics["t"].partitions[0], **changes)  # type: ignore[arg-type]


async def test_alone_in_sync_an_append_is_committed_at_once(partition: Partition) -> None:
    appended = partition.append_as_leader([batch(3)], now_ms=NOW_MS)

    assert (0, 3, 3) == (appended.base_offset, appended.next_offset, partition.high_watermark)


async def test_with_a_follower_in_sync_an_append_waits(broker: InMemoryBroker, partition: Partition) -> None:
    partition.apply(image_of(broker, isr=(1, 2)))

    partition.append_as_leader([batch()], now_ms=NOW_MS)

    assert 0 == partition.high_watermark
    read = partition.read(0, max_bytes=1000, isolation_level=READ_UNCOMMITTED, at_least_one=True)
    assert not read


async def test_waiting_for_the_followers_ends_with_the_time(
    broker: InMemoryBroker, partition: Partition, autojump_clock: MockClock
) -> None:
    partition.apply(image_of(broker, isr=(1, 2)))
    appended = partition.append_as_leader([batch()], now_ms=NOW_MS)

    with pytest.raises(BrokerError) as told:
        await partition.wait_committed(appended.next_offset, timeout_ms=1000)

    assert ErrorCode.REQUEST_TIMED_OUT == told.value.code


async def test_waiting_ends_when_the_leadership_does(
    broker: InMemoryBroker, partition: Partition, autojump_clock: MockClock
) -> None:
    partition.apply(image_of(broker, isr=(1, 2)))
    appended = partition.append_as_leader([batch()], now_ms=NOW_MS)
    told: list[ErrorCode] = []

    async def wait() -> None:
        try:
            await partition.wait_committed(appended.next_offset, timeout_ms=10_000)
        except BrokerError as error:
            told.append(error.code)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(wait)
        await wait_all_tasks_blocked()
        partition.apply(image_of(broker, leader=2, leader_epoch=1))

    assert [ErrorCode.NOT_LEADER_OR_FOLLOWER] == told


async def test_too_few_in_sync_refuse_acks_of_all_only(partition: Partition) -> None:
    partition.min_insync_replicas = 2

    partition.append_as_leader([batch()], now_ms=NOW_MS, acks_all=False)
    with pytest.raises(BrokerError) as told:
        partition.append_as_leader([batch()], now_ms=NOW_MS, acks_all=True)

    assert ErrorCode.NOT_ENOUGH_REPLICAS == told.value.code
    assert 1 == partition.log.next_offset


async def test_a_follower_refuses_and_leader_epochs_are_compared(broker: InMemoryBroker, partition: Partition) -> None:
    """KIP-320."""
    partition.apply(image_of(broker, leader_epoch=5))
    for epoch, code in ((4, ErrorCode.FENCED_LEADER_EPOCH), (6, ErrorCode.UNKNOWN_LEADER_EPOCH)):
        with pytest.raises(BrokerError) as told:
            partition.check_leader(epoch)
        assert code == told.value.code
    partition.check_leader(5)
    partition.check_leader(-1)

    partition.apply(image_of(broker, leader=2))

    with pytest.raises(BrokerError) as told:
        partition.append_as_leader([batch()], now_ms=NOW_MS)
    assert ErrorCode.NOT_LEADER_OR_FOLLOWER == told.value.code


async def test_an_append_counts_down_whoever_waits_for_bytes(partition: Partition) -> None:
    waiter = Waiter(missing_bytes=1000)

    with standing_at([partition], waiter):
        partition.append_as_leader([batch()], now_ms=NOW_MS)

    assert 1000 - batch().size_bytes == waiter.missing_bytes


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (storage_errors.InvalidTimestamp("x"), ErrorCode.INVALID_TIMESTAMP),
        (storage_errors.InvalidRecord("x"), ErrorCode.INVALID_RECORD),
        (storage_errors.DiskFull("x"), ErrorCode.KAFKA_STORAGE_ERROR),
        (storage_errors.MessageTooLarge("x"), ErrorCode.MESSAGE_TOO_LARGE),
        (storage_errors.SegmentTooLarge("x"), ErrorCode.RECORD_LIST_TOO_LARGE),
        (storage_errors.OutOfOrderSequence("x"), ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER),
        (storage_errors.InvalidProducerEpoch("x"), ErrorCode.INVALID_PRODUCER_EPOCH),
        (wire_errors.InvalidRecord("x"), ErrorCode.INVALID_RECORD),
        (wire_errors.CorruptBatch("x"), ErrorCode.CORRUPT_MESSAGE),
        (wire_errors.BadCompression("x"), ErrorCode.UNKNOWN_SERVER_ERROR),
    ],
)
def test_each_fault_has_kafkas_code(error: Exception, code: ErrorCode) -> None:
    assert code == refused(error).code


def test_errors_of_single_records_are_kept() -> None:
    error = storage_errors.InvalidRecord("x", (storage_errors.RecordError(3, "why"),))

    told = refused(error)

    assert isinstance(told, RecordsRefused)
    assert [(3, "why")] == list(told.record_errors)
