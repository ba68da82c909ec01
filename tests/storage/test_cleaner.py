"""Compaction, round by round: what stays, what goes, and when."""

from __future__ import annotations

from dataclasses import replace

import pytest

from storage.cleaner import CleanerLimits
from storage.cleaner_testing import COMPACTED, KeyedLog
from storage.errors import CorruptRecord
from storage.offset_map import ENTRY_BYTES
from storage.testing import MemoryFiles
from wire.compression import Codec

CODECS = list(Codec)


@pytest.fixture
def it() -> KeyedLog:
    return KeyedLog(MemoryFiles())


@pytest.mark.parametrize("codec", CODECS)
def test_the_last_value_of_each_key_stays_at_its_offset(it: KeyedLog, codec: Codec) -> None:
    it.append((b"a", b"1"), (b"b", b"1"), (b"a", b"2"), codec=codec)
    it.append((b"c", b"1"), (b"b", b"2"), codec=codec)
    it.roll()

    stats = it.clean()

    assert it.pairs() == {2: (b"a", b"2"), 3: (b"c", b"1"), 4: (b"b", b"2")}
    assert stats.next_dirty_offset == 5
    assert (stats.records_read, stats.records_kept) == (5, 3)


def test_a_batch_of_which_all_stays_is_not_touched(it: KeyedLog) -> None:
    it.append((b"a", b"1"), (b"b", b"1"))
    before = bytes(it.batches()[0].data)
    it.roll()

    it.clean()

    assert bytes(it.batches()[0].data) == before


@pytest.mark.parametrize("codec", CODECS)
def test_what_stays_of_a_batch_keeps_all_else(it: KeyedLog, codec: Codec) -> None:
    it.append((b"a", b"1"), (b"b", b"1"), (b"c", b"1"), codec=codec, producer_id=7, sequence=0, timestamp_ms=500)
    it.append((b"a", b"2"), (b"c", b"2"))
    it.roll()

    it.clean()

    batch = it.batches()[0]
    (record,) = batch.records()
    assert (batch.base_offset, batch.last_offset, batch.record_count) == (0, 2, 1)
    assert (batch.producer_id, batch.producer_epoch, batch.base_sequence) == (7, 0, 0)
    assert (batch.compression, batch.max_timestamp_ms) == (codec, 501)
    assert (record.offset, record.timestamp_ms, record.headers) == (1, 501, ((b"h", b"x"),))


def test_the_last_segment_is_not_compacted(it: KeyedLog) -> None:
    it.append((b"a", b"1"))
    it.roll()
    it.append((b"a", b"2"), (b"b", b"1"))
    it.append((b"b", b"2"))

    it.clean()

    assert it.pairs() == {0: (b"a", b"1"), 1: (b"a", b"2"), 2: (b"b", b"1"), 3: (b"b", b"2")}


def test_a_second_round_finds_old_values_of_keys_that_came_again(it: KeyedLog) -> None:
    it.append((b"a", b"1"), (b"b", b"1"))
    it.roll()
    clean_to = it.clean().next_dirty_offset
    it.append((b"a", b"2"))
    it.roll()

    it.clean(since=clean_to)

    assert it.pairs() == {1: (b"b", b"1"), 2: (b"a", b"2")}


def test_records_without_a_key_go(it: KeyedLog) -> None:
    it.log.config = replace(COMPACTED, cleanup_policy="delete")  # of the time before it was compacted
    it.append((None, b"1"), (b"a", b"1"))
    it.roll()
    it.log.config = COMPACTED

    it.clean()

    assert it.pairs() == {1: (b"a", b"1")}


def test_small_segments_become_one_as_long_as_it_fits(it: KeyedLog) -> None:
    for number in range(40):
        it.append((b"k%d" % (number % 3), bytes(20)))
    it.roll()
    before = len(it.log.segments)

    it.clean()
    it.clean()

    assert before > 6
    assert len(it.log.segments) == 2
    assert sorted(it.pairs()) == [37, 38, 39]


def test_nothing_but_log_and_indexes_is_left_behind(it: KeyedLog) -> None:
    it.append((b"a", b"1"))
    it.append((b"a", b"2"))
    it.roll()

    it.clean()

    suffixes = {name.partition(".")[2] for name in it.names()}
    assert suffixes <= {"log", "index", "timeindex", "snapshot", "metadata", ""}  # partition.metadata


