"""Opening a partition's directory: which files count, and what of them is intact.

After a clean stop, or when only the process died, everything that was written is in the files, and only the tail of
the last segment behind its last index entry is looked at. After a power cut, everything from the recovery point on
is checked; the log ends before the first batch that is not intact. What is cut, and what is removed, is so durably:
otherwise it could come back at the next power cut, behind batches written since.

Kafka's rules for temporary files: `.deleted` are leftovers, indexes without a log too; `swap.py` sees to the others.
"""

from __future__ import annotations

from bisect import bisect_left
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import pairwise
from operator import attrgetter

from storage.batch_scan import headers
from storage.config import LogConfig
from storage.errors import DiskFull
from storage.files import Entry, Files
from storage.leader_epochs import FILE_NAME as LEADER_EPOCHS
from storage.leader_epochs import LeaderEpochs
from storage.producer_state import SUFFIX as SNAPSHOT
from storage.segment import DELETED, INDEX, LOG, TIME_INDEX, TRANSACTION_INDEX, Segment, file_name
from storage.swap import OFFSET_DIGITS, finish_swaps

_SUFFIXES = (LOG, INDEX, TIME_INDEX, TRANSACTION_INDEX, SNAPSHOT)
_LEFTOVERS = (DELETED, ".tmp")
_EVERYTHING = 2**63 - 1


@dataclass(slots=True)
class Opened:
    segments: list[Segment]
    epochs: LeaderEpochs
    snapshots: list[int]


@dataclass(slots=True)
class _Listing:
    """Sizes of segment files by base offset and suffix."""

    sizes: dict[int, dict[str, int]] = field(default_factory=dict)
    modified_ms: dict[int, int] = field(default_factory=dict)
    snapshots: list[int] = field(default_factory=list)


def open_segments(
    files: Files,
    directory: str,
    config: LogConfig,
    *,
    recovery_point: int,
    log_start_offset: int,
    clean: bool,
    now_ms: int,
    cleaned_offset: int = 0,
) -> Opened:
    """At least one segment; the last one is ready to be appended to. Below `cleaned_offset` offsets may be missing."""
    finish_swaps(files, directory)
    listing = _list(files, directory)
    segments = []
    for base_offset in sorted(listing.sizes):
        modified_ms = listing.modified_ms[base_offset]
        sizes = listing.sizes[base_offset]
        segments.append(
            Segment.existing(files, directory, base_offset, sizes=sizes, config=config, modified_ms=modified_ms)
        )
    for segment, following in pairwise(segments):
        segment.next_offset = following.base_offset
    epochs = LeaderEpochs(files, f"{directory}/{LEADER_EPOCHS}")
    if not epochs.load() and any(segment.size_bytes for segment in segments):
        _read_epochs(segments, epochs)
    without_index = [s for s in segments if not {INDEX, TIME_INDEX} <= listing.sizes[s.base_offset].keys()]
    kept = _recover(
        segments,
        epochs,
        config,
        recovery_point=recovery_point,
        clean=clean,
        without_index=without_index,
        cleaned_offset=cleaned_offset,
    )
    _drop(files, directory, segments[len(kept) :])
    while len(kept) > 1 and not kept[0].size_bytes:  # a new start of the log was interrupted
        _drop(files, directory, kept[:1])
        kept = kept[1:]
    if kept and kept[-1].next_offset < log_start_offset:  # what was left is older than the log's start
        _drop(files, directory, kept)
        kept = []
    if not kept:
        kept = [Segment.create(files, directory, log_start_offset, config=config, now_ms=now_ms)]
    return _Finish(files, directory, kept, epochs, listing.snapshots).finish(
        log_start_offset, trusted_offset=_EVERYTHING if clean else recovery_point
    )


def _drop(files: Files, directory: str, segments: list[Segment]) -> None:
    for segment in reversed(segments):  # from the end: at no moment there is a gap
        segment.remove(files)
    if segments:
        files.sync_directory(directory)


