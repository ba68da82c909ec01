"""`preallocate`: new segments are as long as they may get, and nobody ever reads the zeros."""

from __future__ import annotations

from dataclasses import replace

import pytest

from storage.config import LogConfig
from storage.log import Log
from storage.log_testing import check_log, make_batch, read_values
from storage.testing import MemoryFiles

CONFIG = LogConfig(segment_bytes=1000, index_interval_bytes=100, preallocate=True)


def opened(files: MemoryFiles, *, clean: bool = True, recovery_point: int = 0, config: LogConfig = CONFIG) -> Log:
    return Log.open(files, "/d", config, clean=clean, recovery_point=recovery_point, now_ms=0)


def fill(log: Log, count: int) -> None:
    for _ in range(count):
        log.append_as_leader([make_batch(b"value %d" % log.next_offset)], leader_epoch=0, now_ms=0)


def sizes(files: MemoryFiles) -> list[int]:
    return [
        entry.size_bytes for entry in sorted(files.entries("/d"), key=lambda e: e.name) if entry.name.endswith(".log")
    ]


def test_a_new_segment_is_as_long_as_it_may_get_and_an_old_one_as_its_records(files: MemoryFiles) -> None:
    log = opened(files)
    assert sizes(files) == [1000]
    fill(log, 30)

    *rolled, last = sizes(files)

    assert rolled == [segment.size_bytes for segment in log.segments[:-1]]
    assert last == 1000 > log.segments[-1].size_bytes
    assert len(read_values(log)) == 30
    assert log.size_bytes < sum(sizes(files))
    check_log(files, log)


def test_a_clean_stop_gives_the_rest_back(files: MemoryFiles) -> None:
    log = opened(files)
    fill(log, 3)
    log.close()

    assert sizes(files) == [log.size_bytes]
    again = opened(files)
    assert len(read_values(again)) == 3
    assert sizes(files) == [log.size_bytes]  # as in Kafka, only new files are preallocated


@pytest.mark.parametrize("clean", [True, False])
def test_after_a_kill_or_power_cut_the_zeros_are_cut(files: MemoryFiles, clean: bool) -> None:
    log = opened(files)
    fill(log, 25)
    log.flush()
    found = files.after_kill() if clean else files.after_restart(3)

    again = opened(found, clean=clean, recovery_point=log.recovery_point)

    assert len(read_values(again)) == 25
    assert sizes(found)[-1] == again.segments[-1].size_bytes
    fill(again, 25)
    assert len(read_values(again)) == 50
    check_log(found, again)


def test_a_rolled_segment_whose_zeros_have_come_back_is_whole(files: MemoryFiles) -> None:
    """Its trimming was not durable when the power was cut: what follows it is no loss."""
    log = opened(files)
    fill(log, 30)
    first = log.segments[0]
    files.open(f"/d/{0:020}.log", first.size_bytes).append(bytes(1000 - first.size_bytes))

    again = opened(files.after_kill(), clean=False)

    assert len(read_values(again)) == 30
    check_log(files.after_kill(), opened(files.after_kill(), clean=False))


def test_a_changed_setting_counts_for_the_next_segment(files: MemoryFiles) -> None:
    log = opened(files, config=replace(CONFIG, preallocate=False))
    fill(log, 3)
    assert sizes(files) == [log.size_bytes]

    log.config = CONFIG
    log.roll(0)

    assert sizes(files)[-1] == 1000
