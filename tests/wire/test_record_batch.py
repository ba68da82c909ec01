"""RecordBatch: Kafka's bytes both ways, and no bytes that raise anything but CorruptBatch."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kafka.record.default_records import DefaultRecordBatch, DefaultRecordBatchBuilder

from wire.compression import Codec
from wire.errors import EncodeError, InvalidRecord, TooLarge
from wire.record_batch import (
    LOG_APPEND_TIME,
    TRANSACTIONAL,
    CorruptBatch,
    Record,
    RecordBatch,
    batches,
    build,
    check_records,
)

# Written by Apache Kafka 4.3 (MemoryRecords, DefaultRecordBatch).
GOLDEN_RECORDS = [
    Record(7, 1_700_000_000_000, b"k", b"value one", ((b"h", b"x"), (b"n", None))),
    Record(8, 1_700_000_000_100, None, bytes(200)),
    Record(9, 1_699_999_999_000, b"", None),
]
GOLDEN = {
    Codec.NONE: bytes.fromhex(
        "00000000000000070000012300000005028e6504910000000000020000018bcfe568000000018bcfe568640000000000000f"
        "a000030000000b000000032e000000026b1276616c7565206f6e650402680278026e01a00300c80102019003000000000000"
        "0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
        "0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
        "0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
        "0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000e00cf0f04"
        "000100"
    ),
    Codec.GZIP: bytes.fromhex(
        "00000000000000070000007100000005025c813f280001000000020000018bcfe568000000018bcfe568640000000000000f"
        "a000030000000b000000031f8b08000000000000ffd363606060ca162a4bcc294d55c8cf4b6561ca60aa60ca635cc0cc7082"
        "9189710233c370017c0ce7f959181819002f17e86cf2000000"
    ),
    Codec.SNAPPY: bytes.fromhex(
        "00000000000000070000007f00000005027e6d9afb0002000000020000018bcfe568000000018bcfe568640000000000000f"
        "a000030000000b0000000382534e415050590000000001000000010000003af201882e000000026b1276616c7565206f6e65"
        "0402680278026e01a00300c801020190030000fe0200fe0200fe02000d021c0e00cf0f04000100"
    ),
    Codec.LZ4: bytes.fromhex(
        "00000000000000070000007000000005025d8a15070003000000020000018bcfe568000000018bcfe568640000000000000f"
        "a000030000000b0000000304224d1860408230000000ff132e000000026b1276616c7565206f6e650402680278026e01a003"
        "00c80102019003000100b5800e00cf0f0400010000000000"
    ),
    Codec.ZSTD: bytes.fromhex(
        "00000000000000070000006f00000005022f942cdf0004000000020000018bcfe568000000018bcfe568640000000000000f"
        "a000030000000b0000000328b52ffd0058940100a4022e000000026b1276616c7565206f6e650402680278026e01a00300c8"
        "0102019003000e00cf0f0400010001002a52e009010000"
    ),
}
# What the cleaner leaves of the batch above when no record is wanted any more.
GOLDEN_EMPTY = bytes.fromhex(
    "0000000000000007000000310000000502032def22000000000002ffffffffffffffff0000018bcfe568000000000000000f"
    "a000030000000b00000000"
)
GOLDEN_LOG_APPEND_TIME = bytes.fromhex(
    "00000000000000000000003affffffff02cac8d80c0008000000000000000000000001000001a20ba6a8feffffffffffffff"
    "ffffffffffffff00000001100000000261026200"
)

int64s = st.integers(-(1 << 62), (1 << 62) - 1)
headers = st.lists(st.tuples(st.binary(max_size=20), st.none() | st.binary(max_size=20)), max_size=3).map(tuple)
records = st.builds(
    Record,
    timestamp_ms=st.integers(0, 1 << 45) | int64s,
    key=st.none() | st.binary(max_size=100),
    value=st.none() | st.binary(max_size=300),
    headers=headers,
)


def batch_of(data: bytes | bytearray) -> RecordBatch:
    """The only batch in a copy of `data`."""
    (batch,) = batches(memoryview(bytearray(data)))
    return batch


def with_right_crc(data: bytearray) -> RecordBatch:
    """`data` as a peer would send it who means harm: damaged, but not on the way."""
    batch = RecordBatch(memoryview(data))
    batch.set_log_append_time(batch.max_timestamp_ms ^ 1)
    batch.set_create_time(batch.max_timestamp_ms ^ 1)
    batch.check_crc()
    return batch


def patched(payload: bytes, *, record_count: int = 1) -> RecordBatch:
    """An uncompressed batch of these record bytes."""
    data = bytearray(build([Record()])[:61] + payload)
    data[8:12] = (len(data) - 12).to_bytes(4, "big")
    data[23:27] = max(record_count - 1, 0).to_bytes(4, "big")
    data[57:61] = record_count.to_bytes(4, "big", signed=True)
    return with_right_crc(data)


@pytest.mark.parametrize("codec", Codec)
def test_kafkas_batches_are_read(codec: Codec) -> None:
    batch = batch_of(GOLDEN[codec])

    batch.check_crc()
    assert list(batch.records()) == GOLDEN_RECORDS
    assert check_records(batch) == 1_700_000_000_100
    assert (batch.base_offset, batch.last_offset, batch.next_offset) == (7, 9, 10)
    assert (batch.base_timestamp_ms, batch.max_timestamp_ms) == (1_700_000_000_000, 1_700_000_000_100)
    assert (batch.producer_id, batch.producer_epoch, batch.base_sequence, batch.last_sequence) == (4000, 3, 11, 13)
    assert (batch.partition_leader_epoch, batch.magic, batch.record_count) == (5, 2, 3)
    assert (batch.compression, batch.size_bytes, batch.has_producer_id) == (codec, len(GOLDEN[codec]), True)
    flags = (batch.is_transactional, batch.is_control, batch.uses_log_append_time, batch.has_delete_horizon)
    assert not any(flags)


def test_the_builder_writes_kafkas_bytes() -> None:
    producer: dict[str, Any] = {"producer_id": 4000, "producer_epoch": 3, "base_sequence": 11}

    built = build(GOLDEN_RECORDS, base_offset=7, partition_leader_epoch=5, **producer)
    empty = build(
        [], base_offset=7, last_offset_delta=2, max_timestamp_ms=1_700_000_000_000, partition_leader_epoch=5, **producer
    )
    append_time = build([Record(0, 1, b"a", b"b")], log_append_time_ms=0x1A20BA6A8FE)

    assert built == GOLDEN[Codec.NONE]
    assert empty == GOLDEN_EMPTY
    assert append_time == GOLDEN_LOG_APPEND_TIME


def test_a_batch_emptied_by_the_cleaner_keeps_its_range_and_has_no_records() -> None:
    batch = batch_of(GOLDEN_EMPTY)

    batch.check_crc()
    assert list(batch.records()) == []
    assert (batch.base_offset, batch.next_offset, batch.last_sequence) == (7, 10, 13)
    with pytest.raises(InvalidRecord):  # but no producer sends one
        check_records(batch)


def test_a_compacted_batch_keeps_the_offsets_of_what_is_left() -> None:
    kept = [Record(12, 1000, b"a"), Record(15, 900, b"b")]

    batch = batch_of(build(kept, base_offset=10, last_offset_delta=9, delete_horizon_ms=77))

    assert list(batch.records()) == kept
    assert (batch.base_offset, batch.next_offset, batch.max_timestamp_ms) == (10, 20, 1000)
    assert (batch.has_delete_horizon, batch.delete_horizon_ms) == (True, 77)
    with pytest.raises(EncodeError):
        build(kept, base_offset=10, last_offset_delta=4)
    with pytest.raises(EncodeError):
        build([])


@pytest.mark.parametrize("codec", Codec)
@given(wanted=st.lists(records, min_size=1, max_size=10))
def test_what_is_built_is_read_again(codec: Codec, wanted: list[Record]) -> None:
    for index, record in enumerate(wanted):
        record.offset = 100 + index

    batch = batch_of(build(wanted, base_offset=100, compression=codec))

    batch.check_crc()
    assert list(batch.records()) == wanted
    assert check_records(batch) == max(-1, *(record.timestamp_ms for record in wanted))


@pytest.mark.parametrize("codec", Codec)
@given(wanted=st.lists(records, min_size=1, max_size=10))
@settings(max_examples=30)
def test_kafka_python_reads_what_we_build(codec: Codec, wanted: list[Record]) -> None:
    for record in wanted:
        record.headers = tuple((name.hex().encode(), value) for name, value in record.headers)

    theirs = DefaultRecordBatch(build(wanted, compression=codec))

    assert theirs.validate_crc()
    read = [
        Record(r.offset, r.timestamp, r.key, r.value, tuple((name.encode(), value) for name, value in r.headers))
        for r in theirs
    ]
    assert read == [Record(i, r.timestamp_ms, r.key, r.value, r.headers) for i, r in enumerate(wanted)]


@pytest.mark.parametrize("codec", Codec)
@given(wanted=st.lists(records, min_size=1, max_size=10), transactional=st.booleans())
@settings(max_examples=30)
def test_we_read_what_kafka_python_builds(codec: Codec, wanted: list[Record], transactional: bool) -> None:
    builder = DefaultRecordBatchBuilder(
        magic=2,
        compression_type=codec,
        is_transactional=transactional,
        producer_id=5,
        producer_epoch=6,
        base_sequence=7,
        batch_size=1 << 20,
    )
    for index, record in enumerate(wanted):
        record.offset = index
        record.headers = tuple((name.hex().encode(), value) for name, value in record.headers)
        names = [(name.decode(), value) for name, value in record.headers]
        builder.append(index, record.timestamp_ms, record.key, record.value, names)

    batch = batch_of(builder.build())

    batch.check_crc()
    assert list(batch.records()) == wanted
    assert (batch.is_transactional, batch.producer_id, batch.base_sequence) == (transactional, 5, 7)


@given(sizes=st.lists(st.integers(0, 200), min_size=1, max_size=4), data=st.data())
def test_several_batches_are_split(sizes: list[int], data: st.DataObject) -> None:
    parts = [build([Record(value=bytes(size))], base_offset=index) for index, size in enumerate(sizes)]
    cut = data.draw(st.integers(1, len(parts[-1]) - 1))

    whole = memoryview(b"".join(parts))

    assert [batch.data for batch in batches(whole)] == parts
    with pytest.raises(CorruptBatch):
        list(batches(whole[: len(whole) - cut]))


@pytest.mark.parametrize("codec", Codec)
def test_a_batch_cut_anywhere_is_corrupt(codec: Codec) -> None:
    whole = GOLDEN[codec]
    for size in range(1, len(whole)):
        with pytest.raises(CorruptBatch):
            RecordBatch(memoryview(whole)[:size])
        with pytest.raises(CorruptBatch):
            batch_of(whole[:size])


@pytest.mark.parametrize("codec", Codec)
def test_a_batch_whose_end_was_cut_before_it_was_sealed_is_corrupt(codec: Codec) -> None:
    """The header's size and the CRC fit, the records do not."""
    for size in range(61, len(GOLDEN[codec])):
        data = bytearray(GOLDEN[codec][:size])
        data[8:12] = (size - 12).to_bytes(4, "big")
        batch = with_right_crc(data)
        with pytest.raises(CorruptBatch):
            list(batch.records())
        with pytest.raises(CorruptBatch):
            check_records(batch)


