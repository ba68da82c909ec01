"""Looking over a batch's records without making objects of them: where each one lies, its key, and whether it has a
value. What the log cleaner needs of every record; those it keeps are copied as the bytes they are.
"""

from __future__ import annotations

from wire.errors import InvalidRecord

# (start, end, timestamp delta, offset delta, key, has a value); a plain tuple, for there are millions of them
Scanned = tuple[int, int, int, int, bytes | None, bool]


def scan(data: bytes, count: int) -> list[Scanned]:
    """Every one of the `count` records that `data` consists of; InvalidRecord where it does not.

    Headers are not looked at. Varints are read in place while they are of one or two bytes, as nearly all are.
    """
    found: list[Scanned] = []
    position = 0
    try:
        for _ in range(count):
            start = position
            size = data[position]
            position += 1
            if size > 127:
                high = data[position]
                if high < 128:
                    size += (high << 7) - 128
                    position += 1
                else:
                    size, position = _zigzag(data, start)
            end = position + (size >> 1)
            timestamp_delta = data[position + 1]
            position += 2
            if timestamp_delta > 127:
                timestamp_delta, position = _zigzag(data, position - 1)
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
            key = None
            if not key_size & 1:
                key_start, position = position, position + (key_size >> 1)
                key = data[key_start:position]
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
            if position >= end or end > len(data) or size & 1:
                raise InvalidRecord(f"no whole record at {start} of {len(data)} bytes")
            timestamp_delta = (timestamp_delta >> 1) ^ -(timestamp_delta & 1)
            offset_delta = (offset_delta >> 1) ^ -(offset_delta & 1)
            found.append((start, end, timestamp_delta, offset_delta, key, not value_size & 1))
            position = end
    except IndexError:
        raise InvalidRecord("the batch ends before its last record") from None
    if position != len(data):
        raise InvalidRecord(f"{len(data) - position} bytes after the last record")
    return found


def _zigzag(data: bytes, position: int) -> tuple[int, int]:
    """The varint at `position`, its sign still in the lowest bit, and the position after it."""
    raw = shift = 0
    while (byte := data[position]) > 127:
        raw |= (byte & 0x7F) << shift
        shift += 7
        position += 1
        if shift > 63:
            raise InvalidRecord("a varint is longer than 64 bits")
    return raw | byte << shift, position + 1
