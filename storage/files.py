"""The file-system border: all that storage ever asks of a disk.

Three true implementations, held to the same tests: `RealFiles` here, `storage.overlay_files.OverlayFiles` for what must
not be written to, and `storage.testing.MemoryFiles`.

Invariants
  A `File` writes only at its end; `size` is the end of what was written whole. A write that fails leaves the file as it
  was before (what the disk took of it is cut off again), else the failure is a `StorageFailure` that is not `DiskFull`.
  A descriptor stays open as long as anybody holds its `OpenFile`, even if the file is evicted, closed or removed
  meanwhile. At most `max_open` descriptors are kept for files nobody is using right now.

Knows nothing of what the files contain.
"""

from __future__ import annotations

import errno
import fcntl
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Protocol

from storage.errors import DirectoryInUse, DiskFull, StorageFailure

Buffer = bytes | bytearray | memoryview

_NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_TOO_MANY_OPEN = (errno.EMFILE, errno.ENFILE)


@dataclass(frozen=True, slots=True)
class Entry:
    """What a directory listing says about one file."""

    name: str
    size_bytes: int
    is_directory: bool
    modified_ms: int


class Open(Protocol):
    """Something readable that stays so while it is referred to; `descriptor` is -1 where there is none."""

    @property
    def descriptor(self) -> int: ...

    def read(self, position: int, length: int) -> bytes: ...


class File(Protocol):
    """A file that grows at its end. Opened on first use; `close` lets go of it, the next use opens it again."""

    path: str
    size: int

    def append(self, data: Buffer) -> None: ...

    def read(self, position: int, length: int) -> bytes:
        """Up to `length` bytes: fewer only at the end of the file."""

    def truncate(self, size: int) -> None: ...

    def sync(self) -> None: ...

    def modified_ms(self) -> int:
        """When it was last written to, by the system's clock."""

    def opened(self) -> Open: ...

    def close(self) -> None: ...


class Lock(Protocol):
    def release(self) -> None: ...


class Files(Protocol):
    def create(self, path: str, *, allocated_bytes: int = 0) -> File:
        """An empty file, whatever was there before; on the disk as long as that, with zeros that do not count."""

    def open(self, path: str, size: int) -> File:
        """The existing file, of which `size` bytes count; does not touch the disk."""

    def read_bytes(self, path: str) -> bytes | None:
        """The whole file, or None if there is none."""

    def write_atomically(self, path: str, data: bytes, *, sync: bool = True) -> None:
        """Replace the file: after a crash there is the old one or the new one (without `sync`, after a power cut
        perhaps neither)."""

    def entries(self, directory: str) -> list[Entry]: ...

    def make_directory(self, path: str, *, sync: bool = False) -> None:
        """Make the directory and those above it, with `sync` durably; it is no error if it is there."""

    def rename(self, path: str, new_path: str) -> None: ...

    def remove(self, path: str) -> None:
        """Remove a file; it is no error if there is none."""

    def remove_directory(self, path: str) -> None:
        """Remove an empty directory; it is no error if there is none."""

    def sync_directory(self, path: str) -> None: ...

    def lock(self, path: str) -> Lock:
        """Hold the lock file until released or the process ends; raises DirectoryInUse."""

    def boot_id(self) -> str:
        """Which boot of the machine this is; empty where it cannot be known."""


def move(files: Files, file: File, path: str) -> None:
    """Give an open file another name. Whoever opens it again finds it there, and never what took its old name."""
    before, file.path = file.path, path
    try:
        if before != path:
            files.rename(before, path)
    except BaseException:
        file.path = before
        raise


def failure(error: OSError, path: str) -> StorageFailure:
    """The storage error that stands for what the operating system said."""
    kind = DiskFull if error.errno in _NO_SPACE else StorageFailure
    return kind(f"{error.strerror or error}: {path}")


