"""The transaction index: Kafka's bytes, what a reader is told, and that no crash leaves it wrong."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.config import LogConfig
from storage.errors import DiskFull, StorageError
from storage.log import Log
from storage.testing import MemoryFiles, PowerCut
from storage.txn_index import AbortedTransaction, TransactionIndex
from wire.control_records import EndTxnMarker
from wire.record_batch import Record, RecordBatch, build

PATH = "/t/00000000000000000000.txnindex"
NOW_MS = 1_700_000_000_000
SMALL = LogConfig(segment_bytes=600, index_interval_bytes=100)


def files() -> MemoryFiles:
    made = MemoryFiles()
    made.make_directory("/t")
    return made


def aborted(last_offset: int, stable_offset: int | None = None, first_offset: int = 0) -> AbortedTransaction:
    return AbortedTransaction(7, first_offset, last_offset, last_offset + 1 if stable_offset is None else stable_offset)


def filled(disk: MemoryFiles, *entries: AbortedTransaction) -> TransactionIndex:
    index = TransactionIndex(disk, PATH, None)
    for entry in entries:
        index.append(entry)
    index.write_pending()
    return index


def reopened(disk: MemoryFiles) -> TransactionIndex:
    data = disk.read_bytes(PATH)
    return TransactionIndex(disk, PATH, None if data is None else len(data))


def test_an_entry_has_kafkas_bytes() -> None:
    disk = files()

    filled(disk, AbortedTransaction(producer_id=1, first_offset=2, last_offset=3, last_stable_offset=4))

    expected = b"\0\0" + b"".join(number.to_bytes(8, "big") for number in (1, 2, 3, 4))
    assert expected == disk.read_bytes(PATH)


def test_there_is_no_file_without_an_entry() -> None:
    disk = files()

    filled(disk)

    assert disk.read_bytes(PATH) is None


def test_what_was_written_is_found_again() -> None:
    disk = files()
    entries = [aborted(3), aborted(8), aborted(9)]

    filled(disk, *entries)

    assert entries == reopened(disk).entries


def test_a_torn_entry_is_no_entry_and_leaves_the_file_usable() -> None:
    disk = files()
    filled(disk, aborted(3), aborted(8))
    disk.open(PATH, 68).truncate(50)

    index = reopened(disk)
    assert [aborted(3)] == index.entries
    index.append(aborted(9))
    index.write_pending()

    assert [aborted(3), aborted(9)] == reopened(disk).entries


@pytest.mark.parametrize("written", [0, 2])
def test_zeros_are_no_entries(written: int) -> None:
    """What a power cut may leave of a file that had grown."""
    disk = files()
    entries = [aborted(3), aborted(8)][:written]
    filled(disk, *entries)
    if not written:
        disk.create(PATH)
    disk.open(PATH, 34 * written).append(bytes(68))

    index = reopened(disk)
    assert entries == index.entries
    index.append(aborted(9))
    index.write_pending()

    assert [*entries, aborted(9)] == reopened(disk).entries
    assert len(disk.read_bytes(PATH) or b"") == 34 * (written + 1)


def test_a_reader_is_told_of_transactions_that_reach_into_what_it_reads() -> None:
    index = filled(files(), aborted(4, first_offset=1), aborted(9, first_offset=6), aborted(20, first_offset=12))
    found: list[AbortedTransaction] = []

    index.collect(5, 12, found)

    assert [aborted(9, first_offset=6)] == found


def test_a_stable_offset_behind_the_read_ends_the_search() -> None:
    index = filled(files(), aborted(4), aborted(9))

    assert index.collect(0, 5, [])
    assert not index.collect(0, 100, [])


def test_a_full_disk_keeps_the_entry_for_later() -> None:
    disk = files()
    disk.space_bytes = 0
    index = TransactionIndex(disk, PATH, None)
    index.append(aborted(3))
    with pytest.raises(DiskFull):
        index.write_pending()
    assert not index.is_written
    assert [aborted(3)] == index.entries

    disk.space_bytes = None
    index.write_pending()

    assert [aborted(3)] == reopened(disk).entries


# --- in a log


def log(disk: MemoryFiles, *, clean: bool = True, recovery_point: int = 0) -> Log:
    return Log.open(disk, "/t", SMALL, clean=clean, recovery_point=recovery_point, now_ms=NOW_MS)


def write(to: Log, producer_id: int, sequence: int) -> int:
    data = build(
        [Record(timestamp_ms=NOW_MS, value=b"v" * 20)],
        producer_id=producer_id,
        producer_epoch=0,
        base_sequence=sequence,
        transactional=True,
    )
    return to.append_as_leader([RecordBatch(memoryview(bytearray(data)))], leader_epoch=0, now_ms=NOW_MS).base_offset


def end(to: Log, producer_id: int, *, commit: bool) -> int:
    data = EndTxnMarker(commit, 0).batch(producer_id=producer_id, producer_epoch=0, timestamp_ms=NOW_MS)
    batch = RecordBatch(memoryview(bytearray(data)))
    return to.append_as_leader([batch], leader_epoch=0, now_ms=NOW_MS, from_client=False).base_offset


class Life:
    """Writes transactions, and remembers which were aborted as far as the log took the marker."""

    def __init__(self) -> None:
        self.aborted: list[AbortedTransaction] = []
        self._sequences: dict[int, int] = {}
        self._open: dict[int, int] = {}

    def live(self, to: Log, steps: list[tuple[int, int]]) -> None:
        for producer_id, what in steps:
            if what == 3:
                to.flush()
            elif what == 0 or producer_id not in self._open:
                sequence = self._sequences.get(producer_id, 0)
                offset = write(to, producer_id, sequence)
                self._sequences[producer_id] = sequence + 1
                self._open.setdefault(producer_id, offset)
            else:
                first = self._open[producer_id]
                marker = to.next_offset
                others = [offset for other, offset in self._open.items() if other != producer_id]
                end(to, producer_id, commit=what == 1)
                del self._open[producer_id]
                if what == 2:
                    stable = min(others, default=marker + 1)
                    self.aborted.append(AbortedTransaction(producer_id, first, marker, stable))


# producer, and: 0 write, 1 commit, 2 abort, 3 flush
steps = st.lists(st.tuples(st.integers(1, 3), st.sampled_from([0, 0, 1, 2, 2, 3])), max_size=40)


@given(steps)
def test_the_index_says_what_the_log_says(script: list[tuple[int, int]]) -> None:
    disk, life = files(), Life()
    written = log(disk)

    life.live(written, script)

    assert life.aborted == written.aborted_transactions(0, written.next_offset)
    written.close()
    assert life.aborted == log(disk).aborted_transactions(0, 10**9)


@given(steps, st.integers(0, 200))
def test_a_kill_between_log_and_index_loses_no_entry(script: list[tuple[int, int]], fail_at: int) -> None:
    disk, life = files(), Life()
    written = log(disk)
    disk.fail_at = disk.operations + 1 + fail_at
    with suppress(StorageError):
        life.live(written, script)
    after = disk.after_kill()

    found = log(after)

    assert life.aborted == found.aborted_transactions(0, 10**9)[: len(life.aborted)]
    assert_as_rebuilt(found, after)


@given(steps, st.integers(0, 200), st.integers(0, 3))
def test_after_a_power_cut_the_index_says_what_is_left_of_the_log(
    script: list[tuple[int, int]], cut_at: int, seed: int
) -> None:
    disk, life = files(), Life()
    written = log(disk)
    disk.cut_at = disk.operations + 1 + cut_at
    with suppress(PowerCut):
        life.live(written, script)
    recovery_point = written.recovery_point
    after = disk.after_restart(seed)
    after.make_directory("/t")

    found = log(after, clean=False, recovery_point=recovery_point)

    assert_as_rebuilt(found, after)


def assert_as_rebuilt(found: Log, disk: MemoryFiles) -> None:
    """The index is that of a log that has nothing but its batches."""
    says = found.aborted_transactions(0, 10**9)
    found.close()
    bare = disk.after_kill()
    for entry in bare.entries("/t"):
        if entry.name.endswith((".txnindex", ".snapshot")):
            bare.remove(f"/t/{entry.name}")
    assert log(bare).aborted_transactions(0, 10**9) == says


def test_truncating_the_log_truncates_the_index() -> None:
    disk, life = files(), Life()
    written = log(disk)
    life.live(written, [(1, 0), (1, 2), (2, 0), (2, 2)])

    written.truncate_to(3)

    assert life.aborted[:1] == written.aborted_transactions(0, 100)
    assert [life.aborted[0]] == log(disk.after_kill()).aborted_transactions(0, 100)


def test_a_snapshot_that_may_know_more_than_the_index_is_not_read_after_a_power_cut() -> None:
    """It was written at a roll, not synced, and lived; the index before it did not."""
    disk, life = files(), Life()
    written = log(disk)
    life.live(written, [(1, 0), (1, 2), *[(2, 0)] * 10])
    assert any(entry.name.endswith(".snapshot") for entry in disk.entries("/t"))
    disk.remove("/t/00000000000000000000.txnindex")

    found = log(disk.after_kill(), clean=False, recovery_point=0)

    assert life.aborted == found.aborted_transactions(0, 100)


def test_the_last_stable_offset_is_not_before_the_logs_start() -> None:
    """DeleteRecords does not ask for open transactions."""
    disk, life = files(), Life()
    written = log(disk)
    life.live(written, [(1, 0), (2, 0), (3, 0)])
    assert 0 == written.last_stable_offset(3)

    written.delete_records_before(2)

    assert 2 == written.last_stable_offset(3)
