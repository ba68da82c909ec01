"""Which log is compacted next, and what is remembered of it: Kafka's LogCleanerManager.

`cleaner-offset-checkpoint` in each log directory says up to where its logs are clean. A log that could not be cleaned,
because it is damaged or the disk failed, is left alone until the next start.

One thread at a time calls this.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from operator import itemgetter

from storage import checkpoints
from storage.checkpoints import TopicPartition
from storage.cleanable import Cleanable, cleanable
from storage.cleaner import Cleaner, CleanerLimits, CleanerStats, CleaningAborted, Pace
from storage.errors import DiskFull, StorageError
from storage.log import Log
from storage.log_manager import LogManager


class CleaningFailed(StorageError):
    """Says of which log."""


class LogCleaner:
    def __init__(self, logs: LogManager) -> None:
        self.uncleanable: set[Log] = set()
        self._files = files = logs.files
        self._logs = logs
        self._clean_to: dict[TopicPartition, tuple[Log, int]] = {}  # the log, for another may get its name
        for directory in logs.directories:
            for key, offset in checkpoints.read_offsets(files, _path(directory.path)).items():
                if key in logs.logs:
                    self._clean_to[key] = logs.logs[key], offset

    def checkpoint(self, key: TopicPartition) -> int | None:
        """Up to which offset the log is known to be clean."""
        log, offset = self._clean_to.get(key, (None, 0))
        return offset if log is not None and log is self._logs.logs.get(key) else None

    def candidates(self, now_ms: int) -> Iterator[tuple[TopicPartition, Cleanable]]:
        """Every compacted log, as it stands."""
        for key, log in list(self._logs.logs.items()):
            if log.config.is_compacted and log not in self.uncleanable and not self._logs.is_offline(log):
                high_watermark = self._logs.high_watermarks.get(key, 0)
                yield key, cleanable(log, self.checkpoint(key), high_watermark, now_ms)

    def clean_filthiest(
        self, now_ms: int, pace: Pace, limits: CleanerLimits | None = None
    ) -> tuple[TopicPartition, CleanerStats] | None:
        """Compact the log that needs it most; None if none does. Raises CleaningAborted and CleaningFailed."""
        self._forget_deleted()
        due = [(todo.dirty_ratio, key, todo) for key, todo in self.candidates(now_ms) if todo.is_due]
        if not due:
            return None
        _, key, todo = max(due, key=itemgetter(0))
        try:
            todo.log.flush()
            self._logs.write_checkpoints()
            stats = Cleaner(self._files, todo, limits or CleanerLimits(), now_ms, pace).run()
            self._clean_to[key] = todo.log, stats.next_dirty_offset
            self._write_checkpoint(posixpath.dirname(todo.log.directory))
        except CleaningAborted:
            raise
        except StorageError as error:
            if todo.log.is_abandoned:
                raise CleaningAborted(f"{todo.log.name} is gone") from error
            if not isinstance(error, DiskFull):
                self.uncleanable.add(todo.log)
            raise CleaningFailed(f"{todo.log.name}: {error}") from error
        return key, stats

    def _forget_deleted(self) -> None:
        gone = [key for key in self._clean_to if self.checkpoint(key) is None]
        for root in {posixpath.dirname(self._clean_to.pop(key)[0].directory) for key in gone}:
            self._write_checkpoint(root)
        self.uncleanable = {log for log in self.uncleanable if not log.is_abandoned}

    def _write_checkpoint(self, root: str) -> None:
        here = {
            key: offset
            for key, (log, offset) in self._clean_to.items()
            if posixpath.dirname(log.directory) == root and self.checkpoint(key) is not None
        }
        checkpoints.write_offsets(self._files, _path(root), here)


def _path(root: str) -> str:
    return f"{root}/{checkpoints.CLEANED_OFFSETS}"
