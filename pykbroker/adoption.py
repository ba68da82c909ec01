"""Taking over a data directory that Apache Kafka wrote.

Kafka knows its topics from the log of its controller, `__cluster_metadata`; here they are in a store of our own, which
such a directory lacks. So when the store is made new in a directory that has logs, these are taken for topics: names
and partitions from the directories' names, ids from their `partition.metadata`, and the topics' settings from
`__cluster_metadata`, as far as it is there. A partition that is missing between others is made, empty. Producer ids are
given out from behind those that were.

Only when the store is new: later, a log of no known topic is one that was deleted.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field

from pykbroker.config.settings import Settings, topic_definitions
from pykbroker.config.topics import internal_topic_configs
from pykbroker.controller import Controller
from pykbroker.metadata.image import INTERNAL_TOPICS, MetadataImage, PartitionImage, TopicImage
from storage import checkpoints
from storage.batch_scan import whole_batches
from storage.errors import InconsistentDirectory, StorageError
from storage.files import Files
from storage.log_manager import LogManager
from wire.errors import ProtocolError

log = logging.getLogger(__name__)

CLUSTER_METADATA = "__cluster_metadata-0"
TOPIC_RECORD, CONFIG_RECORD, REMOVE_TOPIC_RECORD, PRODUCER_IDS_RECORD = 2, 4, 9, 15
TOPIC_RESOURCE = 2


async def adopt_logs(controller: Controller, logs: LogManager, settings: Settings) -> None:
    """Make topics of all logs that are there."""
    topics = [_topic(name, logs, settings.node_id) for name in sorted({name for name, _ in logs.logs})]
    if not topics:
        return
    configs: dict[str, Mapping[str, str]] = {}
    next_producer_id = 1 + max((id_ for each in logs.logs.values() for id_ in each.producers.by_id), default=-1)
    for directory in logs.directories:
        metadata = ClusterMetadata.read(logs.files, f"{directory.path}/{CLUSTER_METADATA}")
        configs |= metadata.configs
        next_producer_id = max(next_producer_id, metadata.next_producer_id)
    for topic in topics:
        if topic.name in INTERNAL_TOPICS and topic.name not in configs:
            configs[topic.name] = internal_topic_configs(settings, topic.name)
    known = {topic.name: configs[topic.name] for topic in topics if topic.name in configs}

    def decide(image: MetadataImage) -> MetadataImage:
        return image.with_topics(topics).with_topic_configs(known)

    await controller.allocate_producer_ids(at_least=next_producer_id)
    await controller.change(decide)
    for topic in topics:
        fields = {"topic": topic.name, "partitions": len(topic.partitions), "settings": len(known.get(topic.name, ()))}
        log.info("a topic of another broker's is taken over", extra={"fields": fields})


def _topic(name: str, logs: LogManager, node_id: int) -> TopicImage:
    """Its partitions are led in an epoch after all that wrote to them."""
    indexes = [index for topic, index in logs.logs if topic == name]
    ids = [topic_id for index in indexes if (topic_id := logs.topic_id(name, index)) is not None]
    partitions = []
    for index in range(max(indexes) + 1):
        there = logs.logs.get((name, index))
        epoch = there.leader_epochs.latest + 1 if there else 0
        partitions.append(PartitionImage(index, node_id, epoch, (node_id,), (node_id,)))
    return TopicImage(name, ids[0] if ids else checkpoints.random_uuid(), tuple(partitions))


# What Kafka's controller wrote


@dataclass(slots=True)
class ClusterMetadata:
    """What is of use in it, with all changes up to its end."""

    configs: dict[str, dict[str, str]] = field(default_factory=dict)  # by topic
    next_producer_id: int = 0
    _names: dict[bytes, str] = field(default_factory=dict)

    @classmethod
    def read(cls, files: Files, directory: str) -> ClusterMetadata:
        """Of the newest snapshot and the log behind it; of nothing, if there is neither."""
        found = cls()
        try:
            entries = {entry.name: entry.size_bytes for entry in files.entries(directory)}
        except StorageError:  # there is no such directory
            return found
        snapshots = sorted(name for name in entries if name.endswith(".checkpoint"))
        segments = sorted(name for name in entries if name.endswith(".log"))
        for name in (*snapshots[-1:], *segments):
            opened = files.open(f"{directory}/{name}", entries[name]).opened()
            try:
                for _, batch in whole_batches(opened, 0, entries[name]):
                    for record in () if batch.is_control else batch.records():
                        found.apply(record.value or b"")
            except (ProtocolError, ValueError) as error:
                raise InconsistentDirectory(f"{directory}/{name} cannot be read: {error}") from error
        return found

    def apply(self, value: bytes) -> None:
        """Take in one record: the frame's version, the record's kind and version, its fields."""
        reader = _Reader(value)
        _, kind, version = reader.varint(), reader.varint(), reader.varint()
        if kind == TOPIC_RECORD:
            name = reader.string() or ""
            self._names[reader.take(16)] = name
            self.configs.pop(name, None)
        elif kind == REMOVE_TOPIC_RECORD:
            self.configs.pop(self._names.pop(reader.take(16), ""), None)
        elif kind == PRODUCER_IDS_RECORD:
            reader.take(4 + 8)  # whose block it is
            self.next_producer_id = max(self.next_producer_id, int.from_bytes(reader.take(8), "big", signed=True))
        elif kind == CONFIG_RECORD and version == 0 and reader.take(1)[0] == TOPIC_RESOURCE:
            topic, setting, text = reader.string() or "", reader.string() or "", reader.string()
            of_topic = self.configs.setdefault(topic, {})
            of_topic.pop(setting, None)
            if text is not None and setting in topic_definitions():
                of_topic[setting] = text


class _Reader:
    """The fields that are needed of these records; all their versions are of the flexible kind."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._position = 0

    def varint(self) -> int:
        value = shift = 0
        while True:
            byte = self.take(1)[0]
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 128:
                return value

    def take(self, count: int) -> bytes:
        found = self._data[self._position : self._position + count]
        if len(found) < count:
            raise ValueError("it is cut off")
        self._position += count
        return found

    def string(self) -> str | None:
        size = self.varint() - 1
        return None if size < 0 else self.take(size).decode()
