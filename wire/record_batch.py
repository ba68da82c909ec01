"""Record batches, format v2: a view over one batch's bytes, its records, and a builder.

    base offset            i64   |  not covered by the checksum: a leader writes them in place
    size of what follows   i32   |
    partition leader epoch i32   |
    magic = 2              i8    |
    CRC32C of the rest     u32
    attributes             i16   codec 0-2, 3 log append time, 4 transactional, 5 control, 6 delete horizon
    last offset delta      i32
    base timestamp         i64   the delete horizon, if bit 6 is set
    max timestamp          i64
    producer id            i64
    producer epoch         i16
    base sequence          i32
    record count           i32
    records                      compressed as a whole

Invariants
  A `RecordBatch` spans exactly its bytes: the header is there and its size field agrees. Nothing else about it is
  trusted until `check_crc` and `check_records` were asked: the peer is hostile.
  Every fault of the bytes is a `CorruptBatch`, or a subclass that says more.

Not here: the records' own encoding, message sets (magic 0 and 1), and what a partition accepts.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Iterator, Sequence

from wire.compression import Bytes, Codec, compress, decompress
from wire.errors import BadCompression, CorruptBatch, EncodeError, InvalidRecord
from wire.record_check import check
from wire.records import NO_TIMESTAMP, Record, read_record, write_record

__all__ = ["CorruptBatch", "Record", "RecordBatch", "batches", "build", "check_records", "first_batch", "with_body"]

HEADER = struct.Struct(">qiibIhiqqqhii")
HEADER_BYTES = HEADER.size
SIZE_OFFSET = 8
OVERHEAD_BYTES = 12  # base offset and size: what the size field does not count
MAGIC_OFFSET = 16
CRC_OFFSET = 17
ATTRIBUTES_OFFSET = 21
MAX_TIMESTAMP_OFFSET = 35
MAGIC = 2
LEAST_SIZE = 14  # that a message's size field can say, of any format

CODEC_MASK = 0x07
LOG_APPEND_TIME = 0x08
TRANSACTIONAL = 0x10
CONTROL = 0x20
DELETE_HORIZON = 0x40
MEANINGFUL = 0x7F  # of the attributes; whoever writes them anew leaves the others out, as Kafka does

NO_PRODUCER_ID = -1
MAX_SEQUENCE = 0x7FFFFFFF
# What a client's batch may expand to unless the caller says otherwise.
DECOMPRESSED_LIMIT_BYTES = 128 * 1024 * 1024
# And one that is stored already, by us or by Kafka, which knows no other limit.
STORED_LIMIT_BYTES = (1 << 31) - 1

_i16 = struct.Struct(">h")
_i32 = struct.Struct(">i")
_unpack_i32 = _i32.unpack_from
_u32 = struct.Struct(">I")
_i64 = struct.Struct(">q")
_OFFSET_SIZE_EPOCH = struct.Struct(">qii")


def _import_and_compute_crc(data: Bytes) -> int:
    global _crc32c
    from crc32c import crc32c

    _crc32c = crc32c
    return crc32c(data)


# The package takes 10 ms to import (it looks up its own version), so its first use pays, not everyone's start.
_crc32c: Callable[[Bytes], int] = _import_and_compute_crc


class RecordBatch:
    """A view over one batch, valid as long as the buffer below it."""

    __slots__ = (
        "_decompressed",
        "attributes",
        "base_offset",
        "base_sequence",
        "base_timestamp_ms",
        "crc",
        "data",
        "is_checked",
        "last_offset_delta",
        "magic",
        "max_timestamp_ms",
        "partition_leader_epoch",
        "producer_epoch",
        "producer_id",
        "record_count",
    )

    attributes: int
    base_offset: int
    base_sequence: int
    base_timestamp_ms: int
    crc: int
    data: memoryview
    is_checked: bool
    last_offset_delta: int
    magic: int
    max_timestamp_ms: int
    partition_leader_epoch: int
    producer_epoch: int
    producer_id: int
    record_count: int

    def __init__(self, data: memoryview) -> None:
        """Take `data`, exactly one batch."""
        try:
            (
                self.base_offset,
                size,
                self.partition_leader_epoch,
                magic,
                self.crc,
                self.attributes,
                self.last_offset_delta,
                self.base_timestamp_ms,
                self.max_timestamp_ms,
                self.producer_id,
                self.producer_epoch,
                self.base_sequence,
                self.record_count,
            ) = HEADER.unpack_from(data)
        except struct.error:
            raise CorruptBatch(f"{len(data)} bytes are too few for a batch") from None
        if magic != MAGIC:
            raise _wrong_magic(magic)
        if size != len(data) - OVERHEAD_BYTES:
            raise CorruptBatch(f"a batch of {len(data)} bytes claims {size + OVERHEAD_BYTES}")
        self.magic = magic
        self.data = data
        self.is_checked = False  # whoever made it knows that its records are good
        self._decompressed: bytes | None = None

    @property
    def size_bytes(self) -> int:
        return len(self.data)

    @property
    def last_offset(self) -> int:
        return self.base_offset + self.last_offset_delta

    @property
    def next_offset(self) -> int:
        return self.base_offset + self.last_offset_delta + 1

    @property
    def last_sequence(self) -> int:
        """Sequence numbers wrap to 0 after the largest int32; -1 if there are none."""
        if self.base_sequence < 0:
            return self.base_sequence
        return (self.base_sequence + self.last_offset_delta) & MAX_SEQUENCE

    @property
    def compression(self) -> Codec:
        try:
            return Codec(self.attributes & CODEC_MASK)
        except ValueError:
            raise BadCompression(f"unknown codec {self.attributes & CODEC_MASK}") from None

    @property
    def is_transactional(self) -> bool:
        return self.attributes & TRANSACTIONAL != 0

    @property
    def is_control(self) -> bool:
        return self.attributes & CONTROL != 0

    @property
    def has_delete_horizon(self) -> bool:
        return self.attributes & DELETE_HORIZON != 0

    @property
    def delete_horizon_ms(self) -> int | None:
        """When the cleaner may drop the batch's tombstones and markers (KIP-534)."""
        return self.base_timestamp_ms if self.attributes & DELETE_HORIZON else None

    @property
    def uses_log_append_time(self) -> bool:
        return self.attributes & LOG_APPEND_TIME != 0

    @property
    def has_producer_id(self) -> bool:
        return self.producer_id > NO_PRODUCER_ID

    def check_crc(self) -> None:
        """Raise CorruptBatch if what the checksum covers has changed."""
        computed = _crc32c(self.data[ATTRIBUTES_OFFSET:])
        if computed != self.crc:
            raise CorruptBatch(
                f"batch at offset {self.base_offset} has CRC {computed:#x}, its header says {self.crc:#x}"
            )

    def assign(self, base_offset: int, partition_leader_epoch: int) -> None:
        """Write the two in place; the CRC covers neither."""
        _OFFSET_SIZE_EPOCH.pack_into(self.data, 0, base_offset, len(self.data) - OVERHEAD_BYTES, partition_leader_epoch)
        self.base_offset = base_offset
        self.partition_leader_epoch = partition_leader_epoch

    def set_log_append_time(self, timestamp_ms: int) -> None:
        """Give every record this timestamp, in place."""
        self._set_max_timestamp(self.attributes | LOG_APPEND_TIME, timestamp_ms)

    def set_create_time(self, max_timestamp_ms: int) -> None:
        """Have the records' own timestamps count, of which this is the largest, in place."""
        self._set_max_timestamp(self.attributes & ~LOG_APPEND_TIME, max_timestamp_ms)

    def _set_max_timestamp(self, attributes: int, max_timestamp_ms: int) -> None:
        if attributes == self.attributes and max_timestamp_ms == self.max_timestamp_ms:
            return
        self.attributes = attributes = attributes & MEANINGFUL
        self.max_timestamp_ms = max_timestamp_ms
        _i16.pack_into(self.data, ATTRIBUTES_OFFSET, attributes)
        _i64.pack_into(self.data, MAX_TIMESTAMP_OFFSET, max_timestamp_ms)
        self.crc = _crc32c(self.data[ATTRIBUTES_OFFSET:])
        _u32.pack_into(self.data, CRC_OFFSET, self.crc)

    def payload(self, *, limit_bytes: int = STORED_LIMIT_BYTES) -> bytes:
        """The records' bytes, decompressed into at most `limit_bytes`; once, for several may look at them."""
        if not self.attributes & CODEC_MASK:
            return bytes(self.data[HEADER_BYTES:])
        if self._decompressed is None:
            self._decompressed = decompress(self.compression, self.data[HEADER_BYTES:], limit_bytes=limit_bytes)
        return self._decompressed

    def records(self, *, limit_bytes: int = STORED_LIMIT_BYTES) -> Iterator[Record]:
        """Every record, decoded; InvalidRecord where the bytes say something else than the header."""
        if self.record_count < 0:
            raise InvalidRecord(f"record count {self.record_count}")
        if self.record_count == 0:  # compaction keeps the header of an emptied batch for its sequence numbers
            return
        payload = self.payload(limit_bytes=limit_bytes)
        base_offset, base_timestamp_ms = self.base_offset, self.base_timestamp_ms
        position = 0
        for _ in range(self.record_count):
            record, position = read_record(payload, position)
            record.offset += base_offset
            record.timestamp_ms = (
                self.max_timestamp_ms
                if self.uses_log_append_time
                else _timestamp(base_timestamp_ms, record.timestamp_ms)
            )
            yield record
        if position != len(payload):
            raise InvalidRecord(f"{len(payload) - position} bytes after the last record")


