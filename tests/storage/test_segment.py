"""Segment: one file of batches and its indexes."""

from __future__ import annotations

import pytest

from storage.config import LogConfig
from storage.errors import StorageFailure
from storage.leader_epochs import LeaderEpochs
from storage.log_testing import make_batch
from storage.segment import BUFFERED_ENTRIES, DELETED, Segment
from storage.testing import MemoryFiles

CONFIG = LogConfig(index_interval_bytes=150)
BASE = 100


def created(files: MemoryFiles, config: LogConfig = CONFIG) -> Segment:
    return Segment.create(files, "/d", BASE, config=config, now_ms=0)


def append(segment: Segment, count: int = 1, *, timestamp_ms: int | None = None) -> None:
    for _ in range(count):
        offset = segment.next_offset
        time_ms = 1000 + offset if timestamp_ms is None else timestamp_ms
        batch = make_batch(b"x" * 20, b"y", base_offset=offset, timestamp_ms=time_ms)
        segment.append(
            batch.data, last_offset=batch.last_offset, max_timestamp_ms=batch.max_timestamp_ms, index_interval_bytes=150
        )


def reopened(files: MemoryFiles, *, trusted_offset: int = 2**62) -> tuple[Segment, int]:
    sizes = {e.name[20:]: e.size_bytes for e in files.entries("/d") if e.name.startswith("0")}
    segment = Segment.existing(files, "/d", BASE, sizes=sizes, config=CONFIG, modified_ms=0)
    cut = segment.recover(trusted_offset, LeaderEpochs(files, "/d/leader-epoch-checkpoint"), 150)
    return segment, cut


def test_every_offset_is_located_in_its_batch(files: MemoryFiles) -> None:
    segment = created(files)
    append(segment, 20)

    for offset in range(BASE, BASE + 40):
        found = segment.locate(offset)
        assert found is not None
        assert offset - offset % 2 == found[1].base_offset
    assert segment.locate(BASE + 40) is None
    assert segment.position_of(BASE + 40) is None


def test_a_remembered_position_is_where_the_next_batch_goes(files: MemoryFiles) -> None:
    segment = created(files)
    append(segment, 3)
    segment.remember(segment.next_offset, segment.size_bytes)
    end = segment.size_bytes

    append(segment)

    assert end == segment.position_of(BASE + 6)


def test_the_upper_bound_is_after_all_that_starts_before(files: MemoryFiles) -> None:
    segment = created(files)
    append(segment, 20)
    size = segment.size_bytes // 20

    for count in range(1, 21):
        assert BASE + 2 * count <= segment.upper_bound(size * count) <= BASE + 2 * (count + 4)


