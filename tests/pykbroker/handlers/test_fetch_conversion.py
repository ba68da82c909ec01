"""Fetch v0-v3: the message sets that Apache Kafka 3.9 gave to old consumers."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from pykbroker.testing import NOW_MS, InMemoryBroker
from wire.api.fetch import FetchRequest
from wire.compression import Codec
from wire.control_records import EndTxnMarker
from wire.errors import ErrorCode
from wire.legacy_records import messages, unwrap
from wire.record_batch import Record, RecordBatch, build

Topic = FetchRequest.FetchTopic
RECORDS = [Record(index, NOW_MS + index, b"k%d" % index, b"value", ((b"header", b"x"),)) for index in range(3)]
OLD_VERSIONS = [(0, 0), (1, 0), (2, 1), (3, 1)]
OLD_CODECS = [Codec.NONE, Codec.GZIP, Codec.SNAPPY, Codec.LZ4]


def fetch(offset: int = 0, *, max_bytes: int = 1 << 20, max_wait_ms: int = 0, total: int = 1 << 30) -> FetchRequest:
    partition = Topic.FetchPartition(partition=0, fetch_offset=offset, partition_max_bytes=max_bytes)
    return FetchRequest(
        max_wait_ms=max_wait_ms, min_bytes=1, max_bytes=total, topics=[Topic(topic="t", partitions=[partition])]
    )


async def answer(broker: InMemoryBroker, request: FetchRequest, version: int) -> Any:
    return (await broker.ask(request, version)).responses[0].partitions[0]


def append(broker: InMemoryBroker, records: list[Record] = RECORDS, **fields: Any) -> None:
    append_bytes(broker, build(records, **fields))


def append_marker(broker: InMemoryBroker) -> None:
    marker = EndTxnMarker(committed=True, coordinator_epoch=0)
    append_bytes(broker, marker.batch(producer_id=1, producer_epoch=0, timestamp_ms=NOW_MS))


def append_bytes(broker: InMemoryBroker, data: bytes) -> None:
    batch = RecordBatch(memoryview(bytearray(data)))
    broker.broker.replicas.leader("t", 0).append_as_leader([batch], now_ms=NOW_MS, from_client=False)


def read(records: bytes) -> list[tuple[int, int, int, bytes | None]]:
    """(magic, offset, timestamp, key) of each record."""
    found = []
    for message in messages(records):
        each = unwrap([message], limit_bytes=10_000)
        found += [(each.magic, record.offset, record.timestamp_ms, record.key) for record in each.records]
    return found


@pytest.mark.parametrize("codec", OLD_CODECS)
@pytest.mark.parametrize(("version", "magic"), OLD_VERSIONS)
async def test_old_versions_get_message_sets(broker: InMemoryBroker, version: int, magic: int, codec: Codec) -> None:
    await broker.create("t")
    append(broker, compression=codec)
    append(broker, RECORDS[:1], compression=codec)

    told = await answer(broker, fetch(), version)

    assert (0, 4) == (told.error_code, told.high_watermark)
    whole = [*((record.offset, record.timestamp_ms, record.key) for record in RECORDS), (3, NOW_MS, b"k0")]
    expected = [(magic, offset, timestamp_ms if magic else -1, key) for offset, timestamp_ms, key in whole]
    assert expected[: len(read(told.records))] == read(told.records)
    assert len(read(told.records)) >= 3
    assert broker.broker.conversions.counts.fetched_records == len(read(told.records))


@pytest.mark.parametrize("codec", OLD_CODECS)
async def test_records_before_the_offset_asked_for_come_only_with_their_wrapper(
    broker: InMemoryBroker, codec: Codec
) -> None:
    await broker.create("t")
    append(broker, compression=codec)

    told = await answer(broker, fetch(1), 2)

    assert ([0, 1, 2] if codec else [1, 2]) == [offset for _, offset, _, _ in read(told.records)]


async def test_log_append_time_is_told_to_those_who_know_timestamps(broker: InMemoryBroker) -> None:
    await broker.create("t", configs={"message.timestamp.type": "LogAppendTime"})
    append(broker, compression=Codec.GZIP)

    told = await answer(broker, fetch(), 2)

    [wrapper] = messages(told.records)
    assert (True, NOW_MS) == (wrapper.uses_log_append_time, wrapper.timestamp_ms)
    assert 3 * [NOW_MS] == [timestamp_ms for _, _, timestamp_ms, _ in read(told.records)]


@pytest.mark.parametrize(("version", "count"), [(0, 0), (2, 0), (3, 3)])
async def test_a_first_batch_larger_than_asked_for_comes_from_v3_on(
    broker: InMemoryBroker, version: int, count: int
) -> None:
    """KIP-74."""
    await broker.create("t")
    append(broker)

    told = await answer(broker, fetch(max_bytes=50), version)

    assert (0, count) == (told.error_code, len(read(told.records)))


async def test_transaction_markers_are_passed_over_even_where_there_is_nothing_else_to_answer(
    broker: InMemoryBroker,
) -> None:
    await broker.create("t")
    for _ in range(5):
        append_marker(broker)
    append(broker)

    told = await answer(broker, fetch(0, max_bytes=100), 3)

    assert [5, 6, 7] == [offset for _, offset, _, _ in read(told.records)]


async def test_an_old_consumer_waits_for_what_it_can_read(broker: InMemoryBroker, autojump_clock: MockClock) -> None:
    await broker.create("t")
    append_marker(broker)
    told = []

    async def consumer() -> None:
        told.append(await answer(broker, fetch(max_wait_ms=10_000), 2))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(consumer)
        await wait_all_tasks_blocked()
        append_marker(broker)
        await wait_all_tasks_blocked()
        assert not told
        append(broker)

    assert [2, 3, 4] == [offset for _, offset, _, _ in read(told[0].records)]


async def test_an_old_consumer_waits_no_longer_than_it_asked_for(
    broker: InMemoryBroker, autojump_clock: MockClock
) -> None:
    await broker.create("t")

    told = await answer(broker, fetch(max_wait_ms=5_000), 2)

    assert (0, b"") == (told.error_code, bytes(told.records))
    assert 5.0 <= trio.current_time() < 6.0


@pytest.mark.parametrize("version", [0, 3])
async def test_zstd_is_refused_where_it_comes_first(broker: InMemoryBroker, version: int) -> None:
    await broker.create("t")
    append(broker)
    append(broker, compression=Codec.ZSTD)

    before = await answer(broker, fetch(0), version)
    there = await answer(broker, fetch(3), version)

    assert [0, 1, 2] == [offset for _, offset, _, _ in read(before.records)]
    assert (ErrorCode.UNSUPPORTED_COMPRESSION_TYPE, b"") == (there.error_code, bytes(there.records))


@pytest.mark.parametrize(("version", "is_refused"), [(0, True), (3, True), (4, True), (9, True), (10, False)])
async def test_a_zstd_topic_is_refused_before_v10(broker: InMemoryBroker, version: int, is_refused: bool) -> None:
    """KIP-110."""
    await broker.create("t", configs={"compression.type": "zstd"})
    append(broker, compression=Codec.ZSTD)

    told = await answer(broker, fetch(), version)

    assert is_refused == (told.error_code == ErrorCode.UNSUPPORTED_COMPRESSION_TYPE)


@pytest.mark.parametrize(
    ("version", "error"), [(5, ErrorCode.NOT_LEADER_OR_FOLLOWER), (6, ErrorCode.KAFKA_STORAGE_ERROR)]
)
async def test_a_failed_disk_sends_old_clients_to_look_for_the_leader(
    broker: InMemoryBroker, version: int, error: ErrorCode
) -> None:
    await broker.create("t")
    broker.broker.replicas.leader("t", 0).is_offline = True

    assert error == (await answer(broker, fetch(), version)).error_code


@pytest.mark.parametrize("version", [0, 3])
async def test_offsets_out_of_range_are_told(broker: InMemoryBroker, version: int) -> None:
    await broker.create("t")

    told = await answer(broker, fetch(7), version)

    assert (ErrorCode.OFFSET_OUT_OF_RANGE, -1, b"") == (told.error_code, told.high_watermark, bytes(told.records))
