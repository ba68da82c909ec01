"""Compaction on a disk that fails, fills up, loses its power, or whose process is killed, at each of its operations.

Whatever happens, and however often it is tried again: of each key the last value is there, nothing that was not written
is, and no offset has moved.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from storage.cleaner_testing import KeyedLog, KeyValue
from storage.errors import StorageError
from storage.testing import MemoryFiles, PowerCut


def written() -> tuple[MemoryFiles, dict[int, KeyValue]]:
    """A flushed log of several segments, with tombstones and two transactions, and what was appended to it."""
    files = MemoryFiles()
    it = KeyedLog(files)
    for number in range(8):
        it.append((b"k%d" % (number % 4), b"v%d" % number), (b"t", None if number % 3 == 0 else b"x%d" % number))
    it.append((b"k1", b"aborted"), producer_id=7, sequence=0, transactional=True)
    it.end_transaction(7, committed=False)
    it.append((b"k2", b"committed"), producer_id=7, sequence=1, transactional=True)
    it.end_transaction(7, committed=True)
    it.roll()
    it.append((b"k0", b"last"))
    appended = it.pairs()
    it.close()
    files.sync_directory("/")
    return files, appended


def settle(it: KeyedLog) -> None:
    """A life with compaction: twice, with a reopening in between."""
    it.clean(now_ms=1000)
    it.reopen()
    it.append((b"k3", b"late"))
    it.roll()
    it.clean(now_ms=5000)


LATE = b"late"


def check(it: KeyedLog, appended: dict[int, KeyValue]) -> None:
    found = it.pairs()
    late = {offset: pair for offset, pair in found.items() if pair[1] == LATE}
    assert found.items() - late.items() <= appended.items()
    aborted = {offset for offset, (_, value) in appended.items() if value == b"aborted"}
    state = {key: value for offset, (key, value) in sorted(appended.items()) if offset not in aborted}
    state |= dict(late.values())
    readable = {key: value for offset, (key, value) in sorted(found.items()) if offset not in aborted}
    wanted = {key: value for key, value in state.items() if value is not None}
    assert {key: value for key, value in readable.items() if value is not None} == wanted
    told = it.log.aborted_transactions(0, it.log.next_offset)
    assert not aborted & found.keys() or any(transaction.producer_id == 7 for transaction in told)
    assert sorted(it.log.producers.by_id) == [7]
    assert it.log.producers.by_id[7].last_sequence == 1


def operations() -> int:
    files, _ = written()
    it = KeyedLog(files)
    before = files.operations
    settle(it)
    return files.operations - before


TOTAL = operations()


def survivor_of(at: int, fate: Callable[[MemoryFiles, int], None]) -> tuple[MemoryFiles, dict[int, KeyValue], bool]:
    files, appended = written()
    it = KeyedLog(files)
    fate(files, files.operations + at)
    try:
        settle(it)
    except (StorageError, PowerCut) as error:
        return files, appended, isinstance(error, StorageError)
    return files, appended, False


def cut(files: MemoryFiles, operation: int) -> None:
    files.cut_at = operation


def fail(files: MemoryFiles, operation: int) -> None:
    files.fail_at = operation


def test_there_is_something_to_fail() -> None:
    assert TOTAL > 60


@pytest.mark.parametrize("at", range(1, TOTAL + 1))
def test_the_power_is_cut(at: int) -> None:
    files, appended, _ = survivor_of(at, cut)
    for seed in range(4):
        disk = files.after_restart(seed)
        it = KeyedLog(disk)
        check(it, appended)
        assert not [name for name in it.names() if name.endswith((".cleaned", ".swap", ".deleted"))]
        it.clean(now_ms=9000)
        check(it, appended)
        it.reopen()
        check(it, appended)


@pytest.mark.parametrize("at", range(1, TOTAL + 1))
def test_the_process_is_killed(at: int) -> None:
    files, appended, _ = survivor_of(at, cut)
    it = KeyedLog(files.after_kill())
    check(it, appended)
    it.clean(now_ms=9000)
    check(it, appended)


@pytest.mark.parametrize("at", range(1, TOTAL + 1))
def test_an_operation_fails(at: int) -> None:
    files, appended, failed = survivor_of(at, fail)
    files.fail_at = None
    it = KeyedLog(files.after_kill())
    check(it, appended)
    it.clean(now_ms=9000)
    check(it, appended)
    assert failed or files.operations


@pytest.mark.parametrize("at", range(1, TOTAL + 1, 3))
def test_the_recovery_of_a_swap_is_interrupted_too(at: int) -> None:
    files, appended, _ = survivor_of(at, cut)
    disk = files.after_kill()
    for interrupted_at in range(1, 12):
        again = disk.after_kill()
        again.cut_at = interrupted_at
        try:
            KeyedLog(again)
        except PowerCut:
            again = again.after_kill()
            check(KeyedLog(again), appended)


def test_a_full_disk_harms_nothing() -> None:
    files, appended = written()
    it = KeyedLog(files)
    for space in range(0, 1200, 50):
        files.space_bytes = space
        try:
            it.clean(now_ms=1000)
        except StorageError:
            assert not [name for name in it.names() if name.endswith((".cleaned", ".swap"))]
            check(it, appended)
        else:
            break
    files.space_bytes = None
    it.clean(now_ms=1000)
    check(it, appended)
