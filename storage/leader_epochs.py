"""The leader-epoch-checkpoint: from which offset on each leader epoch wrote.

Invariant: epochs and start offsets both strictly increase. Followers find out with it where their log departs from
the leader's (KIP-101). It can be rebuilt from the batches, each of which carries its epoch; so it is written without
waiting for the disk when an epoch begins, and synced by the log's flush.
"""

from __future__ import annotations

from bisect import bisect_right
from itertools import pairwise
from operator import itemgetter
from threading import Lock

from storage.checkpoints import CorruptCheckpoint, format_lines, parse_lines
from storage.errors import StorageFailure
from storage.files import Files

FILE_NAME = "leader-epoch-checkpoint"
UNDEFINED = -1


class LeaderEpochs:
    def __init__(self, files: Files, path: str) -> None:
        self._files = files
        self._path = path
        self._entries: list[tuple[int, int]] = []  # (epoch, start offset)
        self._is_synced = True
        self._write_lock = Lock()  # the log's flush writes the file from another thread

    def load(self) -> bool:
        """Read the file; False says that it is missing or damaged and the epochs are to be taken from the log."""
        data = self._files.read_bytes(self._path)
        if data is None:
            return False
        try:
            entries = [(int(epoch), int(offset)) for epoch, offset in parse_lines(data, 2)]
        except CorruptCheckpoint:
            return False
        if any(a[0] >= b[0] or a[1] >= b[1] for a, b in pairwise(entries)):
            return False
        self._entries = entries
        return True

    @property
    def entries(self) -> list[tuple[int, int]]:
        return list(self._entries)

    @property
    def latest(self) -> int:
        return self._entries[-1][0] if self._entries else UNDEFINED

    def assign(self, epoch: int, start_offset: int) -> None:
        """`epoch` begins to write at `start_offset`; entries that contradict it were never committed and go."""
        if epoch <= self.latest:
            return
        before = list(self._entries)
        self.note(epoch, start_offset)
        try:
            self.write()
        except StorageFailure:
            self._entries = before
            raise

    def note(self, epoch: int, start_offset: int) -> None:
        """Like `assign`, for someone who will `write` after many."""
        if epoch > self.latest:
            while self._entries and self._entries[-1][1] >= start_offset:
                self._entries.pop()
            self._entries.append((epoch, start_offset))
            self._is_synced = False

    def epoch_of(self, offset: int) -> int:
        slot = bisect_right(self._entries, offset, key=itemgetter(1)) - 1
        return self._entries[slot][0] if slot >= 0 else UNDEFINED

    def end_offset(self, epoch: int, log_next_offset: int) -> tuple[int, int]:
        """The largest epoch not after `epoch` that wrote here, and the offset behind its last record."""
        if epoch == UNDEFINED or not self._entries or epoch > self.latest:
            return UNDEFINED, UNDEFINED
        if epoch == self.latest:
            return epoch, log_next_offset
        slot = bisect_right(self._entries, epoch, key=itemgetter(0))
        if slot == 0:  # older than all that is known: its records are gone, the follower is to start where ours do
            return epoch, self._entries[0][1]
        return self._entries[slot - 1][0], self._entries[slot][1]

    def truncate_to(self, offset: int) -> None:
        """The log now ends at `offset`."""
        kept = [entry for entry in self._entries if entry[1] < offset]
        if len(kept) != len(self._entries):
            self._entries = kept
            self.write()

    def start_at(self, offset: int) -> None:
        """The log now starts at `offset`: the epoch that holds it starts there, older ones are gone."""
        slot = bisect_right(self._entries, offset, key=itemgetter(1)) - 1
        if slot >= 0 and self._entries[slot][1] < offset:
            self._entries = [(self._entries[slot][0], offset), *self._entries[slot + 1 :]]
            self.write()

    def replace(self, entries: list[tuple[int, int]]) -> None:
        """Have these entries, written without waiting for the disk."""
        if entries != self._entries:
            before, self._entries = self._entries, entries
            try:
                self.write()
            except StorageFailure:
                self._entries = before
                raise

    def write(self, *, sync: bool = False) -> None:
        with self._write_lock:
            self._is_synced = sync  # before the entries are looked at: one noted meanwhile is for the next to sync
            try:
                self._files.write_atomically(self._path, format_lines(self._entries), sync=sync)
            except BaseException:
                self._is_synced = False
                raise

    def move_to(self, path: str) -> None:
        self._path = path

    def sync(self) -> None:
        if not self._is_synced:
            self.write(sync=True)
