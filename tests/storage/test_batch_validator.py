"""What a leader takes of a client, and what it says of the rest; seen from Apache Kafka 4.3."""

from __future__ import annotations

import struct

import pytest
from crc32c import crc32c

from storage.batch_validator import check_batch
from storage.config import LogConfig
from storage.errors import CorruptRecord, InvalidRecord, InvalidTimestamp, MessageTooLarge
from wire.compression import Codec
from wire.errors import BadCompression, CorruptBatch, TooLarge
from wire.record_batch import LOG_APPEND_TIME, Record, RecordBatch, build

NOW_MS = 1_700_000_000_000
HOUR_MS = 3_600_000


def batch(*records: Record, **fields: object) -> RecordBatch:
    return RecordBatch(memoryview(bytearray(build(records or [Record(timestamp_ms=NOW_MS, value=b"v")], **fields))))


def altered(original: RecordBatch, position: int, layout: str, value: int) -> RecordBatch:
    """A field overwritten, and the checksum made right again."""
    data = bytearray(original.data)
    struct.pack_into(layout, data, position, value)
    struct.pack_into(">I", data, 17, crc32c(bytes(data[21:])))
    return RecordBatch(memoryview(data))


def check(checked: RecordBatch, *, from_client: bool = True, **config: object) -> None:
    check_batch(checked, LogConfig(**config), NOW_MS, from_client=from_client, name="t-0")  # type: ignore[arg-type]


@pytest.mark.parametrize("codec", Codec)
def test_an_intact_batch_passes_and_is_not_touched(codec: Codec) -> None:
    intact = batch(Record(timestamp_ms=NOW_MS, key=b"k", value=b"v" * 100), compression=codec)
    before = bytes(intact.data)

    check(intact)

    assert bytes(intact.data) == before


def test_what_is_wrong_with_the_batch_is_told() -> None:
    two = batch(Record(value=b"v"), Record(value=b"w"))
    for wrong, error in (
        (altered(two, 0, ">q", 5), InvalidRecord),
        (altered(two, 57, ">i", 3), CorruptBatch),
        (altered(two, 57, ">i", 0), CorruptBatch),
        (altered(two, 23, ">i", 5), CorruptBatch),
        (altered(two, 21, ">h", 0x20), InvalidRecord),
        (altered(two, 21, ">h", 5), BadCompression),
        (altered(two, 21, ">h", int(Codec.ZSTD)), BadCompression),
        (batch(producer_id=7, producer_epoch=0), InvalidRecord),
    ):
        with pytest.raises(error):
            check(wrong)


def test_a_wrong_checksum_is_found_in_replicated_batches_too() -> None:
    damaged = batch()
    damaged.data[-1] ^= 1

    with pytest.raises(CorruptRecord):
        check(damaged, from_client=False)


def test_size_is_limited_as_sent() -> None:
    large = batch(Record(value=bytes(1000)))

    check(large, max_message_bytes=len(large.data))

    with pytest.raises(MessageTooLarge):
        check(large, max_message_bytes=len(large.data) - 1)


def test_control_batches_are_only_the_brokers_own() -> None:
    marker = batch(control=True)

    check(marker, from_client=False)

    with pytest.raises(InvalidRecord):
        check(marker)


def test_the_largest_timestamp_is_that_of_the_records() -> None:
    lying = altered(batch(Record(timestamp_ms=NOW_MS), Record(timestamp_ms=NOW_MS + 5)), 35, ">q", NOW_MS + 99)

    check(lying)

    assert lying.max_timestamp_ms == NOW_MS + 5
    RecordBatch(lying.data).check_crc()


def test_a_producer_does_not_choose_the_kind_of_timestamp() -> None:
    """Kafka takes the batch, and its records are of CreateTime from then on."""
    claiming = altered(batch(), 21, ">h", LOG_APPEND_TIME)

    check(claiming)

    assert not RecordBatch(claiming.data).uses_log_append_time


def test_the_claim_is_refused_where_it_is_true() -> None:
    with pytest.raises(InvalidTimestamp):
        check(altered(batch(), 21, ">h", LOG_APPEND_TIME), message_timestamp_type="LogAppendTime")


def test_timestamps_outside_the_bounds_are_told_one_by_one() -> None:
    records = [Record(timestamp_ms=NOW_MS + at) for at in (-2 * HOUR_MS, 0, 2 * HOUR_MS)]

    with pytest.raises(InvalidTimestamp) as refused:
        check(batch(*records), message_timestamp_before_max_ms=HOUR_MS)

    assert [error.batch_index for error in refused.value.record_errors] == [0, 2]


def test_a_record_without_timestamp_is_within_all_bounds() -> None:
    check(batch(Record(timestamp_ms=-1)), message_timestamp_before_max_ms=HOUR_MS)


def test_what_is_wrong_with_keys_and_with_timestamps_is_told_together() -> None:
    records = [
        Record(timestamp_ms=NOW_MS),
        Record(timestamp_ms=NOW_MS - 2 * HOUR_MS, key=b"k"),
        Record(timestamp_ms=NOW_MS, key=b"k"),
        Record(timestamp_ms=NOW_MS - 2 * HOUR_MS),
    ]

    with pytest.raises(InvalidTimestamp) as refused:
        check(batch(*records), cleanup_policy="compact", message_timestamp_before_max_ms=HOUR_MS)

    told = [(error.batch_index, error.message.split()[0]) for error in refused.value.record_errors]
    assert told == [(0, "Compacted"), (1, "Timestamp"), (3, "Compacted")]


@pytest.mark.slow
def test_a_batch_may_expand_to_what_it_might_have_been_sent_as() -> None:
    large = batch(Record(timestamp_ms=NOW_MS, value=bytes(129 << 20)), compression=Codec.ZSTD)

    check(large, max_message_bytes=130 << 20)

    with pytest.raises(TooLarge):
        check(RecordBatch(large.data), max_message_bytes=1 << 20)


@pytest.mark.parametrize("codec", Codec)
def test_a_compacted_log_names_the_records_without_key(codec: Codec) -> None:
    records = [Record(timestamp_ms=NOW_MS, key=b"k" if index == 1 else None) for index in range(5)]

    with pytest.raises(InvalidRecord) as refused:
        check(batch(*records, compression=codec), cleanup_policy="compact")

    assert [error.batch_index for error in refused.value.record_errors] == [0, 2, 3, 4]
    assert str(refused.value).startswith(
        "One or more records have been rejected due to 4 record errors in total, and only showing the first three "
        "errors at most: [RecordError(batchIndex=0, message='Compacted topic cannot accept message without key in "
        "topic partition t-0'), RecordError(batchIndex=2, "
    )
