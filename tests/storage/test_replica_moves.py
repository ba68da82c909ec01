"""Moving a partition to another log directory: step by step, beside everything else that happens to its log."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from storage.cleaner import CleaningAborted
from storage.config import LogConfig
from storage.errors import DiskFull, StorageFailure
from storage.log import Log
from storage.log_cleaner import LogCleaner
from storage.log_manager import LogManager
from storage.log_testing import check_log, make_batch, producer_rows, read_values
from storage.replica_moves import ReplicaMoves
from storage.retention import apply_retention
from storage.testing import MemoryFiles
from wire.control_records import EndTxnMarker
from wire.record_batch import RecordBatch

CONFIG = LogConfig(segment_bytes=500, index_interval_bytes=100, file_delete_delay_ms=1000)
ID = bytes(15) + b"\x05"
KEY = "t", 0


class Broker:
    """Its partition t-0 is created in /a."""

    def __init__(self, files: MemoryFiles | None = None, config: LogConfig = CONFIG) -> None:
        self.files = files or MemoryFiles()
        self.config = config
        self.logs = LogManager.open(
            self.files, ["/a", "/b"], node_id=1, cluster_id="c", config_for=lambda _: self.config, now_ms=0
        )
        self.moves = ReplicaMoves(self.logs)
        self.logs.create("t", 0, topic_id=ID, now_ms=0)

    @property
    def log(self) -> Log:
        return self.logs.logs[KEY]

    def append(self, *values: bytes, epoch: int = 0, **options: object) -> None:
        self.log.append_as_leader([make_batch(*values, **options)], leader_epoch=epoch, now_ms=0)  # type: ignore[arg-type]

    def fill(self, count: int, start: int = 0, **options: object) -> None:
        for number in range(start, start + count):
            self.append(b"value %d" % number, **options)

    def copy(self, max_bytes: int = 1 << 20) -> None:
        while self.moves.copy(KEY, max_bytes, 0):
            pass

    def swap(self) -> None:
        self.copy()
        self.moves.prepare(KEY)
        self.moves.swap(KEY, 0)

    def finish(self) -> None:
        self.moves.finish(KEY, 0, run)

    def move(self, root: str = "/b") -> None:
        self.moves.begin(KEY, root, 0)
        self.swap()
        self.finish()

    def killed(self) -> Broker:
        return Broker(self.files.after_kill(), self.config)

    def names(self, root: str) -> list[str]:
        """Of the partition's directories, without what is random in them."""
        names = sorted(entry.name for entry in self.files.entries(root) if entry.is_directory)
        return [
            ".".join(part for part in name.replace("-future", ".future").split(".") if len(part) < 32) for name in names
        ]


def run(act: Callable[[], None]) -> None:
    act()


def content(files: MemoryFiles, directory: str) -> dict[str, bytes | None]:
    return {
        entry.name: files.read_bytes(f"{directory}/{entry.name}")
        for entry in files.entries(directory)
        if entry.name.endswith(".log")
    }


@pytest.mark.parametrize("max_bytes", [1, 200, 1 << 20])
def test_the_other_directory_gets_the_same_files(max_bytes: int) -> None:
    it = Broker()
    it.fill(30)
    segments = [segment.base_offset for segment in it.log.segments]
    before = content(it.files, "/a/t-0")

    it.moves.begin(KEY, "/b", 0)
    it.copy(max_bytes)
    it.swap()
    it.finish()

    assert it.log.directory == "/b/t-0"
    assert [segment.base_offset for segment in it.log.segments] == segments
    assert content(it.files, "/b/t-0") == before
    check_log(it.files, it.log)
    assert (it.names("/b"), it.logs.futures, it.logs.replaced) == (["t-0"], {}, {})


def test_a_piece_is_no_larger_than_asked_for_unless_one_batch_is() -> None:
    it = Broker()
    it.append(bytes(200))
    it.fill(30)
    it.moves.begin(KEY, "/b", 0)

    sizes = []
    while size := it.moves.copy(KEY, 160, 0):
        sizes.append(size)

    assert sizes[0] > 200
    assert all(0 < size <= 160 for size in sizes[1:])
    assert sum(sizes) == it.log.size_bytes


def test_what_is_appended_meanwhile_comes_too() -> None:
    it = Broker()
    it.fill(10)
    it.moves.begin(KEY, "/b", 0)
    it.copy(100)
    it.fill(10, start=10, epoch=3)
    it.copy()
    it.fill(10, start=20, epoch=3)
    it.moves.prepare(KEY)
    it.fill(1, start=30, epoch=4)

    it.moves.swap(KEY, 0)
    it.fill(3, start=31, epoch=4)
    it.finish()
    it.fill(3, start=34, epoch=5)

    assert list(read_values(it.log).values()) == [b"value %d" % number for number in range(37)]
    check_log(it.files, it.log)


