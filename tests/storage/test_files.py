"""Files: what storage asks of a disk, asked of the real one and of its twin in memory."""

from __future__ import annotations

import errno
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from storage.errors import DirectoryInUse, DiskFull, StorageFailure
from storage.files import Files, RealFile, RealFiles, failure
from storage.overlay_files import OverlayFiles
from storage.testing import MemoryFiles


@pytest.fixture(params=["real", "memory", "overlay"])
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Files, str]]:
    """A disk, and an empty directory on it."""
    if request.param == "real":
        yield RealFiles(), str(tmp_path)
    elif request.param == "overlay":
        yield OverlayFiles(), str(tmp_path)
        assert [] == list(tmp_path.iterdir())
    else:
        files = MemoryFiles()
        files.make_directory("/tmp")
        yield files, "/tmp"


Disk = tuple[Files, str]


def test_what_is_appended_is_read_back(disk: Disk) -> None:
    files, root = disk
    file = files.create(f"{root}/a")

    file.append(b"hello ")
    file.append(memoryview(b"world"))

    assert b"hello world" == file.read(0, 100) == files.read_bytes(f"{root}/a")
    assert b"lo w" == file.read(3, 4)
    assert b"" == file.read(11, 5)
    assert 11 == file.size


def test_a_new_file_is_empty_whatever_was_there(disk: Disk) -> None:
    files, root = disk
    files.create(f"{root}/a").append(b"old")

    file = files.create(f"{root}/a")

    assert (0, b"") == (file.size, file.read(0, 10))


def test_allocated_bytes_do_not_count(disk: Disk) -> None:
    files, root = disk

    file = files.create(f"{root}/a", allocated_bytes=10)
    file.append(b"hello")

    assert 5 == file.size
    assert b"hello" == (files.read_bytes(f"{root}/a") or b"").rstrip(b"\0")
    file.truncate(file.size)
    assert b"hello" == files.read_bytes(f"{root}/a")


def test_bytes_behind_the_size_that_counts_are_overwritten(disk: Disk) -> None:
    files, root = disk
    files.create(f"{root}/a").append(b"hello world")

    file = files.open(f"{root}/a", 6)
    file.append(b"there")

    assert b"hello there" == files.read_bytes(f"{root}/a")


def test_a_file_goes_on_after_it_was_closed(disk: Disk) -> None:
    files, root = disk
    file = files.create(f"{root}/a")
    file.append(b"one")

    file.close()
    file.append(b" two")
    file.sync()

    assert b"one two" == file.read(0, 100)


def test_truncation_is_where_the_next_append_goes(disk: Disk) -> None:
    files, root = disk
    file = files.create(f"{root}/a")
    file.append(b"hello world")

    file.truncate(5)
    file.append(b"!")

    assert b"hello!" == files.read_bytes(f"{root}/a")


def test_an_open_file_is_readable_after_its_name_is_gone(disk: Disk) -> None:
    files, root = disk
    file = files.create(f"{root}/a")
    file.append(b"still here")
    held = file.opened()

    files.remove(f"{root}/a")
    file.close()

    assert b"still here" == held.read(0, 100)


def test_a_file_that_is_not_there_is_a_failure_when_used(disk: Disk) -> None:
    files, root = disk
    file = files.open(f"{root}/none", 10)

    with pytest.raises(StorageFailure):
        file.read(0, 1)


def test_an_atomic_write_replaces_all(disk: Disk) -> None:
    files, root = disk
    files.write_atomically(f"{root}/a", b"a long text")

    files.write_atomically(f"{root}/a", b"short", sync=False)

    assert b"short" == files.read_bytes(f"{root}/a")
    assert ["a"] == [entry.name for entry in files.entries(root)]


def test_reading_what_is_not_there_gives_none(disk: Disk) -> None:
    files, root = disk

    assert files.read_bytes(f"{root}/none") is None


def test_entries_tell_names_sizes_and_kinds(disk: Disk) -> None:
    files, root = disk
    files.create(f"{root}/a").append(b"12345")
    files.make_directory(f"{root}/sub")

    found = {entry.name: entry for entry in files.entries(root)}

    assert {"a", "sub"} == set(found)
    assert (5, False) == (found["a"].size_bytes, found["a"].is_directory)
    assert found["sub"].is_directory


def test_directories_are_made_with_those_above_them(disk: Disk) -> None:
    files, root = disk

    files.make_directory(f"{root}/x/y/z", sync=True)
    files.make_directory(f"{root}/x/y/z")

    assert ["z"] == [entry.name for entry in files.entries(f"{root}/x/y")]


def test_a_directory_that_is_not_there_cannot_be_listed(disk: Disk) -> None:
    files, root = disk

    with pytest.raises(StorageFailure):
        files.entries(f"{root}/none")


