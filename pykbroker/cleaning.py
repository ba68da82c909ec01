"""Compaction beside the serving: one log after the other, in a worker thread, no faster than
`log.cleaner.io.max.bytes.per.second`.

The cleaner is pure Python, so it offers the interpreter to the event loop after every batch, and has threads take turns
more often (`short_turns.py`).
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

import trio

from pykbroker.broker import Broker
from pykbroker.config.brokers import current_value
from pykbroker.counts import Cleanings
from pykbroker.short_turns import short_turns
from storage.checkpoints import TopicPartition
from storage.cleaner import CleanerLimits, CleanerStats, CleaningAborted
from storage.errors import StorageError
from storage.log_cleaner import LogCleaner

log = logging.getLogger(__name__)

LEAST_WAIT_SECONDS = 0.02


class Pacer:
    """Told of every batch that is read or written: keeps to the rate, and ends the round when the broker stops."""

    def __init__(
        self, bytes_per_second: float, stopped: threading.Event, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._bytes_per_second = bytes_per_second
        self._stopped = stopped
        self._clock = clock
        self._started = clock()
        self._done_bytes = 0

    def __call__(self, size_bytes: int) -> None:
        self._done_bytes += size_bytes
        ahead_seconds = self._done_bytes / self._bytes_per_second - (self._clock() - self._started)
        if ahead_seconds > LEAST_WAIT_SECONDS:
            self._stopped.wait(ahead_seconds)
        else:
            time.sleep(0)  # lets the event loop's thread go first
        if self._stopped.is_set():
            raise CleaningAborted("the broker stops")


async def clean_logs(broker: Broker) -> None:
    """For ever: while there is a log that is dirty enough, the dirtiest."""
    if not broker.settings.bool("log.cleaner.enable"):
        return
    cleaner = LogCleaner(broker.replicas.logs)
    stopped = threading.Event()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_set_when_cancelled, stopped)
        while True:
            broker.replicas.note_high_watermarks()
            if not await trio.to_thread.run_sync(_clean_one, broker, cleaner, stopped):
                await trio.sleep(_setting(broker, "log.cleaner.backoff.ms") / 1000)


async def _set_when_cancelled(event: threading.Event) -> None:
    try:
        await trio.sleep_forever()
    finally:
        event.set()


def _clean_one(broker: Broker, cleaner: LogCleaner, stopped: threading.Event) -> bool:
    """False if there was nothing to do, or it did not work out."""
    limits, bytes_per_second = current_limits(broker)
    pacer = Pacer(bytes_per_second, stopped)
    started = time.monotonic()
    try:
        with short_turns():
            done = cleaner.clean_filthiest(broker.clock_ms(), pacer, limits)
    except CleaningAborted as error:
        log.debug("compaction was given up", extra={"fields": {"reason": str(error)}})
        return False
    except StorageError as error:
        log.error("compaction failed", extra={"fields": {"reason": str(error)}})
        return False
    if done is None:
        return False
    _report(*done, time.monotonic() - started)
    _count(broker.counts.cleanings, done[1], time.monotonic() - started)
    return True


def current_limits(broker: Broker) -> tuple[CleanerLimits, float]:
    """Of one round, and its speed in bytes per second."""
    dedupe_buffer_bytes = int(_setting(broker, "log.cleaner.dedupe.buffer.size"))
    limits = CleanerLimits(dedupe_buffer_bytes, _setting(broker, "log.cleaner.io.buffer.load.factor"))
    return limits, _setting(broker, "log.cleaner.io.max.bytes.per.second")


def _report(key: TopicPartition, stats: CleanerStats, seconds: float) -> None:
    fields = {
        "log": f"{key[0]}-{key[1]}",
        "clean_to": stats.next_dirty_offset,
        "bytes": f"{stats.bytes_read}->{stats.bytes_written}",
        "records": f"{stats.records_read}->{stats.records_kept}",
        "segments": f"{stats.segments_before}->{stats.segments_after}",
        "seconds": round(seconds, 3),
    }
    log.info("log compacted", extra={"fields": fields})


def _count(cleanings: Cleanings, stats: CleanerStats, seconds: float) -> None:
    cleanings.rounds += 1
    cleanings.bytes_read += stats.bytes_read
    cleanings.bytes_written += stats.bytes_written
    cleanings.seconds += seconds
    cleanings.longest_seconds = max(cleanings.longest_seconds, seconds)


def _setting(broker: Broker, name: str) -> float:
    """As it is now: these may change while the broker runs."""
    return float(current_value(broker.image, broker.settings, name) or 0)
