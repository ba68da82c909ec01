"""Retention: which segments go."""

from __future__ import annotations

import pytest

from storage.config import LogConfig
from storage.log import Log
from storage.log_testing import check_log, make_batch, read_values
from storage.retention import apply_retention
from storage.testing import MemoryFiles


def filled(files: MemoryFiles, *timestamps_ms: int, **settings: object) -> Log:
    """A segment of one record for each timestamp."""
    files.make_directory("/d/t-0")
    config = LogConfig(**{"retention_ms": -1, **settings})  # type: ignore[arg-type]
    log = Log.open(files, "/d/t-0", config, now_ms=0)
    for number, timestamp_ms in enumerate(timestamps_ms):
        if number:
            log.roll(0)
        log.append_as_leader([make_batch(b"x", key=b"k", timestamp_ms=timestamp_ms)], leader_epoch=0, now_ms=0)
    return log


@pytest.mark.parametrize(("now_ms", "start"), [(1100, 0), (1101, 1), (1250, 2), (1299, 2), (1301, 3)])
def test_segments_go_when_their_largest_timestamp_is_too_old(files: MemoryFiles, now_ms: int, start: int) -> None:
    log = filled(files, 1000, 1100, 1200, retention_ms=100)

    apply_retention(log, now_ms)

    assert start == log.log_start_offset
    assert 3 == log.next_offset
    check_log(files, log)


def test_a_young_segment_protects_those_behind_it(files: MemoryFiles) -> None:
    log = filled(files, 5000, 1000, 1000, retention_ms=100)

    assert 0 == apply_retention(log, 2000)


def test_records_without_timestamp_are_as_old_as_the_file(files: MemoryFiles) -> None:
    files.now_ms = 1000
    log = filled(files, -1, retention_ms=100)

    assert 0 == apply_retention(log, 1100)
    assert 1 == apply_retention(log, 1101)


def test_segments_go_while_what_stays_is_enough(files: MemoryFiles) -> None:
    log = filled(files, 1, 2, 3, 4)
    one = log.segments[0].size_bytes
    log.config = LogConfig(retention_ms=-1, retention_bytes=2 * one)

    assert 2 == apply_retention(log, 0)
    assert {2: b"x", 3: b"x"} == read_values(log)


def test_less_than_a_segment_too_much_is_kept(files: MemoryFiles) -> None:
    log = filled(files, 1, 2, 3)
    log.config = LogConfig(retention_ms=-1, retention_bytes=log.size_bytes - 1)

    assert 0 == apply_retention(log, 0)


def test_deleted_records_take_their_segments_along(files: MemoryFiles) -> None:
    log = filled(files, 1, 2, 3, cleanup_policy="compact")
    log.delete_records_before(2)

    assert 2 == apply_retention(log, 0)
    assert [2] == [segment.base_offset for segment in log.segments]


def test_the_last_segment_stays_when_only_its_records_were_deleted(files: MemoryFiles) -> None:
    log = filled(files, 1)
    log.delete_records_before(1)

    assert 0 == apply_retention(log, 0)


def test_a_compacted_log_forgets_nothing_by_age_or_size(files: MemoryFiles) -> None:
    log = filled(files, 1, 2, cleanup_policy="compact", retention_ms=1, retention_bytes=1)

    assert 0 == apply_retention(log, 10**12)


def test_a_log_compacted_and_deleted_forgets_by_age(files: MemoryFiles) -> None:
    log = filled(files, 1, 2, cleanup_policy="compact,delete", retention_ms=1)

    assert 2 == apply_retention(log, 10**12)


def test_nothing_goes_that_followers_may_not_have(files: MemoryFiles) -> None:
    log = filled(files, 1, 2, 3, retention_ms=1)

    assert 1 == apply_retention(log, 10**12, limit_offset=1)


def test_an_empty_log_stays_as_it_is(files: MemoryFiles) -> None:
    log = filled(files, retention_ms=1)

    assert 0 == apply_retention(log, 10**12)
    assert 1 == len(log.segments)


def test_a_log_emptied_by_retention_keeps_its_offsets(files: MemoryFiles) -> None:
    log = filled(files, 1, 2, retention_ms=1)

    apply_retention(log, 10**12)
    log.flush()

    for after in (files.after_kill(), files.after_restart(3)):
        again = Log.open(after, "/d/t-0", LogConfig(), recovery_point=2, now_ms=0)
        assert (2, 2) == (again.log_start_offset, again.next_offset)
