"""The fast check of records: agrees with reading them one by one, whatever their shapes."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wire.errors import InvalidRecord
from wire.records import MIN_RUN, Record, check, read_record, write_record


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


def traded(size: int, length: int) -> list[Record]:
    """Records of equal size whose keys and values are not."""
    return [Record(i, 0, bytes(i % size), bytes(size - i % size)) for i in range(length)]


@given(records=long_batches())
def test_batches_of_many_shapes_pass_and_the_largest_timestamp_is_found(records: list[Record]) -> None:
    data = encode(records)

    assert check(data, len(records)) == max(-1, *(record.timestamp_ms for record in records))
    assert check_by_reading(data, len(records)) == check(data, len(records))


@given(records=long_batches(), index=st.integers(0, 1 << 20), offset=st.integers(0, 1 << 14))
def test_one_wrong_offset_delta_anywhere_is_found(records: list[Record], index: int, offset: int) -> None:
    index %= len(records)
    records[index].offset = offset
    data = encode(records)

    if offset == index:
        check(data, len(records))
    else:
        with pytest.raises(InvalidRecord):
            check(data, len(records))


@given(records=long_batches(), position=st.integers(0, 1 << 20), byte=st.integers(0, 255))
@settings(max_examples=500)
def test_one_changed_byte_passes_only_where_all_records_can_be_read(
    records: list[Record], position: int, byte: int
) -> None:
    data = bytearray(encode(records))
    data[position % len(data)] = byte
    try:
        expected = check_by_reading(bytes(data), len(records))
    except InvalidRecord:
        expected = None

    try:
        found = check(bytes(data), len(records))
    except InvalidRecord:
        found = None

    assert expected == found


def test_records_of_equal_size_need_not_be_laid_out_alike() -> None:
    assert check(encode(traded(20, 500)), 500) == 0


@given(records=long_batches(), difference=st.integers(-5, 5).filter(bool))
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
