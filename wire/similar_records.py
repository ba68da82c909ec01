"""The check of records that differ in the size of their values, as most producers send them.

What lies before the value is read at once, by a struct made for the widths of the fields: those of the timestamp delta
and the key are taken from the first record, that of the offset delta is known. A record's size then must be its value's
and a constant. The byte behind the value, which says that there are no headers, is read together with the next record.

Read here: sizes of one or two bytes, timestamp deltas from 0 to 8191, offset deltas below 8192, keys of one size below
64 bytes or none, no headers; and the shortest encoding of each only.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from functools import cache

from wire.record_varints import varint

ONE_BYTE_DELTAS = 64
TWO_BYTE_DELTAS = 8192
# The encoded offset deltas, as little-endian integers.
OFFSET_DELTAS = [raw if raw < 128 else raw & 127 | 128 | raw >> 7 << 8 for raw in range(0, 2 * TWO_BYTE_DELTAS, 2)]

Unpack = Callable[[bytes, int], tuple[int, int, int, int, int, int]]
Shape = tuple[Unpack, int]


def check_similar(data: bytes, position: int, first: int, until: int) -> tuple[int, int, int]:
    """Check records with offset deltas first..until as long as they look like the one at `position`, which is not the
    batch's first; return how many, their largest timestamp delta, and where they end. It is always right to find none.
    """
    offset_bytes = 1 if first < ONE_BYTE_DELTAS else 2
    offset_deltas = OFFSET_DELTAS[first : min(until, ONE_BYTE_DELTAS if first < ONE_BYTE_DELTAS else TWO_BYTE_DELTAS)]
    _, body = varint(data, position)
    _, offset_at = varint(data, body + 1, 64)
    timestamp_bytes = offset_at - body - 1
    key_sizes = data[offset_at + offset_bytes : offset_at + offset_bytes + 1]
    if not key_sizes or key_sizes[0] > 127 or timestamp_bytes > 2:
        return 0, -1, position
    common_key_size = key_sizes[0]
    short, long = _shapes(timestamp_bytes, offset_bytes, 0 if common_key_size & 1 else common_key_size >> 1)
    continuation, continued = (0x80, 0) if timestamp_bytes == 1 else (0x8080, 0x80)
    size_of = SIZE_OF
    timestamps = set()
    last_timestamp = before = -1
    try:
        for expected in offset_deltas:
            unpack, other_bytes = long if data[position] > 127 else short
            headers, size, timestamp, offset_delta, key_size, value_size = unpack(data, position - 1)
            size = size_of[size]
            if size_of[value_size] + other_bytes != size or offset_delta != expected or key_size != common_key_size:
                break
            if headers:
                break
            if timestamp != last_timestamp:
                if timestamp & continuation != continued:
                    break
                timestamps.add(timestamp)
                last_timestamp = timestamp
            before = position
            position += size + 2
        else:
            expected = -1
    except (struct.error, IndexError):
        pass  # it ends early, or is so short that it only seems so
    run = len(offset_deltas) if expected < 0 else offset_deltas.index(expected)
    if run and (position > len(data) or data[position - 1]):  # the last is cut off, or has headers
        run -= 1
        position = before
    return run, _largest(timestamps), position


def _largest(timestamps: set[int]) -> int:
    """Of encoded timestamp deltas; -1 if all are negative."""
    return max((raw & 127 | raw >> 8 << 7 for raw in timestamps if not raw & 1), default=-1) >> 1


@cache
def _shapes(timestamp_bytes: int, offset_bytes: int, key_bytes: int) -> tuple[Shape, Shape]:
    """How records of less than 64 bytes are read, and larger ones; and how many bytes they have besides the value,
    with a size of two bytes for it.

    Of short ones the size is read together with the attributes: `SIZE_OF` looks at its first byte only.
    """
    fields = f"{'BH'[timestamp_bytes - 1]}{'BH'[offset_bytes - 1]}B{key_bytes}xH"
    other_bytes = timestamp_bytes + offset_bytes + key_bytes + 5
    return (
        (struct.Struct(f"<BH{fields}").unpack_from, other_bytes - 1),
        (struct.Struct(f"<BHx{fields}").unpack_from, other_bytes),
    )


def _sizes() -> list[int]:
    """The size that two bytes encode, as a little-endian integer.

    If the first of them is the whole size already, one less: so the sum of a size and its own bytes is right for both.
    Null counts as 0. Anything else is so small that no sum is right.
    """
    sizes = [-1000] * (1 << 16)
    for low in (1, *range(0, 128, 2)):
        sizes[low::256] = [(low >> 1) - 1] * 256
    for low in range(128, 256, 2):
        sizes[256 + low : 1 << 15 : 256] = [low - 128 + (high << 7) >> 1 for high in range(1, 128)]
    return sizes


SIZE_OF = _sizes()
