"""What a leader checks of a batch before it writes it: what Kafka's LogValidator checks, with its words.

On the hot path, for every record of every batch is looked at: a consumer would choke on one whose size, offset or
count is not what its batch says.
"""

from __future__ import annotations

from storage.config import LogConfig
from storage.errors import CorruptRecord, InvalidRecord, InvalidTimestamp, MessageTooLarge, RecordError
from storage.time_index import NO_TIMESTAMP
from wire.errors import CorruptBatch
from wire.record_batch import CONTROL, LOG_APPEND_TIME, RecordBatch, check_records

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
    max_timestamp_ms = check_records(batch)
    if config.is_compacted:
        _check_keys(batch, name)
    if config.uses_log_append_time:
        if batch.attributes & LOG_APPEND_TIME:
            raise _timestamps_refused(_claims_of_append_time(batch))
    else:
        if max_timestamp_ms > now_ms + config.message_timestamp_after_max_ms or config.bounds_timestamps_before:
            _check_timestamps(batch, config, now_ms)
        if max_timestamp_ms != batch.max_timestamp_ms or batch.attributes & LOG_APPEND_TIME:
            batch.set_create_time(max_timestamp_ms)


def _check_keys(batch: RecordBatch, name: str) -> None:
    """The cleaner could not compact a record without a key."""
    errors = tuple(
        RecordError(index, f"Compacted topic cannot accept message without key in topic partition {name}")
        for index, record in enumerate(batch.records())
        if record.key is None
    )
    if errors:
        raise InvalidRecord(
            f"One or more records have been rejected due to {len(errors)} record errors in total, and only showing the "
            f"first three errors at most: [{', '.join(map(str, errors[:_NAMED_ERRORS]))}]",
            errors,
        )


def _check_timestamps(batch: RecordBatch, config: LogConfig, now_ms: int) -> None:
    earliest_ms = now_ms - config.message_timestamp_before_max_ms
    latest_ms = now_ms + config.message_timestamp_after_max_ms
    errors = tuple(
        RecordError(
            index,
            f"Timestamp {record.timestamp_ms} of message with offset {record.offset} is out of range. "
            f"The timestamp should be within [{earliest_ms}, {latest_ms}]",
        )
        for index, record in enumerate(batch.records())
        if record.timestamp_ms != NO_TIMESTAMP and not earliest_ms <= record.timestamp_ms <= latest_ms
    )
    if errors:
        raise _timestamps_refused(errors)


def _claims_of_append_time(batch: RecordBatch) -> tuple[RecordError, ...]:
    text = "Invalid timestamp type in message. Producer should not set timestamp type to LogAppendTime."
    return tuple(RecordError(index, text) for index in range(batch.record_count))


def _timestamps_refused(errors: tuple[RecordError, ...]) -> InvalidTimestamp:
    return InvalidTimestamp("One or more records have been rejected due to invalid timestamp", errors)
