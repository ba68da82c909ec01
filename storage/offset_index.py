"""The .index file: for some batches of a segment, where in the .log file they start.

An entry is (last offset of a batch minus the segment's base offset, position of that batch), two big-endian 32-bit
numbers, both strictly increasing. A lookup gives the last entry not beyond the wanted offset; the reader goes on
from there.

Invariant: entries may be missing, none is wrong. Loaded into memory on first use.
"""

from __future__ import annotations

import sys
from array import array
from bisect import bisect_left, bisect_right
from operator import lt
from struct import Struct

from storage.files import File, Files
from storage.index_file import IndexFile

ENTRY = Struct(">II")


class OffsetIndex:
    def __init__(self, file: File, base_offset: int, max_bytes: int) -> None:
        self._file = IndexFile(file, ENTRY.size)
        self._base_offset = base_offset
        self._max_entries = max_bytes // ENTRY.size
        self._loaded = False
        self._offsets = array("I")
        self._positions = array("I")

    def load(self) -> None:
        if self._loaded:
            return
        entries = array("I", self._file.load())
        if sys.byteorder == "little":
            entries.byteswap()
        self._positions, self._offsets = entries[1::2], entries[0::2]
        self._loaded = True

    def start_empty(self) -> None:
        """For a file known to be new."""
        self._loaded = True

    @property
    def is_full(self) -> bool:
        return len(self._offsets) >= self._max_entries

    def append(self, offset: int, position: int) -> None:
        relative = offset - self._base_offset
        self._positions.append(position)  # before the offset: a lookup in another thread finds both or neither
        self._offsets.append(relative)
        self._file.append(ENTRY.pack(relative, position))

    def lookup(self, offset: int) -> tuple[int, int]:
        """The (offset, position) of the last entry at or before `offset`; the segment's start if there is none."""
        self.load()
        slot = bisect_right(self._offsets, offset - self._base_offset) - 1
        if slot < 0:
            return self._base_offset, 0
        return self._base_offset + self._offsets[slot], self._positions[slot]

    def last_entry(self) -> tuple[int, int] | None:
        self.load()
        if not self._offsets:
            return None
        return self._base_offset + self._offsets[-1], self._positions[-1]

    def entries(self) -> list[tuple[int, int]]:
        """Every (last offset, position)."""
        self.load()
        return [(self._base_offset + at, position) for at, position in zip(self._offsets, self._positions, strict=True)]

    def upper_bound(self, position: int) -> int | None:
        """The last offset of the first indexed batch that starts at or after `position`."""
        self.load()
        slot = bisect_left(self._positions, position)
        return self._base_offset + self._offsets[slot] if slot < len(self._offsets) else None

    def truncate_to(self, offset: int) -> None:
        """Forget `offset` and all after it."""
        self.load()
        self._keep(bisect_left(self._offsets, max(0, offset - self._base_offset)))

    def is_ordered(self) -> bool:
        """Whether the entries can be right: both numbers strictly increase."""
        self.load()
        offsets, positions = self._offsets, self._positions
        return all(map(lt, offsets, offsets[1:])) and all(map(lt, positions, positions[1:]))

    def _keep(self, entries: int) -> None:
        del self._offsets[entries:]
        del self._positions[entries:]
        self._file.truncate(entries)

    def unload(self) -> None:
        """Give the memory back; only for a segment that is not written any more."""
        self._loaded = False
        self._offsets, self._positions = array("I"), array("I")

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
