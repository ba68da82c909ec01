"""The check of records of equal size, as benchmarks, sensors and counters send them.

Their first bytes form columns, which slices with a step gather and compare at C's speed: 20 times that of a loop.
"""

from __future__ import annotations

import sys

from wire.record_varints import varint

MIN_KEY_VALUE_HEADERS_BYTES = 3
MIN_RUN = 24
LOW = bytes(range(128))  # the last byte of a varint
HIGH = bytes(range(128, 256))  # the others
ODD = bytes(range(1, 256, 2))  # zigzag: negative
# The encoded offset deltas: one byte for those below 64, two for those below 8192.
SHORT_DELTAS = bytes(range(0, 128, 2))
LONG_DELTAS = HIGH[::2] * 128, b"".join(bytes([high]) * 64 for high in range(128))


def check_equal(data: bytes, position: int, first: int, count: int) -> tuple[int, int, int]:
    """Check as many records as look like the one at `position`; return how many, their largest timestamp delta, and
    where they end. It is always right to find none: then they are looked at one by one.
    """
    none = (0, -1, position)
    size, body = varint(data, position)
    stride = body - position + size
    if data[position:body] != data[position + stride : body + stride]:
        return none
    timestamp_delta, offset_at = varint(data, body + 1, 64)
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
    return run, varint(data, body + 1 + stride * _index_of_largest(timestamps), 64)[0], end


def _layout(data: bytes, position: int, end: int) -> list[int] | None:
    """Where the bytes are that say how long key and value are, and that no headers follow; None if some do.

    Two records of equal size in which these bytes are equal are both whole if one is.
    """
    positions: list[int] = []
    for _ in ("key", "value"):
        size, after = varint(data, position)
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
