"""The .timeindex file: at some points of a segment, the largest timestamp so far and the offset it belongs to.

An entry is (timestamp, offset minus the segment's base offset), a big-endian 64-bit and a 32-bit number; both never
decrease and the timestamp strictly increases. Every message before an entry's offset has a timestamp not after the
entry's. A rolled segment's last entry is its largest timestamp.

Invariant: entries may be missing, none is wrong. Loaded into memory on first use.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from operator import le, lt
from struct import Struct

from storage.files import File, Files
from storage.index_file import IndexFile

ENTRY = Struct(">qI")
NO_TIMESTAMP = -1


class TimeIndex:
    def __init__(self, file: File, base_offset: int, max_bytes: int) -> None:
        self._file = IndexFile(file, ENTRY.size)
        self._base_offset = base_offset
        self._max_entries = max_bytes // ENTRY.size - 1  # one is reserved for the entry written at the roll
        self._loaded = False
        self._timestamps = array("q")
        self._offsets = array("I")

    def load(self) -> None:
        if self._loaded:
            return
        timestamps, offsets = array("q"), array("I")
        for timestamp_ms, relative in ENTRY.iter_unpack(self._file.load()):
            timestamps.append(timestamp_ms)
            offsets.append(relative)
        self._offsets, self._timestamps = offsets, timestamps
        self._loaded = True

    def start_empty(self) -> None:
        """For a file known to be new."""
        self._loaded = True

    @property
    def is_full(self) -> bool:
        return len(self._timestamps) >= self._max_entries

    def append(self, timestamp_ms: int, offset: int) -> None:
        """Ignored unless the timestamp is the largest yet."""
        if timestamp_ms <= (self._timestamps[-1] if self._timestamps else NO_TIMESTAMP):
            return
        relative = offset - self._base_offset
        self._offsets.append(relative)  # before the timestamp: a lookup in another thread finds both or neither
        self._timestamps.append(timestamp_ms)
        self._file.append(ENTRY.pack(timestamp_ms, relative))

    def lookup(self, timestamp_ms: int) -> tuple[int, int]:
        """The (timestamp, offset) of the last entry at or before the timestamp, or of the segment's start."""
        self.load()
        slot = bisect_right(self._timestamps, timestamp_ms) - 1
        if slot < 0:
            return NO_TIMESTAMP, self._base_offset
        return self._timestamps[slot], self._base_offset + self._offsets[slot]

    def last_entry(self) -> tuple[int, int]:
        self.load()
        if not self._timestamps:
            return NO_TIMESTAMP, self._base_offset
        return self._timestamps[-1], self._base_offset + self._offsets[-1]

    def entries(self) -> list[tuple[int, int]]:
        """Every (timestamp, offset)."""
        self.load()
        return [(at, self._base_offset + offset) for at, offset in zip(self._timestamps, self._offsets, strict=True)]

    def truncate_to(self, offset: int) -> None:
        """Forget `offset` and all after it."""
        self.load()
        self._keep(bisect_left(self._offsets, max(0, offset - self._base_offset)))

    def is_ordered(self) -> bool:
        """Whether the entries can be right: timestamps strictly increase, offsets never decrease."""
        self.load()
        timestamps, offsets = self._timestamps, self._offsets
        return all(map(lt, timestamps, timestamps[1:])) and all(map(le, offsets, offsets[1:]))

    def _keep(self, entries: int) -> None:
        del self._timestamps[entries:]
        del self._offsets[entries:]
        self._file.truncate(entries)

    def unload(self) -> None:
        """Give the memory back; only for a segment that is not written any more."""
        self._loaded = False
        self._timestamps, self._offsets = array("q"), array("I")

    def write_pending(self) -> None:
        self._file.write_pending()

    def move_to(self, path: str) -> None:
        self._file.move_to(path)

    def sync(self) -> None:
        self._file.sync()

    @property
    def size_bytes(self) -> int:
        return self._file.size_bytes

    def rename(self, files: Files, path: str) -> bool:
        return self._file.rename(files, path)

    def close(self) -> None:
        self._file.close()
