"""Compaction: of each key the last value stays. Kafka's LogCleaner, one log at a time.

A round has two passes. The first reads the dirty part, as much of it as the offset map can take, and notes each key's
last offset. The second goes through the log from its start to there and writes what stays into new segments: a record
whose key has no later offset, unless it is a tombstone whose time has come; nothing of aborted transactions; no marker
that nobody needs. Offsets stay as they are. Several segments become one, if they fit. The last segment is never
touched, appends go on, and readers see the old segments or the new ones.

What must not be lost with the records: a producer's last sequence number (its last batch stays, without records), and
where the round ended (so does that batch).

What is compacted must be flushed, and the recovery point written down: else a power cut could take a key's last value
after the one before was compacted away, and the recovery take the gaps between offsets for losses.

Not here: when it is done, how fast it may read and write, and what happens if it fails.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple

from storage.batch_filter import Keeps, filter_batch
from storage.batch_scan import whole_batches
from storage.cleanable import Cleanable
from storage.cleaned_transactions import CleanedTransactions
from storage.config import MAX_INT, LogConfig
from storage.errors import CorruptRecord, StorageError
from storage.files import Files
from storage.log import Log
from storage.offset_map import NO_OFFSET, OffsetMap
from storage.producer_state import LastBatch
from storage.segment import CLEANED, Segment
from wire.errors import ProtocolError
from wire.record_batch import RecordBatch
from wire.record_scan import Scanned, scan

# Told how many bytes were read or written; it may wait, or raise CleaningAborted.
Pace = Callable[[int], None]


class CleaningAborted(StorageError):
    """The broker stops, or the log is gone. Nothing of it has changed."""


class CleanerLimits(NamedTuple):
    dedupe_buffer_bytes: int = 128 * 1024 * 1024
    load_factor: float = 0.9


@dataclass(slots=True)
class CleanerStats:
    """What a round did."""

    next_dirty_offset: int = 0
    bytes_read: int = 0
    bytes_written: int = 0
    records_read: int = 0
    records_kept: int = 0
    segments_before: int = 0
    segments_after: int = 0


@dataclass(slots=True)
class Cleaner:
    """One round over one log."""

    files: Files
    todo: Cleanable
    limits: CleanerLimits
    now_ms: int
    pace: Pace
    stats: CleanerStats = field(default_factory=CleanerStats)

    def run(self) -> CleanerStats:
        """Raises CleaningAborted, CorruptRecord or another StorageError; what was swapped in before that stays."""
        log = self.todo.log
        assert log.recovery_point >= self.todo.first_uncleanable_offset, "flush first"
        offsets = self._build_map(log)
        end = offsets.latest_offset + 1
        transactions = CleanedTransactions()
        segments = [segment for segment in log.segments if segment.base_offset < end]
        for group in grouped(segments, log.config, self.todo.first_uncleanable_offset):
            self._clean_group(group, offsets, transactions)
        self.stats.next_dirty_offset = end
        return self.stats

    # The first pass

    def _build_map(self, log: Log) -> OffsetMap:
        start, end = self.todo.first_dirty_offset, self.todo.first_uncleanable_offset
        dirty = [segment for segment in log.segments if segment.next_offset > start and segment.base_offset < end]
        offsets = OffsetMap(int(self.limits.dedupe_buffer_bytes * self.limits.load_factor))
        offsets.latest_offset = start - 1
        transactions = CleanedTransactions()
        transactions.expect(log.aborted_transactions(start, end))
        for segment in dirty:
            if not self._map_segment(segment, start, offsets, transactions):
                break
            offsets.latest_offset = max(offsets.latest_offset, segment.next_offset - 1)  # there may be a gap at its end
        return offsets

    def _map_segment(self, segment: Segment, start: int, offsets: OffsetMap, transactions: CleanedTransactions) -> bool:
        """False if the map is full before the segment's end."""
        for batch in self._batches(segment):
            if batch.last_offset < start:
                transactions.can_discard(batch)
                continue
            if not transactions.can_discard(batch) and not batch.is_control:
                base_offset, first_delta = batch.base_offset, start - batch.base_offset
                keys = {
                    base_offset + delta: key
                    for _, _, _, delta, key, _ in _records(batch)
                    if key is not None and delta >= first_delta
                }
                if not offsets.put(list(keys.values()), list(keys)):
                    return False
            offsets.latest_offset = batch.last_offset
        return True

    def _batches(self, segment: Segment) -> Iterator[RecordBatch]:
        """All of the segment; raises CorruptRecord if it does not consist of intact ones."""
        size = segment.log.size
        end, next_offset = 0, segment.base_offset
        for position, batch in whole_batches(segment.log.opened(), 0, size):
            self._work(batch.size_bytes)
            if not next_offset <= batch.base_offset <= batch.last_offset < segment.next_offset:
                break
            _check_crc(batch)  # what is damaged must not be believed, nor get a new checksum
            yield batch
            end, next_offset = position + batch.size_bytes, batch.next_offset
        if end != size:
            raise CorruptRecord(f"{segment.log.path} has no whole batch at {end}")

    def _work(self, size_bytes: int) -> None:
        if self.todo.log.is_abandoned:
            raise CleaningAborted(f"{self.todo.log.name} is gone")
        self.pace(size_bytes)

    # The second pass

    def _clean_group(self, group: Sequence[Segment], offsets: OffsetMap, transactions: CleanedTransactions) -> None:
        log = self.todo.log
        producers = log.last_batches()
        cleaned = Segment.create(
            self.files,
            log.directory,
            group[0].base_offset,
            config=log.config,
            now_ms=group[-1].modified_ms,
            marked=CLEANED,
        )
        try:
            for segment in group:
                transactions.expect(log.aborted_transactions(segment.base_offset, segment.next_offset))
                for batch in self._batches(segment):
                    self._clean_batch(batch, cleaned, offsets, transactions, producers)
            for aborted in transactions.retained:
                cleaned.transactions.append(aborted)
            transactions.retained.clear()
            cleaned.transactions.write_pending()
            cleaned.become_inactive()
            cleaned.sync()
            cleaned.is_synced = True
            if not log.replace_segments(cleaned, group, self.now_ms):
                raise CleaningAborted(f"segments of {log.name} went away while they were compacted")
        except StorageError:
            if cleaned not in log.segments:
                cleaned.remove(self.files)
            raise
        self.stats.segments_before += len(group)
        self.stats.segments_after += 1

    def _clean_batch(
        self,
        batch: RecordBatch,
        cleaned: Segment,
        offsets: OffsetMap,
        transactions: CleanedTransactions,
        producers: Mapping[int, LastBatch],
    ) -> None:
        config = self.todo.log.config
        can_discard = transactions.can_discard(batch)
        horizon_ms = batch.delete_horizon_ms
        is_over = horizon_ms is not None and horizon_ms <= self.now_ms
        keeps: Keeps | None
        if can_discard and (is_over or not batch.is_control):
            keeps = None
        elif batch.is_control:
            keeps = _everything
        else:
            keeps = partial(_latest, offsets, batch.base_offset, tombstones_are_over=is_over)
        filtered = filter_batch(
            batch,
            keeps,
            keeps_empty=_is_last_of(producers, batch) or batch.next_offset == self.todo.first_uncleanable_offset,
            horizon_ms=self.now_ms + config.delete_retention_ms,
            marker_is_idle=can_discard and batch.is_control,
        )
        self._count(batch, filtered.records_read, filtered.records_kept)
        kept = filtered.batch
        if kept is not None:
            cleaned.append(
                kept.data,
                last_offset=kept.last_offset,
                max_timestamp_ms=kept.max_timestamp_ms,
                index_interval_bytes=config.index_interval_bytes,
            )
            self.stats.bytes_written += kept.size_bytes
            self._work(kept.size_bytes)

    def _count(self, batch: RecordBatch, read: int, kept: int) -> None:
        self.stats.bytes_read += batch.size_bytes
        self.stats.records_read += read
        self.stats.records_kept += kept