def _list(files: Files, directory: str) -> _Listing:
    listing = _Listing()
    for entry in files.entries(directory):
        name = entry.name
        if name.endswith(_LEFTOVERS):
            files.remove(f"{directory}/{name}")
        elif name[:OFFSET_DIGITS].isdigit() and name[OFFSET_DIGITS:] in _SUFFIXES:
            _classify(entry, listing)
    orphans = [base_offset for base_offset, sizes in listing.sizes.items() if LOG not in sizes]
    for base_offset in orphans:
        for suffix in listing.sizes.pop(base_offset):
            files.remove(f"{directory}/{file_name(base_offset, suffix)}")
    return listing


def _classify(entry: Entry, listing: _Listing) -> None:
    offset, suffix = int(entry.name[:OFFSET_DIGITS]), entry.name[OFFSET_DIGITS:]
    if suffix == SNAPSHOT:
        listing.snapshots.append(offset)
        return
    listing.sizes.setdefault(offset, {})[suffix] = entry.size_bytes
    if suffix == LOG:
        listing.modified_ms[offset] = entry.modified_ms


def _recover(
    segments: list[Segment],
    epochs: LeaderEpochs,
    config: LogConfig,
    *,
    recovery_point: int,
    clean: bool,
    without_index: list[Segment],
    cleaned_offset: int,
) -> list[Segment]:
    """The segments that stay: those up to the first that lacks its end, be it torn or never written."""
    # One that ends at the recovery point may have been rolled after the flush: its last index entries are doubtful.
    first_unflushed = bisect_left(segments, recovery_point, key=attrgetter("base_offset")) - 1
    for index, segment in enumerate(segments):
        is_last = index == len(segments) - 1
        if segment in without_index:
            trusted_offset = segment.base_offset
        elif not clean and index >= first_unflushed:
            trusted_offset = max(recovery_point, segment.base_offset)
        elif is_last:
            trusted_offset = _EVERYTHING
        else:
            segment.is_synced = segment.next_offset < recovery_point  # a process that died may have synced nothing
            continue
        following = segment.next_offset
        cut = segment.recover(trusted_offset, epochs, config.index_interval_bytes)
        if is_last:
            continue
        with suppress(DiskFull):
            segment.become_inactive()
        is_gap_loss = not clean and following > recovery_point and cleaned_offset <= segment.next_offset
        # What was cut at its right end was preallocated, or a torn write that nobody missed.
        if segment.next_offset < following and (cut or is_gap_loss):
            return segments[: index + 1]
        segment.next_offset = following
    return segments


def _read_epochs(segments: list[Segment], epochs: LeaderEpochs) -> None:
    """Rebuild a missing or damaged leader-epoch-checkpoint from the batches."""
    for segment in segments:
        for _, header in headers(segment.log.opened(), 0, segment.size_bytes):
            epochs.note(header.partition_leader_epoch, header.base_offset)


@dataclass(slots=True)
class _Finish:
    """What depends on where the log turned out to start and end."""

    files: Files
    directory: str
    segments: list[Segment]
    epochs: LeaderEpochs
    snapshots: list[int]

    def finish(self, log_start_offset: int, *, trusted_offset: int) -> Opened:
        next_offset = self.segments[-1].next_offset
        self.epochs.truncate_to(next_offset)
        self.epochs.start_at(max(log_start_offset, self.segments[0].base_offset))
        # One behind the recovery point may have outlived a power cut that the transaction index before it has not.
        doubtful = [offset for offset in self.snapshots if offset > min(next_offset, trusted_offset)]
        for offset in doubtful:
            self.files.remove(f"{self.directory}/{file_name(offset, SNAPSHOT)}")
        if trusted_offset != _EVERYTHING:
            self.epochs.sync()
            self.files.sync_directory(self.directory)
        return Opened(self.segments, self.epochs, [offset for offset in self.snapshots if offset not in doubtful])
