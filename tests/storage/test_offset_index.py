"""OffsetIndex: the last entry not beyond an offset."""

from __future__ import annotations

from bisect import bisect_right

from hypothesis import given
from hypothesis import strategies as st

from storage.offset_index import OffsetIndex
from storage.testing import MemoryFiles

BASE = 1000
PATH = "/d/x.index"


def filled(files: MemoryFiles, *entries: tuple[int, int], max_bytes: int = 800) -> OffsetIndex:
    index = OffsetIndex(files.create(PATH), BASE, max_bytes)
    index.start_empty()
    for offset, position in entries:
        index.append(offset, position)
    return index


def reopened(files: MemoryFiles) -> OffsetIndex:
    return OffsetIndex(files.open(PATH, len(files.read_bytes(PATH) or b"")), BASE, 800)


def test_an_empty_index_begins_at_the_segments_start(files: MemoryFiles) -> None:
    index = filled(files)

    assert (BASE, 0) == index.lookup(BASE + 5)
    assert index.last_entry() is None
    assert index.upper_bound(0) is None


@given(
    steps=st.lists(st.tuples(st.integers(1, 50), st.integers(1, 500)), min_size=1, max_size=20),
    wanted=st.integers(0, 1000),
)
def test_a_lookup_finds_the_last_entry_not_beyond(steps: list[tuple[int, int]], wanted: int) -> None:
    files = MemoryFiles()
    files.make_directory("/d")
    offset, position, entries = BASE - 1, 0, [(BASE, 0)]
    for offset_step, position_step in steps:
        offset, position = offset + offset_step, position + position_step
        entries.append((offset, position))
    index = filled(files, *entries[1:])
    index.write_pending()

    for each in (index, reopened(files)):
        slot = bisect_right(entries[1:], BASE + wanted, key=lambda entry: entry[0])
        assert entries[slot] == each.lookup(BASE + wanted)
        after = [entry[0] for entry in entries[1:] if entry[1] >= wanted]
        assert (after[0] if after else None) == each.upper_bound(wanted)
        assert entries[-1] == each.last_entry()
        assert each.is_ordered()


def test_truncation_forgets_the_offset_and_all_after_it(files: MemoryFiles) -> None:
    index = filled(files, (1010, 100), (1020, 200), (1030, 300))
    index.write_pending()

    index.truncate_to(1020)

    assert (1010, 100) == index.last_entry() == reopened(files).last_entry()


def test_truncation_to_before_the_base_leaves_nothing(files: MemoryFiles) -> None:
    index = filled(files, (1010, 100))

    index.truncate_to(5)

    assert index.last_entry() is None


def test_it_is_full_at_its_size(files: MemoryFiles) -> None:
    index = filled(files, (1010, 100), max_bytes=17)

    assert not index.is_full
    index.append(1020, 200)
    assert index.is_full


def test_unloaded_it_loads_again_when_used(files: MemoryFiles) -> None:
    index = filled(files, (1010, 100))
    index.write_pending()

    index.unload()

    assert (1010, 100) == index.lookup(1015)


def test_entries_out_of_order_are_noticed(files: MemoryFiles) -> None:
    assert not filled(files, (1010, 100), (1010, 200)).is_ordered()
    assert not filled(files, (1010, 100), (1020, 100)).is_ordered()


def test_the_files_bytes_are_kafkas(files: MemoryFiles) -> None:
    filled(files, (1010, 100)).write_pending()

    assert bytes.fromhex("0000000a00000064") == files.read_bytes(PATH)
