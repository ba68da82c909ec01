"""The latest offset of every key, in memory of a fixed size, as Kafka's SkimpyOffsetMap has it.

Of a key only the MD5 is kept: 24 bytes a slot, whatever the keys' length. Two keys of one hash would be taken for one;
with 128 bits that does not happen to those who do not work at it.

Invariant: there are free slots, so that a search ends; who fills the map asks `is_full` first.
"""

from __future__ import annotations

import mmap
from hashlib import md5
from struct import Struct

SLOT_BYTES = 24
NO_OFFSET = -1

_HASH = Struct("=QQ")
_CELLS = 3  # of 64 bits each: two of the hash, and the offset plus one; zero is a free slot


class OffsetMap:
    def __init__(self, slots: int, load_factor: float) -> None:
        """At most `slots`, of which no more than the factor says are used."""
        self._slots = _prime_at_most(max(slots, 3))
        self.capacity = max(1, int(self._slots * load_factor))
        self.size = 0
        self.latest_offset = NO_OFFSET  # up to which the map knows the log
        # Pages that are not used are never there, and all are given back with the map.
        self._cells = memoryview(mmap.mmap(-1, self._slots * SLOT_BYTES)).cast("Q")

    @property
    def is_full(self) -> bool:
        return self.size >= self.capacity

    def put(self, key: bytes, offset: int) -> None:
        low, high = _HASH.unpack(md5(key, usedforsecurity=False).digest())
        at = self._find(low, high)
        cells = self._cells
        if not cells[at + 2]:
            cells[at], cells[at + 1] = low, high
            self.size += 1
        cells[at + 2] = offset + 1
        self.latest_offset = offset

    def get(self, key: bytes) -> int:
        """NO_OFFSET if the key is not there."""
        low, high = _HASH.unpack(md5(key, usedforsecurity=False).digest())
        return self._cells[self._find(low, high) + 2] - 1

    def _find(self, low: int, high: int) -> int:
        """Where the hash is, or the free slot where it belongs: double hashing, and the number of slots is prime."""
        cells, slots = self._cells, self._slots
        slot = low % slots
        step = 1 + high % (slots - 1)
        while True:
            at = slot * _CELLS
            if not cells[at + 2] or (cells[at] == low and cells[at + 1] == high):
                return at
            slot += step
            if slot >= slots:
                slot -= slots


def _prime_at_most(number: int) -> int:
    while any(number % divisor == 0 for divisor in range(2, int(number**0.5) + 1)):
        number -= 1
    return number
