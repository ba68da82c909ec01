"""A log's producer state and its snapshot files: when they are read, written and dropped.

The state is built when it is first asked for, from the last snapshot and the batches behind it. Snapshots are taken
when a segment is rolled, at a clean close, and at a flush: there of a log without producers only now and then. So what
has to be read again is short. Kafka, too, accepts a last snapshot in the middle of a segment.

Invariants
  No snapshot file is of an offset behind the log's end.
  The transaction indexes are right up to the snapshot that is read; for what lies behind it they are put right when the
  state is built. So the index need not be written in one go with the log.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from threading import Lock

from storage.errors import CorruptRecord, DiskFull, StorageFailure
from storage.files import Files
from storage.producer_state import SUFFIX, ProducerState, end_marker
from storage.segment import Segment, file_name
from storage.txn_index import AbortedTransaction

PLAIN_BYTES = 16 << 20

_Replayed = list[tuple[Segment, int, list[AbortedTransaction]]]  # the offset is where it began


class ProducerLog:
    def __init__(self, files: Files, directory: str, snapshots: list[int], *, empty_at: int | None = None) -> None:
        """`empty_at`: where the log begins, if there is nothing in it yet."""
        self.state = None if empty_at is None else ProducerState(empty_at)
        self._empty_at = empty_at
        self._ahead: tuple[ProducerState, _Replayed] | None = None  # a state that reaches only up to some offset
        self._files = files
        self._directory = directory
        self._snapshots = sorted(snapshots)
        self._unsynced: list[int] = []
        self._is_last_plain = not snapshots  # of no producers
        self._size_at_plain = 0  # of the log, when it was taken
        self._write_lock = Lock()  # a flush and a roll may meet

    def move_to(self, directory: str) -> None:
        self._directory = directory

    def _path(self, offset: int) -> str:
        return f"{self._directory}/{file_name(offset, SUFFIX)}"

    def read_ahead(self, segments: Sequence[Segment], log_start_offset: int) -> None:
        """Spare `load` most of its reading; may run beside appends."""
        with suppress(StorageFailure):  # retention was quicker: then `load` reads all
            self._ahead = self._read(segments, log_start_offset)

    def load(self, segments: Sequence[Segment], log_start_offset: int, next_offset: int) -> ProducerState:
        state, replayed = self._read(segments, log_start_offset)
        self._ahead = None
        for segment, start, aborted in replayed:
            _put_right(segment, start, aborted)
        state.next_offset = next_offset
        self.state = state
        return state

    def _read(self, segments: Sequence[Segment], log_start_offset: int) -> tuple[ProducerState, _Replayed]:
        state, replayed = self._ahead or (self._from_snapshot() or ProducerState(log_start_offset), [])
        for segment in segments:
            if segment.next_offset >= state.next_offset:
                start = state.next_offset
                replayed.append((segment, start, _replay(segment, state)))
        return state, replayed

    def _from_snapshot(self) -> ProducerState | None:
        while self._snapshots:
            offset = self._snapshots[-1]
            data = self._files.read_bytes(self._path(offset))
            with suppress(CorruptRecord):
                return ProducerState.decode(data or b"", offset)
            self._snapshots.pop()
            self._files.remove(self._path(offset))
        return None

    def snapshot(self, log_size_bytes: int | None = None) -> tuple[int, bytes] | None:
        """The (offset, content) of a snapshot of now, None if there is one, or nothing worth one.

        With `log_size_bytes`, at a flush, one without producers is worth nothing until the log has grown a lot.
        """
        state = self.state
        if state is None or state.next_offset in (self._snapshots[-1] if self._snapshots else None, self._empty_at):
            return None
        if not state.by_id and log_size_bytes is not None and self._is_last_plain:
            if abs(log_size_bytes - self._size_at_plain) < PLAIN_BYTES:
                return None
            self._size_at_plain = log_size_bytes
        self._is_last_plain = not state.by_id
        return state.next_offset, state.encode()

    def write_snapshot(self, offset: int, data: bytes) -> None:
        """Make it durable, and drop the one before if it was of no segment's start."""
        with self._write_lock:
            self._files.write_atomically(self._path(offset), data)
            before = self._snapshots
            self._snapshots = sorted({*before, offset})
        self._thin_out()

    def write_snapshot_unsynced(self) -> None:
        """At a roll: the next flush syncs it."""
        snapshot = self.snapshot()
        if snapshot and self._write_lock.acquire(blocking=False):  # else a flush is writing one right now
            try:
                with suppress(StorageFailure):  # it only spares a later start some reading
                    self._files.write_atomically(self._path(snapshot[0]), snapshot[1], sync=False)
                    self._snapshots = sorted({*self._snapshots, snapshot[0]})
                    self._unsynced = [*self._unsynced, snapshot[0]]
            finally:
                self._write_lock.release()

    def sync_snapshots(self) -> None:
        """Have those below the recovery point be whole: the next start takes them so."""
        unsynced, self._unsynced = self._unsynced, []
        for offset in unsynced:
            if offset in self._snapshots:
                with suppress(StorageFailure):  # it was dropped just now; if not, a damaged one is done without
                    self._files.open(self._path(offset), 0).sync()

    def take_over(self, state: ProducerState) -> None:
        """Go on with what another log of the partition knows: also of producers whose batches are deleted."""
        self.state = state
        self._snapshots = [offset for offset in self._snapshots if offset < state.next_offset]
        with suppress(StorageFailure):  # for who is killed before the next flush, which writes it again
            self._files.write_atomically(self._path(state.next_offset), state.encode(), sync=False)

    def _thin_out(self) -> None:
        """Two are enough: the last, and one to fall back to if it is damaged."""
        with self._write_lock:
            dropped, self._snapshots = self._snapshots[:-2], self._snapshots[-2:]
        for offset in dropped:
            self._files.remove(self._path(offset))

    def truncate_to(self, next_offset: int) -> None:
        """The log ends here now; the state is to be read again."""
        self.state = self._ahead = None
        self._drop([offset for offset in self._snapshots if offset > next_offset])

    def forget_before(self, log_start_offset: int) -> None:
        """Snapshots of what is gone are of no use; what the state knows stays."""
        self._drop([offset for offset in self._snapshots[:-1] if offset < log_start_offset])

    def _drop(self, offsets: list[int]) -> None:
        with self._write_lock:
            self._snapshots = [offset for offset in self._snapshots if offset not in offsets]
            for offset in offsets:
                self._files.remove(self._path(offset))


def _replay(segment: Segment, state: ProducerState) -> list[AbortedTransaction]:
    """Take in what the segment holds; the transactions that were aborted in it."""
    aborted = []
    for position, header in segment.headers_from(state.next_offset):
        marker = None
        if header.is_control and (batch := segment.batch_at(position)):
            marker = end_marker(batch)
        found = state.update(header, marker)
        if found:
            aborted.append(found)
    return aborted


def _put_right(segment: Segment, start: int, aborted: list[AbortedTransaction]) -> None:
    """Have its transaction index say the same from `start` on."""
    if segment.transactions.replace_from(start, aborted):
        segment.is_synced = False
        with suppress(DiskFull):
            segment.transactions.write_pending()
