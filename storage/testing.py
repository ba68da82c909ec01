"""A disk in memory that fails, fills up, and loses its power when a test says so.

`MemoryFiles` is a verified fake: it passes the same tests as `RealFiles`. Every operation that would change the disk
counts; `fail_at` makes the Nth one fail, `cut_at` cuts the power in its middle. After that the machine is dead (every
call raises `PowerCut`) until `after_restart`, which gives what a disk may hold then:
  what was synced is there; of what was not, any part may be (a torn tail, blocks of zeros, all, or nothing);
  names in a directory are those of some moment since it was last synced.
`after_kill` gives what the next process sees when only the process died: everything.
"""

from __future__ import annotations

import posixpath
from random import Random

from storage.errors import DirectoryInUse, DiskFull, StorageFailure
from storage.files import Buffer, Entry

SECTOR_BYTES = 512


class PowerCut(BaseException):
    """The machine is off. Not an `Exception`: no code under test may live on after it."""


class _Inode:
    """A file's bytes: as the kernel has them, and as the disk is sure to have them."""

    def __init__(self, data: bytes = b"", modified_ms: int = 0) -> None:
        self.data = bytearray(data)
        self.durable = bytes(data)
        self.modified_ms = modified_ms
        self.written_bytes = len(data)  # what is allocated behind them takes no space, as in a real file

    def after_power_cut(self, random: Random) -> _Inode:
        same = 0
        while same < min(len(self.data), len(self.durable)) and self.data[same] == self.durable[same]:
            same += 1
        kept = same + random.randint(0, len(self.data) - same) if len(self.data) > same else same
        torn = bytearray(self.data[:kept])
        if kept > same and random.random() < 0.5:  # the file's length reached the disk, some of its blocks did not
            start = random.randint(same, kept - 1)
            end = min(kept, start + SECTOR_BYTES)
            torn[start:end] = bytes(end - start)
        return _Inode(random.choice([self.durable, bytes(self.data), bytes(torn), bytes(torn)]), self.modified_ms)

    def after_kill(self) -> _Inode:
        clone = _Inode(bytes(self.data), self.modified_ms)
        clone.durable, clone.written_bytes = self.durable, self.written_bytes
        return clone


class _Directory:
    """Names, and what they were at every moment since the last sync (the first of these is what is durable)."""

    def __init__(self) -> None:
        self.names: dict[str, _Inode | _Directory] = {}
        self.history: list[dict[str, _Inode | _Directory]] = [{}]

    def changed(self) -> None:
        self.history.append(dict(self.names))

    def sync(self) -> None:
        self.history = [dict(self.names)]

    def after_power_cut(self, random: Random) -> _Directory:
        clone = _Directory()
        for name, node in random.choice(self.history).items():
            clone.names[name] = node.after_power_cut(random)
        clone.sync()
        return clone

    def after_kill(self) -> _Directory:
        clone = _Directory()
        copies: dict[int, _Inode | _Directory] = {}

        def copy(node: _Inode | _Directory) -> _Inode | _Directory:
            return copies.setdefault(id(node), copies.get(id(node)) or node.after_kill())

        clone.names = {name: copy(node) for name, node in self.names.items()}
        clone.history = [{name: copy(node) for name, node in moment.items()} for moment in self.history]
        return clone


class MemoryOpen:
    """An open file keeps its bytes when its name is gone."""

    def __init__(self, inode: _Inode) -> None:
        self._inode = inode

    @property
    def descriptor(self) -> int:
        return -1

    def read(self, position: int, length: int) -> bytes:
        return bytes(self._inode.data[position : position + length])


