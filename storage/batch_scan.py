"""Walking over the batches in a .log file: by their headers only, or whole.

Both stop, without a word, at the first bytes that are no batch: who needs to know compares where they stopped with
the end.
"""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct
from typing import NamedTuple

from storage.files import Open
from wire.errors import ProtocolError
from wire.record_batch import (
    CONTROL,
    HEADER,
    HEADER_BYTES,
    MAGIC,
    OVERHEAD_BYTES,
    SIZE_OFFSET,
    TRANSACTIONAL,
    RecordBatch,
)

_SIZE = Struct(">i")
LOOKUP_BYTES = 8 * 1024
RECOVERY_BYTES = 1024 * 1024


class BatchHeader(NamedTuple):
    """The fields before a batch's records, in the order of the format."""

    base_offset: int
    length: int
    partition_leader_epoch: int
    magic: int
    crc: int
    attributes: int
    last_offset_delta: int
    base_timestamp_ms: int
    max_timestamp_ms: int
    producer_id: int
    producer_epoch: int
    base_sequence: int
    record_count: int

    @property
    def size_bytes(self) -> int:
        return self.length + OVERHEAD_BYTES

    @property
    def last_offset(self) -> int:
        return self.base_offset + self.last_offset_delta

    @property
    def is_control(self) -> bool:
        return self.attributes & CONTROL != 0

    @property
    def is_transactional(self) -> bool:
        return self.attributes & TRANSACTIONAL != 0


def headers(
    file: Open, position: int, end: int, *, read_bytes: int = LOOKUP_BYTES
) -> Iterator[tuple[int, BatchHeader]]:
    """(position, header) of every batch from the one at `position` on."""
    chunk, start = b"", position
    while end - position >= HEADER_BYTES:
        if position + HEADER_BYTES > start + len(chunk):
            chunk, start = file.read(position, min(read_bytes, end - position)), position
            if len(chunk) < HEADER_BYTES:
                return
        header = BatchHeader._make(HEADER.unpack_from(chunk, position - start))
        next_position = position + header.size_bytes
        if header.magic != MAGIC or header.size_bytes < HEADER_BYTES or next_position > end:
            return
        yield position, header
        position = next_position


def whole_batches(file: Open, position: int, end: int) -> Iterator[tuple[int, RecordBatch]]:
    """(position, batch) of every batch from the one at `position` on; its CRC is not checked yet."""
    chunk, start = memoryview(b""), position
    while end - position >= HEADER_BYTES:
        if position + HEADER_BYTES > start + len(chunk):
            chunk, start = memoryview(file.read(position, min(RECOVERY_BYTES, end - position))), position
        size = _SIZE.unpack_from(chunk, position - start + SIZE_OFFSET)[0] + OVERHEAD_BYTES
        if size < HEADER_BYTES or position + size > end:
            return
        if position + size > start + len(chunk):
            wanted = min(max(RECOVERY_BYTES, size), end - position)
            chunk, start = memoryview(file.read(position, wanted)), position
        try:
            yield position, RecordBatch(chunk[position - start : position - start + size])
        except ProtocolError:
            return
        position += size
