"""LogSlice: a stretch of a file."""

from __future__ import annotations

from storage.log_slice import LogSlice
from storage.testing import MemoryFiles


def test_it_reads_its_stretch_even_when_the_file_is_gone(files: MemoryFiles) -> None:
    file = files.create("/d/a")
    file.append(b"0123456789")
    part = LogSlice(file.opened(), 2, 3, 42)

    files.remove("/d/a")

    assert b"234" == part.read()
    assert (True, 3, 42, -1) == (bool(part), len(part), part.next_offset, part.file_descriptor)


def test_an_empty_one_has_no_file() -> None:
    part = LogSlice(None, 0, 0, 42)

    assert (b"", False, -1) == (part.read(), bool(part), part.file_descriptor)
