"""OverlayFiles: what is on the disk shows through what was changed, and stays as it is."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from storage.errors import DirectoryInUse
from storage.files import RealFiles
from storage.overlay_files import OverlayFiles


@pytest.fixture
def root(tmp_path: Path) -> str:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a").write_bytes(b"hello world")
    (tmp_path / "b").write_bytes(b"b")
    for path in (tmp_path / "sub" / "a", tmp_path / "b"):
        path.chmod(0o444)
    return str(tmp_path)


def shown(files: OverlayFiles, directory: str) -> dict[str, int]:
    return {entry.name: entry.size_bytes for entry in files.entries(directory)}


def test_files_grow_and_are_cut_in_memory_only(root: str) -> None:
    files = OverlayFiles()
    file = files.open(f"{root}/sub/a", 11)
    held = file.opened()
    file.append(b"!")
    assert (b"hello world!", b"rld!", b"!") == (file.read(0, 100), file.read(8, 100), file.read(11, 1))
    file.truncate(5)
    file.append(b" there")

    assert b"hello there" == files.read_bytes(f"{root}/sub/a")
    assert b"lo th" == file.read(3, 5)
    assert b"hello world" == held.read(0, 100)
    assert {"a": 11} == shown(files, f"{root}/sub")
    assert b"hello world" == Path(root, "sub", "a").read_bytes()


def test_only_an_unchanged_file_can_be_sent_from_the_disk(root: str) -> None:
    file = OverlayFiles().open(f"{root}/sub/a", 11)
    assert file.opened().descriptor >= 0

    file.append(b"!")

    assert file.opened().descriptor == -1


def test_names_come_and_go_in_memory_only(root: str) -> None:
    files = OverlayFiles()
    files.rename(f"{root}/sub", f"{root}/other")
    files.remove(f"{root}/b")
    files.write_atomically(f"{root}/c", b"new")

    assert {"other": 0, "c": 3} == shown(files, root)
    assert b"hello world" == files.read_bytes(f"{root}/other/a")
    assert files.read_bytes(f"{root}/sub/a") is None
    assert {"sub", "b"} == set(os.listdir(root))


def test_readers_share_the_lock_and_a_writer_keeps_them_out(root: str) -> None:
    path = f"{root}/.lock"
    OverlayFiles().lock(path).release()  # there is none
    writer = RealFiles().lock(path)
    with pytest.raises(DirectoryInUse):
        OverlayFiles().lock(path)
    writer.release()

    locks = [OverlayFiles().lock(path) for _ in range(2)]

    with pytest.raises(DirectoryInUse):
        RealFiles().lock(path)
    for lock in locks:
        lock.release()