def batches(data: memoryview) -> list[RecordBatch]:
    """Every batch in `data`, which must hold whole ones only."""
    found = []
    position = 0
    while position < len(data):
        left = len(data) - position
        if left <= MAGIC_OFFSET:
            raise CorruptBatch(f"{left} bytes are too few for a batch")
        if data[position + MAGIC_OFFSET] != MAGIC:
            raise _wrong_magic(data[position + MAGIC_OFFSET])
        (size,) = _i32.unpack_from(data, position + SIZE_OFFSET)
        end = position + OVERHEAD_BYTES + size
        if size < HEADER_BYTES - OVERHEAD_BYTES or end > len(data):
            raise CorruptBatch(f"a batch of {size + OVERHEAD_BYTES} bytes where {left} are left")
        found.append(RecordBatch(data[position:end]))
        position = end
    return found


def first_batch(data: memoryview) -> RecordBatch | None:
    """The batch that `data` begins with; None if it is not all there, for Kafka's clients were sent cut ones once."""
    left = len(data) - OVERHEAD_BYTES
    if left < 0:
        return None
    size: int = _unpack_i32(data, SIZE_OFFSET)[0]
    if size == left >= HEADER_BYTES - OVERHEAD_BYTES:
        return RecordBatch(data)
    if size < LEAST_SIZE:
        raise CorruptBatch(f"Record size {size} is less than the minimum record overhead ({LEAST_SIZE})")
    if len(data) <= MAGIC_OFFSET:
        return None
    if data[MAGIC_OFFSET] != MAGIC:
        raise _wrong_magic(data[MAGIC_OFFSET])
    return RecordBatch(data[: size + OVERHEAD_BYTES]) if size <= left else None