def test_it_is_the_same_after_reopening(it: KeyedLog) -> None:
    for number in range(40):
        it.append((b"k%d" % (number % 7), b"v%d" % number))
    it.roll()
    it.clean()
    before, next_offset = it.pairs(), it.log.next_offset

    it.reopen()

    assert it.pairs() == before
    assert it.log.next_offset == next_offset


# Tombstones


def test_a_tombstone_stays_until_its_horizon_is_over(it: KeyedLog) -> None:
    it.append((b"a", b"1"))
    it.append((b"a", None), timestamp_ms=70)
    it.roll()

    it.clean(now_ms=5000)
    (batch,) = (batch for batch in it.batches() if batch.record_count)
    assert batch.delete_horizon_ms == 6000
    assert [(r.offset, r.key, r.value, r.timestamp_ms) for r in it.records()] == [(1, b"a", None, 70)]

    it.clean(now_ms=5999)
    assert it.pairs() == {1: (b"a", None)}
    it.clean(now_ms=6000)
    assert it.pairs() == {}


def test_a_batch_keeps_its_horizon_when_it_is_written_again(it: KeyedLog) -> None:
    it.append((b"a", None), (b"b", b"1"), timestamp_ms=70)
    it.roll()
    clean_to = it.clean(now_ms=5000).next_dirty_offset
    it.append((b"b", b"2"))
    it.roll()

    it.clean(since=clean_to, now_ms=5500)

    batch = it.batches()[0]
    assert (batch.delete_horizon_ms, batch.max_timestamp_ms) == (6000, 70)
    assert [(r.offset, r.timestamp_ms) for r in batch.records()] == [(0, 70)]


# Producers


def test_the_last_batch_of_a_producer_stays_without_its_records(it: KeyedLog) -> None:
    it.append((b"a", b"1"), producer_id=7, sequence=0)
    it.append((b"a", b"2"), (b"b", b"2"), producer_id=7, sequence=1)
    it.append((b"a", b"3"), (b"b", b"3"))
    it.roll()

    it.clean()

    empty = it.batches()[0]
    assert (empty.base_offset, empty.last_offset, empty.record_count) == (1, 2, 0)
    assert (empty.producer_id, empty.base_sequence, empty.last_sequence) == (7, 1, 2)
    assert list(empty.records()) == []


def test_sequence_numbers_are_known_from_a_compacted_log_alone(it: KeyedLog) -> None:
    it.append((b"a", b"1"), producer_id=7, sequence=0)
    it.append((b"a", b"2"), producer_id=7, sequence=1)
    it.append((b"a", b"3"))
    it.roll()
    it.clean()
    it.close()
    for name in it.names():
        if name.endswith(".snapshot"):
            it.files.remove(f"{it.directory}/{name}")

    it.open()

    assert it.log.producers.by_id[7].last_sequence == 1


def test_where_the_round_ended_is_known_from_the_log(it: KeyedLog) -> None:
    it.append((b"a", b"1"))
    it.append((b"a", None))
    it.roll()
    it.clean(now_ms=1000)

    it.clean(now_ms=9000)

    assert [(batch.base_offset, batch.record_count) for batch in it.batches()] == [(1, 0)]


# Transactions


def test_aborted_records_go_and_then_their_marker(it: KeyedLog) -> None:
    it.append((b"a", b"1"))
    it.append((b"a", b"2"), producer_id=7, sequence=0, transactional=True)
    it.end_transaction(7, committed=False)
    it.append((b"b", b"1"), producer_id=7, sequence=1, transactional=True)
    it.end_transaction(7, committed=True)
    it.roll()

    it.clean(now_ms=1000)
    assert it.pairs() == {0: (b"a", b"1"), 3: (b"b", b"1")}
    assert [batch.base_offset for batch in it.batches() if batch.is_control] == [2, 4]
    it.clean(now_ms=1500)
    horizons = {batch.base_offset: batch.delete_horizon_ms for batch in it.batches() if batch.is_control}
    assert horizons == {2: 2500, 4: None}
    it.clean(now_ms=2500)
    assert [batch.base_offset for batch in it.batches() if batch.is_control] == [4]
    assert it.pairs() == {0: (b"a", b"1"), 3: (b"b", b"1")}


