"""Log: offsets, reads, time lookups, cutting, and what an error leaves behind."""

from __future__ import annotations

import pytest

from storage.config import LogConfig
from storage.errors import (
    DiskFull,
    InvalidRecord,
    OffsetOutOfRange,
    SegmentTooLarge,
    StorageFailure,
)
from storage.log import Appended, Log
from storage.log_testing import SMALL, check_log, make_batch, read_batches, read_values
from storage.testing import MemoryFiles
from wire.control_records import EndTxnMarker
from wire.record_batch import LOG_APPEND_TIME, Record, RecordBatch, build


def opened(files: MemoryFiles, config: LogConfig = SMALL, **options: object) -> Log:
    files.make_directory("/d/t-0")
    return Log.open(files, "/d/t-0", config, now_ms=0, **options)  # type: ignore[arg-type]


def append(log: Log, *values: bytes, epoch: int = 0, **fields: object) -> Appended:
    return log.append_as_leader([make_batch(*values, **fields)], leader_epoch=epoch, now_ms=0)  # type: ignore[arg-type]


def fill(log: Log, count: int) -> None:
    for number in range(count):
        append(log, b"%03d " % number + bytes(60), timestamp_ms=1000 + number)


def test_batches_get_consecutive_offsets_and_the_leaders_epoch(files: MemoryFiles) -> None:
    log = opened(files)

    first = append(log, b"a", b"b", epoch=3)
    second = append(log, b"c", epoch=4)

    assert [(0, 2), (2, 3)] == [(a.base_offset, a.next_offset) for a in (first, second)]
    assert [(0, 3), (2, 4)] == [(b.base_offset, b.partition_leader_epoch) for b in read_batches(log)]
    assert [(3, 0), (4, 2)] == log.leader_epochs.entries
    assert (3, 2) == log.end_offset_for_epoch(3)


def test_several_batches_are_one_write(files: MemoryFiles) -> None:
    log = opened(files)
    before = files.operations

    log.append_as_leader([make_batch(b"a"), make_batch(b"b", b"c")], leader_epoch=-1, now_ms=0)

    assert 1 == files.operations - before
    assert {0: b"a", 1: b"b", 2: b"c"} == read_values(log)


def test_a_log_on_append_time_stamps_what_it_takes(files: MemoryFiles) -> None:
    log = opened(files, LogConfig(message_timestamp_type="LogAppendTime"))

    appended = log.append_as_leader([make_batch(b"a", timestamp_ms=5)], leader_epoch=0, now_ms=777)

    (batch,) = read_batches(log)
    assert 777 == appended.log_append_time_ms == batch.max_timestamp_ms
    assert batch.attributes & LOG_APPEND_TIME


def test_a_batch_that_comes_again_is_where_it_was(files: MemoryFiles) -> None:
    log = opened(files)
    append(log, b"x")
    first = append(log, b"a", b"b", producer_id=1, sequence=0)

    again = append(log, b"a", b"b", producer_id=1, sequence=0)

    assert (first.base_offset, first.next_offset, True) == (again.base_offset, again.next_offset, again.duplicate)
    assert 3 == log.next_offset


def test_a_numbered_batch_comes_alone(files: MemoryFiles) -> None:
    log = opened(files)

    with pytest.raises(InvalidRecord):
        log.append_as_leader([make_batch(b"a", producer_id=1, sequence=0), make_batch(b"b")], leader_epoch=0, now_ms=0)

    assert 0 == log.next_offset


@pytest.mark.parametrize("is_empty", [True, False])
def test_a_batch_larger_than_a_segment_is_refused(files: MemoryFiles, is_empty: bool) -> None:
    log = opened(files)
    if not is_empty:
        append(log, b"small")
    before = log.next_offset

    with pytest.raises(SegmentTooLarge):
        append(log, bytes(600))

    assert (before, 1) == (log.next_offset, len(log.segments))


def test_followers_take_offsets_and_epochs_as_they_are(files: MemoryFiles) -> None:
    log = opened(files)

    next_offset = log.append_as_follower(
        [make_batch(b"a", b"b", base_offset=5, leader_epoch=1), make_batch(b"c", base_offset=9, leader_epoch=2)],
        now_ms=0,
    )

    assert 10 == next_offset
    assert [(1, 5), (2, 9)] == log.leader_epochs.entries
    with pytest.raises(InvalidRecord):
        log.append_as_follower([make_batch(b"d", base_offset=9, leader_epoch=2)], now_ms=0)


