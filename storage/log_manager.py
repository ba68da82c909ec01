"""The log directories of one broker: which partitions lie there, and how the last stop went.

Invariants
  One broker at a time has a directory: `.lock` is held from open to close.
  `.kafka_cleanshutdown` is there only while nobody runs and all is flushed; it is durably gone before anything is
  written. `.boot-id` names the boot of the machine since which this broker has the directory: while it is the same,
  only processes have died, and what they had written is all there. It is written when recovery is complete, not before.
  A checkpoint never says more than what is on the disk.

Not here: which partitions there should be (the server's metadata says), and when to flush.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from threading import Lock
from typing import NamedTuple

from storage import checkpoints
from storage.checkpoints import MetaProperties, TopicPartition
from storage.config import LogConfig
from storage.errors import DiskFull, InconsistentDirectory, StorageFailure
from storage.files import Files
from storage.files import Lock as FileLock
from storage.future_log import FUTURE, MAX_NAME, deleted_name, future_name, is_beginning, is_usable
from storage.log import Log
from storage.retention import apply_retention, drop_before_start

LOCK = ".lock"
BOOT_ID = ".boot-id"
PARTITION_NAME = re.compile(r"(?P<topic>[a-zA-Z0-9._-]{1,249})-(?P<partition>\d{1,10})")
_DELETED = re.compile(r".*\.[0-9a-f]{32}-delete")
_CONTROLLER_TOPIC = "__cluster_metadata"  # Kafka's own, in a directory taken over from it


@dataclass(slots=True)
class LogDirectory:
    """One of the directories in `log.dirs`, locked by us."""

    path: str
    lock: FileLock
    properties: MetaProperties


class _Found(NamedTuple):
    """What the directories hold besides logs."""

    futures: list[tuple[TopicPartition, Log]]
    twins: list[tuple[TopicPartition, Log]]  # logs of partitions that have one already
    deleted: list[str]


class LogManager:
    """Made by `open`; `close` is a clean stop."""

    def __init__(self, files: Files, directories: list[LogDirectory], config_for: Callable[[str], LogConfig]) -> None:
        self.logs: dict[TopicPartition, Log] = {}
        self.futures: dict[TopicPartition, Log] = {}  # copies of these, in the directories that they are moved to
        self.replaced: dict[TopicPartition, Log] = {}  # by a copy that still has a future log's name
        self.preferred: dict[TopicPartition, str] = {}  # where a partition is to be made, if it is made
        self.strays: list[str] = []  # directories of future logs that belong to no log
        self.high_watermarks: dict[TopicPartition, int] = {}
        self.directories = directories
        self.failed: dict[str, StorageFailure] = {}  # directories whose disk failed, other than by being full
        self.offline: frozenset[str] = frozenset()  # those of them that are let alone until the next start
        self.cordoned: frozenset[str] = frozenset()  # take new partitions only when no other does (KIP-1066)
        self.files = files
        self.flush_count = 0  # of logs that had something to flush, since the start
        self._config_for = config_for
        self._topic_ids: dict[TopicPartition, bytes] = {}
        self._new: set[TopicPartition] = set()  # created since the last flush: their topic ids are not synced yet
        self._removable: list[tuple[int, str]] = []  # (when it may be removed, directory)
        self._checkpointed: dict[str, set[TopicPartition]] = {}  # by directory: whom its checkpoints speak of
        self._checkpoint_lock = Lock()

    @classmethod
    def open(
        cls,
        files: Files,
        directories: Sequence[str],
        *,
        node_id: int,
        config_for: Callable[[str], LogConfig],
        now_ms: int,
        cluster_id: str | None = None,
    ) -> LogManager:
        """Lock the directories, say whose they are, and open every partition in them.

        Raises DirectoryInUse, or InconsistentDirectory if one belongs to another cluster or node.
        """
        opened: list[LogDirectory] = []
        try:
            for path in directories:
                files.make_directory(path, sync=True)
                lock = files.lock(f"{path}/{LOCK}")
                opened.append(LogDirectory(path, lock, MetaProperties("", node_id, b"")))
            _claim(files, opened, node_id, cluster_id)
            manager = cls(files, opened, config_for)
            found = _Found([], [], [])
            for directory in opened:
                manager._load(directory.path, found, now_ms)
            manager._settle_moves(found, now_ms)
        except BaseException:
            for directory in opened:
                directory.lock.release()
            raise
        return manager

    @property
    def cluster_id(self) -> str:
        return self.directories[0].properties.cluster_id

    # Opening

    def _load(self, root: str, found: _Found, now_ms: int) -> None:
        files = self.files
        boot_id = files.boot_id()
        recorded = files.read_bytes(f"{root}/{BOOT_ID}")
        clean = checkpoints.has_clean_shutdown(files, root) or (boot_id != "" and recorded == boot_id.encode())
        recovery_points = checkpoints.read_offsets(files, f"{root}/{checkpoints.RECOVERY_POINTS}")
        start_offsets = checkpoints.read_offsets(files, f"{root}/{checkpoints.LOG_START_OFFSETS}")
        high_watermarks = checkpoints.read_offsets(files, f"{root}/{checkpoints.HIGH_WATERMARKS}")
        cleaned_offsets = checkpoints.read_offsets(files, f"{root}/{checkpoints.CLEANED_OFFSETS}")
        self._checkpointed[root] = {*recovery_points, *start_offsets, *high_watermarks, *cleaned_offsets}
        for entry in files.entries(root):
            if not entry.is_directory:
                continue
            path = f"{root}/{entry.name}"
            if _DELETED.fullmatch(entry.name):
                found.deleted.append(path)
                continue
            future = FUTURE.fullmatch(entry.name)
            match = future or PARTITION_NAME.fullmatch(entry.name)
            if match is None or match["topic"] == _CONTROLLER_TOPIC:
                continue
            key = match["topic"], int(match["partition"])
            log = Log.open(
                files,
                path,
                self._config_for(key[0]),
                recovery_point=recovery_points.get(key, 0),
                log_start_offset=start_offsets.get(key, 0),
                clean=clean,
                now_ms=now_ms,
                cleaned_offset=cleaned_offsets.get(key, 0),
            )
            log.name = _name(key)
            log.cleaned_offset = cleaned_offsets.get(key)
            if future:
                found.futures.append((key, log))
            elif key in self.logs:
                found.twins.append((key, log))
            else:
                self._take_up(key, log, high_watermarks.get(key, 0))
        files.remove(f"{root}/{checkpoints.CLEAN_SHUTDOWN}")
        try:
            files.write_atomically(f"{root}/{BOOT_ID}", boot_id.encode())
        except DiskFull:  # readers can be served all the same, and retention makes room
            files.remove(f"{root}/{BOOT_ID}")
            files.sync_directory(root)

    def _take_up(self, key: TopicPartition, log: Log, high_watermark: int) -> None:
        self.logs[key] = log
        self.high_watermarks[key] = min(high_watermark, log.next_offset)
        topic_id = checkpoints.read_topic_id(self.files, log.directory)
        if topic_id is not None:
            self._topic_ids[key] = topic_id

    # Moves between directories, found half-way (`future_log.py` says what the names mean)

    def _settle_moves(self, found: _Found, now_ms: int) -> None:
        deleted = {posixpath.basename(path) for path in found.deleted}
        for key, twin in found.twins:
            found.deleted.append(self._drop_shorter(key, self.logs[key], twin))
        for key, future in sorted(found.futures, key=lambda pair: pair[1].next_offset, reverse=True):
            current = self.logs.get(key)
            if current is None:
                if deleted_name(posixpath.basename(future.directory)) in deleted:
                    self._promote(key, future)
                else:
                    self._set_aside(future)
            elif key in self.futures or not self._is_of_topic(key, future):
                future.abandon()
                self.remove_tree(future.directory)
            elif future.next_offset > current.next_offset and is_beginning(current, future):
                name = posixpath.basename(future.directory)
                found.deleted.append(self._give_way(current, future, name))
                self._promote(key, future)
            else:
                self._resume(key, current, future, now_ms)
        for path in found.deleted:
            self.remove_tree(path)

    def _is_of_topic(self, key: TopicPartition, future: Log) -> bool:
        topic_id = checkpoints.read_topic_id(self.files, future.directory)
        return topic_id is None or topic_id == self._topic_ids.get(key, topic_id)

    def _drop_shorter(self, key: TopicPartition, one: Log, other: Log) -> str:
        """A move's last step could not take the old log's name away. Its directory as it is called now."""
        short, long = sorted((one, other), key=lambda log: log.next_offset)
        if not self._is_of_topic(key, other) or not is_beginning(short, long):
            raise InconsistentDirectory(f"{other.directory} and {one.directory} are the same partition")
        self._take_up(key, long, max(self.high_watermarks[key], short.next_offset))
        return self._give_way(short, long, future_name(_name(key)))

    def _give_way(self, current: Log, future: Log, name: str) -> str:
        """Its directory as it is called now."""
        future.flush()
        root = self.root_of(current)
        doomed = f"{root}/{deleted_name(name)}"
        current.abandon()
        self.files.rename(current.directory, doomed)
        self.files.sync_directory(root)
        return doomed

    def _promote(self, key: TopicPartition, future: Log) -> None:
        future.flush()
        root = self.root_of(future)
        future.rename_to(f"{root}/{_name(key)}", lambda rename: rename())
        self.files.sync_directory(root)
        self._take_up(key, future, future.next_offset)

    def _set_aside(self, future: Log) -> None:
        """It may be all that is left, but whether it is whole nobody knows. Kafka, too, says `-stray` of such."""
        stray = future.directory.removesuffix("-future") + "-stray"
        future.abandon()
        self.files.rename(future.directory, stray)
        self.strays.append(stray)

    def _resume(self, key: TopicPartition, current: Log, future: Log, now_ms: int) -> None:
        start_offset = current.segments[0].base_offset
        if not is_usable(current, future):
            future.abandon()
            self.remove_tree(future.directory)
            future = self.open_future(key, future.directory, start_offset=start_offset, now_ms=now_ms)
        current.may_be_cleaned = future.may_be_cleaned = False
        self.futures[key] = future

    def open_future(self, key: TopicPartition, path: str, *, start_offset: int, now_ms: int) -> Log:
        """A new one. Raises StorageFailure."""
        self._forget_checkpoints(posixpath.dirname(path), key)
        self.files.make_directory(path)
        config = self.logs[key].config
        future = Log.open(self.files, path, config, clean=True, now_ms=now_ms, log_start_offset=start_offset)
        future.name = _name(key)
        if key in self._topic_ids:
            checkpoints.write_topic_id(self.files, path, self._topic_ids[key], sync=False)
        return future

    def discard_future(self, key: TopicPartition, now_ms: int) -> None:
        """Raises StorageFailure."""
        future = self.futures[key]
        self._doom(future, now_ms)
        del self.futures[key]
        self.files.sync_directory(self.root_of(future))

    # Failing

    def note_failure(self, log: Log, failure: StorageFailure) -> None:
        """Of an append, a flush or a checkpoint. `take_offline` is the caller's to decide."""
        if not log.is_abandoned:
            self.note_failure_in(self.root_of(log), failure)

    def note_failure_in(self, root: str, failure: StorageFailure) -> None:
        if not isinstance(failure, DiskFull):
            self.failed.setdefault(root, failure)

    def take_offline(self, root: str) -> None:
        """Nothing in this directory is written any more, and the next start trusts none of it."""
        self.offline |= {root}
        for key, future in list(self.futures.items()):  # what can be moved after the next start is still there
            if self.is_offline(future) or self.is_offline(self.logs[key]):
                future.abandon()
                del self.futures[key]
                self.logs[key].may_be_cleaned = True
        with suppress(StorageFailure):
            self.files.remove(f"{root}/{BOOT_ID}")

    @staticmethod
    def root_of(log: Log) -> str:
        """The directory of `log.dirs` that it lies in."""
        return posixpath.dirname(log.directory)

    def is_offline(self, log: Log) -> bool:
        return bool(self.offline) and self.root_of(log) in self.offline

    @property
    def _online(self) -> list[LogDirectory]:
        return [directory for directory in self.directories if directory.path not in self.offline]

    # Partitions

    def topic_id(self, topic: str, partition: int) -> bytes | None:
        return self._topic_ids.get((topic, partition))

    def create(
        self, topic: str, partition: int, *, topic_id: bytes, now_ms: int, config: LogConfig | None = None
    ) -> Log:
        """The partition's log: the one there is, or a new and empty one, with this config if given.

        Raises InconsistentDirectory if the one there is belongs to an earlier topic of the same name.
        """
        key = topic, partition
        log = self.logs.get(key)
        if log is not None and self._topic_ids.get(key, topic_id) != topic_id:
            raise InconsistentDirectory(f"{log.directory} belongs to another topic of the name {topic}")
        if log is None:
            root = self._directory_for(key)
            path = f"{root}/{topic}-{partition}"
            self._forget_checkpoints(root, key)
            self.files.make_directory(path)
            if (checkpoints.read_topic_id(self.files, path) or topic_id) != topic_id:
                raise InconsistentDirectory(f"{path} belongs to another topic of the name {topic}")
            log = self.logs[key] = Log.open(
                self.files, path, config or self._config_for(topic), clean=True, now_ms=now_ms
            )
        if key not in self._topic_ids:
            checkpoints.write_topic_id(self.files, log.directory, topic_id, sync=False)
            self._topic_ids[key] = topic_id
            self._new.add(key)
        return log

    def _directory_for(self, key: TopicPartition) -> str:
        online = [directory.path for directory in self._online]
        if not online:
            raise StorageFailure("all log directories have failed")
        preferred = self.preferred.pop(key, None)
        if preferred in online:
            return preferred
        takers = [path for path in online if path not in self.cordoned]
        used = [self.root_of(log) for _, log in self.all_logs()]
        return min(takers or online, key=used.count)

    def delete(self, topic: str, partition: int, *, now_ms: int) -> None:
        """The partition is gone, durably; its files go later, for someone may be sending them."""
        key = topic, partition
        log = self.logs[key]
        for other in (self.futures.pop(key, None), self.replaced.pop(key, None)):
            if other is not None:
                self._delete_other(other, now_ms)
        if self.is_offline(log):  # its files stay where they are
            self._forget(key)
            log.abandon()
            return
        self._doom(log, now_ms)
        self._forget(key)
        self.files.sync_directory(self.root_of(log))

    def _delete_other(self, log: Log, now_ms: int) -> None:
        """Before the partition's own log: without that it would be nobody's."""
        try:
            if not self.is_offline(log):
                self._doom(log, now_ms)
                self.files.sync_directory(self.root_of(log))
        except StorageFailure as failure:  # of another disk than that of the partition
            self.note_failure_in(self.root_of(log), failure)
        log.abandon()

    def _doom(self, log: Log, now_ms: int) -> None:
        """Mark the directory as deleted; its files go later, for someone may be sending them."""
        root, name = posixpath.split(log.directory)
        suffix = f".{checkpoints.random_uuid().hex()}-delete"
        doomed = f"{root}/{name[: MAX_NAME - len(suffix)]}{suffix}"
        log.discard_as(doomed)
        self._removable.append((now_ms + log.config.file_delete_delay_ms, doomed))

    def _forget(self, key: TopicPartition) -> None:
        del self.logs[key]
        self.high_watermarks.pop(key, None)
        self._topic_ids.pop(key, None)
        self._new.discard(key)

    def truncate_to(self, topic: str, partition: int, offset: int) -> None:
        """`Log.truncate_to`, with the checkpoints corrected first: what is written behind `offset` is not flushed."""
        log = self.logs[topic, partition]
        with self._checkpoint_lock:
            if offset < log.next_offset:
                log.prepare_truncation(offset)
                self._write_checkpoints(self.root_of(log))
                log.truncate_to(offset)

    def truncate_fully_and_start_at(self, topic: str, partition: int, offset: int, *, now_ms: int) -> None:
        log = self.logs[topic, partition]
        with self._checkpoint_lock:
            log.prepare_truncation(log.segments[0].base_offset)
            self._write_checkpoints(self.root_of(log))
            log.truncate_fully_and_start_at(offset, now_ms)

    def remove_deleted(self, now_ms: int) -> None:
        """Give back the space of partitions and segments deleted longer than file.delete.delay.ms ago."""
        for entry in [entry for entry in self._removable if entry[0] <= now_ms]:
            if posixpath.dirname(entry[1]) not in self.offline:
                self.remove_tree(entry[1])
            self._removable.remove(entry)
        for _, log in self.all_logs():
            if not self.is_offline(log):
                log.remove_deleted(now_ms)

    def remove_later(self, path: str, due_ms: int) -> None:
        self._removable.append((due_ms, path))

    def remove_tree(self, path: str) -> None:
        for entry in self.files.entries(path):
            self.files.remove(f"{path}/{entry.name}")
        self.files.remove_directory(path)

    def all_logs(self) -> list[tuple[TopicPartition, Log]]:
        """With the future ones."""
        return [*self.logs.items(), *self.futures.items()]

    # Upkeep; each may run in a worker thread. What fails for one log is done for the others, then raised.

    def apply_retention(self, now_ms: int) -> None:
        futures = self.futures.values()
        self._for_each(lambda log: drop_before_start(log, now_ms) if log in futures else apply_retention(log, now_ms))

    def expire_producers(self, now_ms: int, expiration_ms: int) -> None:
        self._for_each(lambda log: log.remove_expired_producers(now_ms, expiration_ms))

    def flush_all(self) -> None:
        """Make all that was appended so far survive a power cut, and write down that it does."""
        failures = []
        for key in list(self._new):
            log = self.logs.get(key)
            try:
                with suppress(KeyError):  # deleted meanwhile
                    if log is not None and not self.is_offline(log):
                        checkpoints.write_topic_id(self.files, log.directory, self._topic_ids[key], sync=True)
                self._new.discard(key)
            except StorageFailure as failure:
                if log is not None:
                    self.note_failure(log, failure)
                failures.append(failure)
        try:
            self._for_each(self._flush)
        except StorageFailure as failure:
            failures.append(failure)
        try:
            self.write_checkpoints()
        except StorageFailure as failure:
            failures.append(failure)
        if failures:
            raise failures[0]

    def flush_due(self, now_ms: int) -> None:
        """Flush where flush.messages or flush.ms ask for it; to be called as often as these are to be precise."""
        self._for_each(lambda log: self._flush(log) if log.config.wants_flushes and log.is_flush_due(now_ms) else None)

    def sync_records(self, logs: Iterable[Log]) -> dict[Log, StorageFailure]:
        """Have what was appended to these survive a power cut; those that failed."""
        failures = {}
        for log in logs:
            try:
                self._flush(log, Log.sync_records)
            except StorageFailure as failure:
                failures[log] = failure
        return failures

    def _flush(self, log: Log, flush: Callable[[Log], None] = Log.flush) -> None:
        try:
            self.flush_count += log.synced_offset < log.next_offset
            flush(log)
        except StorageFailure as failure:
            self.note_failure(log, failure)
            if log.has_lost_writes:  # then not even a kill leaves everything: the next start is to check
                self.files.remove(f"{self.root_of(log)}/{BOOT_ID}")
            raise

    def _for_each(self, act: Callable[[Log], object]) -> None:
        failures = []
        for key, log in self.all_logs():
            if self.is_offline(log):
                continue
            try:
                act(log)
            except StorageFailure as failure:
                if log in (self.logs.get(key), self.futures.get(key)):  # else it was deleted meanwhile
                    failures.append(failure)
        if failures:
            raise failures[0]

    def write_checkpoints(self) -> None:
        failures = []
        for directory in self._online:
            try:
                self.write_checkpoints_of(directory.path)
            except StorageFailure as failure:
                self.note_failure_in(directory.path, failure)
                failures.append(failure)
        if failures:
            raise failures[0]

    def write_checkpoints_of(self, root: str) -> None:
        with self._checkpoint_lock:
            self._write_checkpoints(root)

    def write_cleaned_offsets(self, root: str) -> None:
        offsets = {key: log.cleaned_offset for key, log in self._logs_in(root).items()}
        cleaned = {key: offset for key, offset in offsets.items() if offset is not None}
        with self._checkpoint_lock:
            checkpoints.write_offsets(self.files, f"{root}/{checkpoints.CLEANED_OFFSETS}", cleaned)

    def _logs_in(self, root: str) -> dict[TopicPartition, Log]:
        """With those that are replaced, but not out of the way: the next start may find them to be the log."""
        return {key: log for key, log in [*self.replaced.items(), *self.all_logs()] if self.root_of(log) == root}

    def _write_checkpoints(self, root: str) -> None:
        here = self._logs_in(root)
        offsets = {key: log.recovery_point for key, log in here.items()}
        starts = {key: log.log_start_offset for key, log in here.items() if log.starts_inside_segment}
        marks = {key: mark for key, mark in list(self.high_watermarks.items()) if key in here}
        self._checkpointed[root] |= here.keys()
        checkpoints.write_offsets(self.files, f"{root}/{checkpoints.RECOVERY_POINTS}", offsets)
        checkpoints.write_offsets(self.files, f"{root}/{checkpoints.LOG_START_OFFSETS}", starts)
        checkpoints.write_offsets(self.files, f"{root}/{checkpoints.HIGH_WATERMARKS}", marks)
        self._checkpointed[root] = set(here)

    def _forget_checkpoints(self, root: str, key: TopicPartition) -> None:
        """Before a partition is made: what the checkpoints may say is about an earlier one of the name."""
        with self._checkpoint_lock:
            if key in self._checkpointed[root]:
                path = f"{root}/{checkpoints.CLEANED_OFFSETS}"
                cleaned = checkpoints.read_offsets(self.files, path)
                if cleaned.pop(key, None) is not None:
                    checkpoints.write_offsets(self.files, path, cleaned)
                self._write_checkpoints(root)

    def close(self) -> None:
        """A clean stop: flush everything, say so, unlock. If that fails the directories are unlocked all the same."""
        try:
            self.flush_all()
            self._for_each(Log.close)
            unclean = {self.root_of(log) for log in self.replaced.values()}
            for directory in self._online:
                if directory.path in unclean:
                    self.files.remove(f"{directory.path}/{BOOT_ID}")
                else:
                    checkpoints.write_clean_shutdown(self.files, directory.path)
        finally:
            self.abandon()

    def abandon(self) -> None:
        """Unlock without writing anything, as a kill does."""
        for _, log in self.all_logs():
            log.abandon()
        for directory in self.directories:
            directory.lock.release()


def _name(key: TopicPartition) -> str:
    return f"{key[0]}-{key[1]}"


def _claim(files: Files, directories: list[LogDirectory], node_id: int, cluster_id: str | None) -> None:
    """Read or write each directory's meta.properties."""
    found = {directory.path: MetaProperties.read(files, directory.path) for directory in directories}
    for path, properties in found.items():
        if properties is None:
            continue
        if cluster_id is None:
            cluster_id = properties.cluster_id
        if properties.cluster_id != cluster_id:
            raise InconsistentDirectory(f"{path} belongs to cluster {properties.cluster_id}, not to {cluster_id}")
        if properties.node_id != node_id:
            raise InconsistentDirectory(f"{path} belongs to node {properties.node_id}, this is node {node_id}")
    if cluster_id is None:
        cluster_id = checkpoints.uuid_text(checkpoints.random_uuid())
    for directory in directories:
        known = found[directory.path]
        directory.properties = known or MetaProperties(cluster_id, node_id, checkpoints.random_uuid())
        if known is None:
            directory.properties.write(files, directory.path)
