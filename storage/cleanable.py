"""What there is to compact in a log, and how urgent it is.

A log is clean up to where the cleaner got last time: there, no key occurs twice. Behind that it is dirty. What must not
be touched yet lies at its end: the last segment, what is not decided or not replicated, and segments whose largest
timestamp is younger than min.compaction.lag.ms.
"""

from __future__ import annotations

from dataclasses import dataclass

from storage.log import Log
from storage.segment import Segment


@dataclass(frozen=True, slots=True)
class Cleanable:
    log: Log
    first_dirty_offset: int
    first_uncleanable_offset: int  # where a segment starts
    clean_bytes: int
    dirty_bytes: int
    overdue_ms: int  # by how much max.compaction.lag.ms is exceeded

    @property
    def dirty_ratio(self) -> float:
        total = self.clean_bytes + self.dirty_bytes
        return self.dirty_bytes / total if total else 0.0

    @property
    def is_due(self) -> bool:
        if self.overdue_ms > 0 and self.dirty_bytes > 0:
            return True
        return self.dirty_ratio > self.log.config.min_cleanable_dirty_ratio


def cleanable(log: Log, checkpoint: int | None, high_watermark: int, now_ms: int) -> Cleanable:
    """`checkpoint`: up to where the log was cleaned. One that cannot be right is passed over: all is dirty then."""
    start = log.log_start_offset
    if checkpoint is None or not start <= checkpoint <= log.next_offset:
        checkpoint = start
    limit = log.first_unstable_offset(high_watermark)
    segments = log.segments[:-1]  # the last one, the limit says
    dirty = _from(segments, checkpoint)
    lag_ms = log.config.min_compaction_lag_ms
    if lag_ms > 0:
        young = (segment.base_offset for segment in dirty if segment.max_timestamp_ms > now_ms - lag_ms)
        limit = min(limit, next(young, limit))
    bound = _segment_start(log.segments, max(checkpoint, limit))
    return Cleanable(
        log,
        checkpoint,
        bound,
        sum(segment.size_bytes for segment in segments if segment.base_offset < checkpoint),
        sum(segment.size_bytes for segment in dirty if segment.base_offset < bound),
        _overdue_ms(log, dirty, now_ms),
    )


def _from(segments: list[Segment], offset: int) -> list[Segment]:
    """Those with something at or after the offset."""
    return [segment for segment in segments if segment.next_offset > offset]


def _segment_start(segments: list[Segment], offset: int) -> int:
    """Of the segment that the offset is in, or would be."""
    return max((segment.base_offset for segment in segments if segment.base_offset <= offset), default=offset)


def _overdue_ms(log: Log, dirty: list[Segment], now_ms: int) -> int:
    """Counted from the first batch of each segment, as far as it has a timestamp."""
    if log.config.max_compaction_lag_ms >= now_ms:
        return 0
    firsts = [timestamp_ms for segment in dirty if (timestamp_ms := segment.first_timestamp_ms) > 0]
    return max(now_ms - log.config.max_compaction_lag_ms - min(firsts), 0) if firsts else 0