def test_a_read_stops_where_the_caller_may_not_look(files: MemoryFiles) -> None:
    log = opened(files, LogConfig())
    fill(log, 5)

    got = log.read(1, max_bytes=10_000, max_offset=3)

    assert [1, 2] == [batch.base_offset for batch in batches_of(got.read())]
    assert 3 == got.next_offset
    assert not log.read(3, max_bytes=100, max_offset=3)
    assert not log.read(5, max_bytes=100)


def batches_of(data: bytes) -> list[RecordBatch]:
    from wire.record_batch import batches

    return batches(memoryview(data))


def test_a_read_goes_on_in_the_next_segment(files: MemoryFiles) -> None:
    log = opened(files)
    fill(log, 12)
    offset, seen = 0, []

    while slice_ := log.read(offset, max_bytes=100_000):
        seen += [batch.base_offset for batch in batches_of(slice_.read())]
        offset = slice_.next_offset

    assert list(range(12)) == seen
    assert len(log.segments) > 2


def test_a_slice_outlives_its_segment(files: MemoryFiles) -> None:
    log = opened(files)
    fill(log, 12)
    got = log.read(0, max_bytes=100_000)

    log.delete_oldest(log.segments[:1], 0, end_offset=log.next_offset)
    log.remove_deleted(0)

    assert 0 == batches_of(got.read())[0].base_offset
    with pytest.raises(OffsetOutOfRange):
        log.read(0, max_bytes=1)


@pytest.mark.parametrize(("timestamp_ms", "offset"), [(0, 0), (1000, 0), (1004, 4), (1011, 11), (1012, None)])
def test_the_first_record_not_before_a_time_is_found(files: MemoryFiles, timestamp_ms: int, offset: int | None) -> None:
    log = opened(files)
    fill(log, 12)

    found = log.offset_for_timestamp(timestamp_ms)

    assert (found.offset if found else None) == offset


def test_the_first_record_with_the_largest_timestamp_is_found(files: MemoryFiles) -> None:
    """KIP-734."""
    log = opened(files)
    for timestamp_ms in (5, 50, 7, 50, 3):
        append(log, bytes(200), timestamp_ms=timestamp_ms)

    found = log.offset_of_max_timestamp()

    assert found is not None
    assert (1, 50, 0) == (found.offset, found.timestamp_ms, found.leader_epoch)


def test_where_no_record_has_a_timestamp_the_first_has_the_largest(files: MemoryFiles) -> None:
    """As Apache Kafka 4.3 answers."""
    log = opened(files)
    assert log.offset_of_max_timestamp() is None
    append(log, b"a", timestamp_ms=-1)
    log.roll(0)
    append(log, b"b", timestamp_ms=-1)

    for each in (log, opened(files)):
        found = each.offset_of_max_timestamp()

        assert found is not None
        assert (0, -1, 0) == (found.offset, found.timestamp_ms, found.leader_epoch)


def test_records_of_1970_are_found_after_a_restart(files: MemoryFiles) -> None:
    log = opened(files)
    append(log, b"a", timestamp_ms=0)
    log.roll(0)
    append(log, b"b", timestamp_ms=-1)
    log.close()

    found = opened(files, clean=True).offset_for_timestamp(0)

    assert found is not None
    assert 0 == found.offset


# Rolling


def test_a_segment_rolls_by_size_time_and_full_index(files: MemoryFiles) -> None:
    log = opened(files, LogConfig(segment_bytes=200))
    append(log, bytes(100))
    append(log, bytes(100))
    log.config = LogConfig(segment_ms=10)
    append(log, b"x", timestamp_ms=1011)
    log.config = LogConfig(segment_index_bytes=24, index_interval_bytes=0)
    log.roll(0)
    append(log, b"x")
    append(log, b"x")
    append(log, b"x")

    assert [0, 1, 2, 3, 5] == [segment.base_offset for segment in log.segments]
    check_log(files, log)


