"""Conversion: what is kept of a batch in another codec or format, and what Kafka makes of the same bytes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wire.compression import Codec
from wire.conversion import MessageSets, NotConvertible, as_batch, as_message_sets, recompressed
from wire.errors import Unreadable
from wire.legacy_records import MessageSet, messages, unwrap
from wire.legacy_records import build as build_message_set
from wire.record_batch import HEADER_BYTES, TRANSACTIONAL, Record, RecordBatch, build, with_body

FACTS = json.loads(Path(__file__).parents[1].joinpath("facts", "message-sets.json").read_text())
LIMIT_BYTES = 100_000
RECORDS = [Record(index, 1000 + index, b"k%d" % index, b"value" * 20) for index in range(10)]
OLD_CODECS = [Codec.NONE, Codec.GZIP, Codec.SNAPPY, Codec.LZ4]

values = st.none() | st.binary(max_size=100)
record_lists = st.lists(
    st.builds(
        Record,
        timestamp_ms=st.integers(0, 2**40),
        key=values,
        value=values,
        headers=st.lists(st.tuples(st.binary(max_size=5), values), max_size=2).map(tuple),
    ),
    min_size=1,
    max_size=10,
)


def batch_of(data: bytes) -> RecordBatch:
    return RecordBatch(memoryview(bytearray(data)))


def read_all(data: bytes) -> list[tuple[int, int, list[Record]]]:
    """(magic, codec, records) of each set: wrappers, and all that is not compressed together."""
    found = list(messages(data))
    wrappers = [message for message in found if message.codec]
    plain = [message for message in found if not message.codec]
    sets = [unwrap([wrapper], limit_bytes=LIMIT_BYTES) for wrapper in wrappers]
    if plain:
        sets.append(unwrap(plain, limit_bytes=LIMIT_BYTES))
    return [(each.magic, each.codec, each.records) for each in sets]


@pytest.mark.parametrize("source", Codec)
@pytest.mark.parametrize("target", Codec)
@given(records=record_lists, producer_id=st.integers(-1, 2**40), sequence=st.integers(0, 2**31 - 1))
@settings(max_examples=10, deadline=None)
def test_recompression_changes_the_codec_and_nothing_else(
    source: Codec, target: Codec, records: list[Record], producer_id: int, sequence: int
) -> None:
    batch = batch_of(
        build(
            records,
            base_offset=70,
            compression=source,
            producer_id=producer_id,
            producer_epoch=3,
            base_sequence=sequence,
            partition_leader_epoch=5,
            transactional=True,
        )
    )
    before = bytes(batch.data)

    found = recompressed(batch, target, None)

    found.check_crc()
    assert target is found.compression
    assert list(batch.records()) == list(found.records())
    for field in RecordBatch.__slots__:
        if field not in ("attributes", "crc", "data", "_decompressed"):
            assert getattr(batch, field) == getattr(found, field), field
    assert batch.attributes ^ source == found.attributes ^ target
    assert before == bytes(batch.data)


def test_what_is_not_a_producers_to_say_is_not_kept() -> None:
    """Apache Kafka 4.3 was asked: a delete horizon and bits without a meaning are gone after recompression."""
    horizon = build([Record(timestamp_ms=1000, value=b"v")], delete_horizon_ms=1000, transactional=True)
    batch = with_body(
        horizon[:HEADER_BYTES], 0x0180 | RecordBatch(memoryview(horizon)).attributes, horizon[HEADER_BYTES:]
    )

    found = recompressed(batch, Codec.LZ4, None)

    assert TRANSACTIONAL | Codec.LZ4 == found.attributes
    assert [1000] == [record.timestamp_ms for record in found.records()]


@pytest.mark.parametrize("codec", [Codec.GZIP, Codec.LZ4, Codec.ZSTD])
def test_the_level_is_used(codec: Codec) -> None:
    batch = batch_of(build([Record(value=b"%d some text %d" % (i, i * i)) for i in range(2000)]))

    assert (
        recompressed(batch, codec, 9 if codec is Codec.GZIP else 12).size_bytes
        < recompressed(batch, codec, 1).size_bytes
    )


@pytest.mark.parametrize("codec", OLD_CODECS)
@pytest.mark.parametrize("magic", [0, 1])
@given(records=record_lists)
@settings(max_examples=10, deadline=None)
def test_a_message_set_becomes_one_batch(codec: Codec, magic: int, records: list[Record]) -> None:
    data = build_message_set(
        [Record(index, record.timestamp_ms, record.key, record.value) for index, record in enumerate(records)],
        magic=magic,
        codec=codec,
    )

    batch = as_batch(unwrap(list(messages(data)), limit_bytes=LIMIT_BYTES))

    batch.check_crc()
    assert (0, len(records), -1, Codec.NONE) == (
        batch.base_offset,
        batch.record_count,
        batch.producer_id,
        batch.compression,
    )
    expected = [
        Record(index, record.timestamp_ms if magic else -1, record.key, record.value)
        for index, record in enumerate(records)
    ]
    assert expected == list(batch.records())
    assert max(record.timestamp_ms for record in expected) == batch.max_timestamp_ms


def test_a_timestamp_below_zero_is_refused() -> None:
    with pytest.raises(Unreadable):
        as_batch(MessageSet(1, Codec.NONE, False, [Record(0, -5, None, b"v")]))


def test_a_set_with_log_append_time_becomes_a_batch_with_it() -> None:
    batch = as_batch(MessageSet(1, Codec.NONE, True, [Record(0, 77, None, b"v"), Record(1, 77, None, b"w")]))

    assert (True, 77) == (batch.uses_log_append_time, batch.max_timestamp_ms)


@pytest.mark.parametrize(
    "fact", FACTS["down"], ids=lambda fact: f"{fact['codec']}-{fact['timestamp_type']}-{fact['magic']}"
)
def test_old_consumers_get_what_kafka_gave_them(fact: dict[str, Any]) -> None:
    batch, theirs = bytes.fromhex(fact["batch"]), bytes.fromhex(fact["message_set"])

    ours = as_message_sets(batch, magic=fact["magic"], first_offset=fact["first_offset"]).data

    assert read_all(theirs) == read_all(ours)
    if fact["codec"] in ("none", "lz4"):  # the others' libraries write other bytes for the same
        assert theirs == ours


def test_only_whole_batches_are_converted() -> None:
    first, second = build(RECORDS, base_offset=0), build(RECORDS, base_offset=10)

    for end in (0, 5, 20, len(second) - 1):
        [(_, _, records)] = read_all(as_message_sets(first + second[:end], magic=1, first_offset=0).data)
        assert list(range(10)) == [record.offset for record in records]
    assert MessageSets(b"", 0, 3) == as_message_sets(first[:-1], magic=1, first_offset=3)


def test_no_more_is_answered_than_there_was_unless_the_first_batch_alone_is_more() -> None:
    small = [Record(value=b"") for _ in range(100)]  # a message takes three times as much as such a record
    data = b"".join(build(small, base_offset=base) for base in (0, 100, 200))

    converted = as_message_sets(data, magic=1, first_offset=0)

    [(_, _, records)] = read_all(converted.data)
    assert list(range(100)) == [record.offset for record in records]
    assert (100, 100) == (converted.record_count, converted.next_offset)


def test_control_batches_and_emptied_ones_are_left_out() -> None:
    control = build([Record(value=b"")], base_offset=0, control=True, transactional=True, producer_id=1)
    empty = build([], base_offset=1, last_offset_delta=7)

    [(_, _, records)] = read_all(
        as_message_sets(control + empty + build(RECORDS, base_offset=9), magic=1, first_offset=0).data
    )

    assert list(range(9, 19)) == [record.offset for record in records]
    assert MessageSets(b"", 0, 9) == as_message_sets(control + empty, magic=1, first_offset=0)


def test_zstd_is_not_convertible_but_what_is_before_it_is() -> None:
    plain, zstd = build(RECORDS), build(RECORDS, base_offset=10, compression=Codec.ZSTD)

    converted = as_message_sets(plain + zstd, magic=1, first_offset=0)

    assert as_message_sets(plain, magic=1, first_offset=0) == converted
    assert 10 == converted.next_offset
    with pytest.raises(NotConvertible):
        as_message_sets(zstd + plain, magic=1, first_offset=0)
