"""A future log: the copy of a partition's log in another directory of `log.dirs`, which is to take its place (KIP-113).

It lies in `<topic>-<partition>.<32 hex digits>-future`, as Kafka names it, and gets the segments of the current log as
they are, byte for byte, from the first one on. While it is behind it holds nothing that the current log has not.

Invariant: one of the two is a beginning of the other, as far as segments were not deleted. So after a crash the longer
one is the log: a future log that is longer had taken the place of the current one, which got no record since.

Not here: which logs are being moved (`replica_moves.py`), and how fast.
"""

from __future__ import annotations

import re
from itertools import takewhile

from storage import checkpoints
from storage.batch_scan import BatchHeader, headers
from storage.errors import StorageFailure
from storage.log import Log
from storage.segment import Segment

FUTURE = re.compile(r"(?P<name>(?P<topic>[a-zA-Z0-9._-]+)-(?P<partition>\d{1,10}))\.(?P<uuid>[0-9a-f]{32})-future")
MAX_NAME = 255


class Unreadable(StorageFailure):
    """It is the current log that failed."""


def future_name(name: str) -> str:
    return f"{name}.{checkpoints.random_uuid().hex()}-future"


def deleted_name(future: str) -> str:
    """Of the log that this future one has replaced: who finds the two knows what was going on."""
    return future.removesuffix("-future") + "-delete"


class _Held:
    """Bytes that were read already, to be walked over like a file."""

    descriptor = -1

    def __init__(self, data: bytes) -> None:
        self._data = data

    def read(self, position: int, length: int) -> bytes:
        return self._data[position : position + length]


def copy(current: Log, future: Log, max_bytes: int, now_ms: int) -> int:
    """One piece of what the future log lacks, of at most `max_bytes` or one batch; 0 if it lacks nothing.

    May run beside appends to the current log. Raises StorageFailure, Unreadable if the current log's disk is meant.
    """
    while True:
        base_offset = future.segments[-1].base_offset
        segments = current.segments
        source, following = _twin(segments, base_offset)
        if source is not None:
            data, found = _piece(source, future.segments[-1].size_bytes, max_bytes)
            if found:
                future.append_copied(data, found)
                _follow_start(current, future)
                return len(data)
        if source is None:  # retention was quicker: all that was copied is before the log's start
            future.truncate_fully_and_start_at(segments[0].base_offset, now_ms)
        elif following is None:
            _follow_start(current, future)
            return 0
        else:
            future.roll_at(following.base_offset, now_ms)


def _twin(segments: list[Segment], base_offset: int) -> tuple[Segment | None, Segment | None]:
    """The segment that begins there, and the first one behind it."""
    earlier = list(takewhile(lambda segment: segment.base_offset <= base_offset, segments))
    twin = earlier[-1] if earlier and earlier[-1].base_offset == base_offset else None
    return twin, segments[len(earlier)] if len(earlier) < len(segments) else None


def _piece(source: Segment, position: int, max_bytes: int) -> tuple[bytes, list[BatchHeader]]:
    """The whole batches from `position` on that fit, and their headers; at least one if there is one."""
    try:
        left = source.size_bytes - position
        data = source.log.read(position, min(max_bytes, left)) if left > 0 else b""
        found = _batches(data)
        if data and not found:
            data = source.log.read(position, source.size_at(position))
            found = _batches(data)
    except StorageFailure as failure:
        if source.is_deleted:  # retention was quicker
            return b"", []
        raise Unreadable(str(failure)) from failure
    if data and not found and not source.is_deleted:
        raise Unreadable(f"{source.log.path} has no whole batch at {position}")
    return data[: sum(header.size_bytes for header in found)], found


def _batches(data: bytes) -> list[BatchHeader]:
    return [header for _, header in headers(_Held(data), 0, len(data), read_bytes=len(data))]


def _follow_start(current: Log, future: Log) -> None:
    future.delete_records_before(min(current.log_start_offset, future.next_offset))


def is_beginning(short: Log, long: Log) -> bool:
    """Whether the last batch of the one is in the other, at the same place; then so is all before it.

    Also true where nothing can be compared, because the longer one has no segment of that time any more.
    """
    for segment in reversed(short.segments):
        if not segment.size_bytes:
            continue
        twin, _ = _twin(long.segments, segment.base_offset)
        if twin is None:
            return segment.base_offset < long.segments[0].base_offset
        last = segment.last_batch()
        return last is not None and next(headers(twin.log.opened(), last[0], twin.size_bytes), None) == last
    return True


def is_usable(current: Log, future: Log) -> bool:
    """Whether the future log can grow on as it is."""
    twin, following = _twin(current.segments, future.segments[-1].base_offset)
    if twin is None and following is not current.segments[0]:
        return False  # of another layout: Kafka rolls its future logs on its own
    if future.segments[0].base_offset > current.log_start_offset:
        return False  # segments that retention had deleted have outlived a power cut
    return is_beginning(future, current)
