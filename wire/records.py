"""The records inside a batch: their encoding, and a check of a whole batch of them that looks at no record twice.

    size             varint   of what follows
    attributes       int8     unused
    timestamp delta  varlong  to the batch's base timestamp
    offset delta     varint   to the batch's base offset
    key, value       varint size (-1 is null) and bytes, each
    headers          varint count; name and value each as a key, but the name is never null

Invariant: every fault of the bytes is an `InvalidRecord`; no size, count or varint is believed before it was compared
with what is left.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

from wire.errors import InvalidRecord

NO_TIMESTAMP = -1
MIN_KEY_VALUE_HEADERS_BYTES = 3

Header = tuple[bytes, bytes | None]


@dataclass(slots=True)
class Record:
    """One record. On building a batch, its offset follows from its place unless the builder is told otherwise."""

    offset: int = 0
    timestamp_ms: int = NO_TIMESTAMP
    key: bytes | None = None
    value: bytes | None = None
    headers: tuple[Header, ...] = ()


def write_record(out: bytearray, record: Record, *, offset_delta: int, timestamp_delta: int) -> None:
    body = bytearray(1)
    _write_varint(body, timestamp_delta)
    _write_varint(body, offset_delta)
    _write_nullable_bytes(body, record.key)
    _write_nullable_bytes(body, record.value)
    _write_varint(body, len(record.headers))
    for name, value in record.headers:
        _write_nullable_bytes(body, name)
        _write_nullable_bytes(body, value)
    _write_varint(out, len(body))
    out += body


def read_record(data: bytes, position: int) -> tuple[Record, int]:
    """The record at `position`, holding deltas for offset and timestamp, and the position after it."""
    size, position = _varint(data, position)
    end = position + size
    if size < 0 or end > len(data):
        raise InvalidRecord(f"a record of {size} bytes where {len(data) - position} are left")
    timestamp_delta, position = _varint(data, position + 1, 64)
    offset_delta, position = _varint(data, position)
    key, position = _nullable_bytes(data, position, end)
    value, position = _nullable_bytes(data, position, end)
    header_count, position = _varint(data, position)
    headers: tuple[Header, ...] = ()
    if header_count:
        headers, position = _headers(data, position, end=end, count=header_count)
    if position != end:
        raise InvalidRecord(f"a record's fields end {abs(end - position)} bytes before or after it")
    return Record(offset_delta, timestamp_delta, key, value, headers), end


def check(data: bytes, count: int) -> int:
    """Raise InvalidRecord unless `data` is `count` whole records with offset deltas 0, 1, 2...; return the largest
    timestamp delta (at least -1).

    Asked of every batch that is produced: no key, value or header is copied.
    """
    if count < MIN_RUN:
        max_timestamp_delta, position = _check_each(data, 0, 0, count)
    else:
        max_timestamp_delta, position = _check_runs(data, count)
    if position != len(data):
        raise InvalidRecord(f"the records end {abs(len(data) - position)} bytes before or after their batch")
    return max_timestamp_delta


def _check_runs(data: bytes, count: int) -> tuple[int, int]:
    """Check `count` records, those of equal size together; return their largest timestamp delta and where they end."""
    position = 0
    next_delta = 0
    max_timestamp_delta = -1
    one_by_one = 32  # grows while records of equal size are rare
    while next_delta < count:
        run, timestamp_delta = 0, -1
        if count - next_delta >= MIN_RUN:
            run, timestamp_delta, position = _check_run(data, position, next_delta, count)
        if not run:
            run = min(count - next_delta, one_by_one)
            timestamp_delta, position = _check_each(data, position, next_delta, next_delta + run)
            one_by_one *= 2
        next_delta += run
        max_timestamp_delta = max(max_timestamp_delta, timestamp_delta)
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
                    size, position = _zigzag(data, position - 1)
            end = position + (size >> 1)
            timestamp_delta = data[position + 1]
            position += 2
            if timestamp_delta > 127:
                high = data[position]
                if high < 128:
                    timestamp_delta += (high << 7) - 128
                    position += 1
                else:
                    timestamp_delta, position = _zigzag(data, position - 1, 64)
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
                    offset_delta, position = _zigzag(data, position - 1)
            key_size = data[position]
            position += 1
            if key_size > 127:
                key_size, position = _zigzag(data, position - 1)
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
                    value_size, position = _zigzag(data, position - 1)
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
    count, position = _varint(data, position)
    if not 0 <= count <= end - position:
        raise InvalidRecord(f"{count} headers in {end - position} bytes")
    for _ in range(count):
        name_size, position = _varint(data, position)
        if name_size < 0:
            raise InvalidRecord("a header without a name")
        value_size, position = _varint(data, position + name_size)
        position += max(value_size, 0)
    return position


# Below: records of equal size, as benchmarks, sensors and counters send them. Their first bytes form columns, which
# slices with a step gather and compare at C's speed: 20 times that of the loop above.
MIN_RUN = 24
LOW = bytes(range(128))  # the last byte of a varint
HIGH = bytes(range(128, 256))  # the others
ODD = bytes(range(1, 256, 2))  # zigzag: negative
# The encoded offset deltas: one byte for those below 64, two for those below 8192.
SHORT_DELTAS = bytes(range(0, 128, 2))
LONG_DELTAS = HIGH[::2] * 128, b"".join(bytes([high]) * 64 for high in range(128))


def _check_run(data: bytes, position: int, first: int, count: int) -> tuple[int, int, int]:
    """Check as many records as look like the one at `position`; return how many, their largest timestamp delta, and
    where they end. It is always right to find none: then they are looked at one by one.
    """
    none = (0, -1, position)
    size, body = _varint(data, position)
    stride = body - position + size
    timestamp_delta, offset_at = _varint(data, body + 1, 64)
    offset_bytes = 1 if first < len(SHORT_DELTAS) else 2
    end_of_deltas = len(SHORT_DELTAS) if first < len(SHORT_DELTAS) else len(LONG_DELTAS[0])
    if offset_at - body > 9 or size < offset_at - body + offset_bytes + MIN_KEY_VALUE_HEADERS_BYTES:
        return none
    run = min(count, end_of_deltas) - first
    run = min(run, (len(data) - position) // stride)
    layout = _layout(data, offset_at + offset_bytes, position + stride)
    if layout is None:
        return none
    for at in (*range(position, body), *layout):
        column = data[at : position + run * stride : stride]
        if column != column[:1] * run:
            run = _leading(column, column[:1])
    is_one_timestamp = True
    for at in range(body + 1, offset_at):
        column = data[at : position + run * stride : stride]
        if column != column[:1] * run:
            is_one_timestamp = False
            run = _leading(column, HIGH if at < offset_at - 1 else LOW)
    if run < MIN_RUN:
        return none
    end = position + run * stride
    for at, expected in enumerate((SHORT_DELTAS,) if offset_bytes == 1 else LONG_DELTAS, offset_at):
        if data[at:end:stride] != expected[first : first + run]:
            return none
    if is_one_timestamp:
        return (run, timestamp_delta, end) if timestamp_delta >= 0 else none
    timestamps = [data[at:end:stride] for at in range(body + 1, offset_at)]
    if len(timestamps[0].translate(None, ODD)) < run:
        return none
    return run, _varint(data, body + 1 + stride * _index_of_largest(timestamps), 64)[0], end


def _layout(data: bytes, position: int, end: int) -> list[int] | None:
    """Where the bytes are that say how long key and value are, and that no headers follow; None if some do.

    Two records of equal size in which these bytes are equal are both whole if one is.
    """
    positions: list[int] = []
    for _ in ("key", "value"):
        size, after = _varint(data, position)
        positions += range(position, after)
        position = after + max(size, 0)
    is_whole = position == end - 1 and data[position:end] == b"\0"
    return [*positions, position] if is_whole else None


def _leading(column: bytes, accepted: bytes) -> int:
    """How many bytes at the start of `column` are among `accepted`."""
    return len(column) - len(column.lstrip(accepted))


def _index_of_largest(columns: list[bytes]) -> int:
    """Where the largest varint is among those whose lowest bytes are `columns[0]`, and so on; all are of one length."""
    if len(columns) == 1:
        return columns[0].index(max(columns[0]))
    rows = bytearray(8 * len(columns[0]))
    for index, column in enumerate(columns):
        rows[index if sys.byteorder == "little" else 7 - index :: 8] = column
    values = memoryview(rows).cast("Q").tolist()
    return values.index(max(values))


def _write_varint(out: bytearray, value: int) -> None:
    """Zigzag, seven bits a byte, low ones first; the same for 32 and 64 bits."""
    rest = value << 1 if value >= 0 else (~value << 1) | 1
    while rest > 127:
        out.append(rest & 0x7F | 0x80)
        rest >>= 7
    out.append(rest)


def _write_nullable_bytes(out: bytearray, value: bytes | None) -> None:
    if value is None:
        out.append(1)  # zigzag of -1
    else:
        _write_varint(out, len(value))
        out += value


def _varint(data: bytes, position: int, bits: int = 32) -> tuple[int, int]:
    """The integer at `position`, and the position after it."""
    if position < len(data) and (raw := data[position]) < 128:  # nearly all are of one byte
        return (raw >> 1) ^ -(raw & 1), position + 1
    raw, position = _zigzag(data, position, bits)
    return (raw >> 1) ^ -(raw & 1), position


def _zigzag(data: bytes, position: int, bits: int = 32) -> tuple[int, int]:
    """As `_varint`, the sign still in the lowest bit."""
    raw = shift = 0
    try:
        while (byte := data[position]) > 127:
            raw |= (byte & 0x7F) << shift
            shift += 7
            position += 1
            if shift >= bits:
                raise InvalidRecord(f"a varint is longer than {bits} bits")
    except IndexError:
        raise InvalidRecord("a varint is cut off") from None
    return (raw | byte << shift) & ((1 << bits) - 1), position + 1  # too many bits in the last byte: Kafka drops them


def _nullable_bytes(data: bytes, position: int, end: int) -> tuple[bytes | None, int]:
    size, position = _varint(data, position)
    if size < 0:
        return None, position
    if size > end - position:
        raise InvalidRecord(f"{size} bytes of key, value or header where {end - position} are left")
    return data[position : position + size], position + size


def _headers(data: bytes, position: int, *, end: int, count: int) -> tuple[tuple[Header, ...], int]:
    if not 0 <= count <= end - position:
        raise InvalidRecord(f"{count} headers in {end - position} bytes")
    headers: list[Header] = []
    for _ in range(count):
        name, position = _nullable_bytes(data, position, end)
        if name is None:
            raise InvalidRecord("a header without a name")
        value, position = _nullable_bytes(data, position, end)
        headers.append((name, value))
    return tuple(headers), position