class MemoryFile:
    def __init__(self, path: str, size: int, files: MemoryFiles) -> None:
        self.path = path
        self.size = size
        self._files = files
        self._inode: _Inode | None = None

    def _opened(self) -> _Inode:
        self._files.check_power()
        if self._inode is None:
            self._inode = self._files.inode(self.path)
        return self._inode

    def opened(self) -> MemoryOpen:
        return MemoryOpen(self._opened())

    def append(self, data: Buffer) -> None:
        inode = self._opened()
        taken = self._files.write(inode, self.size, bytes(data), self.path)
        if taken < len(data):
            raise DiskFull(f"No space left on device: {self.path}")
        self.size += len(data)

    def read(self, position: int, length: int) -> bytes:
        return MemoryOpen(self._opened()).read(position, length)

    def truncate(self, size: int) -> None:
        inode = self._opened()
        self._files.count_operation(self.path)
        inode.data[size:] = b""
        inode.written_bytes = min(inode.written_bytes, size)
        inode.data.extend(bytes(size - len(inode.data)))
        self.size = size

    def sync(self) -> None:
        inode = self._opened()
        self._files.count_operation(self.path)
        inode.durable = bytes(inode.data)

    def modified_ms(self) -> int:
        return self._opened().modified_ms

    def close(self) -> None:
        self._inode = None


class MemoryLock:
    def __init__(self, held: set[str], path: str) -> None:
        self._held = held
        self._path = path

    def release(self) -> None:
        self._held.discard(self._path)


