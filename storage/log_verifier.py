"""Reading all of a log directory to say what is wrong with it, and where; nothing is changed.

What it checks is what the rest of storage relies on: that every batch is intact and in order and its records are what
its header says; that no segment is missing; that indexes name batches, timestamps and aborted transactions that are
there; that snapshots know of producers what the batches say; that the checkpoints do not say more than the logs have.
Each fault is a `Finding`; there is none in a directory that was closed, or whose recovery would cut nothing.
"""

from __future__ import annotations

import posixpath
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from storage import checkpoints
from storage.batch_scan import RECOVERY_BYTES, whole_batches
from storage.checkpoints import CorruptCheckpoint, MetaProperties
from storage.errors import CorruptRecord, InvalidRecord, StorageError
from storage.files import Entry, Files, Open
from storage.future_log import FUTURE
from storage.leader_epochs import FILE_NAME as LEADER_EPOCHS
from storage.leader_epochs import LeaderEpochs
from storage.log_manager import PARTITION_NAME
from storage.offset_index import OffsetIndex
from storage.producer_state import SUFFIX as SNAPSHOT
from storage.producer_state import ProducerState, end_marker
from storage.producer_verifier import ProducerVerifier
from storage.segment import CLEANED, DELETED, INDEX, LOG, SWAP, TIME_INDEX, TRANSACTION_INDEX, file_name
from storage.swap import OFFSET_DIGITS
from storage.time_index import NO_TIMESTAMP, TimeIndex
from wire.errors import ProtocolError
from wire.record_batch import RecordBatch
from wire.record_scan import scan

_ANY_SIZE = 2**40


class Finding(NamedTuple):
    path: str
    position: int | None  # in the file, where that says more
    text: str

    def __str__(self) -> str:
        return f"{self.path}{'' if self.position is None else f' at {self.position}'}: {self.text}"


@dataclass(slots=True)
class Verified:
    """How much was read."""

    partitions: int = 0
    segments: int = 0
    batches: int = 0
    records: int = 0
    size_bytes: int = 0


@dataclass(slots=True)
class _Batches:
    """What indexes are compared with: of every batch of a segment its (position, last offset, largest timestamp)."""

    by_position: dict[int, tuple[int, int]]
    next_offset: int
    epochs: list[tuple[int, int]]  # (epoch, first offset), where it changes


def verify_directory(files: Files, root: str, verified: Verified) -> Iterator[Finding]:
    """Of a directory of `log.dirs`."""
    try:
        if MetaProperties.read(files, root) is None:
            yield Finding(f"{root}/{checkpoints.META_PROPERTIES}", None, "is missing")
    except StorageError as error:
        yield Finding(f"{root}/{checkpoints.META_PROPERTIES}", None, str(error))
    cleaned_offsets = checkpoints.read_offsets(files, f"{root}/{checkpoints.CLEANED_OFFSETS}")
    ends: dict[tuple[str, int], tuple[int, int]] = {}
    for entry in sorted(files.entries(root), key=lambda entry: entry.name):
        match = PARTITION_NAME.fullmatch(entry.name) or FUTURE.fullmatch(entry.name)
        if entry.is_directory and match:
            key = match["topic"], int(match["partition"])
            ends[key] = yield from verify_log(
                files, f"{root}/{entry.name}", verified, cleaned_offset=cleaned_offsets.get(key, 0)
            )
    for name in (
        checkpoints.RECOVERY_POINTS,
        checkpoints.HIGH_WATERMARKS,
        checkpoints.LOG_START_OFFSETS,
        checkpoints.CLEANED_OFFSETS,
    ):
        yield from _verify_checkpoint(files, f"{root}/{name}", ends)


def _verify_checkpoint(files: Files, path: str, ends: dict[tuple[str, int], tuple[int, int]]) -> Iterator[Finding]:
    data = files.read_bytes(path)
    if not data:  # Kafka makes an empty one
        return
    try:
        rows = checkpoints.parse_lines(data, 3)
    except CorruptCheckpoint as error:
        yield Finding(path, None, str(error))
        return
    for topic, partition, offset in rows:
        known = ends.get((topic, int(partition)))
        if known and int(offset) > known[1]:
            yield Finding(path, None, f"{topic}-{partition} is said to reach to {offset}; it ends at {known[1]}")


