"""Group commit: the logs that somebody waits for are synced together, in rounds; who asks during one is in the next.

So however many connections wait, the disk has one round to do at a time, and each log is in it once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import trio

from storage.errors import StorageFailure
from storage.log import Log
from storage.log_manager import LogManager

THREADS = 4  # in each round: file systems commit the syncs of several files together


class Flushable(Protocol):
    log: Log

    def flush_ended(self, failure: StorageFailure | None) -> None: ...


class GroupFlush:
    def __init__(self, logs: LogManager, disk_failed: Callable[[Log, StorageFailure], None]) -> None:
        self._logs = logs
        self._disk_failed = disk_failed
        self._asked: dict[Flushable, None] = {}
        self._wake = trio.Event()

    def ask(self, partition: Flushable) -> None:
        """Have it synced in the next round; it is told when that has ended."""
        self._asked[partition] = None
        self._wake.set()

    async def run(self) -> None:
        """For ever."""
        while True:
            await self._wake.wait()
            self._wake = trio.Event()
            partitions, self._asked = list(self._asked), {}
            if len(partitions) == 1:
                await self._sync(partitions)
                continue
            async with trio.open_nursery() as nursery:
                for first in range(min(THREADS, len(partitions))):
                    nursery.start_soon(self._sync, partitions[first::THREADS])

    async def _sync(self, partitions: Sequence[Flushable]) -> None:
        logs = [partition.log for partition in partitions]
        failures = await trio.to_thread.run_sync(self._logs.sync_records, logs)
        for log, failure in failures.items():
            self._disk_failed(log, failure)
        for partition, log in zip(partitions, logs, strict=True):
            if log is partition.log:  # else it has moved to another directory, and asked again
                partition.flush_ended(failures.get(log))