def test_readers_of_committed_records_are_told_of_what_was_aborted_as_long_as_it_is_there(it: KeyedLog) -> None:
    it.append((b"a", b"1"), producer_id=7, sequence=0, transactional=True)
    it.end_transaction(7, committed=False)
    it.append((b"b", b"1"), producer_id=8, sequence=0, transactional=True)
    it.end_transaction(8, committed=False)
    it.append((b"b", b"2"), producer_id=8, sequence=1, transactional=True)
    it.end_transaction(8, committed=True)
    it.roll()

    it.clean()
    assert it.log.aborted_transactions(0, 6)[0].producer_id == 7  # its last batch is there, if empty
    it.clean()

    assert [aborted.producer_id for aborted in it.log.aborted_transactions(0, 6)] == [7]
    assert it.latest() == {b"b": b"2"}


def test_what_is_not_decided_is_not_touched(it: KeyedLog) -> None:
    it.append((b"a", b"1"))
    it.append((b"a", b"2"))
    it.roll()
    it.append((b"a", b"3"), producer_id=7, sequence=0, transactional=True)
    it.roll()
    it.append((b"a", b"4"))
    it.append((b"b", b"1"))
    it.roll()

    it.clean()

    assert it.pairs() == {1: (b"a", b"2"), 2: (b"a", b"3"), 3: (b"a", b"4"), 4: (b"b", b"1")}


# Limits


def test_a_small_map_takes_several_rounds(it: KeyedLog) -> None:
    for number in range(60):
        it.append((b"k%d" % (number % 20), b"v%d" % number))
    it.roll()
    limits = CleanerLimits(dedupe_buffer_bytes=10 * ENTRY_BYTES)

    clean_to, rounds = 0, 0
    while clean_to < 60:
        before, clean_to = clean_to, it.clean(since=clean_to, limits=limits).next_dirty_offset
        assert clean_to > before
        rounds += 1

    assert rounds > 3
    assert sorted(it.pairs()) == list(range(40, 60))


def test_a_batch_larger_than_the_map_is_done_in_parts(it: KeyedLog) -> None:
    it.append(*((b"k%d" % number, b"v") for number in range(10)))
    it.append(*((b"k%d" % number, b"w") for number in range(10)))
    it.roll()
    limits = CleanerLimits(dedupe_buffer_bytes=4 * ENTRY_BYTES)

    clean_to = 0
    for _ in range(20):
        clean_to = it.clean(since=clean_to, limits=limits).next_dirty_offset

    assert clean_to == 20
    assert sorted(it.pairs()) == list(range(10, 20))


@pytest.mark.parametrize("position", [5, 40, 70, 80], ids=str)
def test_a_damaged_log_is_left_as_it_is(it: KeyedLog, position: int) -> None:
    it.append((b"a", b"1"))
    it.append((b"a", b"2"))
    it.roll()
    files = it.files
    assert isinstance(files, MemoryFiles)
    files.corrupt(f"{it.directory}/{0:020}.log", position, b"\xff")
    before = it.names()

    with pytest.raises(CorruptRecord):
        it.clean()

    assert it.names() == before


# Readers


def test_a_reader_goes_on_with_what_it_has_open(it: KeyedLog) -> None:
    it.append((b"a", b"1"))
    it.append((b"a", b"2"))
    it.roll()
    held = it.log.read(0, max_bytes=10_000)
    before = held.read()

    it.clean()

    assert held.read() == before
    assert len(it.log.read(0, max_bytes=10_000).read()) < len(before)


def test_reading_an_offset_that_is_gone_gives_the_next_that_is_there(it: KeyedLog) -> None:
    for number in range(30):
        it.append((b"a", b"%d" % number))
    it.roll()
    it.append((b"b", b"1"))

    it.clean()

    for offset in range(30):
        data = it.log.read(offset, max_bytes=1, at_least_one=True).read()
        assert int.from_bytes(data[:8], "big") == 29, offset


def test_timestamps_find_what_is_left(it: KeyedLog) -> None:
    for number in range(30):
        it.append((b"k%d" % (number % 3), b"v"), timestamp_ms=1000 + number)
    it.roll()

    it.clean()

    found = it.log.offset_for_timestamp(1005)
    assert found is not None
    assert (found.offset, found.timestamp_ms) == (27, 1027)
    last = it.log.offset_of_max_timestamp()
    assert last is not None
    assert last.offset == 29
