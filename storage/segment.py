"""One segment of a partition's log: a run of record batches in a single .log file, and its indexes.

Invariants
  base_offset <= every offset in the file < next_offset, strictly increasing.
  Bytes after `size_bytes` are garbage of a torn write, or preallocated zeros; recovery cuts them, reads never see them.
  Indexes may lag behind the file, never lead it: a crash may lose index entries, not invent them.
  What the time index's file lacks lies behind the last entry of the offset index's file.
  The segment is immutable once rolled; only its indexes are then loaded on use.

Not here: what a batch must be like, and which segment an offset belongs to.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Sequence
from contextlib import suppress
from random import random

from storage.batch_scan import BatchHeader, headers, whole_batches
from storage.config import MAX_INT, LogConfig
from storage.errors import DiskFull, StorageFailure
from storage.files import Buffer, File, Files, move
from storage.leader_epochs import LeaderEpochs
from storage.offset_index import OffsetIndex
from storage.time_index import NO_TIMESTAMP, TimeIndex
from storage.txn_index import TransactionIndex
from wire.errors import ProtocolError
from wire.record_batch import RecordBatch

LOG, INDEX, TIME_INDEX, TRANSACTION_INDEX = ".log", ".index", ".timeindex", ".txnindex"
CLEANED, SWAP, DELETED = ".cleaned", ".swap", ".deleted"
# This many index intervals may be without an entry after a kill.
BUFFERED_ENTRIES = 8
REMEMBERED_POSITIONS = 16


def file_name(base_offset: int, suffix: str) -> str:
    return f"{base_offset:020}{suffix}"


class Segment:
    """Made by the log that owns it, by `create` or `existing`."""

    def __init__(
        self,
        base_offset: int,
        log: File,
        *,
        offsets: OffsetIndex,
        times: TimeIndex,
        transactions: TransactionIndex,
        next_offset: int,
        now_ms: int,
    ) -> None:
        self.base_offset = base_offset
        self.next_offset = next_offset
        self.log = log
        self.is_deleted = False
        self.is_synced = False
        self.modified_ms = now_ms
        self.transactions = transactions
        self._is_preallocated = False  # zeros follow what was written
        self._offsets = offsets
        self._times = times
        self._created_ms = now_ms
        self._jitter = random()  # how much of segment.jitter.ms this one is to be rolled earlier
        self._first_timestamp_ms: int | None = None
        self._max_timestamp_ms: int | None = None  # None: not known yet, the time index tells
        self._max_timestamp_offset = base_offset
        self._bytes_since_entry = 0
        self._entries_unwritten = 0
        self._remembered: dict[int, int] = {}  # where recent readers stopped: offset -> position of its batch

    @classmethod
    def create(
        cls, files: Files, directory: str, base_offset: int, *, config: LogConfig, now_ms: int, marked: str = ""
    ) -> Segment:
        """An empty one. `marked`: what stands behind its files' names, until `rename` takes it away."""

        def path(suffix: str) -> str:
            return f"{directory}/{file_name(base_offset, suffix)}{marked}"

        # The .log last: if this fails half-way, there are only indexes without a log, which the next open removes.
        offsets = OffsetIndex(files.create(path(INDEX)), base_offset, config.segment_index_bytes)
        times = TimeIndex(files.create(path(TIME_INDEX)), base_offset, config.segment_index_bytes)
        transactions = TransactionIndex(files, path(TRANSACTION_INDEX), None)
        is_preallocated = config.preallocate and not marked
        log = files.create(path(LOG), allocated_bytes=config.segment_bytes if is_preallocated else 0)
        segment = cls(
            base_offset,
            log,
            offsets=offsets,
            times=times,
            transactions=transactions,
            next_offset=base_offset,
            now_ms=now_ms,
        )
        offsets.start_empty()
        times.start_empty()
        segment._max_timestamp_ms = NO_TIMESTAMP
        segment._is_preallocated = is_preallocated
        return segment

    @classmethod
    def existing(
        cls,
        files: Files,
        directory: str,
        base_offset: int,
        *,
        sizes: dict[str, int],
        config: LogConfig,
        modified_ms: int,
    ) -> Segment:
        """`sizes` by suffix, as the directory listing has them; `next_offset` is for the caller to set."""

        def path(suffix: str) -> str:
            return f"{directory}/{file_name(base_offset, suffix)}"

        def file(suffix: str) -> File:
            return files.open(path(suffix), sizes[suffix]) if suffix in sizes else files.create(path(suffix))

        return cls(
            base_offset,
            file(LOG),
            offsets=OffsetIndex(file(INDEX), base_offset, config.segment_index_bytes),
            times=TimeIndex(file(TIME_INDEX), base_offset, config.segment_index_bytes),
            transactions=TransactionIndex(files, path(TRANSACTION_INDEX), sizes.get(TRANSACTION_INDEX)),
            next_offset=base_offset,
            now_ms=modified_ms,
        )

    @property
    def size_bytes(self) -> int:
        return self.log.size

    @property
    def index_bytes(self) -> int:
        """The size of the larger index."""
        return max(self._offsets.size_bytes, self._times.size_bytes)

    # Writing

    def must_roll(
        self, size_bytes: int, last_offset: int, max_timestamp_ms: int, config: LogConfig, now_ms: int
    ) -> bool:
        """Whether a batch like this belongs into a new segment."""
        size = self.log.size
        if size + size_bytes > config.segment_bytes or last_offset - self.base_offset > MAX_INT:
            return size > 0 or size_bytes > config.segment_bytes
        if size == 0:
            return False
        if self._offsets.is_full or self._times.is_full:
            return True
        first_ms = self.first_timestamp_ms
        waited_ms = max_timestamp_ms - first_ms if first_ms >= 0 else now_ms - self._created_ms
        max_ms = config.max_segment_ms
        if waited_ms <= max_ms - config.segment_jitter_ms:
            return False  # the rule; jitter only matters near the end
        return waited_ms > max_ms - int(self._jitter * min(config.segment_jitter_ms, max_ms))

    @property
    def first_timestamp_ms(self) -> int:
        """The largest timestamp in the first batch; what the age of a segment that is written counts from."""
        if self._first_timestamp_ms is None:
            found = self._header_at(0)
            self._first_timestamp_ms = found.max_timestamp_ms if found else NO_TIMESTAMP
        return self._first_timestamp_ms

    def append(self, data: Buffer, last_offset: int, max_timestamp_ms: int, index_interval_bytes: int) -> None:
        """Write batches whose offsets are assigned. If the write fails, nothing has changed."""
        log = self.log
        position = log.size
        log.append(data)
        self.next_offset = last_offset + 1
        self.is_synced = False
        if position == 0:
            self._first_timestamp_ms = max_timestamp_ms
        self._index(position, len(data), last_offset, max_timestamp_ms, index_interval_bytes)

    def append_copied(self, data: Buffer, found: Sequence[BatchHeader], index_interval_bytes: int) -> None:
        """Write batches that lie in another log as they are here: `found`, which `data` consists of."""
        position = self.log.size
        self.log.append(data)
        self.is_synced = False
        if position == 0:
            self._first_timestamp_ms = found[0].max_timestamp_ms
        for header in found:
            self.next_offset = header.last_offset + 1
            size = header.size_bytes
            self._index(position, size, header.last_offset, header.max_timestamp_ms, index_interval_bytes)
            position += size

    def _index(self, position: int, size: int, last_offset: int, max_timestamp_ms: int, interval_bytes: int) -> None:
        """Note a batch, which is in the file already, in the indexes if it is due."""
        known_ms = self._max_timestamp_ms
        if known_ms is None:
            known_ms = self.max_timestamp_ms
        if max_timestamp_ms > known_ms:
            self._max_timestamp_ms = max_timestamp_ms
            self._max_timestamp_offset = last_offset
        if self._bytes_since_entry > interval_bytes:
            self._times.append(self.max_timestamp_ms, self._max_timestamp_offset)
            self._offsets.append(last_offset, position)
            self._bytes_since_entry = 0
            self._entries_unwritten += 1
            if self._entries_unwritten >= BUFFERED_ENTRIES:
                with suppress(StorageFailure):  # indexes may lag; the next flush says what is wrong
                    self.write_indexes()
        self._bytes_since_entry += size

    def write_indexes(self) -> None:
        """Give pending index entries to the kernel."""
        self.transactions.write_pending()
        self._times.write_pending()
        self._offsets.write_pending()
        self._entries_unwritten = 0

    def become_inactive(self) -> None:
        """No more batches will come: the time index gets the largest timestamp as its last entry, and the disk back
        what was preallocated.

        If it cannot be written there is no roll: after a kill, an inactive segment's indexes are believed.
        """
        self._times.append(self.max_timestamp_ms, self._max_timestamp_offset)
        self.is_synced = False
        self.write_indexes()
        if self._is_preallocated:
            self.log.truncate(self.log.size)
            self._is_preallocated = False

    def sync(self) -> None:
        """Make all that the kernel has survive a power cut."""
        self.transactions.sync()
        self.log.sync()
        self._times.sync()
        self._offsets.sync()

    def truncate_to(self, offset: int) -> None:
        """Cut the batch that contains `offset` and all behind it; durable on return."""
        found = self.locate(offset)
        position = found[0] if found else self.log.size
        next_offset = found[1].base_offset if found else self.next_offset
        self._remembered.clear()
        self._offsets.truncate_to(next_offset)
        self._times.truncate_to(next_offset)
        self.transactions.truncate_to(next_offset)
        self.log.truncate(position)
        self.log.sync()
        self.next_offset = next_offset
        self.is_synced = False
        self._measure()

    def _measure(self) -> None:
        """Find out about the tail that the indexes do not cover."""
        self._max_timestamp_ms, self._max_timestamp_offset = self._times.last_entry()
        last = self._offsets.last_entry()
        start = last[1] if last else 0
        self._bytes_since_entry = self.log.size - start
        if self.log.size == 0:
            self._first_timestamp_ms = None
        for _, header in headers(self.log.opened(), start, self.log.size):
            if header.max_timestamp_ms > self._max_timestamp_ms:
                self._max_timestamp_ms = header.max_timestamp_ms
                self._max_timestamp_offset = header.last_offset

    # Recovery

    def recover(self, trusted_offset: int, epochs: LeaderEpochs, index_interval_bytes: int) -> int:
        """Check every batch from the last index entry before `trusted_offset` on, cut the file at the first that is not
        intact, and index the others; return the number of bytes cut."""
        position, self.next_offset = self._trusted_start(trusted_offset)
        self._remembered.clear()
        end = position
        is_indexed = position > 0  # the batch of the entry that we start from
        for at, batch in whole_batches(self.log.opened(), position, self.log.size):
            if not self._is_next(batch):
                break
            if batch.partition_leader_epoch > epochs.latest:
                epochs.note(batch.partition_leader_epoch, batch.base_offset)
            interval_bytes = MAX_INT if is_indexed else index_interval_bytes
            self._index(at, batch.size_bytes, batch.last_offset, batch.max_timestamp_ms, interval_bytes)
            is_indexed = False
            self.next_offset = batch.next_offset
            end = at + batch.size_bytes
        cut = self.log.size - end
        if cut:
            self.log.truncate(end)
            self.log.sync()  # or what is cut may come back at the next power cut, behind other batches
        if end == 0:
            self._first_timestamp_ms = None
        with suppress(DiskFull):
            self.write_indexes()
        return cut

    def _trusted_start(self, trusted_offset: int) -> tuple[int, int]:
        """Cut the indexes to what can be believed; the (position, offset) to check from."""
        last = None
        if self._offsets.is_ordered():
            self._offsets.truncate_to(trusted_offset)
            last = self._offsets.last_entry()
        header = self._header_at(last[1]) if last else None
        if last is None or header is None or header.last_offset != last[0]:
            last, header = None, None
        self._offsets.truncate_to(last[0] + 1 if last else self.base_offset)
        self._times.truncate_to(last[0] + 1 if last and self._times.is_ordered() else self.base_offset)
        self._max_timestamp_ms, self._max_timestamp_offset = self._times.last_entry()
        self._bytes_since_entry = 0
        if last and header and self._max_timestamp_ms == NO_TIMESTAMP < header.max_timestamp_ms:
            return self._trusted_start(self.base_offset)  # the time index was lost: begin anew
        return (last[1], header.base_offset) if last and header else (0, self.base_offset)

    def _header_at(self, position: int) -> BatchHeader | None:
        return next((header for _, header in headers(self.log.opened(), position, self.log.size)), None)

    def _is_next(self, batch: RecordBatch) -> bool:
        """Whether the batch is intact and may follow the ones before."""
        if batch.base_offset < self.next_offset or not 0 <= batch.last_offset - self.base_offset <= MAX_INT:
            return False
        try:
            batch.check_crc()
        except ProtocolError:
            return False
        return batch.last_offset_delta >= 0

    # Reading

    @property
    def max_timestamp_ms(self) -> int:
        """The largest timestamp of any record, NO_TIMESTAMP if none has one."""
        if self._max_timestamp_ms is None:
            self._max_timestamp_ms, self._max_timestamp_offset = self._times.last_entry()
        return self._max_timestamp_ms

    @property
    def age_timestamp_ms(self) -> int:
        """What retention counts from."""
        return self.max_timestamp_ms if self.max_timestamp_ms >= 0 else self.log.modified_ms()

    def locate(self, offset: int) -> tuple[int, BatchHeader] | None:
        """(position, header) of the first batch that ends at or after `offset`."""
        position = self._remembered.get(offset)
        if position is None:
            position = self._offsets.lookup(offset)[1]
        for at, header in headers(self.log.opened(), position, self.log.size):
            if header.last_offset >= offset:
                return at, header
        return None

    def position_of(self, offset: int) -> int | None:
        """Where the batch starts that contains `offset`, or would; None if there is none at or after it."""
        if offset >= self.next_offset:
            return None
        position = self._remembered.get(offset)
        if position is None:
            found = self.locate(offset)
            position = found[0] if found else None
        return position

    def size_at(self, position: int) -> int:
        """The size of the batch that starts there; 0 if none does."""
        header = self._header_at(position)
        return header.size_bytes if header else 0

    def remember(self, offset: int, position: int) -> None:
        """A reader will come back for `offset`, which is or will be at `position`."""
        if len(self._remembered) >= REMEMBERED_POSITIONS:
            self._remembered.pop(next(iter(self._remembered)), None)
        self._remembered[offset] = position

    def upper_bound(self, position: int) -> int:
        """An offset after all batches that start before `position`, not much larger than needed."""
        last_offset = self._offsets.upper_bound(position)
        return self.next_offset if last_offset is None else min(last_offset + 1, self.next_offset)

    def headers_from(self, offset: int) -> Iterator[tuple[int, BatchHeader]]:
        """(position, header) of the batches from the one that contains `offset` on."""
        position = self.position_of(offset)
        return iter(()) if position is None else headers(self.log.opened(), position, self.log.size)

    def last_batch(self) -> tuple[int, BatchHeader] | None:
        """(position, header)."""
        entry = self._offsets.last_entry()
        last = None
        for found in headers(self.log.opened(), entry[1] if entry else 0, self.log.size):
            last = found
        return last

    def batch_at(self, position: int) -> RecordBatch | None:
        size = self.size_at(position)
        return RecordBatch(memoryview(self.log.read(position, size))) if size else None

    def batches_reaching(self, timestamp_ms: int, start_offset: int) -> Iterator[RecordBatch]:
        """Batches, not before `start_offset`, that have a record at or after the timestamp."""
        _, offset = self._times.lookup(timestamp_ms)
        for position, header in self.headers_from(max(offset, start_offset)):
            if header.max_timestamp_ms >= timestamp_ms and (batch := self.batch_at(position)):
                yield batch

    def batch_of_max_timestamp(self) -> RecordBatch | None:
        """The first one, where none has a timestamp; None where there is no batch."""
        _ = self.max_timestamp_ms  # is known from here on, and where
        position = self.position_of(self._max_timestamp_offset)
        return None if position is None else self.batch_at(position)

    # Ending

    def unload(self) -> None:
        """Give back what a cold segment need not keep in memory."""
        self._offsets.unload()
        self._times.unload()

    def close(self) -> None:
        self.log.close()
        self._offsets.close()
        self._times.close()
        self.transactions.close()

    def move_to(self, directory: str) -> None:
        """The files are there now. Who still has this segment must not find another's files under the old names."""
        path = f"{directory}/{file_name(self.base_offset, '')}"
        self.log.path = path + LOG
        self._offsets.move_to(path + INDEX)
        self._times.move_to(path + TIME_INDEX)
        self.transactions.move_to(path + TRANSACTION_INDEX)

    def mark_deleted(self, files: Files) -> list[str]:
        """Take the files' names away; readers can go on. Returns the names to remove later."""
        self.is_deleted = True
        self.close()
        return self.rename(files, DELETED)

    def rename(self, files: Files, marked: str) -> list[str]:
        """Have `marked` stand behind the files' names, instead of what stood there; return the paths.

        The .log goes first: without it, indexes are taken for orphans and removed at the next start.
        """
        directory = posixpath.dirname(self.log.path)
        paths = {
            suffix: f"{directory}/{file_name(self.base_offset, suffix)}{marked}"
            for suffix in (LOG, INDEX, TIME_INDEX, TRANSACTION_INDEX)
        }
        move(files, self.log, paths[LOG])
        self._offsets.rename(files, paths[INDEX])
        self._times.rename(files, paths[TIME_INDEX])
        if not self.transactions.rename(files, paths[TRANSACTION_INDEX]):
            del paths[TRANSACTION_INDEX]
        return list(paths.values())

    def remove(self, files: Files) -> None:
        """Remove the files under whatever names they have now."""
        for path in self.mark_deleted(files):
            files.remove(path)