def verify_log(
    files: Files, directory: str, verified: Verified, *, cleaned_offset: int = 0
) -> Generator[Finding, None, tuple[int, int]]:
    """Of one partition, which was compacted up to that offset; returns where its log starts and ends."""
    entries = {entry.name: entry for entry in files.entries(directory)}
    starts = sorted(int(name[:OFFSET_DIGITS]) for name in entries if name.endswith(LOG))
    verified.partitions += 1
    next_offset = starts[0] if starts else 0
    epochs: list[tuple[int, int]] = []
    producers = ProducerVerifier(files, _snapshots(directory, entries), next_offset)
    for start in starts:
        path = f"{directory}/{file_name(start, LOG)}"
        if start < next_offset:
            yield Finding(path, None, f"starts before {next_offset}, where one ends")
        elif start > next_offset >= cleaned_offset:
            yield Finding(path, None, f"offsets {next_offset} to {start - 1} are missing before it, and not compacted")
        batches = yield from _verify_segment(files, directory, start, entries, verified, producers)
        yield from _verify_transactions(directory, start, entries, producers)
        next_offset = max(next_offset, batches.next_offset)
        epochs += batches.epochs
    for path, text in producers.compare_snapshots(next_offset):
        yield Finding(path, None, text)
    yield from _verify_epochs(files, directory, epochs)
    yield from _verify_others(files, directory, entries, next_offset)
    return (starts[0] if starts else 0), next_offset


def _snapshots(directory: str, entries: dict[str, Entry]) -> dict[int, str]:
    names = [name for name in entries if name.endswith(SNAPSHOT) and name[:OFFSET_DIGITS].isdigit()]
    return {int(name[:OFFSET_DIGITS]): f"{directory}/{name}" for name in names}


def _verify_transactions(
    directory: str, start: int, entries: dict[str, Entry], producers: ProducerVerifier
) -> Iterator[Finding]:
    name = file_name(start, TRANSACTION_INDEX)
    size_bytes = entries[name].size_bytes if name in entries else None
    for text in producers.compare_index(f"{directory}/{name}", size_bytes, start):
        yield Finding(f"{directory}/{name}", None, text)


def _verify_segment(
    files: Files,
    directory: str,
    start: int,
    entries: dict[str, Entry],
    verified: Verified,
    producers: ProducerVerifier,
) -> Generator[Finding, None, _Batches]:
    path = f"{directory}/{file_name(start, LOG)}"
    size = entries[file_name(start, LOG)].size_bytes
    found = _Batches({}, start, [])
    verified.segments += 1
    opened = files.open(path, size).opened()
    end = 0
    producers.begin_segment()
    for position, batch in whole_batches(opened, 0, size):
        fault = _fault(batch, found.next_offset)
        if fault:
            yield Finding(path, position, fault)
        else:
            for where, text in producers.take(batch):
                yield Finding(where, None, text)
        epoch = batch.partition_leader_epoch
        if not found.epochs or found.epochs[-1][0] != epoch:
            found.epochs.append((epoch, batch.base_offset))
        found.by_position[position] = batch.last_offset, batch.max_timestamp_ms
        found.next_offset = max(found.next_offset, batch.next_offset)
        end = position + batch.size_bytes
        verified.batches += 1
        verified.records += max(batch.record_count, 0)
        verified.size_bytes += batch.size_bytes
    if end != size and not (_is_last(start, entries) and _is_blank(opened, end, size)):
        yield Finding(path, end, f"the last {size - end} bytes are no whole batch")
    yield from _verify_offset_index(files, directory, start, entries, found)
    yield from _verify_time_index(files, directory, start, entries, found)
    return found


def _is_last(start: int, entries: dict[str, Entry]) -> bool:
    return all(int(name[:OFFSET_DIGITS]) <= start for name in entries if name.endswith(LOG))


def _is_blank(opened: Open, position: int, end: int) -> bool:
    """Zeros, as `preallocate` leaves them until the segment is rolled."""
    while position < end:
        if any(opened.read(position, min(RECOVERY_BYTES, end - position))):
            return False
        position += RECOVERY_BYTES
    return True