@contextmanager
def _translated(path: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise failure(error, path) from error


class OpenFile:
    """Owns a descriptor; the last reference to go closes it (`os.sendfile` may still be using it)."""

    __slots__ = ("descriptor",)

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    def read(self, position: int, length: int) -> bytes:
        data = os.pread(self.descriptor, length, position)
        if len(data) == length or not data:
            return data
        parts = [data]  # a read of more than 2 GB, or interrupted: the kernel gives less than there is
        got = len(data)
        while got < length and (data := os.pread(self.descriptor, length - got, position + got)):
            parts.append(data)
            got += len(data)
        return b"".join(parts)

    def __del__(self) -> None:
        with suppress(OSError):
            os.close(self.descriptor)


class RealFile:
    """A file on disk. Its descriptor may be taken from it by the pool at any time and is opened again when needed."""

    __slots__ = ("_open", "_pool", "path", "size", "used")

    def __init__(self, path: str, size: int, pool: _Pool) -> None:
        self.path = path
        self.size = size
        self.used = True
        self._pool = pool
        self._open: OpenFile | None = None

    def opened(self) -> OpenFile:
        opened = self._open
        if opened is None:
            opened = self._open = self._pool.open(self)
        self.used = True
        return opened

    def append(self, data: Buffer) -> None:
        opened = self._open or self.opened()
        self.used = True
        position = self.size
        try:
            written = os.pwrite(opened.descriptor, data, position)
            if written != len(data):
                self._append_rest(opened, memoryview(data), written)
        except OSError as error:
            raise self._undone(opened, failure(error, self.path)) from error
        self.size = position + len(data)

    def _append_rest(self, opened: OpenFile, data: memoryview, written: int) -> None:
        """The kernel took only a part: on a full disk the next write says so."""
        while written < len(data):
            written += os.pwrite(opened.descriptor, data[written:], self.size + written)

    def _undone(self, opened: OpenFile, error: StorageFailure) -> StorageFailure:
        """Cut off what a failed write left behind: it must not reappear behind a shorter, later write."""
        try:
            os.ftruncate(opened.descriptor, self.size)
        except OSError:
            return StorageFailure(str(error))
        return error

    def read(self, position: int, length: int) -> bytes:
        try:
            return self.opened().read(position, length)
        except OSError as error:
            raise failure(error, self.path) from error

    def truncate(self, size: int) -> None:
        with _translated(self.path):
            opened = self.opened()  # held: another thread may evict it, and its number would be another file's
            os.ftruncate(opened.descriptor, size)
        self.size = size

    def sync(self) -> None:
        with _translated(self.path):
            opened = self.opened()
            os.fsync(opened.descriptor)

    def modified_ms(self) -> int:
        with _translated(self.path):
            opened = self.opened()
            return os.fstat(opened.descriptor).st_mtime_ns // 1_000_000

    def close(self) -> None:
        self._pool.forget(self)
        self._open = None

    def evict(self) -> None:
        self._open = None


class _Pool:
    """Bounds the open descriptors by the clock rule: who was used since the last round gets another round."""

    def __init__(self, max_open: int, mode: int) -> None:
        self._max_open = max_open
        self._flags = mode | os.O_CLOEXEC
        self._files: dict[RealFile, None] = {}  # the order is the clock's
        self._lock = threading.Lock()  # a flush in a worker thread opens files too

    def open(self, file: RealFile) -> OpenFile:
        with self._lock:
            while len(self._files) >= self._max_open:
                self._evict_one()
            self._files[file] = None
        try:
            return OpenFile(os.open(file.path, self._flags))
        except OSError as error:
            if error.errno not in _TOO_MANY_OPEN:
                self.forget(file)
                raise failure(error, file.path) from error
        with self._lock:  # sockets have eaten our share: give up all of it and try once more
            for other in self._files:
                other.evict()
            self._files = {file: None}
        with _translated(file.path):
            return OpenFile(os.open(file.path, self._flags))

    def _evict_one(self) -> None:
        while True:
            file = next(iter(self._files))
            del self._files[file]
            if not file.used:
                file.evict()
                return
            file.used = False
            self._files[file] = None

    def forget(self, file: RealFile) -> None:
        with self._lock:
            self._files.pop(file, None)


class RealLock:
    """An flock: the kernel releases it when the process dies, however it dies."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def release(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


class RealFiles:
    """The disk. `max_open` bounds the descriptors kept open for reuse. `read_only`: files are opened for reading."""

    def __init__(self, max_open: int = 4096, *, read_only: bool = False) -> None:
        self._pool = _Pool(max_open, os.O_RDONLY if read_only else os.O_RDWR)

    def create(self, path: str, *, allocated_bytes: int = 0) -> RealFile:
        with _translated(path):
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
            try:
                if allocated_bytes:
                    os.ftruncate(descriptor, allocated_bytes)
            finally:
                os.close(descriptor)
        return RealFile(path, 0, self._pool)

    def open(self, path: str, size: int) -> RealFile:
        return RealFile(path, size, self._pool)

    def read_bytes(self, path: str) -> bytes | None:
        try:
            with open(path, "rb", buffering=0) as file:
                return file.read()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise failure(error, path) from error

    def write_atomically(self, path: str, data: bytes, *, sync: bool = True) -> None:
        temporary = path + ".tmp"
        with _translated(path):
            with open(temporary, "wb", buffering=0) as file:
                view = memoryview(data)
                while view:
                    view = view[file.write(view) :]
                if sync:
                    os.fsync(file.fileno())
            os.replace(temporary, path)
        if sync:
            self.sync_directory(os.path.dirname(path))

    def entries(self, directory: str) -> list[Entry]:
        found = []
        with _translated(directory), os.scandir(directory) as listing:
            for entry in listing:
                with suppress(FileNotFoundError):  # removed between listing and looking
                    stat = entry.stat()
                    found.append(Entry(entry.name, stat.st_size, entry.is_dir(), stat.st_mtime_ns // 1_000_000))
        return found

    def make_directory(self, path: str, *, sync: bool = False) -> None:
        parent = os.path.dirname(path)
        with _translated(path):
            if os.path.isdir(path):
                return
            if parent and not os.path.isdir(parent):
                self.make_directory(parent, sync=sync)
            with suppress(FileExistsError):
                os.mkdir(path)
        if sync:
            self.sync_directory(parent or ".")

    def rename(self, path: str, new_path: str) -> None:
        with _translated(path):
            os.rename(path, new_path)

    def remove(self, path: str) -> None:
        with _translated(path), suppress(FileNotFoundError):
            os.unlink(path)

    def remove_directory(self, path: str) -> None:
        with _translated(path), suppress(FileNotFoundError):
            os.rmdir(path)

    def sync_directory(self, path: str) -> None:
        with _translated(path):
            descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)

    def lock(self, path: str) -> RealLock:
        with _translated(path):
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(descriptor)
            directory = os.path.dirname(path)
            raise DirectoryInUse(f"another process is using {directory} (it holds the lock file {path})") from error
        return RealLock(descriptor)

    def boot_id(self) -> str:
        return (self.read_bytes("/proc/sys/kernel/random/boot_id") or b"").decode("ascii", "replace").strip()
