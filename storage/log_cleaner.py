"""Which log is compacted next, and what is remembered of it: Kafka's LogCleanerManager.

`cleaner-offset-checkpoint` in each log directory says up to where its logs are clean. A log that could not be cleaned,
because it is damaged or the disk failed, is left alone until the next start.

One thread at a time calls this.
"""

from __future__ import annotations

from collections.abc import Iterator
from operator import itemgetter

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
        self._files = logs.files
        self._logs = logs

    def candidates(self, now_ms: int) -> Iterator[tuple[TopicPartition, Cleanable]]:
        """Every compacted log, as it stands; not those that are being moved."""
        for key, log in list(self._logs.logs.items()):
            is_left_alone = log in self.uncleanable or not log.may_be_cleaned or self._logs.is_offline(log)
            if log.config.is_compacted and not is_left_alone:
                high_watermark = self._logs.high_watermarks.get(key, 0)
                yield key, cleanable(log, log.cleaned_offset, high_watermark, now_ms)

    def clean_filthiest(
        self, now_ms: int, pace: Pace, limits: CleanerLimits | None = None
    ) -> tuple[TopicPartition, CleanerStats] | None:
        """Compact the log that needs it most; None if none does. Raises CleaningAborted and CleaningFailed."""
        self.uncleanable = {log for log in self.uncleanable if not log.is_abandoned}
        due = [(todo.dirty_ratio, key, todo) for key, todo in self.candidates(now_ms) if todo.is_due]
        if not due:
            return None
        _, key, todo = max(due, key=itemgetter(0))
        try:
            todo.log.flush()
            self._logs.write_checkpoints()
            stats = Cleaner(self._files, todo, limits or CleanerLimits(), now_ms, pace).run()
            todo.log.cleaned_offset = stats.next_dirty_offset
            self._logs.write_cleaned_offsets(self._logs.root_of(todo.log))
        except CleaningAborted:
            raise
        except StorageError as error:
            if todo.log.is_abandoned:
                raise CleaningAborted(f"{todo.log.name} is gone") from error
            if not isinstance(error, DiskFull):
                self.uncleanable.add(todo.log)
            raise CleaningFailed(f"{todo.log.name}: {error}") from error
        return key, stats
