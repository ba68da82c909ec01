"""One partition's log: segments, and what is known about their contents.

Invariants
  log_start_offset <= every offset that is served < next_offset.
  An append either is in the log as a whole, or has left no trace.
  recovery_point <= synced_offset <= next_offset: all before the first survives a power cut and is not looked at by the
  next start; the records before the second survive it, but their indexes are built again.
  Only the last segment is written; `_segments` is replaced, not changed, so a reader in another thread sees a whole
  list.

Appends come from one thread; `flush`, `apply` of retention and reads may run in others. Not here: replication (the
caller says up to which offset may be read), and when to flush.
"""

from __future__ import annotations

import os
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import takewhile
from operator import attrgetter
from threading import Lock
from typing import NamedTuple

from storage.batch_scan import BatchHeader
from storage.batch_validator import check_batch
from storage.config import LogConfig
from storage.errors import InvalidRecord, OffsetOutOfRange, SegmentTooLarge, StorageFailure
from storage.files import Files
from storage.leader_epochs import FILE_NAME as LEADER_EPOCHS
from storage.leader_epochs import LeaderEpochs
from storage.log_slice import LogSlice
from storage.producer_log import ProducerLog
from storage.producer_state import BatchSpan, LastBatch, ProducerState, end_marker
from storage.recovery import open_segments
from storage.segment import SWAP, Segment
from storage.txn_index import AbortedTransaction
from wire.record_batch import RecordBatch

_base_offset = attrgetter("base_offset")


@dataclass(slots=True)
class Appended:
    """Where a batch went; for a `duplicate`, where it went the first time."""

    base_offset: int
    next_offset: int
    log_append_time_ms: int = -1
    duplicate: bool = False


class TimestampOffset(NamedTuple):
    """A record found by its timestamp."""

    timestamp_ms: int
    offset: int
    leader_epoch: int


