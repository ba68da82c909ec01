"""ProducerLog: snapshot files, and the state read from them and the batches behind."""

from __future__ import annotations

import pytest

from storage.config import LogConfig
from storage.errors import StorageFailure
from storage.log import Log
from storage.log_testing import check_log, make_batch, producer_rows, rebuilt_producers
from storage.testing import MemoryFiles

CONFIG = LogConfig(segment_bytes=400)


def opened(files: MemoryFiles, **options: object) -> Log:
    files.make_directory("/d/t-0")
    return Log.open(files, "/d/t-0", CONFIG, now_ms=0, **options)  # type: ignore[arg-type]


def append(log: Log, sequence: int, producer_id: int = 7) -> None:
    batch = make_batch(b"x" * 30, producer_id=producer_id, sequence=sequence)
    log.append_as_leader([batch], leader_epoch=0, now_ms=0)


def snapshots(files: MemoryFiles) -> list[int]:
    return sorted(int(e.name[:20]) for e in files.entries("/d/t-0") if e.name.endswith(".snapshot"))


def test_a_roll_and_a_flush_take_snapshots_and_two_are_kept(files: MemoryFiles) -> None:
    log = opened(files)
    for sequence in range(20):
        append(log, sequence)

    assert [segment.base_offset for segment in log.segments[1:]] == snapshots(files)
    log.flush()
    assert 2 == len(snapshots(files))
    assert 20 == snapshots(files)[-1]


def plain(log: Log, count: int) -> None:
    for _ in range(count):
        log.append_as_leader([make_batch(b"x" * 30)], leader_epoch=0, now_ms=0)


def test_without_producers_a_roll_and_a_clean_close_take_snapshots_too(files: MemoryFiles) -> None:
    """As in Kafka: else the first numbered batch, or the first reader, of a restarted broker would wait for the reading
    of the whole log."""
    log = opened(files)
    log.close()
    assert [] == snapshots(files)
    log = opened(files)
    plain(log, 20)
    rolled = [segment.base_offset for segment in log.segments[1:]]
    assert rolled == snapshots(files)
    log.flush()
    assert rolled == snapshots(files)

    log.close()

    assert [20] == snapshots(files)[-1:]
    again = opened(files, clean=True)
    assert 20 == again.producers.next_offset


def test_without_producers_a_flush_takes_one_when_the_log_has_grown(
    files: MemoryFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.producer_log.PLAIN_BYTES", 250)
    log = opened(files)
    log.config = LogConfig()
    found = []
    for _ in range(6):
        plain(log, 1)
        log.flush()
        found.append(snapshots(files)[-1:])

    assert [[], [], [3], [3], [3], [6]] == found


def test_a_flush_reads_ahead_what_an_appending_log_has_not_read_yet(files: MemoryFiles) -> None:
    log = opened(files)
    for sequence in range(9):
        append(log, sequence)
        plain(log, 1)
    again = opened(files.after_kill(), clean=True)
    plain(again, 3)

    again.flush()

    assert producer_rows(rebuilt_producers(again)) == producer_rows(again.producers)
    assert 21 == again.producers.next_offset


@pytest.mark.parametrize("damaged", [0, 1, 2])
def test_damaged_snapshots_are_done_without(files: MemoryFiles, damaged: int) -> None:
    log = opened(files)
    for sequence in range(20):
        append(log, sequence)
        append(log, sequence, producer_id=8)
        if sequence % 7 == 0:
            log.flush()
    log.close()
    for offset in snapshots(files)[2 - damaged :]:
        files.corrupt(f"/d/t-0/{offset:020}.snapshot", 9, b"damage")

    again = opened(files.after_kill(), clean=True)

    assert {7, 8} == set(again.producers.by_id)
    assert producer_rows(rebuilt_producers(again)) == producer_rows(again.producers)


def test_a_snapshot_that_cannot_be_written_at_a_roll_keeps_nobody_from_rolling(files: MemoryFiles) -> None:
    log = opened(files)
    append(log, 0)
    path = f"/d/t-0/{1:020}.snapshot.tmp"
    files.make_directory(path)  # in its place

    log.roll(0)
    append(log, 1)

    assert 2 == len(log.segments)
    files.remove_directory(path)
    check_log(files, log)


def test_whatever_operation_fails_the_state_is_what_the_log_says(files: MemoryFiles) -> None:
    for fail_at in range(1, 80):
        files = MemoryFiles()
        log = opened(files)
        files.fail_at = files.operations + fail_at
        sequence = 0
        for _ in range(20):
            try:
                append(log, sequence)
                sequence += 1
                log.flush()
            except StorageFailure:
                log.has_lost_writes = False
        files.fail_at = None

        for each in (log, opened(files.after_kill(), clean=True)):
            assert producer_rows(rebuilt_producers(each)) == producer_rows(each.producers)
            assert sequence - 1 == each.producers.by_id[7].last_sequence


def test_snapshots_of_deleted_records_go_with_them(files: MemoryFiles) -> None:
    log = opened(files)
    for sequence in range(20):
        append(log, sequence)

    log.delete_oldest(log.segments[:-1], 0, end_offset=20)

    assert [log.log_start_offset] == snapshots(files)
    assert 19 == log.producers.by_id[7].last_sequence
