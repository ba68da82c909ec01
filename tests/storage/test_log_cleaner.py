"""Which log is compacted, up to where, and what is remembered of it."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from storage.checkpoints import CLEANED_OFFSETS
from storage.cleaner import CleaningAborted
from storage.cleaner_testing import no_pace
from storage.config import LogConfig
from storage.errors import DiskFull
from storage.log import Log
from storage.log_cleaner import CleaningFailed, LogCleaner
from storage.log_manager import LogManager
from storage.testing import MemoryFiles
from wire.record_batch import Record, RecordBatch, build

COMPACTED = LogConfig(cleanup_policy="compact", segment_bytes=300, file_delete_delay_ms=0)


class Broker:
    def __init__(self, files: MemoryFiles | None = None, **configs: LogConfig) -> None:
        self.configs = configs
        self.files = files or MemoryFiles()
        self.logs = LogManager.open(
            self.files, ["/d"], node_id=1, cluster_id="c", config_for=lambda t: configs.get(t, COMPACTED), now_ms=0
        )
        self.cleaner = LogCleaner(self.logs)

    def log(self, topic: str = "t") -> Log:
        return self.logs.create(topic, 0, topic_id=topic.encode() * 16, now_ms=0)

    def fill(self, topic: str, keys: Sequence[bytes], *, timestamp_ms: int = 100, roll: bool = True) -> None:
        log = self.log(topic)
        for key in keys:
            data = build([Record(timestamp_ms=timestamp_ms, key=key, value=bytes(20))])
            log.append_as_leader([RecordBatch(memoryview(bytearray(data)))], leader_epoch=0, now_ms=0)
        if roll:
            log.roll(0)
        self.logs.high_watermarks[topic, 0] = log.next_offset

    def clean(self, now_ms: int = 1000) -> str | None:
        done = self.cleaner.clean_filthiest(now_ms, no_pace)
        self.logs.remove_deleted(now_ms)
        return None if done is None else done[0][0]

    def reopened(self) -> Broker:
        self.logs.close()
        return Broker(self.files, **self.configs)


def test_the_dirtiest_log_comes_first_and_clean_ones_are_left_alone() -> None:
    it = Broker()
    it.fill("t", [b"a", b"b", b"a"])
    it.fill("u", [b"a"] * 20)
    it.clean()
    it.clean()
    it.fill("t", [b"a"] * 20)
    it.fill("u", [b"a"] * 40)

    assert [it.clean(), it.clean(), it.clean()] == ["u", "t", None]


def test_a_log_is_due_when_more_than_the_ratio_is_dirty() -> None:
    it = Broker(t=LogConfig(cleanup_policy="compact", segment_bytes=300, min_cleanable_dirty_ratio=0.5))
    it.fill("t", [b"%d" % number for number in range(20)])
    assert it.clean() == "t"
    it.fill("t", [b"a"] * 15)
    assert it.clean() is None
    it.fill("t", [b"a"] * 10)
    assert it.clean() == "t"


def test_only_compacted_logs_are_touched() -> None:
    it = Broker(t=LogConfig(), u=LogConfig(cleanup_policy="compact,delete"))
    it.fill("t", [b"a"] * 9)
    it.fill("u", [b"a"] * 9)

    assert [it.clean(), it.clean()] == ["u", None]


def test_up_to_where_it_came_is_remembered_in_kafkas_file() -> None:
    it = Broker()
    it.fill("t", [b"a"] * 9)
    it.clean()

    assert it.files.read_bytes(f"/d/{CLEANED_OFFSETS}") == b"0\n1\nt 0 9\n"
    assert it.reopened().clean() is None


def test_what_is_not_replicated_is_not_touched() -> None:
    it = Broker()
    it.fill("t", [b"a"] * 9)
    it.logs.high_watermarks["t", 0] = 0

    assert it.clean() is None


def test_young_segments_are_not_touched() -> None:
    it = Broker(t=LogConfig(cleanup_policy="compact", segment_bytes=300, min_compaction_lag_ms=500))
    it.fill("t", [b"a"] * 9, timestamp_ms=100)
    it.fill("t", [b"a"] * 9, timestamp_ms=600)

    assert it.clean(now_ms=599) is None
    assert it.clean(now_ms=800) == "t"
    assert it.log().cleaned_offset == 9
    assert it.clean(now_ms=1100) == "t"
    assert it.log().cleaned_offset == 18


def test_what_has_waited_too_long_is_compacted_however_little_it_is() -> None:
    config = LogConfig(cleanup_policy="compact", segment_bytes=300, max_compaction_lag_ms=500)
    it = Broker(t=config)
    it.fill("t", [b"%d" % number for number in range(30)])
    it.clean(now_ms=600)
    it.fill("t", [b"a"], timestamp_ms=400)

    assert it.clean(now_ms=900) is None
    assert it.clean(now_ms=901) == "t"


def test_a_topic_of_the_same_name_begins_dirty() -> None:
    it = Broker()
    it.fill("t", [b"a"] * 9)
    it.clean()
    it.logs.delete("t", 0, now_ms=0)
    it.logs.create("t", 0, topic_id=b"another topic...", now_ms=0)

    assert it.logs.logs["t", 0].cleaned_offset is None
    assert it.clean() is None
    assert it.files.read_bytes(f"/d/{CLEANED_OFFSETS}") == b"0\n0\n"


def test_a_log_that_is_deleted_meanwhile_is_given_up() -> None:
    it = Broker()
    it.fill("t", [b"a"] * 9)

    def pace(_size_bytes: int) -> None:
        if it.logs.logs:
            it.logs.delete("t", 0, now_ms=0)

    with pytest.raises(CleaningAborted):
        it.cleaner.clean_filthiest(1000, pace)
    assert it.clean() is None


def test_segments_that_go_meanwhile_are_not_brought_back() -> None:
    it = Broker()
    it.fill("t", [b"a", b"b"] * 9)
    log = it.log()

    def pace(_size_bytes: int) -> None:
        if any(entry.name.endswith(".cleaned") for entry in it.files.entries("/d/t-0")) and log.log_start_offset == 0:
            log.delete_oldest(log.segments[:2], 0, end_offset=log.next_offset)

    with pytest.raises(CleaningAborted):
        it.cleaner.clean_filthiest(1000, pace)
    assert not [entry.name for entry in it.files.entries("/d/t-0") if entry.name.endswith(".cleaned")]


def test_a_damaged_log_is_not_tried_again_and_holds_up_nobody() -> None:
    it = Broker()
    it.fill("t", [b"a"] * 9)
    it.fill("u", [b"a"] * 5)
    it.files.corrupt(f"/d/t-0/{0:020}.log", 70, b"\xff")

    with pytest.raises(CleaningFailed, match="t-0"):
        it.clean()

    assert [it.clean(), it.clean()] == ["u", None]


def test_a_full_disk_is_waited_for() -> None:
    it = Broker()
    it.fill("t", [b"a"] * 9)
    it.files.space_bytes = 0
    with pytest.raises(CleaningFailed) as failed:
        it.clean()
    assert isinstance(failed.value.__cause__, DiskFull)

    it.files.space_bytes = None

    assert it.clean() == "t"


def test_appends_go_on_while_a_log_is_compacted() -> None:
    it = Broker()
    it.fill("t", [b"a"] * 9)

    def pace(_size_bytes: int) -> None:
        it.fill("t", [b"b"], roll=False)

    it.cleaner.clean_filthiest(1000, pace)

    log = it.log()
    found = log.read(log.log_start_offset, max_bytes=1, at_least_one=True).read()
    assert int.from_bytes(found[:8], "big") == 8
    assert log.next_offset > 9
