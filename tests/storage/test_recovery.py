"""Recovery: what of a directory counts after a crash, and what is made of leftovers."""

from __future__ import annotations

import pytest

from storage.log import Log
from storage.log_testing import SMALL, check_log, make_batch, read_values
from storage.testing import MemoryFiles


def opened(files: MemoryFiles, **options: object) -> Log:
    files.make_directory("/d/t-0")
    return Log.open(files, "/d/t-0", SMALL, now_ms=0, **options)  # type: ignore[arg-type]


def append(log: Log, count: int = 1, *, epoch: int = 0) -> None:
    for _ in range(count):
        batch = make_batch(b"x" * 60, timestamp_ms=1000 + log.next_offset)
        log.append_as_leader([batch], leader_epoch=epoch, now_ms=0)


def filled(files: MemoryFiles, count: int = 20) -> Log:
    log = opened(files)
    append(log, count)
    log.flush()
    return log


def path(log: Log, segment: int, suffix: str = ".log") -> str:
    return f"/d/t-0/{log.segments[segment].base_offset:020}{suffix}"


def test_an_empty_directory_becomes_an_empty_log(files: MemoryFiles) -> None:
    log = opened(files, log_start_offset=7)

    assert (7, 7, 1) == (log.log_start_offset, log.next_offset, len(log.segments))


def test_after_a_power_cut_the_log_ends_before_the_first_damaged_batch(files: MemoryFiles) -> None:
    log = filled(files)
    files.corrupt(path(log, 1), 100, b"damage")
    bad = log.segments[1].base_offset

    again = opened(files.after_kill(), recovery_point=0)

    assert list(range(bad)) == list(read_values(again))
    append(again)
    assert bad + 1 == again.next_offset


def test_what_is_before_the_recovery_point_is_believed(files: MemoryFiles) -> None:
    log = filled(files)
    files.corrupt(path(log, 0), 100, b"damage")

    again = opened(files.after_kill(), recovery_point=20)

    assert 20 == again.next_offset


def test_a_segment_that_lacks_its_end_ends_the_log(files: MemoryFiles) -> None:
    """Its last batches never reached the disk, those of the next segment did: no batch is torn, some are missing."""
    log = filled(files)
    second = log.segments[1]
    first_batch = second.size_bytes // (second.next_offset - second.base_offset)
    files.open(path(log, 1), second.size_bytes).truncate(first_batch)

    again = opened(files, recovery_point=0)

    assert second.base_offset + 1 == again.next_offset
    check_log(files, again)


def test_where_the_cleaner_was_offsets_may_be_missing(files: MemoryFiles) -> None:
    log = filled(files)
    second = log.segments[1]
    first_batch = second.size_bytes // (second.next_offset - second.base_offset)
    files.open(path(log, 1), second.size_bytes).truncate(first_batch)

    again = opened(files, recovery_point=0, cleaned_offset=second.next_offset)

    assert 20 == again.next_offset


def test_below_the_recovery_point_missing_offsets_are_the_cleaners(files: MemoryFiles) -> None:
    """Even if it died before it wrote down how far it had come."""
    log = filled(files, 19)
    while log.segments[-1].size_bytes:
        log.roll(0)
    last = log.segments[-2]
    files.open(path(log, -2), last.size_bytes).truncate(last.size_bytes // (last.next_offset - last.base_offset))

    again = opened(files, recovery_point=19)

    assert 19 == again.next_offset


def test_what_a_killed_process_did_not_sync_its_successor_syncs(files: MemoryFiles) -> None:
    log = opened(files)
    append(log, 20)
    files = files.after_kill()
    again = opened(files, clean=True)

    again.flush()

    assert 20 == again.recovery_point
    for seed in range(30):
        after = files.after_restart(seed)
        assert list(range(20)) == list(read_values(opened(after, recovery_point=20)))


def test_the_last_index_entry_of_a_rolled_segment_survives_with_the_recovery_point(files: MemoryFiles) -> None:
    """A roll after the flush writes one more, which that flush has not synced."""
    log = opened(files)
    append(log)
    log.flush()
    log.roll(0)

    for flushed in (False, True):
        if flushed:
            log.flush()
        for seed in range(20):
            after = files.after_restart(seed)
            check_log(after, opened(after, recovery_point=1))


@pytest.mark.parametrize("suffix", [".index", ".timeindex"])
@pytest.mark.parametrize("segment", [0, -1])
def test_a_missing_index_is_made_again(files: MemoryFiles, suffix: str, segment: int) -> None:
    log = filled(files)
    files.remove(path(log, segment, suffix))

    again = opened(files, clean=True, recovery_point=20)
    again.flush()

    check_log(files, again)


@pytest.mark.parametrize("content", [None, b"", b"0\n2\n0 0\n1 1", b"junk"])
def test_leader_epochs_are_read_from_the_batches_when_their_file_is_lost(
    files: MemoryFiles, content: bytes | None
) -> None:
    log = opened(files)
    append(log, 10, epoch=1)
    append(log, 10, epoch=4)
    log.flush()
    files.remove("/d/t-0/leader-epoch-checkpoint")
    if content is not None:
        files.write_atomically("/d/t-0/leader-epoch-checkpoint", content)

    assert [(1, 0), (4, 10)] == opened(files, clean=True, recovery_point=20).leader_epochs.entries


def test_leftovers_are_removed(files: MemoryFiles) -> None:
    log = filled(files)
    leftovers = [
        "00000000000000000000.log.deleted",
        "00000000000000000000.log.cleaned",
        "00000000000000000099.index",
        "00000000000000000099.timeindex",
        "00000000000000000099.snapshot",
        "leader-epoch-checkpoint.tmp",
    ]
    for name in leftovers:
        files.create(f"/d/t-0/{name}")

    again = opened(files, clean=True, recovery_point=20)

    assert not {entry.name for entry in files.entries("/d/t-0")} & set(leftovers)
    assert list(read_values(log)) == list(read_values(again))


def test_a_log_older_than_its_start_begins_anew_there(files: MemoryFiles) -> None:
    filled(files)

    again = opened(files, log_start_offset=50, recovery_point=0)

    assert (50, 50) == (again.log_start_offset, again.next_offset)
    append(again)
    assert [50] == list(read_values(again))


def test_an_active_segment_allocated_in_advance_is_cut_to_what_it_holds(files: MemoryFiles) -> None:
    """Kafka with preallocate=true, killed."""
    log = filled(files, 3)
    file = files.open(path(log, 0), log.size_bytes)
    file.append(bytes(500))

    again = opened(files, clean=True)

    assert (3, log.size_bytes) == (again.next_offset, again.size_bytes)
