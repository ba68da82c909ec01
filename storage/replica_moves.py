"""Moving partitions between log directories, step by step (KIP-113); Kafka's ReplicaAlterLogDirsThread.

    begin    a future log in the other directory
    copy     piece by piece, in a worker thread, while the current log is written and read
    swap     where nothing is appended: the last bit, and the future log is the log from then on
    finish   in a worker thread again: it is flushed, the old directory renamed to `-delete`, its own to its last name

Only the renames show it to the next start, and they are in this order, each durable before the next: so at any moment
one of the two is the whole log (`future_log.py`), and what was flushed is in it.

Called by one task, but for `begin` and `cancel`, which are called where `swap` is, on the event loop.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable
from contextlib import suppress

from storage import future_log
from storage.checkpoints import TopicPartition
from storage.errors import DiskFull, StorageFailure
from storage.future_log import FUTURE, MAX_NAME, deleted_name, future_name
from storage.log import Log
from storage.log_manager import LogManager

SWAP_BYTES = 1 << 20  # at a time, where everything waits

Run = Callable[[Callable[[], None]], None]  # calls what it gets where `swap` was called


class ReplicaMoves:
    def __init__(self, logs: LogManager) -> None:
        self._logs = logs
        self._files = logs.files

    @property
    def under_way(self) -> list[TopicPartition]:
        return sorted(self._logs.futures)

    @property
    def unfinished(self) -> list[TopicPartition]:
        """Swapped, but not finished."""
        return sorted(self._logs.replaced)

    @staticmethod
    def has_room_for_name(key: TopicPartition) -> bool:
        """Names of directories are bounded (KAFKA-4893)."""
        return len(future_name(_name(key))) <= MAX_NAME

    def begin(self, key: TopicPartition, root: str, now_ms: int) -> None:
        """Raises StorageFailure."""
        current = self._logs.logs[key]
        assert key not in self._logs.futures
        path = f"{root}/{future_name(_name(key))}"
        try:
            future = self._logs.open_future(key, path, start_offset=current.segments[0].base_offset, now_ms=now_ms)
        except StorageFailure as failure:
            with suppress(StorageFailure):  # else the next start finds it, and moves after all
                self._logs.remove_tree(path)
            self._logs.note_failure_in(root, failure)
            raise
        current.may_be_cleaned = future.may_be_cleaned = False
        self._logs.futures[key] = future

    def cancel(self, key: TopicPartition, now_ms: int) -> None:
        """The partition stays where it is. Raises StorageFailure."""
        future = self._logs.futures[key]
        try:
            self._logs.discard_future(key, now_ms)
        except StorageFailure as failure:
            self._logs.note_failure_in(self._logs.root_of(future), failure)
            raise
        self._logs.logs[key].may_be_cleaned = True

    def copy(self, key: TopicPartition, max_bytes: int, now_ms: int) -> int:
        """How much was copied; 0 if there is nothing left, or the move was cancelled. Raises StorageFailure."""
        current, future = self._logs.logs.get(key), self._logs.futures.get(key)
        if current is None or future is None:
            return 0
        try:
            return future_log.copy(current, future, max_bytes, now_ms)
        except StorageFailure as failure:
            if current.is_abandoned or future.is_abandoned:
                return 0
            if not isinstance(failure, future_log.Unreadable):
                self._logs.note_failure(future, failure)
            raise

    def prepare(self, key: TopicPartition) -> None:
        """Once before the swap, so that little is left to flush after it. Raises StorageFailure."""
        current, future = self._logs.logs.get(key), self._logs.futures.get(key)
        if current is None or future is None:
            return
        current.load_producers()
        try:
            future.cleaned_offset = current.cleaned_offset
            future.flush()
            root = self._logs.root_of(future)
            self._logs.write_checkpoints_of(root)
            self._logs.write_cleaned_offsets(root)
        except StorageFailure as failure:
            self._logs.note_failure(future, failure)
            raise

    def swap(self, key: TopicPartition, now_ms: int) -> Log:
        """The log from now on; or the same as before if that is not possible yet. Raises StorageFailure."""
        current, future = self._logs.logs[key], self._logs.futures[key]
        while self.copy(key, SWAP_BYTES, now_ms):
            pass
        if future.next_offset != current.next_offset:
            return current
        current.load_producers()  # if that fails, it is not the future log's disk
        try:
            if not future.take_over(current):
                return current
        except StorageFailure as failure:
            self._logs.note_failure(future, failure)
            raise
        self._logs.logs[key] = future
        self._logs.replaced[key] = current
        del self._logs.futures[key]
        current.abandon()
        return future

    def finish(self, key: TopicPartition, now_ms: int, run: Run) -> None:
        """Raises StorageFailure: to be tried again, unless it has failed the log's directory."""
        log, replaced = self._logs.logs.get(key), self._logs.replaced.get(key)
        if log is None or replaced is None:  # deleted meanwhile
            return
        root, name = posixpath.split(log.directory)
        old_root = self._logs.root_of(replaced)
        try:
            log.flush()
            if FUTURE.fullmatch(name):
                self._take_name_away(key, replaced, f"{old_root}/{deleted_name(name)}", run)
                log.rename_to(f"{root}/{_name(key)}", run)
            self._files.sync_directory(root)
        except StorageFailure as failure:
            self._logs.note_failure(log, failure)
            raise
        run(lambda: self._forget(key, replaced, now_ms))
        for each in {root, old_root} - self._logs.failed.keys():
            self._logs.write_checkpoints_of(each)
            self._logs.write_cleaned_offsets(each)

    def _take_name_away(self, key: TopicPartition, replaced: Log, doomed: str, run: Run) -> None:
        def rename() -> None:
            if self._logs.replaced.get(key) is replaced and replaced.directory != doomed:
                replaced.discard_as(doomed)

        root = posixpath.dirname(doomed)
        if root in self._logs.failed:
            return
        try:
            run(rename)
            self._files.sync_directory(root)
        except DiskFull:
            raise
        except StorageFailure as failure:  # nobody needs this disk any more: all is in the other log
            self._logs.note_failure_in(root, failure)

    def _forget(self, key: TopicPartition, replaced: Log, now_ms: int) -> None:
        if self._logs.replaced.get(key) is replaced:
            del self._logs.replaced[key]
            self._logs.logs[key].may_be_cleaned = key not in self._logs.futures
            if self._logs.root_of(replaced) not in self._logs.failed:
                self._logs.remove_later(replaced.directory, now_ms + replaced.config.file_delete_delay_ms)


def _name(key: TopicPartition) -> str:
    return f"{key[0]}-{key[1]}"
