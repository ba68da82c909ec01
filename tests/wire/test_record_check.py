"""The fast check of records: agrees with reading them one by one, whatever their shapes."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wire.equal_records import MIN_RUN
from wire.errors import InvalidRecord
from wire.record_check import check
from wire.record_varints import write_varint
from wire.records import Record, read_record, write_record


def encode(records: list[Record]) -> bytes:
    """The records, whose offsets and timestamps are taken as deltas."""
    out = bytearray()
    for record in records:
        write_record(out, record, offset_delta=record.offset, timestamp_delta=record.timestamp_ms)
    return bytes(out)


def check_by_reading(data: bytes, count: int) -> int:
    """What `check` should say, said slowly."""
    position, largest = 0, -1
    for index in range(count):
        record, position = read_record(data, position)
        if record.offset != index:
            raise InvalidRecord("offset")
        largest = max(largest, record.timestamp_ms)
    if position != len(data):
        raise InvalidRecord("rest")
    return largest


@st.composite
def long_batches(draw: st.DrawFn) -> list[Record]:
    """Runs of records of equal size and similar timestamps, with others between them: what takes the fast path."""
    records: list[Record] = []
    for _ in range(draw(st.integers(1, 5))):
        value = bytes(draw(st.sampled_from([0, 1, 10, 57, 58, 59, 100, 9000])))
        start = draw(st.sampled_from([0, 5, 63, 64, 8191, 1 << 20, 1 << 40, 1 << 62, -1, -70, -(1 << 40)]))
        step = draw(st.integers(-3, 3))
        length = draw(st.integers(1, 3 * MIN_RUN))
        key = draw(st.sampled_from([None, b"", b"key", bytes(200)]))
        headers = draw(st.sampled_from([(), (), ((b"n", b"v"),), ((b"", None), (b"n", bytes(70)))]))
        records += [Record(len(records) + i, start + i * step, key, value, headers) for i in range(length)]
    return records


@st.composite
def varied_batches(draw: st.DrawFn) -> list[Record]:
    """Records alike in all but the size of their values, others behind them, and one odd one among them."""
    sizes = st.sampled_from([None, 0, 1, 9, *range(40, 75), 100, 126, 127, 128, 300, 8170, 8186, 8191, 8192, 9000])
    records: list[Record] = []
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.sampled_from([0, 5, 60, 63, 64, 8185, 8191, 1 << 20, -1, -70]))
        every = draw(st.sampled_from([1, 7, 1000]))
        key = draw(st.sampled_from([None, b"", b"key", bytes(36), bytes(63), bytes(64), bytes(200)]))
        for value_size in draw(st.lists(sizes, min_size=1, max_size=100)):
            value = None if value_size is None else bytes(value_size)
            records.append(Record(len(records), start + len(records) // every, key, value))
    if draw(st.booleans()):
        odd = records[draw(st.integers(0, len(records) - 1))]
        odd.headers = draw(st.sampled_from([(), ((b"n", b"v"),), ((b"", None), (b"n", bytes(70)))]))
        odd.key = draw(st.sampled_from([None, b"", b"other"]))
        odd.timestamp_ms = draw(st.integers(-9000, 9000))
    return records


@st.composite
def with_long_varints(draw: st.DrawFn) -> tuple[bytes, int]:
    """Batches whose varints are here and there a byte longer than they need be, and sizes sometimes one too large or
    small: what is read by its width must be as wide as it seems.
    """
    key = bytes(draw(st.sampled_from([0, 3, 50, 63])))
    fields = st.tuples(st.sampled_from([0, 2, 3, 10, 40, 60, 63, 64, 100]), st.integers(0, 40), st.integers(-6, 6))
    records = draw(st.lists(fields, min_size=16, max_size=80))
    out = bytearray()
    for index, (value_size, long_field, wrong) in enumerate(records):
        body = bytearray(1)
        for field, number in enumerate((0, index, len(key), value_size)):
            write_varint(body, number)
            if field == long_field:
                body[-1] |= 0x80
                body.append(0)
            body += key if field == 2 else bytes(value_size if field == 3 else 0)
        body.append(0)
        write_varint(out, len(body) + (wrong if abs(wrong) == 1 and long_field > 35 else 0))
        if long_field == 4:
            out[-1] |= 0x80
            out.append(0)
        out += body
    return bytes(out), len(records)


all_batches = st.one_of(long_batches(), varied_batches())


def outcome(checking: Callable[[bytes, int], int], data: bytes, count: int) -> int | None:
    try:
        return checking(data, count)
    except InvalidRecord:
        return None


def traded(size: int, length: int) -> list[Record]:
    """Records of equal size whose keys and values are not."""
    return [Record(i, 0, bytes(i % size), bytes(size - i % size)) for i in range(length)]


@given(records=all_batches)
def test_batches_of_many_shapes_pass_and_the_largest_timestamp_is_found(records: list[Record]) -> None:
    data = encode(records)

    assert check(data, len(records)) == max(-1, *(record.timestamp_ms for record in records))
    assert check_by_reading(data, len(records)) == check(data, len(records))


@given(records=all_batches, index=st.integers(0, 1 << 20), offset=st.integers(0, 1 << 14))
def test_one_wrong_offset_delta_anywhere_is_found(records: list[Record], index: int, offset: int) -> None:
    index %= len(records)
    records[index].offset = offset
    data = encode(records)

    if offset == index:
        check(data, len(records))
    else:
        with pytest.raises(InvalidRecord):
            check(data, len(records))


@given(records=all_batches, position=st.integers(0, 1 << 20), byte=st.integers(0, 255))
@settings(max_examples=500)
def test_one_changed_byte_passes_only_where_all_records_can_be_read(
    records: list[Record], position: int, byte: int
) -> None:
    data = bytearray(encode(records))
    data[position % len(data)] = byte

    assert outcome(check, bytes(data), len(records)) == outcome(check_by_reading, bytes(data), len(records))


@pytest.mark.parametrize("key", [None, b"key"])
@pytest.mark.parametrize("value_size", [*range(80), *range(8180, 8200), 1 << 20])
def test_a_lone_record_passes_only_as_it_is(value_size: int, key: bytes | None) -> None:
    data = encode([Record(0, 0, key, bytes(value_size))])
    assert check(data, 1) == 0

    for position in {*range(min(12, len(data))), len(data) - 1}:
        for byte in (0, 1, 2, 128, data[position] ^ 1, data[position] ^ 128):
            changed = data[:position] + bytes([byte]) + data[position + 1 :]
            assert outcome(check, changed, 1) == outcome(check_by_reading, changed, 1)


@given(batch=with_long_varints())
@settings(max_examples=500)
def test_varints_need_not_be_short(batch: tuple[bytes, int]) -> None:
    assert outcome(check, *batch) == outcome(check_by_reading, *batch)


@given(records=varied_batches(), dropped=st.integers(1, 40), added=st.binary(max_size=3))
def test_a_cut_or_longer_batch_is_found(records: list[Record], dropped: int, added: bytes) -> None:
    data = encode(records)[:-dropped]

    with pytest.raises(InvalidRecord):
        check(data, len(records))
    with pytest.raises(InvalidRecord):
        check(encode(records) + added + b"\0", len(records))


def test_records_of_equal_size_need_not_be_laid_out_alike() -> None:
    assert check(encode(traded(20, 500)), 500) == 0


@given(records=all_batches, difference=st.integers(-5, 5).filter(bool))
def test_a_wrong_count_is_found(records: list[Record], difference: int) -> None:
    data = encode(records)

    with pytest.raises(InvalidRecord):
        check(data, max(0, len(records) + difference))


@pytest.mark.parametrize("different_sizes", [1, 7])
def test_offset_deltas_of_one_two_and_three_bytes_pass(different_sizes: int) -> None:
    records = [Record(i, i // 3, None, bytes(10 + i % different_sizes)) for i in range(8192 + 300)]
    data = encode(records)

    assert check(data, len(records)) == (8192 + 299) // 3
    for cut in (1, 50, len(data) // 2):
        with pytest.raises(InvalidRecord):
            check(data[:-cut], len(records))


@given(data=st.binary(max_size=300), count=st.integers(0, 60))
def test_random_bytes_raise_nothing_but_invalid_record(data: bytes, count: int) -> None:
    try:
        check(data, count)
    except InvalidRecord:
        return
    assert (data == b"") == (count == 0)


@given(timestamp=st.integers(-(1 << 63), (1 << 63) - 1), offset=st.integers(-(1 << 31), (1 << 31) - 1))
def test_deltas_of_all_sizes_are_read_as_written(timestamp: int, offset: int) -> None:
    record = Record(offset, timestamp, b"k", b"v", ((b"", None),))

    assert read_record(encode([record]), 0) == (record, len(encode([record])))


@pytest.mark.parametrize(
    "deltas", [[0] * 100, [5] * 100, [-5] * 100, [0] + [7] * 99, [7] * 99 + [0], [7] * 50 + [-7] * 50]
)
def test_the_largest_timestamp_of_equal_records_is_found(deltas: list[int]) -> None:
    data = bytearray()
    for index, delta in enumerate(deltas):
        write_record(data, Record(value=b"value"), offset_delta=index, timestamp_delta=delta)

    assert check(bytes(data), len(deltas)) == max(-1, *deltas)
