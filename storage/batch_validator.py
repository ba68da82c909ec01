"""What a leader checks of a batch before it writes it: what Kafka's LogValidator checks, with its words.

On the hot path, for every record of every batch is looked at: a consumer would choke on one whose size, offset or
count is not what its batch says.
"""

from __future__ import annotations

from storage.config import LogConfig
from storage.errors import CorruptRecord, InvalidRecord, InvalidTimestamp, MessageTooLarge, RecordError
from storage.time_index import NO_TIMESTAMP
from wire.errors import CorruptBatch
from wire.record_batch import CONTROL, DECOMPRESSED_LIMIT_BYTES, LOG_APPEND_TIME, Record, RecordBatch, check_records

_NAMED_ERRORS = 3


def check_batch(batch: RecordBatch, config: LogConfig, now_ms: int, *, from_client: bool, name: str) -> None:
    """Raise a StorageError, or a CorruptBatch that says what is wrong with the records, unless the batch may be
    appended to the log called `name`. A client's batch gets the largest timestamp of its records, in place.
    """
    if from_client and batch.base_offset:
        raise InvalidRecord(f"a batch sent with a base offset of {batch.base_offset}")
    if len(batch.data) > config.max_message_bytes:
        check_size(len(batch.data), config)
    try:
        batch.check_crc()
    except CorruptBatch as error:
        raise CorruptRecord(str(error)) from error
    if not from_client:
        return
    if batch.attributes & CONTROL:
        raise InvalidRecord("clients are not allowed to write control records")
    if batch.producer_id >= 0 > batch.base_sequence:
        raise InvalidRecord(f"producer {batch.producer_id} sent sequence number {batch.base_sequence}")
    check_contents(batch, config, now_ms, name=name)


def check_size(size_bytes: int, config: LogConfig) -> None:
    if size_bytes > config.max_message_bytes:
        raise MessageTooLarge(f"a batch of {size_bytes} bytes; max.message.bytes is {config.max_message_bytes}")


def check_contents(batch: RecordBatch, config: LogConfig, now_ms: int, *, name: str) -> None:
    """The part of `check_batch` that looks at the records."""
    # One that is not compressed may be that large, too.
    limit_bytes = max(DECOMPRESSED_LIMIT_BYTES, config.max_message_bytes)
    max_timestamp_ms = check_records(batch, limit_bytes=limit_bytes)
    is_bounded = config.bounds_timestamps_before or max_timestamp_ms > now_ms + config.message_timestamp_after_max_ms
    claims_append_time = batch.attributes & LOG_APPEND_TIME != 0
    if config.is_compacted or (claims_append_time if config.uses_log_append_time else is_bounded):
        _check_each(batch, config, now_ms, name)
    if not config.uses_log_append_time and (claims_append_time or max_timestamp_ms != batch.max_timestamp_ms):
        batch.set_create_time(max_timestamp_ms)


def _check_each(batch: RecordBatch, config: LogConfig, now_ms: int, name: str) -> None:
    """Raise InvalidRecord, or InvalidTimestamp if there is one among them, with all that is wrong (KIP-467)."""
    errors = []
    has_timestamp_error = False
    for index, record in enumerate(batch.records()):
        if config.is_compacted and record.key is None:  # the cleaner could not compact it
            errors.append(
                RecordError(index, f"Compacted topic cannot accept message without key in topic partition {name}")
            )
        elif why := _timestamp_error(record, batch, config, now_ms):
            errors.append(RecordError(index, why))
            has_timestamp_error = True
    if has_timestamp_error:
        raise InvalidTimestamp("One or more records have been rejected due to invalid timestamp", tuple(errors))
    if errors:
        raise InvalidRecord(
            f"One or more records have been rejected due to {len(errors)} record errors in total, and only showing the "
            f"first three errors at most: [{', '.join(map(str, errors[:_NAMED_ERRORS]))}]",
            tuple(errors),
        )


def _timestamp_error(record: Record, batch: RecordBatch, config: LogConfig, now_ms: int) -> str | None:
    if config.uses_log_append_time:
        if not batch.uses_log_append_time:
            return None
        return "Invalid timestamp type in message. Producer should not set timestamp type to LogAppendTime."
    earliest_ms = now_ms - config.message_timestamp_before_max_ms
    latest_ms = now_ms + config.message_timestamp_after_max_ms
    if record.timestamp_ms == NO_TIMESTAMP or earliest_ms <= record.timestamp_ms <= latest_ms:
        return None
    return (
        f"Timestamp {record.timestamp_ms} of message with offset {record.offset} is out of range. "
        f"The timestamp should be within [{earliest_ms}, {latest_ms}]"
    )
