"""A partition that is moved to another log directory and back, on disks that fail or lose their power at any operation.

Whatever is found afterwards: one log of the partition, with all that was flushed, and a move that can be ended.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from storage.config import LogConfig
from storage.errors import StorageFailure
from storage.log import Log
from storage.log_manager import LogManager
from storage.log_testing import check_log, make_batch, read_values
from storage.log_verifier import Verified, verify_directory
from storage.replica_moves import ReplicaMoves
from storage.retention import apply_retention
from storage.testing import MemoryFiles, PowerCut

CONFIG = LogConfig(segment_bytes=700, index_interval_bytes=200, retention_bytes=1200, file_delete_delay_ms=0)
ID = bytes(15) + b"\x05"
KEY = "t", 0


class Offline(Exception):
    """The partition's directory has failed: nobody is served any more."""


@dataclass
class Life:
    files: MemoryFiles
    acknowledged: int = 0
    flushed: int = 0
    deleted: int = 0
    epoch: int = 0

    def open(self) -> None:
        self.logs = LogManager.open(
            self.files, ["/a", "/b"], node_id=1, cluster_id="c", config_for=lambda _: CONFIG, now_ms=0
        )
        self.moves = ReplicaMoves(self.logs)

    @property
    def log(self) -> Log:
        return self.logs.logs[KEY]

    def run(self) -> None:
        self.open()
        self.logs.create("t", 0, topic_id=ID, now_ms=0)
        self.append(8)
        self.flush()
        self.append(8)
        self.move("/b")
        self.attempt(self.retain)
        self.append(5)
        self.move("/a")

    def move(self, root: str) -> None:
        self.epoch += 1
        self.attempt(lambda: self.moves.begin(KEY, root, 0))
        if not self.moves.under_way:
            return
        self.attempt(lambda: self.moves.copy(KEY, 300, 0))
        self.append(1)
        self.attempt(lambda: self.moves.copy(KEY, 300, 0))
        self.flush()
        self.attempt(self.retain)
        self.attempt(self.copy)
        self.attempt(lambda: self.moves.prepare(KEY))
        self.append(1)
        self.attempt(self.swap)
        self.append(1)
        self.flush()
        self.append(1)
        self.attempt(self.finish)
        self.append(1)
        self.attempt(lambda: self.logs.remove_deleted(0))

    def copy(self) -> None:
        while self.moves.copy(KEY, 1 << 20, 0):
            pass

    def swap(self) -> None:
        while self.moves.under_way and self.log is not self.moves.swap(KEY, 0):
            pass

    def finish(self) -> None:
        self.moves.finish(KEY, 0, run)

    def append(self, count: int) -> None:
        for _ in range(count):
            self.attempt(self.append_one)

    def append_one(self) -> None:
        number = self.acknowledged
        batch = make_batch(b"value %d" % number, producer_id=number % 3, sequence=number // 3)
        self.log.append_as_leader([batch], leader_epoch=self.epoch, now_ms=0)
        self.acknowledged += 1

    def flush(self) -> None:
        def flush() -> None:
            self.logs.flush_all()
            self.flushed = self.acknowledged

        self.attempt(flush)

    def retain(self) -> None:
        excess_bytes = self.log.size_bytes - CONFIG.retention_bytes
        for segment in self.log.segments[:-1]:
            if 0 < segment.size_bytes <= excess_bytes:
                excess_bytes -= segment.size_bytes
                self.deleted = max(self.deleted, segment.next_offset)
        apply_retention(self.log, 0)

    def attempt(self, act: Callable[[], object]) -> None:
        """As a broker does: the directory that failed is let alone, and the rest goes on."""
        try:
            act()
        except StorageFailure as failure:
            for root in self.logs.failed.keys() - self.logs.offline:
                self.logs.take_offline(root)
            if self.logs.is_offline(self.log):
                raise Offline from failure


def run(act: Callable[[], None]) -> None:
    act()


def check(life: Life, files: MemoryFiles, *, at_least: int) -> None:
    again = Life(files)
    again.open()
    if not at_least and KEY not in again.logs.logs:
        return
    check_values(life, again, at_least)
    values = read_values(again.log)
    for key in again.moves.under_way:
        again.copy()
        again.moves.prepare(key)
        again.swap()
        again.finish()
    again.logs.remove_deleted(0)
    assert read_values(again.log) == values
    check_values(life, again, at_least)
    assert directories(files) == [again.log.directory]


def directories(files: MemoryFiles) -> list[str]:
    roots = [f"/{entry.name}" for entry in files.entries("/")]
    return [f"{root}/{each.name}" for root in roots for each in files.entries(root) if each.is_directory]


def check_values(life: Life, again: Life, at_least: int) -> None:
    values = read_values(again.log)
    assert list(values) == list(range(again.log.log_start_offset, again.log.next_offset))
    assert values == {number: b"value %d" % number for number in values}
    assert again.log.next_offset >= at_least
    assert again.log.log_start_offset <= life.deleted
    again.log.flush()
    check_log(again.files, again.log, lost_producers=True)


def operations() -> int:
    life = Life(MemoryFiles())
    life.run()
    assert (life.log.directory, life.logs.futures, life.logs.failed) == ("/a/t-0", {}, {})
    assert life.log.log_start_offset > 0
    check(life, life.files.after_kill(), at_least=life.acknowledged)
    return life.files.operations


OPERATIONS = operations()


def test_whatever_operation_fails_one_log_stays_with_all_that_was_acknowledged() -> None:
    for fail_at in range(1, OPERATIONS + 1):
        life = Life(MemoryFiles(fail_at=fail_at))
        try:
            life.run()
        except Offline:
            pass
        except StorageFailure:  # it did not start
            assert not life.acknowledged
            continue

        check(life, life.files.after_kill(), at_least=life.acknowledged)


def test_a_kill_at_any_operation_loses_nothing_acknowledged() -> None:
    for cut_at in range(1, OPERATIONS + 1):
        life = Life(MemoryFiles(cut_at=cut_at))
        with pytest.raises(PowerCut):
            life.run()

        check(life, life.files.after_kill(), at_least=life.acknowledged)


@pytest.mark.parametrize("seed", range(2))
def test_a_power_cut_at_any_operation_loses_nothing_flushed(seed: int) -> None:
    for cut_at in range(1 + seed, OPERATIONS + 1, 2):
        life = Life(MemoryFiles(cut_at=cut_at, seed=seed))
        with pytest.raises(PowerCut):
            life.run()

        check(life, life.files.after_restart(seed * 1000 + cut_at), at_least=life.flushed)


def test_the_verifier_finds_nothing_in_what_was_recovered() -> None:
    for cut_at in range(40, OPERATIONS + 1, 7):
        life = Life(MemoryFiles(cut_at=cut_at))
        with pytest.raises(PowerCut):
            life.run()
        life.files = life.files.after_kill()

        life.open()
        life.logs.close()

        assert [] == [*verify_directory(life.files, "/a", Verified()), *verify_directory(life.files, "/b", Verified())]


@pytest.mark.parametrize("is_power_cut", [False, True])
def test_so_does_one_more_while_the_next_start_sets_things_right(is_power_cut: bool) -> None:
    for cut_at in range(1, OPERATIONS + 1, 9):
        life = Life(MemoryFiles(cut_at=cut_at))
        with pytest.raises(PowerCut):
            life.run()
        if not is_settled_by_start(life.files.after_kill()):
            continue
        for second_cut in range(1, 200):
            files = life.files.after_kill()
            files.cut_at = second_cut
            try:
                Life(files).open()
            except PowerCut:
                found = files.after_restart(cut_at * 1000 + second_cut) if is_power_cut else files.after_kill()
                check(life, found, at_least=life.flushed if is_power_cut else life.acknowledged)
            else:
                break


def is_settled_by_start(files: MemoryFiles) -> bool:
    """Whether the next start has something to rename."""
    before = directories(files)
    Life(files).open()
    return directories(files) != before