def test_the_old_directory_goes_as_a_deleted_partition_does() -> None:
    it = Broker()
    it.fill(10)
    it.move()
    assert it.names("/a")[0].endswith("-delete") or it.names("/a") == ["t-0"]
    assert "/a/t-0" not in [f"/a/{entry.name}" for entry in it.files.entries("/a")]

    it.logs.remove_deleted(999)
    assert len(it.names("/a")) == 1
    it.logs.remove_deleted(1000)

    assert it.names("/a") == []


def test_a_move_goes_on_after_a_restart() -> None:
    it = Broker()
    it.fill(30)
    it.moves.begin(KEY, "/b", 0)
    it.moves.copy(KEY, 300, 0)
    copied = it.logs.futures[KEY].next_offset
    assert 0 < copied < 30

    again = it.killed()

    assert again.log.directory == "/a/t-0"
    assert again.logs.futures[KEY].next_offset == copied
    again.swap()
    again.finish()
    assert again.log.directory == "/b/t-0"
    check_log(again.files, again.log)


def test_a_clean_stop_in_the_middle_keeps_the_move() -> None:
    it = Broker()
    it.fill(30)
    it.moves.begin(KEY, "/b", 0)
    it.moves.copy(KEY, 300, 0)
    it.logs.close()

    again = it.killed()

    assert again.moves.under_way == [KEY]
    again.swap()
    again.finish()
    assert len(read_values(again.log)) == 30


def test_after_a_swap_the_longer_log_is_the_right_one() -> None:
    it = Broker()
    it.fill(10)
    it.moves.begin(KEY, "/b", 0)
    it.swap()
    it.fill(3, start=10)

    again = it.killed()

    assert again.log.directory == "/b/t-0"
    assert len(read_values(again.log)) == 13
    assert (again.names("/a"), again.names("/b")) == ([], ["t-0"])


def test_a_future_log_that_differs_begins_anew() -> None:
    it = Broker()
    it.fill(10)
    it.moves.begin(KEY, "/b", 0)
    it.moves.copy(KEY, 100, 0)
    it.logs.futures[KEY].append_as_leader([make_batch(b"other 1")], leader_epoch=0, now_ms=0)

    again = it.killed()

    assert again.logs.futures[KEY].next_offset == 0
    again.swap()
    again.finish()
    check_log(again.files, again.log)


def test_a_future_log_without_its_log_is_set_aside() -> None:
    """It may be all that is left of a directory that is gone; but that it is whole, nobody can say."""
    it = Broker()
    it.fill(10)
    it.moves.begin(KEY, "/b", 0)
    it.moves.copy(KEY, 100, 0)
    it.logs.abandon()

    alone = LogManager.open(it.files.after_kill(), ["/b"], node_id=1, config_for=lambda _: CONFIG, now_ms=0)

    assert (alone.logs, alone.futures) == ({}, {})
    assert [stray[-6:] for stray in alone.strays] == ["-stray"]


def test_a_cancelled_move_leaves_no_copy() -> None:
    it = Broker()
    it.fill(10)
    it.moves.begin(KEY, "/b", 0)
    it.moves.copy(KEY, 100, 0)

    it.moves.cancel(KEY, 0)

    assert it.moves.copy(KEY, 100, 0) == 0
    assert it.log.directory == "/a/t-0"
    assert it.killed().logs.futures == {}
    it.logs.remove_deleted(1000)
    assert it.names("/b") == []


@pytest.mark.parametrize("stage", ["copying", "swapped"])
def test_a_partition_that_is_deleted_meanwhile_is_gone_everywhere(stage: str) -> None:
    it = Broker()
    it.fill(10)
    it.moves.begin(KEY, "/b", 0)
    if stage == "swapped":
        it.swap()

    it.logs.delete(*KEY, now_ms=0)

    assert it.moves.copy(KEY, 100, 0) == 0
    it.finish()
    it.logs.remove_deleted(1000)
    assert (it.names("/a"), it.names("/b")) == ([], [])
    again = LogManager.open(it.files.after_kill(), ["/a", "/b"], node_id=1, config_for=lambda _: CONFIG, now_ms=0)
    assert (again.logs, again.futures, again.strays) == ({}, {}, [])


