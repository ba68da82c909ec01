"""The records inside a batch: their encoding.

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

from dataclasses import dataclass

from wire.errors import InvalidRecord
from wire.record_varints import varint, write_varint

NO_TIMESTAMP = -1

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
    write_varint(body, timestamp_delta)
    write_varint(body, offset_delta)
    _write_nullable_bytes(body, record.key)
    _write_nullable_bytes(body, record.value)
    write_varint(body, len(record.headers))
    for name, value in record.headers:
        _write_nullable_bytes(body, name)
        _write_nullable_bytes(body, value)
    write_varint(out, len(body))
    out += body


def read_record(data: bytes, position: int) -> tuple[Record, int]:
    """The record at `position`, holding deltas for offset and timestamp, and the position after it."""
    size, position = varint(data, position)
    end = position + size
    if size < 0 or end > len(data):
        raise InvalidRecord(f"a record of {size} bytes where {len(data) - position} are left")
    timestamp_delta, position = varint(data, position + 1, 64)
    offset_delta, position = varint(data, position)
    key, position = _nullable_bytes(data, position, end)
    value, position = _nullable_bytes(data, position, end)
    header_count, position = varint(data, position)
    headers: tuple[Header, ...] = ()
    if header_count:
        headers, position = _headers(data, position, end=end, count=header_count)
    if position != end:
        raise InvalidRecord(f"a record's fields end {abs(end - position)} bytes before or after it")
    return Record(offset_delta, timestamp_delta, key, value, headers), end


def _write_nullable_bytes(out: bytearray, value: bytes | None) -> None:
    if value is None:
        out.append(1)  # zigzag of -1
    else:
        write_varint(out, len(value))
        out += value


def _nullable_bytes(data: bytes, position: int, end: int) -> tuple[bytes | None, int]:
    size, position = varint(data, position)
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
