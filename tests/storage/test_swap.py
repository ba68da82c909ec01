"""Compactions that were interrupted, by us or by Kafka: what becomes of the files they left."""

from __future__ import annotations

import pytest

from storage.swap import finish_swaps
from storage.testing import MemoryFiles
from wire.record_batch import Record, build

D = "/d/t-0"


def put(files: MemoryFiles, name: str, *offsets: int) -> None:
    """A file that has a batch at each of these offsets."""
    file = files.create(f"{D}/{name}")
    file.append(b"".join(build([Record(key=b"k", value=name.encode())], base_offset=offset) for offset in offsets))


def name(offset: int, suffix: str) -> str:
    return f"{offset:020}{suffix}"


def names(files: MemoryFiles) -> list[str]:
    return sorted(entry.name for entry in files.entries(D))


@pytest.fixture
def files() -> MemoryFiles:
    made = MemoryFiles()
    made.make_directory(D)
    for offset in (0, 10, 20):
        put(made, name(offset, ".log"), offset, offset + 9)
        put(made, name(offset, ".index"))
    return made


def test_what_was_not_written_to_its_end_goes(files: MemoryFiles) -> None:
    before = names(files)
    put(files, name(0, ".log.swap"), 9, 19)
    put(files, name(0, ".index.cleaned"))

    finish_swaps(files, D)

    assert names(files) == before
    assert b".log.swap" not in (files.read_bytes(f"{D}/{name(0, '.log')}") or b"")


def test_what_was_is_put_in_the_place_of_all_that_it_covers(files: MemoryFiles) -> None:
    for suffix in (".log.swap", ".index.swap", ".timeindex.swap"):
        put(files, name(0, suffix), *([9, 19] if "log" in suffix else []))

    finish_swaps(files, D)

    assert names(files) == sorted(
        [name(0, ".log"), name(0, ".index"), name(0, ".timeindex"), name(20, ".log"), name(20, ".index")]
    )
    assert b".log.swap" in (files.read_bytes(f"{D}/{name(0, '.log')}") or b"")


def test_a_segment_of_which_nothing_was_left_replaces_the_one_of_its_name(files: MemoryFiles) -> None:
    put(files, name(10, ".log.swap"))

    finish_swaps(files, D)

    assert files.read_bytes(f"{D}/{name(10, '.log')}") == b""
    assert name(10, ".index") not in names(files)


def test_indexes_may_be_all_that_is_left_to_rename(files: MemoryFiles) -> None:
    put(files, name(30, ".log"), 30)
    put(files, name(30, ".index.swap"))

    finish_swaps(files, D)

    assert name(30, ".index") in names(files)
    assert {name(0, ".log"), name(10, ".log"), name(20, ".log")} <= set(names(files))


def test_one_before_an_unfinished_one_is_finished(files: MemoryFiles) -> None:
    put(files, name(0, ".log.swap"), 9)
    put(files, name(10, ".log.swap"), 19)
    put(files, name(10, ".index.cleaned"))

    finish_swaps(files, D)

    assert b".log.swap" in (files.read_bytes(f"{D}/{name(0, '.log')}") or b"")
    assert b".log.swap" not in (files.read_bytes(f"{D}/{name(10, '.log')}") or b"")


def test_without_such_files_nothing_is_done(files: MemoryFiles) -> None:
    before = files.operations

    finish_swaps(files, D)

    assert files.operations == before
