"""IndexFile: entries that wait for the disk, and what counts of a file."""

from __future__ import annotations

import pytest

from storage.errors import DiskFull
from storage.index_file import IndexFile
from storage.testing import MemoryFiles

ENTRY_BYTES = 4


def opened(files: MemoryFiles, data: bytes = b"") -> IndexFile:
    file = files.create("/d/x.index")
    if data:
        file.append(data)
    return IndexFile(file, ENTRY_BYTES)


def test_entries_wait_until_they_are_written(files: MemoryFiles) -> None:
    index = opened(files)

    index.append(b"aaaa")
    index.append(b"bbbb")

    assert b"" == files.read_bytes("/d/x.index")
    index.write_pending()
    assert b"aaaabbbb" == files.read_bytes("/d/x.index") == index.load()


def test_a_full_disk_leaves_them_waiting(files: MemoryFiles) -> None:
    index = opened(files)
    index.append(b"aaaa")
    files.space_bytes = 3

    with pytest.raises(DiskFull):
        index.write_pending()
    files.space_bytes = None
    index.write_pending()

    assert b"aaaa" == files.read_bytes("/d/x.index")


@pytest.mark.parametrize(
    ("data", "entries"),
    [
        (b"aaaabbbb" + bytes(32), b"aaaabbbb"),  # allocated in advance
        (b"aaaabb\0\0", b"aaaabb\0\0"),  # an entry may end in zeros
        (b"aaaabb", b"aaaa"),  # cut off
        (b"aaaabb\0", b"aaaa"),
        (bytes(4), bytes(4)),
        (bytes(8), b""),
        (b"", b""),
    ],
)
def test_zeros_and_parts_at_the_end_are_no_entries(files: MemoryFiles, data: bytes, entries: bytes) -> None:
    assert entries == opened(files, data).load()


@pytest.mark.parametrize("kept", range(5))
def test_truncation_reaches_written_and_waiting_entries(files: MemoryFiles, kept: int) -> None:
    index = opened(files, b"aaaabbbb")
    index.append(b"cccc")
    index.append(b"dddd")

    index.truncate(kept)
    index.append(b"eeee")
    index.write_pending()

    assert b"aaaabbbbccccdddd"[: kept * ENTRY_BYTES] + b"eeee" == files.read_bytes("/d/x.index")
