"""What a leader checks of a batch before it writes it.

On the hot path: every check reads the header only, except the CRC and the count of an uncompressed batch's records.
A compressed batch is believed as far as its header agrees with itself: to look inside would cost more than all the
rest.
"""

from __future__ import annotations

from storage.config import LogConfig
from storage.errors import (
    CorruptRecord,
    InvalidRecord,
    InvalidTimestamp,
    MessageTooLarge,
    RecordError,
    UnsupportedCompression,
)
from storage.time_index import NO_TIMESTAMP
from wire.compression import Codec
from wire.errors import CorruptBatch, ProtocolError
from wire.record_batch import CODEC_MASK, CONTROL, HEADER_BYTES, LOG_APPEND_TIME, RecordBatch

_MAX_CODEC = max(Codec)
# Records of equal size are hopped over in strides of up to this many.
_STRIDE_RECORDS = 256


def check_batch(batch: RecordBatch, config: LogConfig, now_ms: int, *, from_client: bool) -> None:
    """Raise unless the batch may be appended as it is."""
    size = len(batch.data)
    if size > config.max_message_bytes:
        raise MessageTooLarge(f"a batch of {size} bytes; max.message.bytes is {config.max_message_bytes}")
    try:
        batch.check_crc()
    except CorruptBatch as error:
        raise CorruptRecord(str(error)) from error
    if not from_client:
        return
    attributes = batch.attributes
    count = batch.record_count
    if count <= 0 or batch.last_offset_delta != count - 1:
        raise InvalidRecord(f"a batch of {count} records with a last offset delta of {batch.last_offset_delta}")
    if attributes & CONTROL:
        raise InvalidRecord("clients are not allowed to write control records")
    if batch.producer_id >= 0 > batch.base_sequence:
        raise InvalidRecord(f"producer {batch.producer_id} sent sequence number {batch.base_sequence}")
    codec = attributes & CODEC_MASK
    if codec > _MAX_CODEC:
        raise UnsupportedCompression(f"compression codec {codec}")
    if codec == 0:
        count_records(batch.data[HEADER_BYTES:], count)
    if not config.uses_log_append_time:
        _check_timestamps(batch, config, now_ms)
    if config.is_compacted:
        _check_keys(batch)


def _check_timestamps(batch: RecordBatch, config: LogConfig, now_ms: int) -> None:
    if batch.attributes & LOG_APPEND_TIME:
        raise InvalidTimestamp("producers do not set the timestamp type LogAppendTime")
    latest_ms = now_ms + config.message_timestamp_after_max_ms
    if batch.max_timestamp_ms > latest_ms:
        raise InvalidTimestamp(
            f"timestamp {batch.max_timestamp_ms} is after {latest_ms}",
            _timestamps_outside(batch, NO_TIMESTAMP, latest_ms),
        )
    if config.bounds_timestamps_before:
        earliest_ms = now_ms - config.message_timestamp_before_max_ms
        errors = _timestamps_outside(batch, earliest_ms, latest_ms)
        if errors:
            raise InvalidTimestamp(f"timestamps before {earliest_ms}", errors)


def _timestamps_outside(batch: RecordBatch, earliest_ms: int, latest_ms: int) -> tuple[RecordError, ...]:
    try:
        return tuple(
            RecordError(index, f"timestamp {record.timestamp_ms} is not within [{earliest_ms}, {latest_ms}]")
            for index, record in enumerate(batch.records())
            if record.timestamp_ms != NO_TIMESTAMP and not earliest_ms <= record.timestamp_ms <= latest_ms
        )
    except ProtocolError as error:
        raise InvalidRecord(str(error)) from error


def _check_keys(batch: RecordBatch) -> None:
    """The cleaner could not compact a record without a key."""
    try:
        errors = tuple(
            RecordError(index, "a compacted topic needs a key in every record")
            for index, record in enumerate(batch.records())
            if record.key is None
        )
    except ProtocolError as error:
        raise InvalidRecord(str(error)) from error
    if errors:
        raise InvalidRecord("one or more records have no key", errors)


def count_records(body: memoryview, count: int) -> None:
    """Raise InvalidRecord unless `body` is exactly `count` records, going by their sizes alone.

    After two records of the same size prefix, a run of them is compared at once: that makes batches of equal records,
    the large ones at that, nearly free, and costs the others little.
    """
    size = len(body)
    position = found = 0
    previous = -1
    while position < size and found < count:
        prefix = body[position]
        width = 1
        if prefix >= 0x80:
            prefix, width = _long_prefix(body, position)
        stride = width + (prefix >> 1)
        if prefix & 1 or stride <= width:
            raise InvalidRecord(f"record {found} of the batch has an impossible size")
        run = 1
        if stride == previous:
            run = _run_length(body[position : position + _STRIDE_RECORDS * stride], stride, width)
        previous = stride
        found += run
        position += run * stride
    if position != size or found != count:
        raise InvalidRecord(f"the batch's records are not the {count} that its header says")


def _long_prefix(body: memoryview, position: int) -> tuple[int, int]:
    """(zigzag value, width) of a varint of at least two bytes."""
    value = shift = 0
    for width, byte in enumerate(body[position : position + 5], 1):
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, width
        shift += 7
    raise InvalidRecord("a record's size is cut off")


def _run_length(body: memoryview, stride: int, width: int) -> int:
    """How many records from the start on begin with the same size prefix, each where the one before ends."""
    run = len(body)
    for index in range(width):
        column = bytes(body[index::stride])
        run = min(run, len(column) - len(column.lstrip(column[:1])))
    return run