@pytest.mark.parametrize(
    ("index_bytes", "interval_bytes", "timestamps_grow", "expected"),
    [
        (64, 1000, True, [0, 13, 26, 39]),
        (64, 1000, False, [0, 25]),
        (24, 0, True, list(range(0, 40, 2))),
        (12, 0, False, list(range(40))),
        (100, 300, False, [0, 13, 26, 39]),
        (60, 300, True, [0, 5, 10, 15, 20, 25, 30, 35]),
    ],
)
def test_segments_begin_where_those_of_kafka_do(
    files: MemoryFiles, index_bytes: int, interval_bytes: int, timestamps_grow: bool, expected: list[int]
) -> None:
    """Apache Kafka 4.3 was given the same. A full index ends a segment, whether or not an entry is due."""
    log = opened(files, LogConfig(segment_index_bytes=index_bytes, index_interval_bytes=interval_bytes))
    for number in range(40):
        record = Record(timestamp_ms=1000 + number * timestamps_grow, key=b"k", value=bytes(400))
        batch = RecordBatch(memoryview(bytearray(build([record]))))
        log.append_as_leader([batch], leader_epoch=0, now_ms=0)

    assert expected == [segment.base_offset for segment in log.segments]


def test_a_roll_that_fails_leaves_no_segment_that_hides_later_records(files: MemoryFiles) -> None:
    log = opened(files)
    append(log, b"a", producer_id=1, sequence=0)
    operations = files.operations
    for fail_at in range(1, 20):
        files.fail_at = operations + fail_at
        try:
            log.roll(0)
        except StorageFailure:
            append(log, b"b")
            operations = files.operations
    files.fail_at = None
    append(log, b"end")

    assert read_values(log) == read_values(opened(files.after_kill(), clean=True))


def test_a_full_index_disk_stops_the_roll_not_the_log(files: MemoryFiles) -> None:
    """After a kill an inactive segment's indexes are believed, so they must be whole."""
    log = opened(files)
    fill(log, 3)
    files.space_bytes = 5

    with pytest.raises(DiskFull):
        log.roll(0)
    files.space_bytes = None
    fill(log, 3)

    assert 6 == log.next_offset
    check_log(files, log)


# Flushing


def test_a_flush_moves_the_recovery_point(files: MemoryFiles) -> None:
    log = opened(files)
    fill(log, 5)

    log.flush()
    append(log, b"later")

    assert (5, 6) == (log.recovery_point, log.next_offset)


def test_a_sync_that_failed_is_not_forgotten(files: MemoryFiles) -> None:
    """The kernel says so once, and has dropped the pages."""
    log = opened(files)
    append(log, b"a")
    files.fail_at = files.operations + 1

    for _ in range(3):
        with pytest.raises(StorageFailure):
            log.flush()

    assert (0, True) == (log.recovery_point, log.has_lost_writes)


def test_names_that_could_not_be_synced_are_synced_next_time(files: MemoryFiles) -> None:
    log = opened(files)
    append(log, b"a")
    for fail_at in range(1, 30):
        files.fail_at = files.operations + fail_at
        try:
            log.flush()
            break
        except StorageFailure:
            log.has_lost_writes = False
    files.fail_at = None
    log.flush()

    for seed in range(20):
        assert {0: b"a"} == read_values(opened(files.after_restart(seed), recovery_point=log.recovery_point))


# Cutting


@pytest.mark.parametrize("offset", range(14))
def test_truncation_leaves_what_is_before(files: MemoryFiles, offset: int) -> None:
    log = opened(files)
    for epoch in range(4):
        for _ in range(3):
            append(log, b"x" * 80, epoch=epoch)
    log.flush()

    log.truncate_to(offset)
    append(log, b"new", epoch=9)

    end = min(offset, 12)
    assert [*range(end + 1)] == list(read_values(log))
    assert log.recovery_point <= end
    assert end == log.leader_epochs.entries[-1][1]
    check_log(files, log)
    check_log(files, opened(files.after_kill(), clean=True))


def test_truncation_forgets_what_producers_wrote(files: MemoryFiles) -> None:
    log = opened(files)
    append(log, b"a", producer_id=1, sequence=0)
    log.flush()
    append(log, b"b", producer_id=1, sequence=1)
    log.flush()

    log.truncate_to(1)

    assert not append(log, b"c", producer_id=1, sequence=1).duplicate
    check_log(files, log)