def test_deletion_while_the_names_are_being_changed() -> None:
    it = Broker()
    it.fill(10)
    it.moves.begin(KEY, "/b", 0)
    it.swap()
    calls = []

    def deleting(act: Callable[[], None]) -> None:
        calls.append(act)
        if len(calls) == 2:
            it.logs.delete(*KEY, now_ms=0)
        act()

    it.moves.finish(KEY, 0, deleting)

    it.logs.remove_deleted(1000)
    assert (it.logs.logs, it.names("/a"), it.names("/b")) == ({}, [], [])


def test_producers_and_transactions_go_on_where_they_were() -> None:
    it = Broker()
    for sequence in range(12):  # the first of producer 7's batches are deleted, those of producer 6 all
        it.append(b"six", producer_id=6, sequence=sequence)
    for sequence in range(40):
        it.append(b"seven", producer_id=7, sequence=sequence)
    it.append(b"open", producer_id=8, sequence=0, transactional=True)
    it.append(b"aborted", producer_id=9, sequence=0, transactional=True)
    it.log.append_as_leader([abort(9)], leader_epoch=0, now_ms=0, from_client=False)
    it.config = it.log.config = LogConfig(segment_bytes=500, index_interval_bytes=100, retention_bytes=1000)
    apply_retention(it.log, 0)
    assert it.log.log_start_offset > 12
    before = producer_rows(it.log.producers), it.log.last_stable_offset(100), aborted(it.log)
    assert before[2]

    it.move()

    assert (producer_rows(it.log.producers), it.log.last_stable_offset(100), aborted(it.log)) == before
    duplicate = it.log.append_as_leader([make_batch(b"six", producer_id=6, sequence=11)], leader_epoch=0, now_ms=0)
    assert (duplicate.duplicate, duplicate.base_offset) == (True, 11)
    again = it.killed()
    assert (producer_rows(again.log.producers), again.log.last_stable_offset(100), aborted(again.log)) == before


def abort(producer_id: int) -> RecordBatch:
    marker = EndTxnMarker(committed=False, coordinator_epoch=0)
    return RecordBatch(memoryview(bytearray(marker.batch(producer_id=producer_id, producer_epoch=0, timestamp_ms=0))))


def aborted(log: Log) -> list[tuple[int, int, int, int]]:
    return [tuple(each) for each in log.aborted_transactions(log.log_start_offset, log.next_offset)]  # type: ignore[misc]


def test_the_copy_follows_the_logs_start() -> None:
    it = Broker()
    it.fill(40)
    it.moves.begin(KEY, "/b", 0)
    it.moves.copy(KEY, 100, 0)
    it.config = it.log.config = LogConfig(segment_bytes=500, index_interval_bytes=100, retention_bytes=900)
    apply_retention(it.log, 0)  # what is copied, and what is to be copied next, is deleted
    it.log.delete_records_before(it.log.log_start_offset + 1)

    it.swap()
    it.finish()
    apply_retention(it.log, 0)

    assert it.log.log_start_offset == min(read_values(it.log))
    assert it.log.next_offset == 40
    assert it.log.segments[0].base_offset < it.log.log_start_offset
    check_log(it.files, it.log, has_gaps=True)
    start = it.log.log_start_offset
    it.logs.close()
    assert it.killed().log.log_start_offset == start


@pytest.mark.parametrize("count", [20, 60])  # the segment that is being copied is the last one, or is not
def test_what_is_copied_so_far_is_not_too_old_by_itself(count: int) -> None:
    """The segment's younger records are not there yet."""
    it = Broker(config=LogConfig(segment_bytes=2000, index_interval_bytes=100, retention_ms=1000))
    for number in range(count):
        it.append(b"value %d" % number, timestamp_ms=1000 if number < 8 else 100_000)
    it.moves.begin(KEY, "/b", 0)
    it.moves.copy(KEY, 300, 0)

    it.logs.apply_retention(100_500)
    it.swap()
    it.finish()

    assert it.names("/b") == ["t-0"]
    assert list(read_values(it.log)) == list(range(count))
    check_log(it.files, it.log)


def test_a_future_log_gives_back_the_space_of_what_is_before_its_start() -> None:
    it = Broker()
    it.fill(40)
    it.moves.begin(KEY, "/b", 0)
    it.copy()
    future = it.logs.futures[KEY]
    it.log.delete_records_before(30)
    it.copy()

    it.logs.apply_retention(0)

    assert future.log_start_offset == 30
    assert 0 < future.segments[0].base_offset <= 30
    assert future.segments[0].next_offset > 30


