"""Directories that are only read: whatever would change them is kept in memory, and is gone with the process.

A third implementation of `files.Files`, over `RealFiles`. A file that is appended to or cut keeps its bytes on the disk
and has its end in memory; a name that is taken away is only hidden. So recovery, which cuts what is torn, can do so.

Invariant: nothing is opened for writing.
"""

from __future__ import annotations

import fcntl
import os
import posixpath
import stat
import time
from contextlib import suppress
from dataclasses import dataclass, field

from storage.errors import DirectoryInUse, StorageFailure
from storage.files import Buffer, Entry, Lock, Open, RealFile, RealFiles, RealLock, failure


class _Content:
    """A file's bytes: the first `kept` of those on the disk, and what comes behind them."""

    def __init__(self, real: RealFile | None, modified_ms: int) -> None:
        self.real = real
        self.kept = real.size if real else 0
        self.tail = bytearray()  # replaced, not cut: a reader may be in it
        self.modified_ms = modified_ms

    @property
    def size(self) -> int:
        return self.kept + len(self.tail)

    def cut(self, size: int) -> None:
        self.tail = self.tail[: max(0, size - self.kept)]
        self.kept = min(self.kept, size)

    def opened(self) -> Open:
        if self.real and not self.tail:
            return self.real.opened()
        return _Mixed(self.real.opened() if self.real and self.kept else None, self.kept, self.tail)


@dataclass(frozen=True, slots=True)
class _Mixed:
    """Has no descriptor to send from."""

    file: Open | None
    kept: int
    tail: bytearray

    @property
    def descriptor(self) -> int:
        return -1

    def read(self, position: int, length: int) -> bytes:
        from_file = max(0, min(length, self.kept - position))
        data = self.file.read(position, from_file) if self.file and from_file else b""
        start = max(0, position - self.kept)
        return data + bytes(self.tail[start : start + length - from_file])


@dataclass(slots=True)
class _Directory:
    """`path` is where it is on the disk; `changed` what is otherwise: other contents, or None for what is gone."""

    path: str | None
    changed: dict[str, _Content | _Directory | None] = field(default_factory=dict)


class OverlayFile:
    def __init__(self, path: str, size: int, files: OverlayFiles) -> None:
        self.path = path
        self.size = size
        self._files = files
        self._content: _Content | None = None

    def _found(self) -> _Content:
        if self._content is None:
            self._content = self._files.content(self.path)
        return self._content

    def append(self, data: Buffer) -> None:
        content = self._found()
        content.cut(self.size)
        content.tail += data
        content.modified_ms = time.time_ns() // 1_000_000
        self.size += len(data)

    def read(self, position: int, length: int) -> bytes:
        try:
            return self.opened().read(position, length)
        except OSError as error:
            raise failure(error, self.path) from error

    def truncate(self, size: int) -> None:
        self._found().cut(size)
        self.size = size

    def sync(self) -> None:
        pass

    def modified_ms(self) -> int:
        return self._found().modified_ms

    def opened(self) -> Open:
        return self._found().opened()

    def close(self) -> None:
        if self._content is not None and self._content.real:
            self._content.real.close()


class OverlayFiles:
    def __init__(self) -> None:
        self._disk = RealFiles(read_only=True)
        self._root = _Directory("/")

    # Finding

    def _directory(self, path: str) -> _Directory:
        node: _Content | _Directory | None = self._root
        for part in os.path.abspath(path).split("/"):
            if part:
                node = self._child(node, part) if isinstance(node, _Directory) else None
        if not isinstance(node, _Directory):
            raise StorageFailure(f"No such file or directory: {path}")
        return node

    def _child(self, directory: _Directory, name: str) -> _Content | _Directory | None:
        if name in directory.changed or directory.path is None:
            return directory.changed.get(name)
        path = posixpath.join(directory.path, name)
        try:
            found = os.stat(path)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise failure(error, path) from error
        node: _Content | _Directory
        if stat.S_ISDIR(found.st_mode):
            node = _Directory(path)
        else:
            node = _Content(self._disk.open(path, found.st_size), found.st_mtime_ns // 1_000_000)
        directory.changed[name] = node  # the same one for all who ask
        return node

    def _find(self, path: str) -> _Content | _Directory | None:
        parent, name = posixpath.split(os.path.abspath(path))
        try:
            return self._child(self._directory(parent), name)
        except StorageFailure:
            return None

    def content(self, path: str) -> _Content:
        node = self._find(path)
        if not isinstance(node, _Content):
            raise StorageFailure(f"No such file or directory: {path}")
        return node

    def _put(self, path: str, node: _Content | _Directory | None) -> None:
        parent, name = posixpath.split(os.path.abspath(path))
        self._directory(parent).changed[name] = node

    # The Files protocol

    def create(self, path: str, *, allocated_bytes: int = 0) -> OverlayFile:  # noqa: ARG002 - there is no disk to spare
        self._put(path, _Content(None, time.time_ns() // 1_000_000))
        return OverlayFile(path, 0, self)

    def open(self, path: str, size: int) -> OverlayFile:
        return OverlayFile(path, size, self)

    def read_bytes(self, path: str) -> bytes | None:
        node = self._find(path)
        return OverlayFile(path, node.size, self).read(0, node.size) if isinstance(node, _Content) else None

    def write_atomically(self, path: str, data: bytes, *, sync: bool = True) -> None:  # noqa: ARG002 - to what?
        self.create(path).append(data)

    def entries(self, directory: str) -> list[Entry]:
        node = self._directory(directory)
        names = dict.fromkeys(node.changed)
        if node.path is not None:
            names |= dict.fromkeys(entry.name for entry in self._disk.entries(node.path))
        found = []
        for name in names:
            child = self._child(node, name)
            if isinstance(child, _Content):
                found.append(Entry(name, child.size, False, child.modified_ms))
            elif child is not None:
                found.append(Entry(name, 0, True, 0))
        return found

    def make_directory(self, path: str, *, sync: bool = False) -> None:
        if self._find(path) is None and path not in ("", "/"):
            self.make_directory(posixpath.dirname(os.path.abspath(path)), sync=sync)
            self._put(path, _Directory(None))

    def rename(self, path: str, new_path: str) -> None:
        node = self._find(path)
        if node is None:
            raise StorageFailure(f"No such file or directory: {path}")
        self._put(path, None)
        self._put(new_path, node)

    def remove(self, path: str) -> None:
        if self._find(path) is not None:
            self._put(path, None)

    def remove_directory(self, path: str) -> None:
        if isinstance(self._find(path), _Directory) and self.entries(path):
            raise StorageFailure(f"Directory not empty: {path}")
        self.remove(path)

    def sync_directory(self, path: str) -> None:
        pass

    def lock(self, path: str) -> Lock:
        """Shared: others may read too, but a broker that writes may not run."""
        descriptor = -1
        with suppress(OSError):  # a directory that no broker had since it was copied may have no lock file
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        if descriptor >= 0:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except OSError as error:
                os.close(descriptor)
                raise DirectoryInUse(f"another process is writing to {posixpath.dirname(path)}") from error
        return RealLock(descriptor)

    def boot_id(self) -> str:
        return self._disk.boot_id()
