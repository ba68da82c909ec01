"""The latest offset of every key, of as many keys as there is memory for.

Kafka keeps an MD5 of each key and its offset, 24 bytes; here it is a dictionary with the keys themselves: six times as
much memory, and a tenth of the time. A log with more keys than fit takes more rounds.
"""

from __future__ import annotations

from collections.abc import Sequence

ENTRY_BYTES = 140  # besides the key's own bytes: its object, the offset's, and the dictionary's part
NO_OFFSET = -1


class OffsetMap:
    def __init__(self, limit_bytes: int) -> None:
        self.offsets: dict[bytes, int] = {}
        self.latest_offset = NO_OFFSET  # up to which the map knows the log
        self._limit_bytes = limit_bytes
        self._size_bytes = 0

    def put(self, keys: Sequence[bytes], offsets: Sequence[int]) -> bool:
        """False if there was room only for the first of them, or for none; an empty map takes at least one."""
        if not keys:
            return True
        each_bytes = ENTRY_BYTES + sum(map(len, keys)) // len(keys)
        known = len(self.offsets)
        room = max((self._limit_bytes - self._size_bytes) // each_bytes, 0 if known else 1)
        if room < len(keys):
            keys = keys[:room]
        self.offsets.update(zip(keys, offsets, strict=False))
        self._size_bytes += each_bytes * (len(self.offsets) - known)
        if keys:
            self.latest_offset = offsets[len(keys) - 1]
        return len(keys) == len(offsets)