@pytest.mark.parametrize("offset", [0, 3, 5, 7, 12, 100])
def test_a_log_can_start_anew_anywhere(files: MemoryFiles, offset: int) -> None:
    log = opened(files)
    fill(log, 12)
    log.flush()

    log.truncate_fully_and_start_at(offset, 0)
    append(log, b"new")

    assert {offset: b"new"} == read_values(log)
    assert offset == log.log_start_offset
    assert {offset: b"new"} == read_values(opened(files.after_kill(), clean=True, log_start_offset=offset))


@pytest.mark.parametrize("offset", [5, 7, 100])
def test_a_kill_while_cutting_leaves_a_log_without_holes(files: MemoryFiles, offset: int) -> None:
    for cut in (lambda log: log.truncate_to(offset), lambda log: log.truncate_fully_and_start_at(offset, 0)):
        for fail_at in range(1, 60):
            files = MemoryFiles()
            log = opened(files)
            fill(log, 12)
            log.flush()
            files.fail_at = files.operations + fail_at
            try:
                cut(log)
            except StorageFailure:
                after = files.after_kill()
                left = opened(after, clean=True)
                values = read_values(left)
                assert list(values) == list(range(left.log_start_offset, left.next_offset))
                check_log(after, left)


def test_deleted_records_are_out_of_range(files: MemoryFiles) -> None:
    log = opened(files)
    fill(log, 12)

    log.delete_records_before(5)
    log.delete_records_before(3)

    assert 5 == log.log_start_offset
    assert [*range(5, 12)] == list(read_values(log))
    with pytest.raises(OffsetOutOfRange):
        log.read(4, max_bytes=1)
    with pytest.raises(OffsetOutOfRange):
        log.delete_records_before(13)


def test_a_deletion_of_all_does_not_reach_what_came_since(files: MemoryFiles) -> None:
    log = opened(files)
    fill(log, 3)
    doomed, end_offset = log.segments, log.next_offset
    append(log, b"just now")

    dropped = log.delete_oldest(doomed, 0, end_offset=end_offset)

    assert len(doomed) - 1 == dropped
    assert b"just now" == read_values(log)[3]


def test_deleted_files_are_removed_after_their_delay(files: MemoryFiles) -> None:
    log = opened(files, LogConfig(segment_bytes=200, file_delete_delay_ms=100))
    fill(log, 3)
    log.delete_oldest(log.segments[:1], 1000, end_offset=log.next_offset)
    before = len(files.entries("/d/t-0"))

    log.remove_deleted(1099)
    assert before == len(files.entries("/d/t-0"))
    log.remove_deleted(1100)

    assert not [entry.name for entry in files.entries("/d/t-0") if entry.name.endswith(".deleted")]


def test_a_log_whose_directory_was_renamed_works_there(files: MemoryFiles) -> None:
    log = opened(files)
    fill(log, 12)
    log.discard_as("/d/gone")
    new = opened(files)
    append(new, b"new")

    log.flush()

    assert 12 == len(read_values(log))
    assert {0: b"new"} == read_values(new) == read_values(opened(files.after_kill(), clean=True))


def test_an_open_transaction_holds_back_the_last_stable_offset(files: MemoryFiles) -> None:
    log = opened(files)
    append(log, b"a")
    append(log, b"b", producer_id=1, sequence=0, transactional=True)

    assert 1 == log.last_stable_offset(log.next_offset)
    marker = EndTxnMarker(committed=True, coordinator_epoch=0)
    data = marker.batch(producer_id=1, producer_epoch=0, timestamp_ms=1)
    log.append_as_leader([RecordBatch(memoryview(bytearray(data)))], leader_epoch=0, now_ms=0, from_client=False)

    assert 3 == log.last_stable_offset(log.next_offset)
    check_log(files, log)


def test_what_was_appended_is_counted_over_rolled_segments_and_cuts(files: MemoryFiles) -> None:
    log = opened(files)
    fill(log, 40)
    assert len(log.segments) > 2
    records, size_bytes = log.appended()
    assert (40, log.size_bytes) == (records, size_bytes)

    log.truncate_to(1)
    assert (40, size_bytes) == log.appended()
    log.truncate_fully_and_start_at(100, now_ms=0)
    assert (40, size_bytes) == log.appended()

    fill(log, 2)
    assert (42, size_bytes + log.size_bytes) == log.appended()


def test_what_was_appended_counts_from_the_opening_of_the_log(files: MemoryFiles) -> None:
    log = opened(files)
    fill(log, 3)
    log.close()

    assert (0, 0) == opened(files).appended()