class Log:
    """Owned by the log manager, one for each partition in its directories. Made by `open`."""

    def __init__(
        self,
        files: Files,
        directory: str,
        *,
        config: LogConfig,
        segments: list[Segment],
        epochs: LeaderEpochs,
        producers: ProducerLog,
        log_start_offset: int,
        recovery_point: int,
    ) -> None:
        self.directory = directory
        self.name = os.path.basename(directory)
        self.config = config
        self.log_start_offset = log_start_offset
        self.next_offset = segments[-1].next_offset
        self.recovery_point = recovery_point
        self.synced_offset = recovery_point
        self.leader_epochs = epochs
        self._files = files
        self._segments = segments
        self._active = segments[-1]
        self._producers = producers
        self._removable: list[tuple[int, str]] = []  # (when it was deleted, path)
        self._lock = Lock()
        self._flush_lock = Lock()  # taken before `_lock`
        self.has_lost_writes = False
        self.cleaned_offset: int | None = None  # up to where the cleaner has been, if that is known
        self.may_be_cleaned = True
        self._unflushed_since_ms: int | None = None
        self._names_are_synced = False
        self._is_abandoned = False
        # What to add to the last segment's size and to the next offset for what was appended since this log was opened.
        self._appended_bytes_before = -self._active.size_bytes
        self._appended_records_before = -self.next_offset

    @classmethod
    def open(
        cls,
        files: Files,
        directory: str,
        config: LogConfig,
        *,
        recovery_point: int = 0,
        log_start_offset: int = 0,
        clean: bool = False,
        now_ms: int,
        cleaned_offset: int = 0,
    ) -> Log:
        """Open what is in the directory, or begin an empty log there.

        `clean`: nothing that was written can be missing, for the last stop was clean, or it was only the process that
        died. Otherwise all from the recovery point on is checked, and cut where it is not intact, or where offsets are
        missing that are not below `cleaned_offset`, up to which the cleaner has been.
        """
        found = open_segments(
            files,
            directory,
            config,
            recovery_point=recovery_point,
            log_start_offset=log_start_offset,
            clean=clean,
            now_ms=now_ms,
            cleaned_offset=cleaned_offset,
        )
        next_offset = found.segments[-1].next_offset
        first = found.segments[0]
        is_empty = next_offset == first.base_offset and not found.snapshots and not first.transactions.entries
        return cls(
            files,
            directory,
            config=config,
            segments=found.segments,
            epochs=found.epochs,
            producers=ProducerLog(files, directory, found.snapshots, empty_at=next_offset if is_empty else None),
            log_start_offset=max(log_start_offset, found.segments[0].base_offset),
            recovery_point=min(recovery_point, next_offset),
        )

    @property
    def size_bytes(self) -> int:
        return sum(segment.size_bytes for segment in self._segments)

    def appended(self) -> tuple[int, int]:
        """How many records and bytes since it was opened. Worked out, so that an append need not count."""
        with self._lock:
            return self._appended()

    def _appended(self) -> tuple[int, int]:
        records = self._appended_records_before + self.next_offset
        return records, self._appended_bytes_before + self._active.size_bytes

    @property
    def starts_inside_segment(self) -> bool:
        """Whether the first segment's name does not tell where the log starts."""
        return self.log_start_offset > self._segments[0].base_offset

    @property
    def segments(self) -> list[Segment]:
        return self._segments

    # Producers

    @property
    def producers(self) -> ProducerState:
        """Read from the snapshot and the log when first asked for."""
        return self._producers.state or self.load_producers()

    def load_producers(self) -> ProducerState:
        with self._lock:
            return self._loaded_producers()

    def _loaded_producers(self) -> ProducerState:
        state = self._producers.state
        if state is None:
            state = self._producers.load(self._segments, self.log_start_offset, self.next_offset)
            self._names_are_synced &= all(segment.is_synced for segment in self._segments)
        return state

    def remove_expired_producers(self, now_ms: int, expiration_ms: int) -> None:
        with self._lock:
            if self._producers.state:
                self._producers.state.remove_expired(now_ms, expiration_ms)

    def last_stable_offset(self, high_watermark: int) -> int:
        return max(self.producers.last_stable_offset(high_watermark), self.log_start_offset)

    def has_ongoing_transaction(self, producer_id: int, producer_epoch: int) -> bool:
        return self.producers.has_ongoing_transaction(producer_id, producer_epoch)

    def aborted_transactions(self, offset: int, next_offset: int) -> list[AbortedTransaction]:
        """Those with records in [offset, next_offset), and perhaps some with records near it."""
        self.load_producers()
        segments = self._segments
        found: list[AbortedTransaction] = []
        for segment in segments[max(0, bisect_right(segments, offset, key=_base_offset) - 1) :]:
            if segment.transactions.collect(offset, next_offset, found):
                break
        return found

    # Appending

    def append_as_leader(
        self, batches: Sequence[RecordBatch], *, leader_epoch: int, now_ms: int, from_client: bool = True
    ) -> Appended:
        """Check the batches, give them the next offsets (in place, in their buffer), and write them.

        Of batches with a producer id there can be only one. Raises a StorageError, or a CorruptBatch, with nothing
        written.
        """
        config = self.config
        for batch in batches:
            if not batch.is_checked:
                check_batch(batch, config, now_ms, from_client=from_client, name=self.name)
        with self._lock:
            for batch in batches:
                if batch.producer_id >= 0:
                    if len(batches) != 1:
                        raise InvalidRecord("a batch with a producer id cannot be appended together with others")
                    duplicate = self._loaded_producers().check(batch, from_client=from_client)
                    if duplicate:
                        return _as_before(duplicate)
            if leader_epoch > self.leader_epochs.latest:
                self.leader_epochs.assign(leader_epoch, self.next_offset)
            base_offset = next_offset = self.next_offset
            stamps = config.uses_log_append_time
            for batch in batches:
                batch.assign(next_offset, leader_epoch)
                if stamps:
                    batch.set_log_append_time(now_ms)
                next_offset += batch.last_offset_delta + 1
            self._write(batches, now_ms)
        return Appended(base_offset, next_offset, now_ms if stamps else -1)

    def append_as_follower(self, batches: Sequence[RecordBatch], *, now_ms: int) -> int:
        """Write what the leader has, as it is; the next offset. The CRCs are the caller's to have checked."""
        with self._lock:
            for batch in batches:
                if batch.base_offset < self.next_offset:
                    raise InvalidRecord(f"a batch at offset {batch.base_offset} after {self.next_offset}")
                if batch.partition_leader_epoch > self.leader_epochs.latest:
                    self.leader_epochs.assign(batch.partition_leader_epoch, batch.base_offset)
                self._write((batch,), now_ms)
            return self.next_offset

    def append_copied(self, data: bytes, found: Sequence[BatchHeader]) -> None:
        """Write these batches of another log of the partition, which `data` consists of, into the last segment."""
        with self._lock:
            producers = self._loaded_producers()
            for header in found:
                self.leader_epochs.assign(header.partition_leader_epoch, header.base_offset)
            segment, position = self._active, 0
            segment.append_copied(data, found, self.config.index_interval_bytes)
            self.next_offset = segment.next_offset
            for header in found:
                marker = None
                if header.is_control:
                    marker = end_marker(RecordBatch(memoryview(data)[position : position + header.size_bytes]))
                if aborted := producers.update(header, marker):
                    segment.transactions.append(aborted)
                    self._names_are_synced = False
                position += header.size_bytes

    def roll_at(self, base_offset: int, now_ms: int) -> None:
        """Begin a new segment there: nothing comes in between."""
        with self._lock:
            self._roll(base_offset, now_ms)
            self.next_offset = base_offset

    def take_over(self, other: Log) -> bool:
        """Become the log that `other` is: the batches are all here, and this is what else it knows.

        False if it lacks any, or is being flushed: then it would write down the less that it knows by itself.
        """
        if self.next_offset != other.next_offset or self._segments[0].base_offset > other.log_start_offset:
            return False
        if not self._flush_lock.acquire(blocking=False):
            return False
        try:
            self.leader_epochs.replace(other.leader_epochs.entries)
            self.log_start_offset = other.log_start_offset
            self._producers.take_over(other._give_away_producers())
        finally:
            self._flush_lock.release()
        return True

    def _give_away_producers(self) -> ProducerState:
        """A flush that is under way must not write down what another log changes."""
        with self._lock:
            state, self._producers.state = self._loaded_producers(), None
            return state

    def _write(self, batches: Sequence[RecordBatch], now_ms: int) -> None:
        """One write, so that all is there or nothing is."""
        last = batches[-1]
        if len(batches) == 1:
            data: bytes | memoryview = last.data
            max_timestamp_ms = last.max_timestamp_ms
        else:
            data = b"".join(batch.data for batch in batches)
            max_timestamp_ms = max(batch.max_timestamp_ms for batch in batches)
        last_offset = last.base_offset + last.last_offset_delta
        config = self.config
        segment = self._active
        if segment.must_roll(len(data), last_offset, max_timestamp_ms, config, now_ms):
            if len(data) > config.segment_bytes:
                raise SegmentTooLarge(f"{len(data)} bytes; segment.bytes is {config.segment_bytes}")
            segment = self._roll(batches[0].base_offset, now_ms)
        try:
            segment.append(data, last_offset, max_timestamp_ms, config.index_interval_bytes)
        finally:
            # The batch is in the file even if an index could not be written, which then is the disk's end anyway.
            self.next_offset = segment.next_offset
        if producers := self._producers.state:
            for batch in batches:
                aborted = producers.update(batch, end_marker(batch) if batch.is_control else None)
                if aborted:
                    segment.transactions.append(aborted)
                    self._names_are_synced = False  # its file may be new
                    with suppress(StorageFailure):  # the next flush says what is wrong
                        segment.transactions.write_pending()

    def roll(self, now_ms: int) -> None:
        """Begin a new segment, unless the last one is empty."""
        with self._lock:
            if self._active.size_bytes:
                self._roll(self.next_offset, now_ms)

    def _roll(self, base_offset: int, now_ms: int) -> Segment:
        if self._active.size_bytes == 0 and self._active.base_offset == base_offset:
            return self._active
        self._active.become_inactive()
        if self._active.transactions.is_written:
            self._producers.write_snapshot_unsynced()
        segment = Segment.create(self._files, self.directory, base_offset, config=self.config, now_ms=now_ms)
        self._names_are_synced = False
        self._segments = [*self._segments, segment]
        self._appended_bytes_before += self._active.size_bytes
        self._active = segment
        return segment

    # Reading

    def read(
        self, offset: int, *, max_bytes: int, max_offset: int | None = None, at_least_one: bool = False
    ) -> LogSlice:
        """Bytes from the batch that contains `offset` on, of offsets below `max_offset`.

        At most `max_bytes`, except that with `at_least_one` the first batch is whole however large it is; without, a
        first batch that does not fit gives nothing. Later batches may be cut, as in Kafka. One segment at most.
        """
        with self._lock:
            segment = self._active
            size = segment.log.size
            next_offset = self.next_offset
        if not self.log_start_offset <= offset <= next_offset:
            raise OffsetOutOfRange(f"offset {offset} is not within [{self.log_start_offset}, {next_offset}]")
        if max_offset is None or max_offset > next_offset:
            max_offset = next_offset
        if offset >= max_offset:
            return LogSlice(None, 0, 0, offset)
        if offset >= segment.base_offset:
            return self._slice(segment, offset, size, max_offset, max_bytes, at_least_one) or LogSlice(
                None, 0, 0, offset
            )
        segments = self._segments
        first = max(0, bisect_right(segments, offset, key=_base_offset) - 1)
        for segment in segments[first:]:
            if segment is not self._active:
                size = segment.log.size
            try:
                found = self._slice(segment, offset, size, max_offset, max_bytes, at_least_one)
            except StorageFailure:
                if not segment.is_deleted:
                    raise
                found = None
            if segment.is_deleted:  # under our hands, by retention or compaction: look again
                return self.read(offset, max_bytes=max_bytes, max_offset=max_offset, at_least_one=at_least_one)
            if found is not None:
                return found
        return LogSlice(None, 0, 0, offset)

    def _slice(
        self, segment: Segment, offset: int, size: int, max_offset: int, max_bytes: int, at_least_one: bool
    ) -> LogSlice | None:
        """None if the segment has nothing at or after the offset: compaction leaves gaps."""
        position = segment.position_of(offset)
        if position is None:
            return None
        end = size
        if max_offset < segment.next_offset:
            limit = segment.position_of(max_offset)
            end = size if limit is None else limit
            segment.remember(max_offset, end)
        elif segment is self._active:
            segment.remember(max_offset, end)
        length = end - position
        if length > max_bytes:
            first = segment.size_at(position)
            if first > max_bytes:
                if not at_least_one:
                    return LogSlice(None, 0, 0, offset)
                max_bytes = first
            length = min(length, max_bytes)
        next_offset = min(max_offset, segment.next_offset)
        if position + length < end:
            next_offset = segment.upper_bound(position + length)
        return LogSlice(segment.log.opened(), position, length, next_offset)

    def offset_for_timestamp(self, timestamp_ms: int) -> TimestampOffset | None:
        """The first record whose timestamp is not before."""
        start = self.log_start_offset
        for segment in self._segments:
            if segment.max_timestamp_ms < timestamp_ms:
                continue
            for batch in segment.batches_reaching(timestamp_ms, start):
                for record in batch.records():
                    if record.timestamp_ms >= timestamp_ms and record.offset >= start:
                        return TimestampOffset(record.timestamp_ms, record.offset, batch.partition_leader_epoch)
        return None

    def offset_of_max_timestamp(self) -> TimestampOffset | None:
        """The first record with the largest timestamp of all."""
        segment = max(self._segments, key=attrgetter("max_timestamp_ms"))
        batch = segment.batch_of_max_timestamp()
        if batch is None:
            return None
        for record in batch.records():
            if record.timestamp_ms == batch.max_timestamp_ms:
                return TimestampOffset(record.timestamp_ms, record.offset, batch.partition_leader_epoch)
        return None

    def end_offset_for_epoch(self, epoch: int) -> tuple[int, int]:
        """(epoch, offset behind its last record) of the largest epoch not after this one; (-1, -1) if not known."""
        return self.leader_epochs.end_offset(epoch, self.next_offset)

    # Durability

    def flush(self) -> None:
        """Have all that was appended so far survive a power cut. May run beside appends.

        Once a sync has failed, every flush fails: the kernel has dropped what it could not write, and its next sync
        would know nothing of it. At the next start all since the last good flush is checked.
        """
        with self._flush_lock:
            if self.has_lost_writes:
                raise self._lost()
            if self._producers.state is None and self.next_offset > self.recovery_point:
                self._producers.read_ahead(
                    self._segments, self.log_start_offset
                )  # without the lock, which may take long
                self.load_producers()
            self._flush()

    def is_flush_due(self, now_ms: int) -> bool:
        """Whether flush.messages or flush.ms ask for a flush; the time counts from the first time this was asked."""
        unflushed = self.next_offset - self.synced_offset
        if unflushed <= 0:
            self._unflushed_since_ms = None
            return False
        if self._unflushed_since_ms is None:
            self._unflushed_since_ms = now_ms
        return unflushed >= self.config.flush_messages or now_ms - self._unflushed_since_ms >= self.config.flush_ms

    def _flush(self) -> None:
        with self._lock:
            self._unflushed_since_ms = None
            target = self.next_offset
            unsynced = [segment for segment in self._segments if not segment.is_synced]
            names_were_synced, self._names_are_synced = self._names_are_synced, True
            for segment in unsynced:
                segment.is_synced = True
            snapshot = self._producers.snapshot(self.size_bytes)
        try:
            self._sync(unsynced)
            self.leader_epochs.sync()
            self._producers.sync_snapshots()
            if snapshot:
                self._producers.write_snapshot(*snapshot)
            if not names_were_synced:
                self._sync_names()
        except BaseException:
            self._names_are_synced &= names_were_synced
            for segment in unsynced:
                segment.is_synced = False
            raise
        with self._lock:
            self.recovery_point = max(self.recovery_point, min(target, self.next_offset))
            self.synced_offset = max(self.synced_offset, self.recovery_point)

    def sync_records(self) -> None:
        """The part of `flush` that someone can wait for: only the records, one sync in most cases."""
        with self._flush_lock:
            if self.has_lost_writes:
                raise self._lost()
            with self._lock:
                target = self.next_offset
                unsynced = [segment for segment in self._segments if segment.next_offset > self.synced_offset]
                names_were_synced, self._names_are_synced = self._names_are_synced, True
            try:
                for segment in unsynced:
                    self._sync_or_lose(segment, segment.log.sync)
                if not names_were_synced:
                    self._sync_names()
            except BaseException:
                self._names_are_synced &= names_were_synced
                raise
            with self._lock:
                self.synced_offset = max(self.synced_offset, min(target, self.next_offset))

    def _lost(self) -> StorageFailure:
        return StorageFailure(f"{self.directory} was not written to the disk, by an earlier flush")

    def _sync_names(self) -> None:
        self._files.sync_directory(self.directory)
        self._files.sync_directory(os.path.dirname(self.directory))

    def _sync_or_lose(self, segment: Segment, sync: Callable[[], None]) -> None:
        try:
            sync()
        except StorageFailure:
            if not segment.is_deleted:  # else retention was quicker
                self.has_lost_writes = True
                raise

    def _sync(self, segments: list[Segment]) -> None:
        for segment in segments:
            with self._lock:
                if segment.is_deleted:  # retention was quicker
                    continue
                segment.write_indexes()
            self._sync_or_lose(segment, segment.sync)

    def close(self) -> None:
        """After a last flush nothing is left to check at the next open."""
        self.flush()
        with self._lock:
            self._active.become_inactive()
            self._producers.write_snapshot_unsynced()
        self.abandon()

    def abandon(self) -> None:
        """Let go of the files without writing anything: the disk has failed, or the log is to be deleted."""
        with self._lock:
            self._is_abandoned = True
            for segment in self._segments:
                segment.close()

    def discard_as(self, directory: str) -> None:
        """Let go of the files, and give the directory this name: it is to be deleted. Raises StorageFailure."""
        with self._lock:
            self._is_abandoned = True  # first: a flush that finds a file renamed under its hands has not failed
            try:
                self._files.rename(self.directory, directory)
            except StorageFailure:
                self._is_abandoned = False
                raise
            self._move_to(directory)
        self.abandon()

    # Compaction

    @property
    def is_abandoned(self) -> bool:
        """Its files are another's now, or nobody's."""
        return self._is_abandoned

    def first_unstable_offset(self, high_watermark: int) -> int:
        """Before it, all is replicated, decided, and in segments that are not written any more."""
        with self._lock:
            stable = self._loaded_producers().last_stable_offset(min(high_watermark, self.next_offset))
            return min(stable, self._active.base_offset)

    def last_batches(self) -> Mapping[int, LastBatch]:
        with self._lock:
            return self._loaded_producers().last_batches()

    def replace_segments(self, cleaned: Segment, replaced: Sequence[Segment], now_ms: int) -> bool:
        """Put what the cleaner made of some segments in their place; False if these are not all there any more, or the
        log is being moved.

        Crash-safe, by the order of the names as Kafka gives them: `swap.py` finishes at the next open what is begun
        here. Readers of the replaced segments go on with their descriptors.
        """
        with self._lock:
            at = self._segments.index(replaced[0]) if replaced[0] in self._segments[:-1] else -1
            if (
                self._is_abandoned
                or not self.may_be_cleaned
                or at < 0
                or self._segments[at : at + len(replaced)] != list(replaced)
            ):
                return False
            cleaned.next_offset = replaced[-1].next_offset
            cleaned.rename(self._files, SWAP)
            self._names_are_synced = False
            self._segments = [*self._segments[:at], cleaned, *self._segments[at + len(replaced) :]]
            for segment in replaced:
                self._removable += [(now_ms, path) for path in segment.mark_deleted(self._files)]
            cleaned.rename(self._files, "")
        self._files.sync_directory(self.directory)
        return True

    def _move_to(self, directory: str) -> None:
        """The directory has this name now; who still reads or flushes must not touch another log under the old one."""
        before, self.directory = self.directory, directory
        for segment in self._segments:
            segment.move_to(directory)
        self.leader_epochs.move_to(f"{directory}/{LEADER_EPOCHS}")
        self._producers.move_to(directory)
        self._removable = [(at, directory + path.removeprefix(before)) for at, path in self._removable]

    def rename_to(self, directory: str, run: Callable[[Callable[[], None]], None]) -> None:
        """Give the directory another name, while others use the log. Readers take no lock, so `run` must call what it
        gets where nobody reads."""

        def rename() -> None:
            with self._lock:
                if not self._is_abandoned:  # deleted meanwhile
                    self._files.rename(self.directory, directory)
                    self._move_to(directory)

        with self._flush_lock:
            run(rename)

    # Cutting

    def prepare_truncation(self, offset: int) -> None:
        """Have the checkpoints say nothing of what `truncate_to` will cut; they are to be written in between."""
        with self._flush_lock, self._lock:
            slot = max(0, bisect_right(self._segments, offset, key=_base_offset) - 1)
            found = self._segments[slot].locate(offset)
            end = min(offset, found[1].base_offset) if found else offset
            self.recovery_point = min(self.recovery_point, end)
            self.synced_offset = min(self.synced_offset, end)
            self.log_start_offset = min(self.log_start_offset, end)

    def truncate_to(self, offset: int) -> None:
        """Cut the batch that contains `offset`, and all behind it; durable on return."""
        with self._flush_lock, self._lock, self._appended_stays():
            if offset >= self.next_offset:
                return
            if offset < self._segments[0].base_offset:
                self._start_anew(offset, self._active.modified_ms)
                return
            kept = bisect_right(self._segments, offset, key=_base_offset)
            self._drop_from(kept)
            self._active.truncate_to(offset)
            self.log_start_offset = min(self.log_start_offset, self._active.next_offset)
            self._end_here()

    def truncate_fully_and_start_at(self, offset: int, now_ms: int) -> None:
        """Drop everything; the next batch will be at `offset`."""
        with self._flush_lock, self._lock, self._appended_stays():
            self._start_anew(offset, now_ms)

    @contextmanager
    def _appended_stays(self) -> Iterator[None]:
        """What was appended was appended, whatever is cut of it."""
        records, size_bytes = self._appended()
        try:
            yield
        finally:
            self._appended_records_before = records - self.next_offset
            self._appended_bytes_before = size_bytes - self._active.size_bytes

    def _start_anew(self, offset: int, now_ms: int) -> None:
        """At no moment is there a gap between segments, so what a crash leaves is a log."""
        first = bisect_right(self._segments, offset, key=_base_offset) - 1
        if first >= 0 and self._segments[first].base_offset == offset:
            self._drop_from(first + 1)
            self._active.truncate_to(offset)
        else:
            self._drop_from(1)
            self._active.truncate_to(self._active.base_offset)
            new = Segment.create(self._files, self.directory, offset, config=self.config, now_ms=now_ms)
            self._segments = [*self._segments, new]
            self._active = new
        self.log_start_offset = offset
        self._end_here()
        dropped, self._segments = self._segments[:-1], self._segments[-1:]
        self._remove(dropped)
        self._files.sync_directory(self.directory)

    def _drop_from(self, count: int) -> None:
        """Keep the first `count` segments, durably: the last of these may be cut next."""
        dropped, self._segments = self._segments[count:], self._segments[:count]
        self._active = self._segments[-1]
        self._end_here()
        self._remove(dropped[::-1])
        self._files.sync_directory(self.directory)

    def _remove(self, segments: Sequence[Segment]) -> None:
        for segment in segments:
            segment.remove(self._files)

    def _end_here(self) -> None:
        """The log ends with its last segment now."""
        self.next_offset = self._active.next_offset
        self.recovery_point = min(self.recovery_point, self.next_offset)
        self.synced_offset = min(self.synced_offset, self.next_offset)
        self.leader_epochs.truncate_to(self.next_offset)
        self._producers.truncate_to(self.next_offset)

    def delete_records_before(self, offset: int) -> None:
        """Records before `offset` are gone for readers; their segments go with the next retention.

        Survives a restart as soon as the checkpoints are written.
        """
        with self._lock:
            if offset > self.next_offset:
                raise OffsetOutOfRange(f"offset {offset} is after the log's end {self.next_offset}")
            if offset > self.log_start_offset:
                self.log_start_offset = offset
                self.leader_epochs.start_at(offset)

    def delete_oldest(self, segments: Sequence[Segment], now_ms: int, *, end_offset: int) -> int:
        """Drop these first segments; if they are all, an empty one begins where they end.

        The last one stays if the log no longer ends at `end_offset`: what came since is not meant. The number dropped.
        """
        with self._lock:
            if segments[-1] is self._active and self.next_offset != end_offset:
                segments = segments[:-1]
            still_first = takewhile(lambda pair: pair[0] is pair[1], zip(self._segments, segments, strict=False))
            count = sum(1 for _ in still_first)  # compaction may have replaced some
            if count == len(self._segments):
                self._roll(self.next_offset, now_ms)
            dropped, self._segments = self._segments[:count], self._segments[count:]
            self.log_start_offset = max(self.log_start_offset, self._segments[0].base_offset)
            for segment in dropped:  # from the start: at no moment there is a gap
                paths = segment.mark_deleted(self._files)
                self._removable += [(now_ms, path) for path in paths]
            self._producers.forget_before(self.log_start_offset)
            self.leader_epochs.start_at(self.log_start_offset)
        return count

    def remove_deleted(self, now_ms: int) -> None:
        """Give back the space of segments deleted longer than file.delete.delay.ms ago."""
        if not self._removable:
            return
        delay_ms = self.config.file_delete_delay_ms
        with self._lock:
            due = [entry for entry in self._removable if now_ms - entry[0] >= delay_ms]
        for entry in due:
            self._files.remove(entry[1])
            with self._lock:
                self._removable = [other for other in self._removable if other is not entry]


def _as_before(span: BatchSpan) -> Appended:
    return Appended(span.first_offset, span.last_offset + 1, span.timestamp_ms, duplicate=True)
