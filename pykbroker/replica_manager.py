"""The partitions of this broker: made, changed and removed as the cluster's metadata says.

Invariant: `partitions` holds what the metadata places on this node, each with an open log.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass

import trio

from pykbroker.config.brokers import is_cordoned
from pykbroker.config.settings import Settings, topic_definitions
from pykbroker.config.topics import effective_topic_config, log_config
from pykbroker.config.values import tidied
from pykbroker.errors import BrokerError
from pykbroker.group_flush import GroupFlush
from pykbroker.metadata.image import MetadataChange, MetadataImage, TopicImage
from pykbroker.partition import Partition
from storage.config import MAX_LONG, LogConfig
from storage.errors import DiskFull, StorageFailure
from storage.log import Log
from storage.log_manager import LogManager
from wire.errors import ErrorCode

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Gone:
    """What was appended, since the start, to partitions that are no more: so that sums over all never fall."""

    records: int = 0
    size_bytes: int = 0

    def add(self, opened: Log) -> None:
        records, size_bytes = opened.appended()
        self.records += records
        self.size_bytes += size_bytes


class ReplicaManager:
    def __init__(self, logs: LogManager, settings: Settings, *, node_id: int, fsync: bool = False) -> None:
        """`fsync`: every append is flushed before it counts, whatever flush.messages says."""
        self.logs = logs
        self.flushes = GroupFlush(logs, self._disk_failed)
        self.partitions: dict[tuple[str, int], Partition] = {}
        self.offline: set[tuple[str, int]] = set()  # partitions whose log directory has failed
        self.all_directories_failed = trio.Event()
        self._full: set[str] = set()  # directories where an append met a full disk, since all were last written to
        self.gone = Gone()
        self._settings = settings
        self._node_id = node_id
        self._fsync = fsync

    def replica(self, topic: str, index: int) -> Partition:
        """The partition, whoever leads it. Raises BrokerError."""
        partition = self.partitions.get((topic, index))
        if partition is None:
            raise BrokerError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
        return partition

    def leader(self, topic: str, index: int) -> Partition:
        """The partition, which this broker leads. Raises BrokerError."""
        partition = self.replica(topic, index)
        partition.check_leader()
        return partition

    # --- following the metadata

    def start(self, image: MetadataImage, *, now_ms: int) -> None:
        """Take up what is on disk and in the metadata."""
        self._apply_cordons(image)
        for topic in image.topics.values():
            self._apply_topic(topic, image, now_ms=now_ms)
        for topic_name, index in self.logs.logs.keys() - self.partitions.keys():
            log.warning("a log of no known topic is left alone", extra={"fields": {"log": f"{topic_name}-{index}"}})
        for stray in self.logs.strays:
            log.warning("the copy of a log that is not there is set aside", extra={"fields": {"directory": stray}})

    async def apply(self, change: MetadataChange, *, now_ms: int) -> None:
        """Follow one change of the metadata. The files of many partitions take a while, so it lets others run."""
        for topic in change.deleted:
            self._remove_topic(topic, now_ms=now_ms)
        for topic in (*change.created, *change.altered):
            for start in range(0, len(topic.partitions), _PARTITIONS_PER_CHECKPOINT):
                self._apply_topic(topic, change.after, now_ms=now_ms, start=start, count=_PARTITIONS_PER_CHECKPOINT)
                await trio.lowlevel.checkpoint()
        if change.broker_configs_changed:
            self._apply_cordons(change.after)
            self._apply_configs(change.after.topics, change.after)
        else:
            self._apply_configs(change.configs_changed, change.after)

    def _apply_topic(
        self, topic: TopicImage, image: MetadataImage, *, now_ms: int, start: int = 0, count: int | None = None
    ) -> None:
        wanted = topic.partitions[start:] if count is None else topic.partitions[start : start + count]
        config = log_config(self._settings, image, topic.name)
        min_insync_replicas = self._min_insync_replicas(topic.name, image)
        for placed in wanted:
            partition = self.partitions.get((topic.name, placed.index))
            if partition is not None and partition.topic_id == topic.id:
                partition.apply(placed)
            elif self._node_id in placed.replicas:
                opened = self.logs.create(topic.name, placed.index, topic_id=topic.id, now_ms=now_ms, config=config)
                self.partitions[topic.name, placed.index] = partition = Partition(
                    topic.name,
                    topic.id,
                    placed.index,
                    opened,
                    node_id=self._node_id,
                    image=placed,
                    flushes=self.flushes,
                    disk_failed=self._disk_failed,
                )
                self._configure(partition, config, min_insync_replicas)

    def _remove_topic(self, topic: TopicImage, *, now_ms: int) -> None:
        for placed in topic.partitions:
            partition = self.partitions.get((topic.name, placed.index))
            if partition is not None and partition.topic_id == topic.id:
                del self.partitions[topic.name, placed.index]
                self.gone.add(partition.log)
                self.offline.discard((topic.name, placed.index))
                partition.retire()
                self.logs.delete(topic.name, placed.index, now_ms=now_ms)

    def _apply_cordons(self, image: MetadataImage) -> None:
        paths = [directory.path for directory in self.logs.directories]
        self.logs.cordoned = frozenset(path for path in paths if is_cordoned(image, self._settings, path))

    def _apply_configs(self, topics: Iterable[str], image: MetadataImage) -> None:
        for name in topics:
            topic = image.topic(name)
            for placed in topic.partitions if topic is not None else ():
                partition = self.partitions.get((name, placed.index))
                if partition is not None:
                    config = log_config(self._settings, image, name)
                    self._configure(partition, config, self._min_insync_replicas(name, image))

    def _configure(self, partition: Partition, config: LogConfig, min_insync_replicas: int) -> None:
        partition.log.config = config
        future = self.logs.futures.get((partition.topic, partition.index))
        if future is not None:
            future.config = config
        partition.min_insync_replicas = min_insync_replicas
        if self._fsync:
            partition.flush_messages = 1
        else:
            partition.flush_messages = 0 if config.flush_messages == MAX_LONG else config.flush_messages

    def _min_insync_replicas(self, topic: str, image: MetadataImage) -> int:
        name = "min.insync.replicas"
        text = effective_topic_config(self._settings, image, topic)[name]
        return int(tidied(topic_definitions()[name], text or "1"))

    # --- directories that fail

    def _disk_failed(self, opened: Log, failure: StorageFailure) -> None:
        self.logs.note_failure(opened, failure)
        if isinstance(failure, DiskFull) and (root := self.logs.root_of(opened)) not in self._full:
            self._full.add(root)
            fields = {"directory": root, "reason": str(failure)}
            log.error("a log directory is full: records are refused until there is space", extra={"fields": fields})
        self.follow_failures()

    def note_space(self) -> None:
        """All directories that are not offline could be written to."""
        for root in sorted(self._full - self.logs.offline):
            log.info("a log directory has space again", extra={"fields": {"directory": root}})
        self._full.clear()

    def follow_failures(self) -> None:
        """Take the partitions of directories that have failed offline, as Kafka does, and no others."""
        for root in self.logs.failed.keys() - self.logs.offline:
            self.logs.take_offline(root)
            partitions = {key: each for key, each in self.partitions.items() if self.logs.is_offline(each.log)}
            fields = {"directory": root, "reason": str(self.logs.failed[root]), "partitions": len(partitions)}
            log.error("a log directory has failed and is not served any more", extra={"fields": fields})
            for partition in partitions.values():
                partition.go_offline()
            self.offline |= partitions.keys()
        if len(self.logs.offline) == len(self.logs.directories):
            self.all_directories_failed.set()

    # --- for the broker as a whole

    def wake_waiters(self) -> None:
        for partition in self.partitions.values():
            partition.wake_waiters()

    def note_high_watermarks(self) -> None:
        """Hand them to storage for its next checkpoint."""
        for key, partition in self.partitions.items():
            self.logs.high_watermarks[key] = partition.high_watermark


_PARTITIONS_PER_CHECKPOINT = 20
