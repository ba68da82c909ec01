"""Message sets: the records of clients older than Kafka 0.11 (magic 0 and 1).

    offset       i64
    size         i32   of what follows
    CRC32        u32   of what follows
    magic        i8
    attributes   i8    codec 0-2; in magic 1 also 3, log append time
    timestamp    i64   in magic 1 only
    key, value         i32 size (-1 is null) and bytes, each

A compressed message, the wrapper, has no key, and as its value a message set. Its offset is that of the last message
inside, its timestamp the largest; in magic 1 the offsets inside are relative to the first. Some producers
(librdkafka, kafka-python) leave the wrapper's offset at 0.

Invariants
  A set may end in a part of a message, which is passed over.
  Every other fault of the bytes is a `CorruptBatch`, or a subclass that says more; nothing is believed that was not
  compared with what is left.

Not here: what becomes of a message set on its way into the log and out of it (`wire.conversion`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from struct import Struct
from typing import NamedTuple
from zlib import crc32

from wire.compression import Bytes, Codec, compress, decompress
from wire.errors import BadCompression, CorruptBatch, EncodeError, InvalidRecord, Unreadable
from wire.lz4_header import with_right_checksum, with_wrong_checksum
from wire.records import NO_TIMESTAMP, Record

CODEC_MASK = 0x07
LOG_APPEND_TIME = 0x08

OVERHEAD_BYTES = 12  # offset and size: what the size field does not count
MAGIC_OFFSET = 16  # as in a record batch
HEADER_BYTES = (18, 26)  # up to the key's size, by magic
LEAST_SIZE = 14  # of a message of magic 0 with neither key nor value

_OFFSET_SIZE_CRC = Struct(">qiI")
_HEADER = Struct(">qiIbb")
_TIMESTAMP = Struct(">q")
_LENGTH = Struct(">i")


class Message(NamedTuple):
    """One message as it lies in a set: a record, or a wrapper around records."""

    offset: int
    size_bytes: int
    magic: int
    attributes: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None

    @property
    def codec(self) -> Codec:
        try:
            return Codec(self.attributes & CODEC_MASK)
        except ValueError:
            raise BadCompression(f"unknown codec {self.attributes & CODEC_MASK}") from None

    @property
    def uses_log_append_time(self) -> bool:
        return self.magic > 0 and self.attributes & LOG_APPEND_TIME != 0


@dataclass(frozen=True, slots=True)
class MessageSet:
    """A producer's message set, unwrapped; the records' offsets are those that it gave them."""

    magic: int
    codec: Codec
    uses_log_append_time: bool
    records: list[Record]


def messages(data: Bytes, *, magic: int | None = None) -> Iterator[Message]:
    """The messages in `data`, wrappers as they are; `magic` is what all of them must have."""
    view = memoryview(data)
    position, end = 0, len(view)
    while end - position >= OVERHEAD_BYTES:
        (size,) = _LENGTH.unpack_from(view, position + 8)
        if size < LEAST_SIZE:
            raise CorruptBatch(f"a message of {size} bytes, which is less than any message has")
        next_position = position + OVERHEAD_BYTES + size
        if next_position > end:
            return
        yield _message(view[position:next_position], magic)
        position = next_position


def _message(data: memoryview, expected_magic: int | None) -> Message:
    offset, _, crc, magic, attributes = _HEADER.unpack_from(data)
    if magic == 2 or (expected_magic is not None and magic != expected_magic):
        raise InvalidRecord(f"a message of magic {magic} where it does not belong")
    if magic not in (0, 1):
        raise CorruptBatch(f"unknown magic {magic}")
    computed = crc32(data[MAGIC_OFFSET:])
    if crc != computed:
        raise CorruptBatch(f"a message has CRC {computed:#x}, its header says {crc:#x}")
    position = HEADER_BYTES[magic]
    if len(data) < position + 2 * _LENGTH.size:
        raise Unreadable(f"{len(data)} bytes are too few for a message of magic {magic}")
    timestamp_ms = _TIMESTAMP.unpack_from(data, _HEADER.size)[0] if magic else NO_TIMESTAMP
    key, position = _nullable_bytes(data, position)
    value, _ = _nullable_bytes(data, position)  # what may follow is not looked at, as in Kafka
    return Message(offset, len(data), magic, attributes, timestamp_ms, key, value)


def _nullable_bytes(data: memoryview, position: int) -> tuple[bytes | None, int]:
    start = position + _LENGTH.size
    if start > len(data):
        raise Unreadable("a message ends before its value")
    (size,) = _LENGTH.unpack_from(data, position)
    if size < 0:
        return None, start
    if size > len(data) - start:
        raise Unreadable(f"{size} bytes of key or value where {len(data) - start} are left")
    return bytes(data[start : start + size]), start + size


def unwrap(outer: Sequence[Message], *, limit_bytes: int) -> MessageSet:
    """The records of what a producer sent: one wrapper, or messages that are not compressed."""
    if not outer:
        raise InvalidRecord("a message set without a message")
    first = outer[0]
    codec = next((message.codec for message in outer if message.attributes & CODEC_MASK), Codec.NONE)
    if codec and len(outer) > 1:
        raise InvalidRecord("a compressed message together with others")
    if any(message.magic != first.magic for message in outer):
        raise InvalidRecord("messages of magic 0 and 1 in one set")
    uses_log_append_time = any(message.uses_log_append_time for message in outer)
    records = _unwrapped(first, codec, limit_bytes) if codec else [_record(message) for message in outer]
    return MessageSet(first.magic, codec, uses_log_append_time, records)


def _unwrapped(wrapper: Message, codec: Codec, limit_bytes: int) -> list[Record]:
    if codec is Codec.ZSTD:
        raise InvalidRecord(f"zstd in a message of magic {wrapper.magic}")
    if wrapper.value is None:
        raise InvalidRecord("a compressed message without a value")
    compressed = wrapper.value
    if codec is Codec.LZ4 and wrapper.magic == 0:
        compressed = with_right_checksum(compressed)
    inner = list(messages(decompress(codec, compressed, limit_bytes=limit_bytes), magic=wrapper.magic))
    if not inner:
        raise InvalidRecord("a compressed message with nothing in it")
    if any(message.attributes & CODEC_MASK for message in inner):
        raise InvalidRecord("a compressed message within a compressed message")
    records = [_record(message) for message in inner]
    if wrapper.uses_log_append_time:
        for record in records:
            record.timestamp_ms = wrapper.timestamp_ms
    if wrapper.magic and wrapper.offset:
        base_offset = wrapper.offset - records[-1].offset
        if base_offset < 0:
            raise InvalidRecord(f"a wrapper at offset {wrapper.offset} around offset {records[-1].offset}")
        for record in records:
            record.offset += base_offset
    return records


def _record(message: Message) -> Record:
    return Record(message.offset, message.timestamp_ms, message.key, message.value)


def build(
    records: Sequence[Record],
    *,
    magic: int,
    codec: Codec = Codec.NONE,
    level: int | None = None,
    log_append_time_ms: int | None = None,
) -> bytes:
    """A message set of the records, at the offsets that they have; inside one wrapper if there is a codec.

    Magic 0 has no timestamps, and neither has headers: they are left out.
    """
    if not records:
        return b""
    relative_to = records[0].offset if codec and magic else 0
    attributes = 0 if log_append_time_ms is None or magic == 0 else LOG_APPEND_TIME
    out = bytearray()
    for record in records:
        timestamp_ms = record.timestamp_ms if log_append_time_ms is None else log_append_time_ms
        _write(out, record.offset - relative_to, magic, attributes, timestamp_ms, record.key, record.value)
    if not codec:
        return bytes(out)
    if codec is Codec.ZSTD:
        raise EncodeError(f"zstd in a message set of magic {magic}")
    compressed = compress(codec, out, level)
    if codec is Codec.LZ4 and magic == 0:
        compressed = with_wrong_checksum(compressed)
    largest_ms = log_append_time_ms
    if largest_ms is None:
        largest_ms = max(NO_TIMESTAMP, *(record.timestamp_ms for record in records))
    wrapper = bytearray()
    _write(wrapper, records[-1].offset, magic, attributes | codec, largest_ms, None, compressed)
    return bytes(wrapper)


def _write(
    out: bytearray, offset: int, magic: int, attributes: int, timestamp_ms: int, key: bytes | None, value: bytes | None
) -> None:
    body = bytearray((magic, attributes))
    if magic:
        body += _TIMESTAMP.pack(timestamp_ms)
    for part in (key, value):
        if part is None:
            body += _LENGTH.pack(-1)
        else:
            body += _LENGTH.pack(len(part))
            body += part
    out += _OFFSET_SIZE_CRC.pack(offset, len(body) + 4, crc32(body))
    out += body