def _fault(batch: RecordBatch, next_offset: int) -> str | None:
    """What is wrong with a batch, if anything."""
    if batch.base_offset < next_offset:
        return f"a batch of offset {batch.base_offset} where {next_offset} or more belongs"
    if batch.last_offset_delta < 0:
        return f"the batch at offset {batch.base_offset} ends before it begins"
    try:
        batch.check_crc()
        if batch.record_count > 0:
            deltas = [record[3] for record in scan(batch.payload(), batch.record_count)]
            if deltas != sorted(set(deltas)) or deltas[0] < 0 or deltas[-1] > batch.last_offset_delta:
                return f"the records of the batch at offset {batch.base_offset} are not in order"
            if batch.is_control:
                end_marker(batch)
    except (ProtocolError, InvalidRecord) as error:
        return f"the batch at offset {batch.base_offset}: {error}"
    return None


def _verify_offset_index(
    files: Files, directory: str, start: int, entries: dict[str, Entry], batches: _Batches
) -> Iterator[Finding]:
    name = file_name(start, INDEX)
    if name not in entries:
        yield Finding(f"{directory}/{name}", None, "is missing")
        return
    index = OffsetIndex(files.open(f"{directory}/{name}", entries[name].size_bytes), start, _ANY_SIZE)
    if not index.is_ordered():
        yield Finding(f"{directory}/{name}", None, "its entries are not in order")
    for offset, position in index.entries():
        last_offset, _ = batches.by_position.get(position, (-1, 0))
        # Kafka's entries name the last offset of what was written in one go, which may be several batches.
        if last_offset < 0 or last_offset > offset or offset >= batches.next_offset:
            yield Finding(f"{directory}/{name}", None, f"offset {offset} is said to be at {position}, and is not there")


def _verify_time_index(
    files: Files, directory: str, start: int, entries: dict[str, Entry], batches: _Batches
) -> Iterator[Finding]:
    name = file_name(start, TIME_INDEX)
    if name not in entries:
        yield Finding(f"{directory}/{name}", None, "is missing")
        return
    index = TimeIndex(files.open(f"{directory}/{name}", entries[name].size_bytes), start, _ANY_SIZE)
    if not index.is_ordered():
        yield Finding(f"{directory}/{name}", None, "its entries are not in order")
    largest = NO_TIMESTAMP
    walk = iter(batches.by_position.values())
    for timestamp_ms, offset in index.entries():
        for last_offset, max_timestamp_ms in walk:
            largest = max(largest, max_timestamp_ms)
            if last_offset >= offset:
                break
        if largest > timestamp_ms or offset >= max(batches.next_offset, start + 1):
            text = f"{timestamp_ms} is said to be the largest timestamp up to offset {offset}, which is {largest}"
            yield Finding(f"{directory}/{name}", None, text)


def _verify_epochs(files: Files, directory: str, epochs: list[tuple[int, int]]) -> Iterator[Finding]:
    path = f"{directory}/{LEADER_EPOCHS}"
    known = LeaderEpochs(files, path)
    if files.read_bytes(path) is None:
        return
    if not known.load():
        yield Finding(path, None, "is damaged")
        return
    start = known.entries[0][1] if known.entries else 0  # what was deleted before may be back after a power cut
    for epoch, offset in epochs:
        if offset >= start and epoch >= 0 and known.epoch_of(offset) != epoch:
            text = f"offset {offset} is of epoch {epoch}, not of {known.epoch_of(offset)} as it says here"
            yield Finding(path, None, text)


def _verify_others(files: Files, directory: str, entries: dict[str, Entry], next_offset: int) -> Iterator[Finding]:
    if checkpoints.PARTITION_METADATA in entries and checkpoints.read_topic_id(files, directory) is None:
        yield Finding(f"{directory}/{checkpoints.PARTITION_METADATA}", None, "is damaged")
    for name in sorted(entries):
        path = posixpath.join(directory, name)
        if name.endswith((CLEANED, SWAP, DELETED, ".tmp")):
            yield Finding(path, None, "is left over: the next start sees to it")
        elif name.endswith(SNAPSHOT) and name[:OFFSET_DIGITS].isdigit():
            offset = int(name[:OFFSET_DIGITS])
            try:
                ProducerState.decode(files.read_bytes(path) or b"", offset)
            except CorruptRecord as error:
                yield Finding(path, None, str(error))
            if offset > next_offset:
                yield Finding(path, None, f"is of an offset behind the log's end, {next_offset}")
