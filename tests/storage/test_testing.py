"""MemoryFiles: how it fails, fills up and loses its power."""

from __future__ import annotations

import pytest

from storage.errors import DiskFull, StorageFailure
from storage.testing import MemoryFiles, PowerCut


def test_the_operation_asked_for_fails_and_no_other(files: MemoryFiles) -> None:
    file = files.create("/d/a")
    files.fail_at = files.operations + 2

    file.append(b"one")
    with pytest.raises(StorageFailure):
        file.append(b"two")
    file.append(b"three")

    assert b"onethree" == files.read_bytes("/d/a")


def test_a_full_disk_takes_nothing_of_what_does_not_fit(files: MemoryFiles) -> None:
    file = files.create("/d/a")
    files.space_bytes = 5

    file.append(b"four")
    with pytest.raises(DiskFull):
        file.append(b"four")

    assert (4, b"four") == (file.size, files.read_bytes("/d/a"))


def test_after_a_power_cut_nothing_works(files: MemoryFiles) -> None:
    file = files.create("/d/a")
    files.cut_at = files.operations + 1

    with pytest.raises(PowerCut):
        file.append(b"x")

    with pytest.raises(PowerCut):
        file.read(0, 1)
    with pytest.raises(PowerCut):
        files.entries("/d")


def test_a_kill_keeps_what_the_kernel_took(files: MemoryFiles) -> None:
    files.create("/d/a").append(b"x")

    after = files.after_kill()

    assert b"x" == after.read_bytes("/d/a")
    assert files.boot_id() == after.boot_id()


def test_a_power_cut_keeps_what_was_synced_under_a_synced_name(files: MemoryFiles) -> None:
    file = files.create("/d/a")
    file.append(b"synced")
    file.sync()
    files.sync_directory("/d")
    file.append(b" not synced")

    found = {files.after_restart(seed).read_bytes("/d/a") for seed in range(50)}

    assert all(data is not None and data.startswith(b"synced") for data in found)
    assert {b"synced", b"synced not synced"} < found  # and torn ones
    assert files.boot_id() != files.after_restart().boot_id()


def test_a_name_that_was_not_synced_may_be_missing(files: MemoryFiles) -> None:
    files.create("/d/a").sync()

    found = {files.after_restart(seed).read_bytes("/d/a") for seed in range(20)}

    assert {None, b""} == found


def test_one_seed_is_one_outcome(files: MemoryFiles) -> None:
    files.create("/d/a").append(b"torn somewhere")

    assert files.after_restart(7).read_bytes("/d/a") == files.after_restart(7).read_bytes("/d/a")


def test_the_locks_of_a_dead_process_are_free(files: MemoryFiles) -> None:
    files.lock("/d/.lock")

    files.after_kill().lock("/d/.lock").release()


def test_corruption_is_there_to_stay(files: MemoryFiles) -> None:
    files.create("/d/a").append(b"abc")
    files.sync_directory("/d")

    files.corrupt("/d/a", 1, b"X")

    assert b"aXc" == files.after_restart(0).read_bytes("/d/a")


def test_what_is_allocated_takes_space_only_when_it_is_written() -> None:
    files = MemoryFiles(space_bytes=3)
    files.make_directory("/d")
    file = files.create("/d/a", allocated_bytes=100)

    file.append(b"abc")

    with pytest.raises(DiskFull):
        file.append(b"d")
