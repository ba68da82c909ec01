"""A log on a disk that fails, fills up, and loses its power: at every operation of a life that has everything in it.

The life is a list of steps. One run has no fault and counts the disk's operations; then each of them fails, or is the
one at which the power is cut or the process killed. What is found after reopening is compared with what was
acknowledged and what was flushed.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace

import pytest

from storage.config import LogConfig
from storage.errors import StorageFailure
from storage.log import Log
from storage.log_manager import LogManager
from storage.log_testing import check_log, make_batch, read_values
from storage.log_verifier import Verified, verify_directory
from storage.retention import apply_retention
from storage.testing import MemoryFiles, PowerCut

CONFIG = LogConfig(
    segment_bytes=700, index_interval_bytes=100, retention_bytes=1500, retention_ms=-1, file_delete_delay_ms=0
)
PREALLOCATED = replace(CONFIG, preallocate=True)
ID = bytes(15) + b"\x05"
OTHER_ID = bytes(15) + b"\x06"


@dataclass
class Life:
    """A broker with one partition, and what its clients and its operator were told."""

    files: MemoryFiles
    config: LogConfig = CONFIG
    manager: LogManager = field(init=False)
    acknowledged: list[bytes] = field(default_factory=list)  # its index is the offset
    in_flight: list[bytes] = field(default_factory=list)
    flushed: int = 0
    deleted: int = 0  # records below may be gone
    sequence: int = 0
    number: int = 0
    epoch: int = 0
    failures: int = 0

    def open(self) -> None:
        self.manager = LogManager.open(
            self.files, ["/d"], node_id=1, cluster_id="c", config_for=lambda topic: self.config, now_ms=0
        )

    @property
    def log(self) -> Log:
        return self.manager.logs["t", 0]

    # Steps

    def create(self) -> None:
        self.manager.create("t", 0, topic_id=ID, now_ms=0)

    def append(self, count: int = 2, producer_id: int = -1) -> None:
        values = [b"value %d" % (self.number + index) for index in range(count)]
        self.number += count
        batch = make_batch(
            *values, producer_id=producer_id, sequence=self.sequence, timestamp_ms=1000 + self.number * 7 % 50
        )
        self.in_flight = values
        before = self.log.next_offset
        try:
            appended = self.log.append_as_leader([batch], leader_epoch=self.epoch, now_ms=0)
        except StorageFailure:
            assert before == self.log.next_offset
            raise
        assert appended.base_offset == len(self.acknowledged)
        self.acknowledged += values
        self.in_flight = []
        self.sequence += count * (producer_id >= 0)

    def append_numbered(self) -> None:
        self.append(3, producer_id=7)

    def lead_anew(self) -> None:
        self.epoch += 1

    def roll(self) -> None:
        self.log.roll(0)

    def flush(self) -> None:
        self.manager.flush_all()
        self.flushed = len(self.acknowledged)

    def flush_log(self) -> None:
        self.log.flush()

    def retain(self) -> None:
        before = sum(segment.size_bytes for segment in self.log.segments)
        excess_bytes = before - CONFIG.retention_bytes
        for segment in self.log.segments[:-1]:
            if 0 < segment.size_bytes <= excess_bytes:
                excess_bytes -= segment.size_bytes
                self.deleted = max(self.deleted, segment.next_offset)
        apply_retention(self.log, 0)
        self.manager.remove_deleted(0)

    def delete_records(self) -> None:
        offset = min(self.log.log_start_offset + 3, self.log.next_offset)
        self.deleted = max(self.deleted, offset)
        self.log.delete_records_before(offset)

    def close(self) -> None:
        self.manager.close()
        self.flushed = len(self.acknowledged)

    def reopen(self) -> None:
        self.manager.abandon()
        try:
            self.open()
        except StorageFailure:  # whoever starts it tries again
            self.failures += 1
            self.open()

    def run(self, steps: list[Callable[[Life], None]]) -> None:
        """Every step, whatever became of the one before, as a broker goes on after an error."""
        self.open()
        self.create()
        for step in steps:
            try:
                step(self)
            except StorageFailure:
                self.failures += 1


APPENDS = [Life.append, Life.append_numbered, Life.append]
STEPS: list[Callable[[Life], None]] = [
    *APPENDS,
    *APPENDS,
    Life.flush,
    *APPENDS,
    Life.lead_anew,
    *APPENDS,
    *APPENDS,
    Life.roll,
    *APPENDS,
    Life.retain,
    *APPENDS,
    Life.flush,
    Life.delete_records,
    *APPENDS,
    Life.flush_log,
    Life.lead_anew,
    *APPENDS,
    *APPENDS,
    Life.retain,
    Life.close,
    Life.reopen,
    *APPENDS,
    *APPENDS,
    Life.flush,
    *APPENDS,
]


def reopened(life: Life, files: MemoryFiles) -> Log | None:
    manager = LogManager.open(files, ["/d"], node_id=1, cluster_id="c", config_for=lambda topic: life.config, now_ms=0)
    return manager.logs.get(("t", 0))


def check_survivors(life: Life, log: Log | None, *, at_least: int) -> None:
    """Nothing lost below `at_least`, nothing invented."""
    if log is None:
        assert at_least == 0
        return
    with suppress(StorageFailure):  # a log that has failed to sync says so for ever
        log.flush()
    expected = dict(enumerate(life.acknowledged + life.in_flight))
    found = read_values(log)
    assert log.next_offset >= at_least
    assert log.log_start_offset <= max(life.deleted, 0)
    assert list(found) == list(range(log.log_start_offset, log.next_offset))
    assert found == {offset: expected[offset] for offset in found}


def operations(config: LogConfig = CONFIG) -> int:
    life = Life(MemoryFiles(), config)
    life.run(STEPS)
    assert life.failures == 0
    return life.files.operations


OPERATIONS = operations()


def test_the_life_has_everything_in_it() -> None:
    life = Life(MemoryFiles())

    life.run(STEPS)

    assert life.log.log_start_offset > 0
    assert len(life.log.segments) > 2
    assert len(life.log.leader_epochs.entries) > 1
    assert life.log.producers.by_id
    check_log(life.files, life.log, lost_producers=True)


def test_whatever_operation_fails_the_log_goes_on_and_keeps_what_it_acknowledged() -> None:
    for fail_at in range(1, OPERATIONS + 1):
        life = Life(MemoryFiles(fail_at=fail_at))
        try:
            life.run(STEPS)
        except StorageFailure:  # it did not even start
            continue

        check_survivors(life, life.log, at_least=len(life.acknowledged))
        log = reopened(life, life.files.after_kill())
        life.in_flight = []
        check_survivors(life, log, at_least=len(life.acknowledged))


def test_a_kill_at_any_operation_loses_nothing_acknowledged() -> None:
    for cut_at in range(1, OPERATIONS + 1):
        life = Life(MemoryFiles(cut_at=cut_at))
        with pytest.raises(PowerCut):
            life.run(STEPS)
        files = life.files.after_kill()

        log = reopened(life, files)

        check_survivors(life, log, at_least=len(life.acknowledged))
        if log is not None:
            check_log(files, log, lost_producers=True)


@pytest.mark.parametrize("seed", range(4))
def test_a_power_cut_at_any_operation_loses_nothing_flushed(seed: int) -> None:
    for cut_at in range(1, OPERATIONS + 1):
        life = Life(MemoryFiles(cut_at=cut_at, seed=seed))
        with pytest.raises(PowerCut):
            life.run(STEPS)
        files = life.files.after_restart(seed * 1000 + cut_at)

        log = reopened(life, files)

        check_survivors(life, log, at_least=life.flushed)
        if log is not None:
            check_log(files, log, lost_producers=True)


@pytest.mark.parametrize("seed", [None, 0, 1])
def test_preallocated_segments_lose_no_more(seed: int | None) -> None:
    """A kill, or with a seed a power cut: zeros behind what was written are no records, and hide none."""
    for cut_at in range(1, operations(PREALLOCATED) + 1):
        life = Life(MemoryFiles(cut_at=cut_at, seed=seed or 0), PREALLOCATED)
        with pytest.raises(PowerCut):
            life.run(STEPS)
        files = life.files.after_kill() if seed is None else life.files.after_restart(seed * 1000 + cut_at)

        log = reopened(life, files)

        check_survivors(life, log, at_least=len(life.acknowledged) if seed is None else life.flushed)
        if log is not None:
            check_log(files, log, lost_producers=True)


def test_a_power_cut_after_a_kill_loses_nothing_flushed() -> None:
    """What the killed process had not synced is for its successor to sync, before it says that it is flushed."""
    for cut_at in range(1, OPERATIONS + 1, 2):
        life = Life(MemoryFiles(cut_at=cut_at))
        with pytest.raises(PowerCut):
            life.run(STEPS)
        life.files = life.files.after_kill()
        life.acknowledged += life.in_flight
        life.open()
        if ("t", 0) not in life.manager.logs:
            continue
        del life.acknowledged[life.log.next_offset :]
        life.in_flight = []
        life.flush()
        files = life.files.after_restart(cut_at)

        log = reopened(life, files)

        check_survivors(life, log, at_least=life.flushed)
        assert log is not None
        check_log(files, log, lost_producers=True)


def test_the_verifier_finds_nothing_in_what_was_recovered() -> None:
    for cut_at in range(20, OPERATIONS + 1, 7):
        life = Life(MemoryFiles(cut_at=cut_at))
        with pytest.raises(PowerCut):
            life.run(STEPS)
        life.files = life.files.after_restart(cut_at)

        life.open()
        life.close()

        assert [] == list(verify_directory(life.files, "/d", Verified()))


def test_a_full_disk_refuses_appends_and_takes_them_again_when_there_is_space() -> None:
    for space_bytes in range(0, 8000, 97):
        life = Life(MemoryFiles())
        life.open()
        life.create()
        life.files.space_bytes = space_bytes
        for step in STEPS:
            try:
                step(life)
            except StorageFailure:
                life.failures += 1
                life.in_flight = []
        life.files.space_bytes = None

        if not life.manager.directories:
            continue
        life.append()
        life.flush()

        check_survivors(life, life.log, at_least=len(life.acknowledged))
        check_log(life.files, life.log, lost_producers=True)
        log = reopened(life, life.files.after_kill())
        check_survivors(life, log, at_least=len(life.acknowledged))