def _wrong_magic(magic: int) -> CorruptBatch:
    if magic in (0, 1):
        return InvalidRecord(f"a message set of magic {magic} where a batch belongs")
    return CorruptBatch(f"Invalid magic found in record: {magic}")


def check_records(batch: RecordBatch, *, limit_bytes: int = DECOMPRESSED_LIMIT_BYTES) -> int:
    """Raise InvalidRecord unless the batch holds `record_count` records at offset deltas 0, 1, 2...; return their
    largest timestamp.

    This is what a leader asks of every batch.
    """
    count = batch.record_count
    if count <= 0 or batch.last_offset_delta != count - 1:
        raise InvalidRecord(f"{count} records, and a last offset delta of {batch.last_offset_delta}")
    payload = batch.payload(limit_bytes=limit_bytes)
    if count > len(payload):  # before anything that takes memory or time per record
        raise InvalidRecord(f"{count} records in {len(payload)} bytes")
    max_delta = check(payload, count)
    if batch.attributes & LOG_APPEND_TIME:
        return batch.max_timestamp_ms
    max_timestamp_ms = _timestamp(batch.base_timestamp_ms, max_delta)
    return max_timestamp_ms if max_timestamp_ms > NO_TIMESTAMP else NO_TIMESTAMP


def _timestamp(base_timestamp_ms: int, delta: int) -> int:
    timestamp_ms = base_timestamp_ms + delta
    if not -(1 << 63) <= timestamp_ms < 1 << 63:
        raise InvalidRecord(f"timestamp {timestamp_ms} does not fit into 64 bits")
    return timestamp_ms