def grouped(segments: Sequence[Segment], config: LogConfig, end: int) -> Iterator[list[Segment]]:
    """Neighbours that fit into one segment together, by bytes, by index entries and by offsets; `end` is the last's."""
    group: list[Segment] = []
    for index, segment in enumerate(segments):
        next_offset = segments[index + 1].base_offset if index + 1 < len(segments) else end
        if group and not (
            sum(each.size_bytes for each in group) + segment.size_bytes <= config.segment_bytes
            and sum(each.index_bytes for each in group) + segment.index_bytes <= config.segment_index_bytes
            and next_offset - 1 - group[0].base_offset <= MAX_INT
        ):
            yield group
            group = []
        group.append(segment)
    if group:
        yield group


def _latest(
    offsets: OffsetMap, base_offset: int, records: list[Scanned], *, tombstones_are_over: bool
) -> list[Scanned]:
    """The records that have no successor, as far as the map knows the log."""
    get, first_unknown = offsets.offsets.get, offsets.latest_offset + 1 - base_offset
    return [
        record
        for record in records
        if record[3] >= first_unknown
        or (
            record[4] is not None
            and base_offset + record[3] >= get(record[4], NO_OFFSET)
            and (record[5] or not tombstones_are_over)
        )
    ]


def _everything(records: list[Scanned]) -> list[Scanned]:
    return records


def _check_crc(batch: RecordBatch) -> None:
    try:
        batch.check_crc()
    except ProtocolError as error:
        raise CorruptRecord(str(error)) from error


def _records(batch: RecordBatch) -> list[Scanned]:
    if batch.record_count <= 0:
        return []
    try:
        return scan(batch.payload(), batch.record_count)
    except ProtocolError as error:
        raise CorruptRecord(f"the batch at offset {batch.base_offset}: {error}") from error


def _is_last_of(producers: Mapping[int, LastBatch], batch: RecordBatch) -> bool:
    """Whether the batch says what its producer, which is still remembered, did last here."""
    last = producers.get(batch.producer_id) if batch.has_producer_id else None
    if last is None:
        return False
    if last.offset is not None:
        return batch.last_offset == last.offset
    return batch.is_control and batch.producer_epoch == last.epoch