def test_a_renamed_file_takes_the_place_of_another(disk: Disk) -> None:
    files, root = disk
    files.create(f"{root}/a").append(b"a")
    files.create(f"{root}/b").append(b"b")

    files.rename(f"{root}/a", f"{root}/b")
    files.sync_directory(root)

    assert b"a" == files.read_bytes(f"{root}/b")
    assert files.read_bytes(f"{root}/a") is None


def test_a_renamed_directory_takes_its_files_along(disk: Disk) -> None:
    files, root = disk
    files.make_directory(f"{root}/t-0")
    files.create(f"{root}/t-0/a").append(b"a")

    files.rename(f"{root}/t-0", f"{root}/gone")

    assert b"a" == files.read_bytes(f"{root}/gone/a")


def test_renaming_nothing_is_a_failure(disk: Disk) -> None:
    files, root = disk

    with pytest.raises(StorageFailure):
        files.rename(f"{root}/none", f"{root}/b")


def test_removing_what_is_not_there_is_no_error(disk: Disk) -> None:
    files, root = disk

    files.remove(f"{root}/none")
    files.remove_directory(f"{root}/none")


def test_only_an_empty_directory_can_be_removed(disk: Disk) -> None:
    files, root = disk
    files.make_directory(f"{root}/x")
    files.create(f"{root}/x/a")

    with pytest.raises(StorageFailure):
        files.remove_directory(f"{root}/x")
    files.remove(f"{root}/x/a")
    files.remove_directory(f"{root}/x")

    assert [] == files.entries(root)


def test_a_lock_is_held_by_one_until_released(disk: Disk) -> None:
    files, root = disk
    if isinstance(files, OverlayFiles):
        pytest.skip("readers share it")
    lock = files.lock(f"{root}/.lock")

    with pytest.raises(DirectoryInUse):
        files.lock(f"{root}/.lock")
    lock.release()
    lock.release()

    files.lock(f"{root}/.lock").release()


def test_a_file_knows_when_it_was_written(disk: Disk) -> None:
    files, root = disk
    file = files.create(f"{root}/a")
    file.append(b"x")

    entry = files.entries(root)[0]

    assert entry.modified_ms == file.modified_ms()


# What only the real disk has


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def test_no_more_files_stay_open_than_allowed(tmp_path: Path) -> None:
    files = RealFiles(max_open=3)
    before = descriptors()
    made = [files.create(f"{tmp_path}/{number}") for number in range(20)]

    for file in made:
        file.append(b"%d" % file.size)
        file.append(file.path.encode())

    assert descriptors() <= before + 3
    assert all(file.read(1, 1000) == file.path.encode() for file in made)


def test_an_evicted_file_stays_open_for_who_holds_it(tmp_path: Path) -> None:
    files = RealFiles(max_open=1)
    first, second = files.create(f"{tmp_path}/1"), files.create(f"{tmp_path}/2")
    first.append(b"one")
    held = first.opened()

    second.append(b"two")
    second.append(b"two")
    first.close()

    assert b"one" == held.read(0, 10)


def test_files_used_from_many_threads_read_their_own_bytes(tmp_path: Path) -> None:
    files = RealFiles(max_open=2)
    made = [files.create(f"{tmp_path}/{number}") for number in range(6)]
    for number, file in enumerate(made):
        file.append(b"%d" % number * 100)
    wrong = []

    def read() -> None:
        for _ in range(200):
            wrong.extend(file.path for n, file in enumerate(made) if file.read(0, 200) != b"%d" % n * 100)

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [] == wrong


def test_a_descriptor_in_use_is_not_closed_by_another_thread(tmp_path: Path) -> None:
    files = RealFiles(max_open=1)
    made = [files.create(f"{tmp_path}/{number}") for number in range(3)]
    for file in made:
        file.append(b"x" * 100)
    errors = []

    def use(file: RealFile) -> None:
        try:
            for size in range(600):
                file.truncate(100 + size % 2)
                file.modified_ms()
                if size % 20 == 0:
                    file.sync()
        except StorageFailure as error:
            errors.append(error)

    interval_s = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    threads = [threading.Thread(target=use, args=[file]) for file in made]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sys.setswitchinterval(interval_s)

    assert [] == errors


def test_a_failed_append_leaves_nothing_behind(tmp_path: Path) -> None:
    """A file opened for reading only stands for a disk that refuses the write."""
    files = RealFiles()
    file = files.create(f"{tmp_path}/a")
    file.append(b"good")
    held = file.opened()
    read_only = os.open(file.path, os.O_RDONLY)
    os.dup2(read_only, held.descriptor)
    os.close(read_only)

    with pytest.raises(StorageFailure):
        file.append(b"bad")

    assert (4, b"good") == (file.size, files.read_bytes(file.path))


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_no_space_is_told_from_other_failures(number: int) -> None:
    assert type(failure(OSError(number, "no"), "/x")) is DiskFull
    assert type(failure(OSError(errno.EIO, "no"), "/x")) is StorageFailure


def test_the_boot_has_a_name() -> None:
    assert RealFiles().boot_id() == RealFiles().boot_id()