def test_every_changed_bit_below_the_checksum_is_noticed() -> None:
    for index in range(21, len(GOLDEN[Codec.NONE])):
        damaged = bytearray(GOLDEN[Codec.NONE])
        damaged[index] ^= 1 << index % 8
        with pytest.raises(CorruptBatch):
            batch_of(damaged).check_crc()


@pytest.mark.parametrize("codec", Codec)
@given(damage=st.lists(st.tuples(st.integers(21, 400), st.integers(0, 255)), min_size=1, max_size=5))
@settings(max_examples=300)
def test_damage_under_a_right_checksum_raises_nothing_but_corrupt_batch(
    codec: Codec, damage: list[tuple[int, int]]
) -> None:
    data = bytearray(GOLDEN[codec])
    for index, byte in damage:
        data[21 + (index - 21) % (len(data) - 21)] = byte
    batch = with_right_crc(data)

    for read in (check_records, lambda batch: list(batch.records())):
        try:
            read(batch)
        except CorruptBatch:
            continue


@given(data=st.binary(max_size=200))
def test_random_bytes_are_no_batch(data: bytes) -> None:
    try:
        list(batches(memoryview(data)))
    except CorruptBatch:
        return
    assert data == b""


def test_sizes_that_lie_are_corrupt() -> None:
    for size in (-(1 << 31), -1, 0, 48, 57, 59, 1 << 20, (1 << 31) - 1):
        data = bytearray(build([Record()]))
        data[8:12] = size.to_bytes(4, "big", signed=True)
        with pytest.raises(CorruptBatch):
            RecordBatch(memoryview(data))
        with pytest.raises(CorruptBatch):
            batch_of(data)


