"""Moving replicas between this broker's log directories while they are served (KIP-113).

One task, one replica after the other, piece by piece in a worker thread, no faster than
`replica.alter.log.dirs.io.max.bytes.per.second`. A move that was under way at the last stop goes on. `storage` knows
the steps (`replica_moves.py`); here is when they are taken, and what they mean for the partition.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable

import trio

from pykbroker.errors import BrokerError
from pykbroker.replica_manager import ReplicaManager
from pykbroker.short_turns import short_turns
from storage.checkpoints import TopicPartition
from storage.config import MAX_LONG
from storage.errors import StorageFailure
from storage.replica_moves import ReplicaMoves
from wire.errors import ErrorCode

log = logging.getLogger(__name__)

PIECE_BYTES = 256 * 1024
RETRY_SECONDS = 1.0  # after an error, such as a full disk
MAX_SLEEP_SECONDS = 0.5  # then it is seen whether the rate has changed, or the move was cancelled


class ReplicaAlterLogDirs:
    def __init__(
        self, replicas: ReplicaManager, *, clock_ms: Callable[[], int], bytes_per_second: Callable[[], int]
    ) -> None:
        self._replicas = replicas
        self._logs = replicas.logs
        self._moves = ReplicaMoves(replicas.logs)
        self._clock_ms = clock_ms
        self._bytes_per_second = bytes_per_second
        self._wake = trio.Event()

    # --- what is asked for

    def alter(self, key: TopicPartition, path: str, *, is_known: bool) -> None:
        """Have the replica move to `path`, or be made there when it is made. Raises BrokerError."""
        if not self._moves.has_room_for_name(key):
            raise BrokerError(ErrorCode.INVALID_TOPIC_EXCEPTION, "The topic name is too long.")
        root = self._directory(path)
        partition = self._replicas.partitions.get(key)
        if partition is not None and partition.is_offline:
            raise BrokerError(ErrorCode.KAFKA_STORAGE_ERROR)
        current, future = self._logs.logs.get(key), self._logs.futures.get(key)
        try:
            if future is not None and self._logs.root_of(future) != root:
                self._moves.cancel(key, self._clock_ms())
                future = None
            if partition is None or current is None:
                self._logs.preferred[key] = root
                raise BrokerError(ErrorCode.REPLICA_NOT_AVAILABLE if is_known else ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
            if future is None and self._logs.root_of(current) != root:
                if self._logs.offline:  # there may be a future log in one of them
                    raise BrokerError(ErrorCode.KAFKA_STORAGE_ERROR)
                self._moves.begin(key, root, self._clock_ms())
                log.info("a replica is moved", extra={"fields": {"log": current.name, "to": root}})
        except StorageFailure as failure:
            self._replicas.follow_failures()
            raise BrokerError(ErrorCode.KAFKA_STORAGE_ERROR, str(failure)) from failure
        self._wake.set()

    def _directory(self, path: str) -> str:
        """As it is called in `log.dirs`. Absolute, for another directory of the same name may be meant."""
        for directory in self._logs.directories:
            if path.startswith("/") and path == os.path.abspath(directory.path):
                if directory.path in self._logs.offline:
                    raise BrokerError(ErrorCode.KAFKA_STORAGE_ERROR)
                return directory.path
        raise BrokerError(ErrorCode.LOG_DIR_NOT_FOUND)

    # --- doing it

    async def run(self) -> None:
        """For ever."""
        while True:
            self._wake = trio.Event()
            failed = False
            for key in [*self._moves.unfinished, *self._moves.under_way]:
                if key in self._replicas.partitions and not self._replicas.partitions[key].is_offline:
                    failed |= not await self._attempt(key)
            if failed:
                await trio.sleep(RETRY_SECONDS)
            else:
                await self._wake.wait()

    async def _attempt(self, key: TopicPartition) -> bool:
        """False if it is to be tried again."""
        try:
            await self._copy_and_swap(key)
            await self._finish(key)
        except StorageFailure as failure:
            fields = {"log": f"{key[0]}-{key[1]}", "reason": str(failure)}
            log.error("a replica could not be moved yet", extra={"fields": fields})
            self._replicas.follow_failures()
            return False
        return True

    async def _copy_and_swap(self, key: TopicPartition) -> None:
        prepared = None
        while (future := self._logs.futures.get(key)) is not None:
            piece_bytes = max(1, min(PIECE_BYTES, self._bytes_per_second() // 10))
            size = await trio.to_thread.run_sync(self._copy, key, piece_bytes)
            if size:
                await self._keep_to_rate(key, size)
            elif prepared is not future:
                await trio.to_thread.run_sync(self._moves.prepare, key)
                prepared = future
            else:
                self._swap(key)

    def _copy(self, key: TopicPartition, max_bytes: int) -> int:
        with short_turns():
            return self._moves.copy(key, max_bytes, self._clock_ms())

    async def _keep_to_rate(self, key: TopicPartition, size_bytes: float) -> None:
        while size_bytes > 0 and key in self._logs.futures and (rate := self._bytes_per_second()) < MAX_LONG:
            seconds = min(MAX_SLEEP_SECONDS, size_bytes / rate) if rate else MAX_SLEEP_SECONDS
            await trio.sleep(seconds)
            size_bytes -= rate * seconds

    def _swap(self, key: TopicPartition) -> None:
        partition = self._replicas.partitions.get(key)
        if key in self._logs.futures and partition is not None:
            partition.continue_in(self._moves.swap(key, self._clock_ms()))

    async def _finish(self, key: TopicPartition) -> None:
        if key in self._logs.replaced:
            with trio.CancelScope(shield=True):  # or a stop would leave it to the next start
                await trio.to_thread.run_sync(self._moves.finish, key, self._clock_ms(), trio.from_thread.run_sync)
            if key in self._logs.logs:
                fields = {"log": f"{key[0]}-{key[1]}", "directory": self._logs.logs[key].directory}
                log.info("a replica was moved", extra={"fields": fields})
