"""The check of all records of a batch, asked of every batch that is produced: no key, value or header is copied.

Runs of records that are alike are checked with few steps for each (`equal_records`, `similar_records`); those two need
not know every encoding, but what they pass is right. All others are looked at one by one.
"""

from __future__ import annotations

from functools import lru_cache

from wire.equal_records import MIN_RUN, check_equal
from wire.errors import InvalidRecord
from wire.record_varints import varint, write_varint, zigzag
from wire.similar_records import check_similar

FEW = 12  # that many are faster one by one
WORTHWHILE = 8  # a run of that many pays for the look at its first record
FIRST_STRETCH = 64


def check(data: bytes, count: int) -> int:
    """Raise InvalidRecord unless `data` is `count` whole records with offset deltas 0, 1, 2...; return the largest
    timestamp delta (at least -1).
    """
    if count == 1 and data.startswith(_usual_head(len(data))) and not data[-1]:
        return 0
    if count <= FEW:
        max_timestamp_delta, position = _check_each(data, 0, 0, count)
    else:
        max_timestamp_delta, position = _check_runs(data, count)
    if position != len(data):
        raise InvalidRecord(f"the records end {abs(len(data) - position)} bytes before or after their batch")
    return max_timestamp_delta


@lru_cache(maxsize=1024)
def _usual_head(size_bytes: int) -> bytes | tuple[()]:
    """How a batch of one record begins that has neither key nor headers and is of this size, up to the value; nothing
    that bytes could start with where no such record is of this size.
    """
    for first_bytes in range(1, 6):
        head = bytearray()
        write_varint(head, size_bytes - first_bytes)
        if len(head) == first_bytes:
            for value_size in range(size_bytes - 2 * first_bytes - 5, size_bytes - first_bytes - 5):
                value_head = bytearray()
                write_varint(value_head, value_size)
                if value_size >= 0 and first_bytes + 5 + len(value_head) + value_size == size_bytes:
                    return bytes(head + b"\0\0\0\1" + value_head)
    return ()


def _check_runs(data: bytes, count: int) -> tuple[int, int]:
    """Check `count` records, those that are alike together; return their largest timestamp delta and where they end."""
    position = 0
    next_delta = 0
    max_timestamp_delta = -1
    one_by_one = 1  # grows while no two records are alike
    stretch = FIRST_STRETCH  # of similar records, until we look for equal ones again
    while next_delta < count:
        run, timestamp_delta = 0, -1
        if count - next_delta >= MIN_RUN:
            run, timestamp_delta, position = check_equal(data, position, next_delta, count)
        if not run and next_delta:
            until = min(count, next_delta + stretch)
            run, timestamp_delta, position = check_similar(data, position, next_delta, until)
            stretch *= 2
        next_delta += run
        max_timestamp_delta = max(max_timestamp_delta, timestamp_delta)
        if run >= WORTHWHILE:
            one_by_one = 1
            continue
        until = min(count, next_delta + one_by_one)
        timestamp_delta, position = _check_each(data, position, next_delta, until)
        next_delta = until
        max_timestamp_delta = max(max_timestamp_delta, timestamp_delta)
        one_by_one *= 2
    return max_timestamp_delta, position


def _check_each(data: bytes, position: int, first: int, until: int) -> tuple[int, int]:
    """Check the records with offset deltas first..until; return their largest timestamp delta and where they end.

    One long loop: calls would cost more than the work. Varints of one or two bytes are read in place. The position only
    grows, so a key, value or header that is too long is found at the record's end.
    """
    max_timestamp_delta = -2
    try:
        for expected in range(first << 1, until << 1, 2):  # zigzag, as are the sizes and deltas until they are used
            size = data[position]
            position += 1
            if size > 127:
                high = data[position]
                if high < 128:
                    size += (high << 7) - 128
                    position += 1
                else:
                    size, position = zigzag(data, position - 1)
            end = position + (size >> 1)
            timestamp_delta = data[position + 1]
            position += 2
            if timestamp_delta > 127:
                high = data[position]
                if high < 128:
                    timestamp_delta += (high << 7) - 128
                    position += 1
                else:
                    timestamp_delta, position = zigzag(data, position - 1, 64)
            if timestamp_delta > max_timestamp_delta and not timestamp_delta & 1:
                max_timestamp_delta = timestamp_delta
            offset_delta = data[position]
            position += 1
            if offset_delta > 127:
                high = data[position]
                if high < 128:
                    offset_delta += (high << 7) - 128
                    position += 1
                else:
                    offset_delta, position = zigzag(data, position - 1)
            key_size = data[position]
            position += 1
            if key_size > 127:
                key_size, position = zigzag(data, position - 1)
            if not key_size & 1:
                position += key_size >> 1
            value_size = data[position]
            position += 1
            if value_size > 127:
                high = data[position]
                if high < 128:
                    value_size += (high << 7) - 128
                    position += 1
                else:
                    value_size, position = zigzag(data, position - 1)
            if not value_size & 1:
                position += value_size >> 1
            if data[position]:
                position = _skip_headers(data, position, end)
            else:
                position += 1
            if offset_delta != expected or position != end or size & 1:
                raise InvalidRecord(f"no whole record with offset delta {expected >> 1} where it belongs")
    except IndexError:
        raise InvalidRecord("the batch ends before its last record") from None
    return max_timestamp_delta >> 1, position


def _skip_headers(data: bytes, position: int, end: int) -> int:
    count, position = varint(data, position)
    if not 0 <= count <= end - position:
        raise InvalidRecord(f"{count} headers in {end - position} bytes")
    for _ in range(count):
        name_size, position = varint(data, position)
        if name_size < 0:
            raise InvalidRecord("a header without a name")
        value_size, position = varint(data, position + name_size)
        position += max(value_size, 0)
    return position