def test_message_sets_are_told_from_garbage() -> None:
    for magic, error in ((0, InvalidRecord), (1, InvalidRecord), (3, CorruptBatch), (255, CorruptBatch)):
        data = bytearray(build([Record()]))
        data[16] = magic
        with pytest.raises(CorruptBatch) as raised:
            batch_of(data)
        assert raised.type is error


@pytest.mark.parametrize(
    "record",
    [
        pytest.param("0c 00 00 00 01 01", id="size beyond the batch"),
        pytest.param("0d 00 00 00 01 01 00", id="negative size"),
        pytest.param("0a 00 00 00 01 01", id="a field beyond the record"),
        pytest.param("0e 00 00 00 01 01 00 00", id="a byte after the fields"),
        pytest.param("0c 00 00 00 01 01 00 00", id="a byte after the record"),
        pytest.param("0c 00 00 00 01 01 01", id="negative header count"),
        pytest.param("0c 00 00 00 01 01 7e", id="more headers than bytes"),
        pytest.param("0e 00 00 00 01 01 02 01", id="a header without a name"),
        pytest.param("0c 00 00 00 7e 01 00", id="a key longer than the record"),
        pytest.param("16 00 00 00 01 ff ff ff ff 0f 00", id="a value of 2 GB"),
        pytest.param("18 00 00 80 80 80 80 80 00 01 01 00", id="a varint of six bytes"),
        pytest.param("22 00 80 80 80 80 80 80 80 80 80 80 00 00 01 01 00", id="a varlong of eleven bytes"),
        pytest.param("", id="nothing"),
        pytest.param("80", id="half a varint"),
    ],
)
def test_a_malformed_record_is_invalid(record: str) -> None:
    with pytest.raises(InvalidRecord):
        list(patched(bytes.fromhex(record)).records())


