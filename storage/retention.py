"""Which segments a log may drop: those too old, those too many, those before its start.

Only whole segments, only from the front. Not here: compaction.
"""

from __future__ import annotations

from storage.config import LogConfig
from storage.log import Log
from storage.segment import Segment


def apply_retention(log: Log, now_ms: int, *, limit_offset: int | None = None) -> int:
    """Drop what the settings say; nothing at or after `limit_offset` (the high watermark). The number of segments."""
    segments, end_offset = log.segments, log.next_offset
    count = 0
    excess_bytes = _excess_bytes(log, segments)
    for index, segment in enumerate(segments):
        next_offset = segments[index + 1].base_offset if index + 1 < len(segments) else end_offset
        is_last = segment is segments[-1]
        if (is_last and segment.size_bytes == 0) or (limit_offset is not None and next_offset > limit_offset):
            break
        fits = 0 < segment.size_bytes <= excess_bytes
        if not (
            fits or _is_too_old(segment, log.config, now_ms) or (next_offset <= log.log_start_offset and not is_last)
        ):
            break
        excess_bytes -= segment.size_bytes
        count += 1
    return log.delete_oldest(segments[:count], now_ms, end_offset=end_offset) if count else 0


def drop_before_start(log: Log, now_ms: int) -> None:
    """Drop only what lies before the log's start, as a future log does: it is not all there yet, so neither its size
    nor its last records' age says anything.
    """
    segments = log.segments
    count = sum(following.base_offset <= log.log_start_offset for following in segments[1:])
    if count:
        log.delete_oldest(segments[:count], now_ms, end_offset=log.next_offset)


def _excess_bytes(log: Log, segments: list[Segment]) -> int:
    if not log.config.is_deleted or log.config.retention_bytes < 0:
        return 0
    return sum(segment.size_bytes for segment in segments) - log.config.retention_bytes


def _is_too_old(segment: Segment, config: LogConfig, now_ms: int) -> bool:
    return config.is_deleted and config.retention_ms >= 0 and now_ms - segment.age_timestamp_ms > config.retention_ms
