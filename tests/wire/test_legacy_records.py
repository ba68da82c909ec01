"""Message sets: Kafka's bytes both ways, and no bytes that raise anything but CorruptBatch."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any
from zlib import crc32

import kafka.record.memory_records
import pytest
import snappy
from aiokafka.record.legacy_records import _LegacyRecordBatchBuilderPy
from hypothesis import example, given, settings
from hypothesis import strategies as st
from kafka.record.legacy_records import LegacyRecordBatchBuilder

from wire.compression import Codec, compress
from wire.errors import BadCompression, CorruptBatch, EncodeError, InvalidRecord, TooLarge, Unreadable
from wire.legacy_records import MessageSet, build, messages, unwrap
from wire.records import Record

FACTS = json.loads(Path(__file__).parents[1].joinpath("facts", "message-sets.json").read_text())
GOLDEN_RECORDS = [
    Record(7, 1_700_000_000_000, b"k", b"value one"),
    Record(8, 1_700_000_000_100, None, bytes(100)),
    Record(10, 1_699_999_999_000, b"", None),
]
GOLDEN_APPEND_TIME_MS = 1_700_000_000_500
LIMIT_BYTES = 100_000
CODECS = [Codec.NONE, Codec.GZIP, Codec.SNAPPY, Codec.LZ4]
OLD_PRODUCERS = [
    (builder, magic, codec)
    for builder in (LegacyRecordBatchBuilder, _LegacyRecordBatchBuilderPy)
    for magic in (0, 1)
    for codec in CODECS
    if (builder, magic, codec) != (_LegacyRecordBatchBuilderPy, 0, Codec.LZ4)  # aiokafka never wrote that
]

values = st.none() | st.binary(max_size=300)
record_lists = st.lists(
    st.builds(Record, timestamp_ms=st.integers(0, 2**62), key=values, value=values), min_size=1, max_size=20
)


def read(data: bytes) -> MessageSet:
    return unwrap(list(messages(data)), limit_bytes=LIMIT_BYTES)


def at_offsets(records: list[Record], first: int, *, step: int = 1) -> list[Record]:
    return [
        Record(first + step * index, record.timestamp_ms, record.key, record.value)
        for index, record in enumerate(records)
    ]


def told_to_magic(records: list[Record], magic: int) -> list[Record]:
    """What is left of them in that format."""
    return records if magic else [Record(record.offset, -1, record.key, record.value) for record in records]


def message(body: bytes, *, offset: int = 0) -> bytes:
    """A message of these bytes behind the checksum, which fits."""
    return struct.pack(">qiI", offset, len(body) + 4, crc32(body)) + body


def wrapper(inner: bytes, *, magic: int = 1, codec: Codec = Codec.GZIP, offset: int = 0) -> bytes:
    compressed = compress(codec, inner)
    head = struct.pack(">bbq", magic, codec, 0) if magic else struct.pack(">bb", magic, codec)
    return message(head + struct.pack(">ii", -1, len(compressed)) + compressed, offset=offset)


@pytest.mark.parametrize("fact", FACTS["build"], ids=lambda fact: f"{fact['magic']}-{fact['codec']}")
def test_what_kafka_writes_is_read_and_written(fact: dict[str, Any]) -> None:
    theirs, codec = bytes.fromhex(fact["message_set"]), Codec[fact["codec"].upper()]
    append_time_ms = GOLDEN_APPEND_TIME_MS if fact["timestamp_type"] == "LogAppendTime" else None
    expected = told_to_magic(GOLDEN_RECORDS, fact["magic"])
    if append_time_ms is not None:
        expected = [Record(record.offset, append_time_ms, record.key, record.value) for record in expected]

    ours = build(GOLDEN_RECORDS, magic=fact["magic"], codec=codec, log_append_time_ms=append_time_ms)

    assert MessageSet(fact["magic"], codec, append_time_ms is not None, expected) == read(theirs) == read(ours)
    if codec in (Codec.NONE, Codec.LZ4):  # the others' libraries write other bytes for the same
        assert theirs == ours


@pytest.mark.parametrize(("builder", "magic", "codec"), OLD_PRODUCERS)
@given(records=record_lists)
@settings(max_examples=15, deadline=None)
def test_what_old_clients_produce_is_read(
    builder: Callable[..., Any], magic: int, codec: Codec, records: list[Record]
) -> None:
    theirs = builder(magic, codec, 1 << 20)
    for offset, record in enumerate(records):
        theirs.append(offset, record.timestamp_ms, record.key, record.value)

    found = read(bytes(theirs.build()))

    assert (magic, codec, False) == (found.magic, found.codec, found.uses_log_append_time)
    assert told_to_magic(at_offsets(records, 0), magic) == found.records


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("magic", [0, 1])
@given(records=record_lists, first=st.integers(0, 2**60), step=st.integers(1, 1000))
@settings(max_examples=15, deadline=None)
def test_what_we_write_old_clients_read(codec: Codec, magic: int, records: list[Record], first: int, step: int) -> None:
    records = at_offsets(records, first, step=step)

    theirs = kafka.record.memory_records.MemoryRecords(build(records, magic=magic, codec=codec))

    found = []
    while (batch := theirs.next_batch()) is not None:
        assert batch.validate_crc()
        found += [Record(each.offset, each.timestamp, each.key, each.value) for each in batch]
    without_timestamp = [] if magic else [record.offset for record in records]
    assert [record.offset for record in found if record.timestamp_ms is None] == without_timestamp
    assert [(r.offset, r.key, r.value) for r in records] == [(r.offset, r.key, r.value) for r in found]
    assert not magic or [r.timestamp_ms for r in records] == [r.timestamp_ms for r in found]


def test_snappy_is_read_without_framing_too() -> None:
    inner = build(GOLDEN_RECORDS, magic=0)
    compressed = snappy.compress(inner)

    found = read(message(struct.pack(">bbii", 0, Codec.SNAPPY, -1, len(compressed)) + compressed))

    assert told_to_magic(GOLDEN_RECORDS, 0) == found.records


def test_offsets_inside_a_wrapper_of_magic_1_are_relative_unless_the_wrapper_has_none() -> None:
    inner = build(at_offsets(GOLDEN_RECORDS, 0), magic=1)

    assert [40, 41, 42] == [record.offset for record in read(wrapper(inner, offset=42)).records]
    assert [0, 1, 2] == [record.offset for record in read(wrapper(inner, offset=0)).records]
    with pytest.raises(InvalidRecord):
        read(wrapper(inner, offset=1))


def test_a_cut_off_message_at_the_end_is_passed_over() -> None:
    whole = build(GOLDEN_RECORDS, magic=1)

    for end in range(len(build(GOLDEN_RECORDS[:2], magic=1)), len(whole)):
        assert GOLDEN_RECORDS[:2] == read(whole[:end]).records
    assert [] == list(messages(whole[:10]))


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"", InvalidRecord),
        (struct.pack(">qi", 0, 13) + bytes(13), CorruptBatch),
        (struct.pack(">qi", 0, -1) + bytes(20), CorruptBatch),
        (message(struct.pack(">bb", 1, 0) + bytes(8)), Unreadable),
        (message(struct.pack(">bb", 2, 0) + bytes(30)), InvalidRecord),
        (message(struct.pack(">bb", 3, 0) + bytes(30)), CorruptBatch),
        (message(struct.pack(">bb", -1, 0) + bytes(30)), CorruptBatch),
        (message(struct.pack(">bbii", 0, 0, 5, 0)), Unreadable),
        (message(struct.pack(">bbii", 0, 0, 0, 1)), Unreadable),
        (message(struct.pack(">bbii", 0, 0, 4, 0)), Unreadable),
        (build(GOLDEN_RECORDS, magic=0) + build(GOLDEN_RECORDS, magic=1), InvalidRecord),
        (wrapper(build(GOLDEN_RECORDS, magic=1)) + build(GOLDEN_RECORDS, magic=1), InvalidRecord),
        (build(GOLDEN_RECORDS, magic=1) + wrapper(build(GOLDEN_RECORDS, magic=1)), InvalidRecord),
        (wrapper(build(GOLDEN_RECORDS, magic=0), magic=1), InvalidRecord),
        (wrapper(build(GOLDEN_RECORDS, magic=1), magic=0), InvalidRecord),
        (wrapper(wrapper(build(GOLDEN_RECORDS, magic=1))), InvalidRecord),
        (wrapper(build(GOLDEN_RECORDS, magic=1), codec=Codec.ZSTD), InvalidRecord),
        (wrapper(b""), InvalidRecord),
        (message(struct.pack(">bbii", 0, Codec.GZIP, -1, -1)), InvalidRecord),
        (message(struct.pack(">bbii", 0, 5, -1, 0)), BadCompression),
        (message(struct.pack(">bbii", 0, Codec.GZIP, -1, 0)), BadCompression),
        (wrapper(build([Record(0, 0, None, bytes(LIMIT_BYTES))], magic=1)), TooLarge),
    ],
)
def test_what_is_wrong_with_a_set_is_told_apart(data: bytes, error: type[CorruptBatch]) -> None:
    with pytest.raises(CorruptBatch) as raised:
        read(data)

    assert error is raised.type


@pytest.mark.parametrize("position", range(16, 16 + 14 + 9))
def test_a_flipped_bit_shows_in_the_checksum(position: int) -> None:
    data = bytearray(build(GOLDEN_RECORDS[:1], magic=1))
    data[position] ^= 1

    with pytest.raises(CorruptBatch):
        read(bytes(data))


def test_a_wrong_checksum_inside_a_wrapper_shows() -> None:
    inner = bytearray(build(GOLDEN_RECORDS, magic=1))
    inner[-1] ^= 1

    with pytest.raises(CorruptBatch):
        read(wrapper(bytes(inner)))


@given(data=st.binary(max_size=200), magic=st.integers(0, 2), codec=st.sampled_from(Codec))
@example(b"", 0, Codec.NONE)
@settings(max_examples=300)
def test_garbage_is_only_ever_a_corrupt_batch(data: bytes, magic: int, codec: Codec) -> None:
    for garbage in (data, message(bytes([magic, codec]) + data), wrapper(data, magic=magic, codec=codec)):
        with suppress(CorruptBatch):
            read(garbage)


def test_zstd_has_no_place_in_a_message_set() -> None:
    with pytest.raises(EncodeError):
        build(GOLDEN_RECORDS, magic=1, codec=Codec.ZSTD)


def test_of_no_records_there_is_no_message() -> None:
    assert b"" == build([], magic=1, codec=Codec.GZIP)