def test_the_smallest_record_is_valid() -> None:
    smallest = patched(bytes.fromhex("0c 00 00 00 01 01 00"))

    assert list(smallest.records()) == [Record(timestamp_ms=smallest.base_timestamp_ms)]
    assert check_records(smallest) == -1


@pytest.mark.parametrize("count", [-(1 << 31), -1, 0, 1, 3, (1 << 31) - 1])
def test_a_record_count_that_lies_is_invalid(count: int) -> None:
    two = patched(bytes.fromhex("0c 00 00 00 01 01 00 0c 00 00 02 01 01 00"), record_count=2)
    assert check_records(two) == -1
    lying = patched(bytes(two.data[61:]), record_count=count)

    with pytest.raises(InvalidRecord):
        check_records(lying)
    if count:
        with pytest.raises(InvalidRecord):
            list(lying.records())


def test_timestamps_beyond_64_bits_are_invalid() -> None:
    data = bytearray(build([Record(timestamp_ms=0), Record(timestamp_ms=(1 << 63) - 1)]))
    data[27:35] = (1).to_bytes(8, "big")
    batch = with_right_crc(data)

    with pytest.raises(InvalidRecord):
        check_records(batch)
    with pytest.raises(InvalidRecord):
        list(batch.records())


def test_an_unknown_codec_is_corrupt() -> None:
    for codec in (5, 6, 7):
        data = bytearray(build([Record()]))
        data[22] = codec
        batch = with_right_crc(data)
        with pytest.raises(CorruptBatch):
            list(batch.records())
        with pytest.raises(CorruptBatch):
            check_records(batch)


@pytest.mark.parametrize("codec", [codec for codec in Codec if codec])
def test_a_decompression_bomb_is_refused(codec: Codec) -> None:
    bomb = batch_of(build([Record(value=bytes(10_000_000))], compression=codec))
    assert bomb.size_bytes < 1_000_000

    with pytest.raises(TooLarge):
        list(bomb.records(limit_bytes=9_000_000))
    with pytest.raises(TooLarge):
        check_records(bomb, limit_bytes=9_000_000)


def test_assigning_offset_and_epoch_changes_only_them() -> None:
    batch = batch_of(GOLDEN[Codec.ZSTD])

    batch.assign(1 << 40, 12)

    batch.check_crc()
    again = batch_of(bytes(batch.data))
    assert (again.base_offset, again.partition_leader_epoch) == (1 << 40, 12)
    assert (batch.base_offset, batch.partition_leader_epoch, batch.last_offset) == (1 << 40, 12, (1 << 40) + 2)
    assert batch.data[8:12] == GOLDEN[Codec.ZSTD][8:12]
    assert batch.data[16:] == GOLDEN[Codec.ZSTD][16:]


@pytest.mark.parametrize("codec", Codec)
def test_log_append_time_overrules_the_records_own(codec: Codec) -> None:
    batch = batch_of(GOLDEN[codec])

    batch.set_log_append_time(123)

    again = batch_of(bytes(batch.data))
    again.check_crc()
    assert again.crc == batch.crc
    assert (again.uses_log_append_time, again.max_timestamp_ms, again.compression) == (True, 123, codec)
    assert {record.timestamp_ms for record in again.records()} == {123}
    assert check_records(again) == 123

    again.set_create_time(1_700_000_000_100)

    assert bytes(again.data) == GOLDEN[codec]


def test_attributes_without_a_meaning_go_when_the_header_is_written_anew() -> None:
    """As Apache Kafka 4.3 does."""
    data = bytearray(build([Record(timestamp_ms=1000)], transactional=True))
    struct.pack_into(">h", data, 21, 0x0180 | TRANSACTIONAL)
    batch = batch_of(bytes(data))

    batch.set_log_append_time(5000)

    batch.check_crc()
    assert TRANSACTIONAL | LOG_APPEND_TIME == batch_of(bytes(batch.data)).attributes


def test_sequence_numbers_wrap_after_the_largest() -> None:
    batch = batch_of(build([Record()] * 3, producer_id=1, producer_epoch=0, base_sequence=(1 << 31) - 2))

    assert batch.last_sequence == 0
    assert batch_of(build([Record()] * 3)).last_sequence == -1
