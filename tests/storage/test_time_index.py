"""TimeIndex: the largest timestamp so far, at some points of a segment."""

from __future__ import annotations

from storage.testing import MemoryFiles
from storage.time_index import NO_TIMESTAMP, TimeIndex

BASE = 1000
PATH = "/d/x.timeindex"


def filled(files: MemoryFiles, *entries: tuple[int, int], max_bytes: int = 1200) -> TimeIndex:
    index = TimeIndex(files.create(PATH), BASE, max_bytes)
    index.start_empty()
    for timestamp_ms, offset in entries:
        index.append(timestamp_ms, offset)
    return index


def reopened(files: MemoryFiles) -> TimeIndex:
    return TimeIndex(files.open(PATH, len(files.read_bytes(PATH) or b"")), BASE, 1200)


def test_an_empty_index_begins_at_the_segments_start(files: MemoryFiles) -> None:
    index = filled(files)

    assert (NO_TIMESTAMP, BASE) == index.lookup(10**12) == index.last_entry()


def test_a_lookup_finds_the_last_entry_not_after(files: MemoryFiles) -> None:
    index = filled(files, (100, 1010), (200, 1020))
    index.write_pending()

    for each in (index, reopened(files)):
        assert (NO_TIMESTAMP, BASE) == each.lookup(99)
        assert (100, 1010) == each.lookup(100) == each.lookup(199)
        assert (200, 1020) == each.lookup(10**12) == each.last_entry()
        assert each.is_ordered()


def test_a_timestamp_that_is_not_the_largest_yet_is_no_entry(files: MemoryFiles) -> None:
    index = filled(files, (100, 1010), (100, 1020), (50, 1030))

    assert (100, 1010) == index.last_entry()


def test_the_year_1970_is_a_time(files: MemoryFiles) -> None:
    filled(files, (0, BASE)).write_pending()

    assert (0, BASE) == reopened(files).last_entry()


def test_truncation_forgets_the_offset_and_all_after_it(files: MemoryFiles) -> None:
    index = filled(files, (100, 1010), (200, 1020))
    index.write_pending()

    index.truncate_to(1020)

    assert (100, 1010) == index.last_entry() == reopened(files).last_entry()


def test_one_entry_is_kept_free_for_the_roll(files: MemoryFiles) -> None:
    index = filled(files, (100, 1010), max_bytes=36)

    assert not index.is_full
    index.append(200, 1020)
    assert index.is_full


def test_unloaded_it_loads_again_when_used(files: MemoryFiles) -> None:
    index = filled(files, (100, 1010))
    index.write_pending()

    index.unload()

    assert (100, 1010) == index.lookup(150)


def test_the_files_bytes_are_kafkas(files: MemoryFiles) -> None:
    filled(files, (1_700_000_000_000, 1010)).write_pending()

    assert bytes.fromhex("0000018bcfe568000000000a") == files.read_bytes(PATH)