def test_index_entries_are_written_some_at_a_time(files: MemoryFiles) -> None:
    segment = created(files)
    written = set()

    for _ in range(100):
        append(segment)
        written.add(len(files.read_bytes(f"/d/{BASE:020}.index") or b"") // 8)

    assert {0, BUFFERED_ENTRIES, 2 * BUFFERED_ENTRIES} <= written
    assert not {1, BUFFERED_ENTRIES + 1} & written


def test_a_batch_is_in_although_an_index_could_not_be_written(files: MemoryFiles) -> None:
    """Else its producer would be told of a failure, and send it again."""
    segment = created(files)
    for _ in range(200):
        files.fail_at = files.operations + 2  # the write after the batch's own
        append(segment)

    assert BASE + 400 == segment.next_offset
    files.fail_at = None
    segment.write_indexes()
    again, cut = reopened(files)
    assert (BASE + 400, 0) == (again.next_offset, cut)


def test_a_failed_append_changes_nothing(files: MemoryFiles) -> None:
    segment = created(files)
    append(segment, 3)
    before = segment.size_bytes, segment.next_offset, segment.max_timestamp_ms
    files.fail_at = files.operations + 1

    with pytest.raises(StorageFailure):
        append(segment)

    assert before == (segment.size_bytes, segment.next_offset, segment.max_timestamp_ms)


@pytest.mark.parametrize("missing", [".index", ".timeindex"])
def test_a_lost_index_is_made_again(files: MemoryFiles, missing: str) -> None:
    segment = created(files)
    append(segment, 40)
    segment.become_inactive()
    before = files.read_bytes(f"/d/{BASE:020}{missing}")
    files.remove(f"/d/{BASE:020}{missing}")

    again, _ = reopened(files)
    again.become_inactive()

    assert before == files.read_bytes(f"/d/{BASE:020}{missing}")
    assert segment.max_timestamp_ms == again.max_timestamp_ms


@pytest.mark.parametrize("garbage", [b"\x01" * 64, bytes(64), b"\xff" * 9])
def test_a_damaged_index_is_not_believed(files: MemoryFiles, garbage: bytes) -> None:
    segment = created(files)
    append(segment, 40)
    segment.write_indexes()
    files.corrupt(f"/d/{BASE:020}.index", 0, garbage)

    again, cut = reopened(files)

    assert (0, BASE + 80) == (cut, again.next_offset)
    for offset in range(BASE, BASE + 80, 7):
        found = again.locate(offset)
        assert found is not None
        assert offset - offset % 2 == found[1].base_offset


def test_a_torn_tail_is_cut(files: MemoryFiles) -> None:
    segment = created(files)
    append(segment, 10)
    size = segment.size_bytes // 10
    files.corrupt(f"/d/{BASE:020}.log", size * 7 + 70, b"torn")

    again, cut = reopened(files, trusted_offset=BASE)

    assert (BASE + 14, size * 7, size * 3) == (again.next_offset, again.size_bytes, cut)


def test_truncation_measures_what_is_left(files: MemoryFiles) -> None:
    segment = created(files)
    append(segment, 10)
    append(segment, timestamp_ms=9000)
    segment.become_inactive()

    segment.truncate_to(BASE + 20)

    assert (BASE + 20, 1119) == (segment.next_offset, segment.max_timestamp_ms)
    append(segment)
    assert BASE + 22 == reopened(files)[0].next_offset


def test_a_segment_rolls_for_what_does_not_fit(files: MemoryFiles) -> None:
    segment = created(files)
    batch = {"last_offset": BASE, "max_timestamp_ms": 1000, "now_ms": 0}
    assert not segment.must_roll(size_bytes=10, config=CONFIG, **batch)
    append(segment, timestamp_ms=1000)
    size = segment.size_bytes

    def rolls(**changes: int) -> bool:
        config = LogConfig(segment_bytes=size + 10, segment_ms=50)
        return segment.must_roll(config=config, **{"size_bytes": 10, **batch, **changes})

    assert not rolls()
    assert rolls(size_bytes=11)
    assert not rolls(max_timestamp_ms=1051)
    assert rolls(max_timestamp_ms=1052)
    assert rolls(last_offset=BASE + 2**31)


def test_jitter_rolls_a_segment_earlier_but_not_by_more(files: MemoryFiles) -> None:
    waits = set()
    for _ in range(30):
        segment = created(files)
        append(segment, timestamp_ms=1000)
        config = LogConfig(segment_ms=50, segment_jitter_ms=40)
        rolled_ms = [
            time_ms
            for time_ms in range(60)
            if segment.must_roll(
                size_bytes=1, last_offset=BASE + 2, max_timestamp_ms=1001 + time_ms, config=config, now_ms=0
            )
        ]
        waits.add(rolled_ms[0] - 1)

    assert 10 <= min(waits) < max(waits) <= 50


def test_without_timestamps_a_segment_rolls_by_the_clock(files: MemoryFiles) -> None:
    segment = created(files)
    append(segment, timestamp_ms=-2)

    def rolls(now_ms: int) -> bool:
        return segment.must_roll(
            size_bytes=1, last_offset=BASE + 2, max_timestamp_ms=-1, config=LogConfig(segment_ms=50), now_ms=now_ms
        )

    assert not rolls(50)
    assert rolls(51)


def test_a_deleted_segments_files_have_other_names_and_can_still_be_read(files: MemoryFiles) -> None:
    segment = created(files)
    append(segment)

    paths = segment.mark_deleted(files)

    assert [f"/d/{BASE:020}{suffix}{DELETED}" for suffix in (".log", ".index", ".timeindex")] == paths
    created(files)  # another of the same name
    assert segment.locate(BASE) is not None