def build(
    records: Iterable[Record],
    *,
    base_offset: int = 0,
    compression: Codec = Codec.NONE,
    level: int | None = None,
    producer_id: int = NO_PRODUCER_ID,
    producer_epoch: int = -1,
    base_sequence: int = -1,
    partition_leader_epoch: int = -1,
    transactional: bool = False,
    control: bool = False,
    log_append_time_ms: int | None = None,
    delete_horizon_ms: int | None = None,
    max_timestamp_ms: int | None = None,
    last_offset_delta: int | None = None,
) -> bytes:
    """One batch of `records` at consecutive offsets from `base_offset` on.

    With `last_offset_delta`, the records keep the offsets they have instead: what compaction leaves of a batch,
    perhaps nothing; then `max_timestamp_ms` is the original batch's.
    """
    kept = list(records)
    deltas: Sequence[int] = range(len(kept))
    if last_offset_delta is None:
        last_offset_delta = len(kept) - 1
    else:
        deltas = [record.offset - base_offset for record in kept]
        if any(not 0 <= delta <= last_offset_delta for delta in deltas):
            raise EncodeError(f"offset deltas {deltas} up to {last_offset_delta}")
    if last_offset_delta < 0:
        raise EncodeError("no records")
    attributes = compression | TRANSACTIONAL * transactional | CONTROL * control
    base_timestamp_ms = kept[0].timestamp_ms if kept else NO_TIMESTAMP
    if max_timestamp_ms is None:
        max_timestamp_ms = max((record.timestamp_ms for record in kept), default=NO_TIMESTAMP)
    if delete_horizon_ms is not None:
        attributes |= DELETE_HORIZON
        base_timestamp_ms = delete_horizon_ms
    if log_append_time_ms is not None:
        attributes |= LOG_APPEND_TIME
        max_timestamp_ms = log_append_time_ms
    payload = bytearray()
    for record, delta in zip(kept, deltas, strict=True):
        write_record(payload, record, offset_delta=delta, timestamp_delta=record.timestamp_ms - base_timestamp_ms)
    body = compress(compression, payload, level) if kept else b""
    # fmt: off
    header = HEADER.pack(
        base_offset, HEADER_BYTES - OVERHEAD_BYTES + len(body), partition_leader_epoch, MAGIC, 0, attributes,
        last_offset_delta, base_timestamp_ms, max_timestamp_ms, producer_id, producer_epoch, base_sequence, len(kept),
    )
    # fmt: on
    data = bytearray(header + body)
    _u32.pack_into(data, CRC_OFFSET, _crc32c(memoryview(data)[ATTRIBUTES_OFFSET:]))
    return bytes(data)


def with_body(header: Bytes, attributes: int, body: bytes) -> RecordBatch:
    """A batch in memory of its own: another's header with these attributes, and other bytes behind it."""
    data = bytearray(header) + body
    _i32.pack_into(data, SIZE_OFFSET, len(data) - OVERHEAD_BYTES)
    _i16.pack_into(data, ATTRIBUTES_OFFSET, attributes)
    view = memoryview(data)
    _u32.pack_into(data, CRC_OFFSET, _crc32c(view[ATTRIBUTES_OFFSET:]))
    return RecordBatch(view)
