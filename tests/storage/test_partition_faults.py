"""Partitions made, deleted and made anew under their name, on a disk that fails or loses its power at every operation.

What is found afterwards is one topic's or the other's, as its id says, and never a mixture.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

import pytest

from storage.config import LogConfig
from storage.errors import StorageFailure
from storage.log_manager import LogManager
from storage.log_testing import check_log, make_batch, read_values
from storage.testing import MemoryFiles, PowerCut

CONFIG = LogConfig(segment_bytes=500, index_interval_bytes=100, file_delete_delay_ms=0)
OLD_ID, NEW_ID = bytes(15) + b"\x05", bytes(15) + b"\x06"


def opened(files: MemoryFiles) -> LogManager:
    return LogManager.open(files, ["/d"], node_id=1, cluster_id="c", config_for=lambda topic: CONFIG, now_ms=0)


@dataclass
class Life:
    files: MemoryFiles
    acknowledged: dict[bytes, int] = field(default_factory=lambda: {OLD_ID: 0, NEW_ID: 0})
    flushed: dict[bytes, int] = field(default_factory=lambda: {OLD_ID: 0, NEW_ID: 0})
    is_deleting: bool = False
    is_deleted: bool = False

    def run(self) -> None:
        self.manager = opened(self.files)
        self.create(OLD_ID)
        self.append(OLD_ID, 9, epoch=3)
        self.retrying(lambda: self.manager.logs["t", 0].delete_records_before(4))
        self.flush(OLD_ID)
        self.append(OLD_ID, 9, epoch=5)
        self.is_deleting = True
        self.retrying(lambda: self.manager.delete("t", 0, now_ms=0))
        self.is_deleted = True
        self.create(NEW_ID)
        self.append(NEW_ID, 5, epoch=0)
        self.retrying(lambda: self.manager.remove_deleted(0))
        self.flush(NEW_ID)
        self.append(NEW_ID, 5, epoch=1)

    def create(self, topic_id: bytes) -> None:
        self.retrying(lambda: self.manager.create("t", 0, topic_id=topic_id, now_ms=0))

    def append(self, topic_id: bytes, count: int, *, epoch: int) -> None:
        for _ in range(count):
            self.retrying(lambda: self.append_next(topic_id, epoch))
            self.acknowledged[topic_id] += 1

    def append_next(self, topic_id: bytes, epoch: int) -> None:
        log = self.manager.logs["t", 0]
        offset = log.next_offset
        batch = make_batch(topic_id + b"%d" % offset, producer_id=topic_id[-1], sequence=offset)
        log.append_as_leader([batch], leader_epoch=epoch, now_ms=0)

    def flush(self, topic_id: bytes) -> None:
        with suppress(StorageFailure):
            self.manager.flush_all()
            self.flushed[topic_id] = self.acknowledged[topic_id]

    @staticmethod
    def retrying(act: Callable[[], object]) -> None:
        try:
            act()
        except StorageFailure:
            with suppress(KeyError):  # the deletion was complete, only its sync was not
                act()

    def check(self, files: MemoryFiles, *, at_least: dict[bytes, int]) -> None:
        manager = opened(files)
        log = manager.logs.get(("t", 0))
        if log is None:
            assert at_least[NEW_ID] == 0
            assert at_least[OLD_ID] == 0 or self.is_deleting
            return
        values = read_values(log)
        owners = {(value or b"")[:16] for value in values.values()}
        topic_id = manager.topic_id("t", 0)
        assert len(owners) <= 1
        assert topic_id is None or owners <= {topic_id}
        owner = owners.pop() if owners else topic_id
        if owner is not None:
            assert values == {offset: owner + b"%d" % offset for offset in values}
            assert log.next_offset >= at_least[owner]
        if self.is_deleted:
            assert owner != OLD_ID
        log.flush()
        check_log(files, log, lost_producers=True)


def operations() -> int:
    life = Life(MemoryFiles())
    life.run()
    life.check(life.files.after_kill(), at_least=life.acknowledged)
    return life.files.operations


OPERATIONS = operations()


def test_whatever_operation_fails_no_topic_gets_anothers_records() -> None:
    for fail_at in range(1, OPERATIONS + 1):
        life = Life(MemoryFiles(fail_at=fail_at))
        try:
            life.run()
        except StorageFailure:  # it did not start
            assert fail_at < 20
            continue

        life.check(life.files.after_kill(), at_least=life.acknowledged)


def test_a_kill_at_any_operation_mixes_nothing() -> None:
    for cut_at in range(1, OPERATIONS + 1):
        life = Life(MemoryFiles(cut_at=cut_at))
        with pytest.raises(PowerCut):
            life.run()

        life.check(life.files.after_kill(), at_least=life.acknowledged)


def test_a_power_cut_at_any_operation_mixes_nothing() -> None:
    for cut_at in range(1, OPERATIONS + 1):
        for seed in range(4):
            life = Life(MemoryFiles(cut_at=cut_at, seed=seed))
            with pytest.raises(PowerCut):
                life.run()

            life.check(life.files.after_restart(seed * 100 + cut_at), at_least=life.flushed)