class MemoryFiles:
    """See the module. `space_bytes` is what still fits on the disk (None: anything); `now_ms` dates what is written."""

    def __init__(
        self, *, fail_at: int | None = None, cut_at: int | None = None, space_bytes: int | None = None, seed: int = 0
    ) -> None:
        self.fail_at = fail_at
        self.cut_at = cut_at
        self.space_bytes = space_bytes
        self.broken: str | None = None  # a directory in which nothing can be changed any more
        self.now_ms = 0
        self.operations = 0
        self.boot = "boot-1"
        self._random = Random(seed)
        self._root = _Directory()
        self._locks: set[str] = set()
        self._is_off = False

    # What tests do to the disk

    def after_restart(self, seed: int = 0) -> MemoryFiles:
        """The disk as another boot of the machine may find it after the power was cut now."""
        return self._reborn(self._root.after_power_cut(Random(seed)), boot=self.boot + "+1")

    def after_kill(self) -> MemoryFiles:
        """The disk as the next process on this boot finds it."""
        return self._reborn(self._root.after_kill(), boot=self.boot)

    def _reborn(self, root: _Directory, boot: str) -> MemoryFiles:
        files = MemoryFiles()
        files._root, files.boot, files.now_ms = root, boot, self.now_ms
        return files

    def corrupt(self, path: str, position: int, data: bytes) -> None:
        """Overwrite bytes on the disk, as a bad sector or a foolish hand does."""
        inode = self.inode(path)
        inode.data[position : position + len(data)] = data
        inode.durable = bytes(inode.data)

    # How operations fail

    def check_power(self) -> None:
        if self._is_off:
            raise PowerCut

    def count_operation(self, path: str) -> None:
        """Called before each change: this one may be the one that fails."""
        self.check_power()
        self.operations += 1
        if self.operations == self.cut_at:
            self._is_off = True
            raise PowerCut
        is_broken = self.broken is not None and f"{path}/".startswith(f"{self.broken}/")
        if is_broken or self.operations == self.fail_at:
            raise StorageFailure(f"Input/output error: {path}")

    def write(self, inode: _Inode, position: int, data: bytes, path: str) -> int:
        """Write what fits; a failing write leaves nothing, a power cut leaves a part."""
        try:
            self.count_operation(path)
        except PowerCut:
            part = data[: self._random.randint(0, len(data))]
            inode.data[position : position + len(part)] = part
            raise
        grows = position + len(data) - inode.written_bytes
        if self.space_bytes is not None and grows > self.space_bytes:
            return 0
        if self.space_bytes is not None:
            self.space_bytes -= max(grows, 0)
        inode.data.extend(bytes(max(0, position - len(inode.data))))
        inode.data[position : position + len(data)] = data
        inode.written_bytes = max(inode.written_bytes, position + len(data))
        inode.modified_ms = self.now_ms
        return len(data)

    # Names

    def _directory(self, path: str) -> _Directory:
        node: _Inode | _Directory | None = self._root
        for part in path.strip("/").split("/"):
            if part:
                node = node.names.get(part) if isinstance(node, _Directory) else None
        if not isinstance(node, _Directory):
            raise StorageFailure(f"No such file or directory: {path}")
        return node

    def _find(self, path: str) -> _Inode | _Directory | None:
        parent, name = posixpath.split(path.rstrip("/"))
        try:
            return self._directory(parent).names.get(name)
        except StorageFailure:
            return None

    def inode(self, path: str) -> _Inode:
        node = self._find(path)
        if not isinstance(node, _Inode):
            raise StorageFailure(f"No such file or directory: {path}")
        return node

    def _put(self, path: str, node: _Inode | _Directory) -> None:
        parent, name = posixpath.split(path)
        directory = self._directory(parent)
        directory.names[name] = node
        directory.changed()

    # The Files protocol

    def create(self, path: str, *, allocated_bytes: int = 0) -> MemoryFile:
        self.count_operation(path)
        inode = _Inode(modified_ms=self.now_ms)
        inode.data = bytearray(allocated_bytes)
        self._put(path, inode)
        return MemoryFile(path, 0, self)

    def open(self, path: str, size: int) -> MemoryFile:
        return MemoryFile(path, size, self)

    def read_bytes(self, path: str) -> bytes | None:
        self.check_power()
        node = self._find(path)
        return bytes(node.data) if isinstance(node, _Inode) else None

    def write_atomically(self, path: str, data: bytes, *, sync: bool = True) -> None:
        file = self.create(path + ".tmp")
        file.append(data)
        if sync:
            file.sync()
        self.rename(path + ".tmp", path)
        if sync:
            self.sync_directory(posixpath.dirname(path))

    def entries(self, directory: str) -> list[Entry]:
        self.check_power()
        return [
            Entry(name, len(node.data), False, node.modified_ms)
            if isinstance(node, _Inode)
            else Entry(name, 0, True, 0)
            for name, node in self._directory(directory).names.items()
        ]

    def make_directory(self, path: str, *, sync: bool = False) -> None:
        self.check_power()
        parent = posixpath.dirname(path)
        if parent not in ("", "/"):
            self.make_directory(parent, sync=sync)
        if self._find(path) is None and path != "/":
            self.count_operation(path)
            self._put(path, _Directory())
            if sync:
                self.sync_directory(parent)

    def rename(self, path: str, new_path: str) -> None:
        node = self._find(path)
        if node is None:
            raise StorageFailure(f"No such file or directory: {path}")
        self.count_operation(path)
        parent, name = posixpath.split(path)
        assert parent == posixpath.dirname(new_path), "storage renames within a directory only"
        del self._directory(parent).names[name]
        self._put(new_path, node)

    def remove(self, path: str) -> None:
        self._remove(path)

    def remove_directory(self, path: str) -> None:
        node = self._find(path)
        if isinstance(node, _Directory) and node.names:
            raise StorageFailure(f"Directory not empty: {path}")
        self._remove(path)

    def _remove(self, path: str) -> None:
        self.count_operation(path)
        parent, name = posixpath.split(path)
        if self._find(path) is not None:
            directory = self._directory(parent)
            del directory.names[name]
            directory.changed()

    def sync_directory(self, path: str) -> None:
        directory = self._directory(path)
        self.count_operation(path)
        directory.sync()

    def lock(self, path: str) -> MemoryLock:
        self.check_power()
        if path in self._locks:
            raise DirectoryInUse(f"another process is using {posixpath.dirname(path)}")
        self._locks.add(path)
        if self._find(path) is None:
            self.create(path)
        return MemoryLock(self._locks, path)

    def boot_id(self) -> str:
        return self.boot
