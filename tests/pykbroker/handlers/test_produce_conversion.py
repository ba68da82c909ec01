"""Produce where what is stored is not what was sent: another codec, another format; and where it must be."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Awaitable
from typing import Any

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st

from pykbroker.connection import Connection
from pykbroker.dispatch import Dispatcher
from pykbroker.handlers.produce import handle
from pykbroker.outbox import Outbox
from pykbroker.testing import NOW_MS, InMemoryBroker, in_memory_broker
from wire.api.produce import ProduceRequest
from wire.compression import Codec
from wire.errors import ErrorCode, ProtocolError
from wire.headers import RequestHeader
from wire.legacy_records import build as build_message_set
from wire.record_batch import HEADER_BYTES, Record, RecordBatch, batches, build, with_body

Topic = ProduceRequest.TopicProduceData
Partition = Topic.PartitionProduceData
RECORDS = [Record(index, NOW_MS + index, b"k%d" % index, b"value %d " % index * 20) for index in range(10)]
LEADER_EPOCH_END = 16
CODECS = [codec for codec in Codec if codec is not Codec.NONE]
OLD_CODECS = [Codec.NONE, Codec.GZIP, Codec.SNAPPY, Codec.LZ4]


def produce(*records: bytes | memoryview, acks: int = -1) -> ProduceRequest:
    partitions = [Partition(index=index, records=data) for index, data in enumerate(records)]
    return ProduceRequest(acks=acks, timeout_ms=1000, topic_data=[Topic(name="t", partition_data=partitions)])


async def answer(broker: InMemoryBroker, records: bytes, version: int = 12) -> Any:
    response = await broker.ask(produce(records), version)
    return response.responses[0].partition_responses[0]


def stored(broker: InMemoryBroker, index: int = 0) -> list[RecordBatch]:
    log = broker.broker.replicas.leader("t", index).log
    data = b""
    while slice_ := log.read(batches(memoryview(data))[-1].next_offset if data else 0, max_bytes=1 << 30):
        data += slice_.read()
    return batches(memoryview(bytearray(data)))


def converted_batches(broker: InMemoryBroker) -> int:
    return broker.broker.conversions.counts.produced_batches


# --- codecs


@pytest.mark.parametrize("codec", Codec)
@pytest.mark.parametrize("setting", ["producer", "the same"])
async def test_a_batch_in_the_topics_codec_is_stored_as_it_was_sent(
    broker: InMemoryBroker, codec: Codec, setting: str
) -> None:
    same = codec.name.lower() if codec else "uncompressed"
    await broker.create("t", configs={"compression.type": setting if setting == "producer" else same})
    sent = build(RECORDS, compression=codec, level=1, producer_id=5, producer_epoch=0, base_sequence=0)

    told = await answer(broker, sent)

    [batch] = stored(broker)
    assert (0, 0, 0) == (told.error_code, told.base_offset, batch.partition_leader_epoch)
    assert sent[LEADER_EPOCH_END:] == bytes(batch.data[LEADER_EPOCH_END:])
    assert 0 == converted_batches(broker)


@pytest.mark.parametrize("source", Codec)
@pytest.mark.parametrize("target", Codec)
async def test_a_batch_in_another_codec_is_recompressed_with_everything_else_kept(
    broker: InMemoryBroker, source: Codec, target: Codec
) -> None:
    if source is target:
        return
    await broker.create("t", configs={"compression.type": target.name.lower() if target else "uncompressed"})
    first = build(RECORDS, compression=source, producer_id=5, producer_epoch=1, base_sequence=0)
    second = build(RECORDS, compression=source, producer_id=5, producer_epoch=1, base_sequence=10)

    told = [await answer(broker, sent) for sent in (first, second)]

    found = stored(broker)
    assert [(0, 0), (0, 10)] == [(each.error_code, each.base_offset) for each in told]
    assert [(0, 0), (10, 10)] == [(batch.base_offset, batch.base_sequence) for batch in found]
    for batch, sent in zip(found, (first, second), strict=True):
        batch.check_crc()
        original = RecordBatch(memoryview(bytearray(sent)))
        assert (target, 5, 1) == (batch.compression, batch.producer_id, batch.producer_epoch)
        assert [r.timestamp_ms for r in original.records()] == [r.timestamp_ms for r in batch.records()]
        assert original.payload() == batch.payload()
        assert (original.base_timestamp_ms, original.max_timestamp_ms) == (
            batch.base_timestamp_ms,
            batch.max_timestamp_ms,
        )
    counts = broker.broker.conversions.counts
    assert (2, 20) == (counts.produced_batches, counts.produced_records)


@pytest.mark.parametrize(("codec", "low", "high"), [("gzip", "1", "9"), ("lz4", "1", "17"), ("zstd", "-5", "19")])
async def test_the_topics_level_is_used(broker: InMemoryBroker, codec: str, low: str, high: str) -> None:
    sent = build([Record(timestamp_ms=NOW_MS, value=b"%d and %d" % (i, i * i * 7)) for i in range(3000)])
    await broker.create("t", configs={"compression.type": codec, f"compression.{codec}.level": low})
    await broker.create("high", configs={"compression.type": codec, f"compression.{codec}.level": high})
    await answer(broker, sent)
    request = produce(sent)
    request.topic_data[0].name = "high"
    await broker.ask(request, 12)

    sizes = [broker.broker.replicas.leader(topic, 0).log.size_bytes for topic in ("t", "high")]

    assert sizes[1] < 0.97 * sizes[0] < len(sent)


async def test_a_retried_batch_is_a_duplicate_though_the_topics_codec_changed_meanwhile(broker: InMemoryBroker) -> None:
    await broker.create("t", configs={"compression.type": "lz4"})
    sent = build(RECORDS, compression=Codec.GZIP, producer_id=5, producer_epoch=0, base_sequence=0)
    await answer(broker, sent)
    log = broker.broker.replicas.leader("t", 0).log
    log.config = type(log.config)()

    again = await answer(broker, sent)

    assert (0, 0) == (again.error_code, again.base_offset)
    assert 1 == len(stored(broker))


class Pipe:
    """Gives all that a client has sent, then the end of the stream."""

    def __init__(self, data: bytes) -> None:
        self._left = data
        self.sent = bytearray()

    async def receive_into(self, buffer: memoryview) -> int:
        await trio.lowlevel.checkpoint()
        taken = min(len(buffer), len(self._left))
        buffer[:taken] = self._left[:taken]
        self._left = self._left[taken:]
        return taken

    async def send(self, outbox: Outbox) -> None:
        await trio.lowlevel.checkpoint()
        self.sent += outbox.head
        outbox.head = bytearray()


@given(codecs=st.lists(st.sampled_from([Codec.NONE, Codec.GZIP, Codec.LZ4]), min_size=2, max_size=8))
@settings(max_examples=6, deadline=None)
def test_the_batches_of_a_connection_keep_their_order_whichever_are_recompressed(codecs: list[Codec]) -> None:
    """All are sent before the first is answered; each needs the one before it, for they are idempotent."""

    async def scenario() -> None:
        async with in_memory_broker() as broker:
            await broker.create("t", configs={"compression.type": "lz4"})
            sent = b""
            for index, codec in enumerate(codecs):
                data = build(RECORDS, compression=codec, producer_id=5, producer_epoch=0, base_sequence=10 * index)
                header = RequestHeader(request_api_key=0, request_api_version=8, correlation_id=index, client_id="test")
                frame = bytes(header.encode(1)) + bytes(produce(data).encode(8))
                sent += struct.pack(">i", len(frame)) + frame
            pipe = Pipe(sent)
            await Connection(pipe, Dispatcher(), broker.context, max_frame_bytes=1 << 20).serve()

            assert [10 * index for index in range(len(codecs))] == [batch.base_sequence for batch in stored(broker)]
            assert {Codec.LZ4} == {batch.compression for batch in stored(broker)}
            correlation_ids = []
            while pipe.sent:
                size, correlation_id = struct.unpack_from(">ii", pipe.sent)
                correlation_ids.append(correlation_id)
                del pipe.sent[: size + 4]
            assert list(range(len(codecs))) == correlation_ids

    trio.run(scenario)


async def test_connections_that_are_recompressed_at_once_all_get_their_offsets(broker: InMemoryBroker) -> None:
    await broker.create("t", configs={"compression.type": "lz4"})
    told = []

    async def client(codec: Codec) -> None:
        told.append(await answer(broker, build(RECORDS, compression=codec)))

    async with trio.open_nursery() as nursery:
        for codec in 3 * list(Codec):
            nursery.start_soon(client, codec)

    assert list(range(0, 150, 10)) == sorted(each.base_offset for each in told)
    assert list(range(0, 150, 10)) == [batch.base_offset for batch in stored(broker)]


async def test_one_bad_batch_does_not_disturb_the_others(broker: InMemoryBroker) -> None:
    await broker.create("t", 4, configs={"compression.type": "gzip"})
    good, bad = build(RECORDS), bytearray(build(RECORDS))
    bad[-1] ^= 1

    response = await broker.ask(produce(good, bytes(bad), build(RECORDS, compression=Codec.GZIP), good, good), 12)

    told = response.responses[0].partition_responses
    assert [0, ErrorCode.CORRUPT_MESSAGE, 0, 0, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION] == [t.error_code for t in told]
    assert [0, -1, 0, 0, -1] == [each.base_offset for each in told]
    assert [0, -1, 0, 0, -1] == [each.log_start_offset for each in told]


async def test_without_acks_too_the_batch_is_recompressed_and_an_error_ends_the_connection(
    broker: InMemoryBroker,
) -> None:
    await broker.create("t", configs={"compression.type": "gzip"})
    bad = bytearray(build(RECORDS))
    bad[-1] ^= 1

    broker.context.api_version = 12

    async def tell(records: bytes | bytearray) -> object:
        answered = handle(produce(memoryview(bytearray(records)), acks=0), broker.context)
        assert isinstance(answered, Awaitable)
        return await answered

    assert None is await tell(build(RECORDS))
    with pytest.raises(ProtocolError, match="acks=0"):
        await tell(bad)
    assert [Codec.GZIP] == [batch.compression for batch in stored(broker)]


async def test_a_topic_that_goes_away_meanwhile_gets_nothing(broker: InMemoryBroker) -> None:
    await broker.create("t", configs={"compression.type": "gzip"})
    partition = broker.broker.replicas.leader("t", 0)
    told = []

    async def client() -> None:
        told.append(await answer(broker, build(RECORDS)))

    limiter = broker.broker.conversions.threads.limiter
    limiter.total_tokens = 1
    async with trio.open_nursery() as nursery, limiter:
        nursery.start_soon(client)
        await trio.testing.wait_all_tasks_blocked()
        partition.retire()

    assert [ErrorCode.NOT_LEADER_OR_FOLLOWER] == [each.error_code for each in told]


# --- what is refused


async def test_the_size_counts_before_and_after(broker: InMemoryBroker) -> None:
    await broker.create("t", configs={"compression.type": "uncompressed", "max.message.bytes": "200"})
    await broker.create("gz", configs={"compression.type": "gzip", "max.message.bytes": "200"})
    zeros = [Record(timestamp_ms=NOW_MS, value=bytes(1000))]
    shrinking = produce(build(zeros))
    shrinking.topic_data[0].name = "gz"

    grown = await answer(broker, build(zeros, compression=Codec.GZIP))
    [shrunk] = (await broker.ask(shrinking, 12)).responses[0].partition_responses

    assert 2 * [ErrorCode.MESSAGE_TOO_LARGE] == [grown.error_code, shrunk.error_code]


async def test_records_are_refused_one_by_one_before_they_are_recompressed(broker: InMemoryBroker) -> None:
    """KIP-467."""
    await broker.create("t", configs={"compression.type": "gzip", "cleanup.policy": "compact"})
    keyless = [Record(value=b"x"), Record(key=b"k"), Record(value=b"y")]

    told = await answer(broker, build(keyless, compression=Codec.LZ4))

    assert ErrorCode.INVALID_RECORD == told.error_code
    assert [0, 2] == [each.batch_index for each in told.record_errors]


@pytest.mark.parametrize(("version", "is_taken"), [(2, True), (3, False), (6, False), (7, True)])
async def test_zstd_is_for_those_who_know_it(broker: InMemoryBroker, version: int, is_taken: bool) -> None:
    """KIP-110; as Apache Kafka 3.9, which does not look at what is in v0-v2."""
    await broker.create("t")

    told = await answer(broker, build(RECORDS, compression=Codec.ZSTD), version)

    assert (0 if is_taken else ErrorCode.UNSUPPORTED_COMPRESSION_TYPE) == told.error_code


async def test_zstd_is_refused_before_anything_else(broker: InMemoryBroker) -> None:
    await broker.create("t")

    told = await answer(broker, 2 * build(RECORDS, compression=Codec.ZSTD), 6)

    assert ErrorCode.UNSUPPORTED_COMPRESSION_TYPE == told.error_code


@pytest.mark.parametrize("version", [3, 6, 7, 12])
async def test_an_unknown_codec_is_an_error_that_nobody_foresaw(broker: InMemoryBroker, version: int) -> None:
    """In every version, and without ending the connection."""
    await broker.create("t")
    known = build(RECORDS)
    unknown = with_body(known[:HEADER_BYTES], 5, known[HEADER_BYTES:])

    told = await answer(broker, bytes(unknown.data), version)

    assert ErrorCode.UNKNOWN_SERVER_ERROR == told.error_code


async def test_log_append_time_is_that_of_the_append_in_every_codec(broker: InMemoryBroker) -> None:
    await broker.create("t", configs={"compression.type": "gzip", "message.timestamp.type": "LogAppendTime"})
    old = [Record(0, 1000, b"k", b"v"), Record(1, 2000, b"k", b"v")]

    told = [await answer(broker, build(old, compression=codec)) for codec in (Codec.LZ4, Codec.GZIP)]
    told.append(await answer(broker, build_message_set(old, magic=1, codec=Codec.SNAPPY), 2))
    told.append(await answer(broker, build_message_set(old, magic=0), 2))

    assert 4 * [NOW_MS] == [each.log_append_time_ms for each in told]
    for batch in stored(broker):
        batch.check_crc()
        assert (True, Codec.GZIP, NOW_MS) == (batch.uses_log_append_time, batch.compression, batch.max_timestamp_ms)
        assert 2 * [NOW_MS] == [record.timestamp_ms for record in batch.records()]


# --- message sets, as Apache Kafka 3.9 answered


@pytest.mark.parametrize("setting", ["producer", "uncompressed", "zstd"])
@pytest.mark.parametrize("codec", OLD_CODECS)
@pytest.mark.parametrize(("magic", "version"), [(0, 0), (0, 1), (1, 2), (0, 2), (1, 0)])
async def test_a_message_set_becomes_one_batch(
    broker: InMemoryBroker, magic: int, version: int, codec: Codec, setting: str
) -> None:
    await broker.create("t", configs={"compression.type": setting})
    await answer(broker, build(RECORDS))

    told = await answer(broker, build_message_set(RECORDS, magic=magic, codec=codec), version)

    assert (0, 10) == (told.error_code, told.base_offset)
    batch = stored(broker)[-1]
    batch.check_crc()
    wanted = {"producer": codec, "uncompressed": Codec.NONE, "zstd": Codec.ZSTD}[setting]
    assert (10, 10, wanted, -1) == (batch.base_offset, batch.record_count, batch.compression, batch.producer_id)
    assert [
        (10 + record.offset, record.timestamp_ms if magic else -1, record.key, record.value) for record in RECORDS
    ] == [(record.offset, record.timestamp_ms, record.key, record.value) for record in batch.records()]


def crafted(magic: int, attributes: int, rest: bytes) -> bytes:
    """One message whose checksum fits."""
    body = bytes([magic, attributes]) + rest
    return struct.pack(">qiI", 0, len(body) + 4, zlib.crc32(body)) + body


SET = build_message_set(RECORDS, magic=1)
WRAPPED = build_message_set(RECORDS, magic=1, codec=Codec.GZIP)


@pytest.mark.parametrize(
    ("records", "error"),
    [
        (SET[:-1], 0),  # what is whole is taken
        (SET[:-1] + bytes([SET[-1] ^ 1]), ErrorCode.CORRUPT_MESSAGE),
        (WRAPPED + WRAPPED, ErrorCode.INVALID_RECORD),
        (SET + build_message_set(RECORDS, magic=0), ErrorCode.INVALID_RECORD),
        (SET + build(RECORDS), ErrorCode.INVALID_RECORD),
        (build(RECORDS) + SET, ErrorCode.INVALID_RECORD),
        (crafted(1, Codec.ZSTD, struct.pack(">qii", 0, -1, 0)), ErrorCode.INVALID_RECORD),
        (crafted(1, Codec.GZIP, struct.pack(">qii", 0, -1, -1)), ErrorCode.INVALID_RECORD),
        (crafted(1, Codec.GZIP, struct.pack(">qii", 0, -1, 5) + b"abcde"), ErrorCode.UNKNOWN_SERVER_ERROR),
        (crafted(0, 0, struct.pack(">ii", 50, 0)), ErrorCode.UNKNOWN_SERVER_ERROR),
        (crafted(1, 0, struct.pack(">qii", -5, -1, -1)), ErrorCode.UNKNOWN_SERVER_ERROR),
        (crafted(3, 0, struct.pack(">ii", -1, -1)), ErrorCode.CORRUPT_MESSAGE),
    ],
)
async def test_message_sets_are_refused_as_kafka_did(broker: InMemoryBroker, records: bytes, error: int) -> None:
    await broker.create("t")

    told = await answer(broker, records, 2)

    assert error == told.error_code
    assert bool(error) == (told.base_offset < 0)


@pytest.mark.parametrize("records", [b"", SET[:10], SET[:30]])
async def test_a_set_without_a_whole_message_is_no_error(broker: InMemoryBroker, records: bytes) -> None:
    await broker.create("t")

    told = await answer(broker, records, 2)

    assert (0, -1) == (told.error_code, told.base_offset)


@pytest.mark.parametrize("version", [3, 8, 12])
async def test_message_sets_are_for_old_versions_only(broker: InMemoryBroker, version: int) -> None:
    await broker.create("t")

    assert ErrorCode.INVALID_RECORD == (await answer(broker, SET, version)).error_code


async def test_the_rules_for_records_hold_for_old_producers_too(broker: InMemoryBroker) -> None:
    await broker.create("t", configs={"cleanup.policy": "compact", "message.timestamp.before.max.ms": "1000"})

    async def told(magic: int, codec: Codec, *records: Record) -> int:
        return int((await answer(broker, build_message_set(records, magic=magic, codec=codec), 2)).error_code)

    for codec in OLD_CODECS:
        assert 0 == await told(1, codec, Record(0, NOW_MS, b"k", b"v"))
        assert 0 == await told(0, codec, Record(0, NOW_MS - 5000, b"k", b"v"))
        assert ErrorCode.INVALID_RECORD == await told(0, codec, Record(0, NOW_MS, None, b"v"))
        assert ErrorCode.INVALID_TIMESTAMP == await told(1, codec, Record(0, NOW_MS - 5000, b"k", b"v"))


@pytest.mark.parametrize("topic_type", ["CreateTime", "LogAppendTime"])
async def test_a_producer_does_not_set_log_append_time_where_the_broker_does(
    broker: InMemoryBroker, topic_type: str
) -> None:
    await broker.create("t", configs={"message.timestamp.type": topic_type})
    claiming = build_message_set(RECORDS, magic=1, codec=Codec.GZIP, log_append_time_ms=NOW_MS)

    told = await answer(broker, claiming, 2)

    if topic_type == "LogAppendTime":
        assert ErrorCode.INVALID_TIMESTAMP == told.error_code
    else:
        assert 10 * [NOW_MS] == [record.timestamp_ms for record in stored(broker)[0].records()]


@pytest.mark.slow
@pytest.mark.parametrize("codec", [Codec.GZIP, Codec.ZSTD])
@pytest.mark.parametrize("target", ["producer", "lz4"])
async def test_a_batch_that_expands_beyond_all_bounds_is_refused(
    broker: InMemoryBroker, codec: Codec, target: str
) -> None:
    await broker.create("t", configs={"compression.type": target, "max.message.bytes": str(1 << 20)})
    bomb = build([Record(timestamp_ms=NOW_MS, value=bytes(129 << 20))], compression=codec)
    assert len(bomb) < 1 << 20

    told = await answer(broker, bomb)

    assert ErrorCode.MESSAGE_TOO_LARGE == told.error_code
    assert [] == stored(broker)


@pytest.mark.parametrize("codec", CODECS)
async def test_what_cannot_be_decompressed_is_refused(broker: InMemoryBroker, codec: Codec) -> None:
    await broker.create("t", configs={"compression.type": "uncompressed"})
    whole = build(RECORDS, compression=codec)
    cut = with_body(whole[:HEADER_BYTES], codec, whole[HEADER_BYTES:-10])

    told = await answer(broker, bytes(cut.data))

    assert ErrorCode.UNKNOWN_SERVER_ERROR == told.error_code
