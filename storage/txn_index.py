"""The .txnindex file of a segment: which transactions were aborted by a marker in this segment.

An entry is (version 0, producer id, first offset, last offset, last stable offset), 34 bytes, big-endian. The last
offset is the marker's own; the last stable offset is where the log was decided up to with this marker, so a reader who
is interested in offsets below it need not look at later entries.

Invariant: entries are in the order of their last offsets, one for each abort marker here that ended something. Whoever
reads it has the producer state loaded first, which puts right what a crash has left of the file's tail.

The file is made with its first entry: most segments have none.
"""

from __future__ import annotations

from bisect import bisect_left
from itertools import islice
from operator import attrgetter
from struct import Struct
from typing import NamedTuple

from storage.files import File, Files, move

ENTRY = Struct(">hqqqq")
VERSION = 0

_last_offset = attrgetter("last_offset")


class AbortedTransaction(NamedTuple):
    producer_id: int
    first_offset: int
    last_offset: int
    last_stable_offset: int


class TransactionIndex:
    """`size` is that of the file, None where there is none."""

    def __init__(self, files: Files, path: str, size: int | None) -> None:
        self._files = files
        self._path = path
        self._file: File | None = None if size is None else files.open(path, size)
        self._entries: list[AbortedTransaction] | None = None if size else []  # replaced, not changed
        self._written = 0  # of these so many are in the file

    @property
    def entries(self) -> list[AbortedTransaction]:
        if self._entries is None:
            assert self._file is not None
            self._entries = _intact(self._file.read(0, self._file.size))
            self._written = len(self._entries)
        return self._entries

    @property
    def is_written(self) -> bool:
        return self._entries is None or self._written == len(self._entries)

    def append(self, aborted: AbortedTransaction) -> None:
        """The entry waits for `write_pending`."""
        self._entries = [*self.entries, aborted]

    def write_pending(self) -> None:
        """Raises DiskFull with the entries still pending."""
        if not self.is_written:
            if self._file is None:
                self._file = self._files.create(self._path)
            self._cut()
            self._file.append(b"".join(ENTRY.pack(VERSION, *entry) for entry in self.entries[self._written :]))
            self._written = len(self.entries)

    def replace_from(self, offset: int, aborted: list[AbortedTransaction]) -> bool:
        """Have exactly these entries from `offset` on, in memory; False if it was so already."""
        entries = self.entries
        kept = bisect_left(entries, offset, key=_last_offset)
        if entries[kept:] == aborted:
            return self._cut()
        self._entries = [*entries[:kept], *aborted]
        self._written = min(self._written, kept)
        self._cut()
        return True

    def _cut(self) -> bool:
        """Have nothing in the file behind the entries that count."""
        size = self._written * ENTRY.size
        if self._file is None or self._file.size <= size:
            return False
        self._file.truncate(size)
        return True

    def truncate_to(self, offset: int) -> None:
        """Forget markers at `offset` and after it."""
        self.replace_from(offset, [])

    def collect(self, offset: int, next_offset: int, found: list[AbortedTransaction]) -> bool:
        """Add the transactions that reach into [offset, next_offset) to `found`; True if later ones cannot matter."""
        entries = self.entries
        for entry in islice(entries, bisect_left(entries, offset, key=_last_offset), None):
            if entry.first_offset < next_offset:
                found.append(entry)
            if entry.last_stable_offset >= next_offset:
                return True
        return False

    def move_to(self, path: str) -> None:
        self._path = path
        if self._file is not None:
            self._file.path = path

    def sync(self) -> None:
        if self._file is not None:
            self._file.sync()

    def rename(self, files: Files, path: str) -> bool:
        """False if there is no file."""
        if self._file is not None:
            move(files, self._file, path)
        self._path = path
        return self._file is not None

    def close(self) -> None:
        if self._file is not None:
            self._file.close()


def _intact(data: bytes) -> list[AbortedTransaction]:
    """Up to the first entry that cannot be: a power cut leaves parts of entries, and zeros."""
    found: list[AbortedTransaction] = []
    for version, *row in ENTRY.iter_unpack(data[: len(data) // ENTRY.size * ENTRY.size]):
        entry = AbortedTransaction(*row)
        is_next = not found or entry.last_offset > found[-1].last_offset
        if version != VERSION or not is_next or not 0 <= entry.first_offset < entry.last_offset:
            break
        found.append(entry)
    return found