def test_a_future_log_that_begins_inside_a_segment_is_copied_anew() -> None:
    it = Broker()
    it.fill(40)
    it.moves.begin(KEY, "/b", 0)
    it.copy()
    it.logs.futures[KEY].truncate_fully_and_start_at(39, 0)

    it.swap()
    it.finish()

    assert it.names("/b") == ["t-0"]
    assert it.log.next_offset == 40
    check_log(it.files, it.log, has_gaps=True)


def test_until_it_is_out_of_the_way_the_checkpoints_know_the_replaced_log() -> None:
    """A kill may leave it as the log."""
    it = Broker()
    it.fill(40)
    it.log.delete_records_before(7)
    it.moves.begin(KEY, "/b", 0)
    it.swap()

    it.logs.write_checkpoints()

    assert it.killed().log.log_start_offset == 7


def test_a_copy_is_made_of_a_compacted_log_and_not_while_it_is_compacted() -> None:
    it = Broker(config=LogConfig(segment_bytes=300, cleanup_policy="compact", min_cleanable_dirty_ratio=0.01))
    cleaner = LogCleaner(it.logs)

    def fill(first: int) -> None:
        for number in range(first, first + 20):
            it.append(b"value %d" % number, key=b"%d" % (number % 3))
        it.logs.high_watermarks[KEY] = it.log.next_offset

    def clean() -> object:
        return cleaner.clean_filthiest(10**9, lambda _size: None)

    fill(0)
    it.log.roll(0)
    assert clean()
    cleaned = it.log.cleaned_offset
    fill(20)
    values = read_values(it.log)
    assert len(values) < 40
    it.moves.begin(KEY, "/b", 0)
    assert clean() is None
    it.swap()
    assert clean() is None
    it.finish()

    assert read_values(it.log) == values
    assert it.log.cleaned_offset == cleaned
    check_log(it.files, it.log, has_gaps=True)
    assert clean()
    assert it.files.read_bytes("/b/cleaner-offset-checkpoint") == b"0\n1\nt 0 %d\n" % (it.log.cleaned_offset or 0)


def test_compaction_that_has_begun_changes_nothing_any_more() -> None:
    """Else it could drop a tombstone before it is copied, and the copy had the deleted value for ever."""
    it = Broker(config=LogConfig(segment_bytes=300, cleanup_policy="compact", min_cleanable_dirty_ratio=0.01))
    for number in range(40):
        it.append(b"value %d" % number, key=b"%d" % (number % 3))
    it.logs.high_watermarks[KEY] = it.log.next_offset
    before = it.log.segments

    def pace(_size: int) -> None:
        if not it.moves.under_way:
            it.moves.begin(KEY, "/b", 0)

    with pytest.raises(CleaningAborted):
        LogCleaner(it.logs).clean_filthiest(10**9, pace)

    assert it.log.segments == before


def test_a_full_target_directory_stops_the_move_and_not_the_log() -> None:
    it = Broker()
    it.fill(10)
    it.moves.begin(KEY, "/b", 0)
    it.files.space_bytes = 0
    with pytest.raises(DiskFull):
        it.copy()
    it.files.space_bytes = None

    assert it.logs.failed == {}
    it.swap()
    it.finish()
    check_log(it.files, it.log)


def test_a_target_directory_that_fails_takes_only_the_copy_with_it() -> None:
    it = Broker()
    it.fill(10)
    it.moves.begin(KEY, "/b", 0)
    it.files.broken = "/b"
    with pytest.raises(StorageFailure):
        it.copy()
    assert it.logs.failed.keys() == {"/b"}
    it.logs.take_offline("/b")
    it.files.broken = None

    assert it.logs.futures == {}
    it.fill(3, start=10)
    assert not it.logs.is_offline(it.log)
    again = it.killed()
    assert again.moves.under_way == [KEY]
    again.swap()
    again.finish()
    assert len(read_values(again.log)) == 13


def test_a_current_directory_that_fails_after_the_swap_is_not_missed() -> None:
    it = Broker()
    it.fill(10)
    it.moves.begin(KEY, "/b", 0)
    it.swap()
    it.files.broken = "/a"

    it.finish()

    assert it.logs.failed.keys() == {"/a"}
    assert it.log.directory == "/b/t-0"
    it.fill(1, start=10)


def test_a_partition_that_does_not_exist_yet_is_made_where_it_was_sent() -> None:
    it = Broker()
    it.logs.preferred["u", 0] = "/a"
    it.logs.preferred["u", 1] = "/a"

    placed = [it.logs.create("u", index, topic_id=ID, now_ms=0).directory for index in range(3)]

    assert placed == ["/a/u-0", "/a/u-1", "/b/u-2"]
