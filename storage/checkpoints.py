"""The small text files of a log directory, in Kafka's formats.

`recovery-point-offset-checkpoint`   up to which offset each partition is known to be on the disk
`replication-offset-checkpoint`      each partition's high watermark
`log-start-offset-checkpoint`        where partitions start whose first segment holds older records too
`cleaner-offset-checkpoint`          up to where the cleaner has compacted each partition
`meta.properties`                    whose directory this is
`partition.metadata`                 (in a partition's directory) the id of its topic
`.kafka_cleanshutdown`               there only if the last stop was clean
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from storage.errors import InconsistentDirectory, StorageError
from storage.files import Files

RECOVERY_POINTS = "recovery-point-offset-checkpoint"
HIGH_WATERMARKS = "replication-offset-checkpoint"
LOG_START_OFFSETS = "log-start-offset-checkpoint"
CLEANED_OFFSETS = "cleaner-offset-checkpoint"
META_PROPERTIES = "meta.properties"
PARTITION_METADATA = "partition.metadata"
CLEAN_SHUTDOWN = ".kafka_cleanshutdown"

TopicPartition = tuple[str, int]


class CorruptCheckpoint(StorageError):
    """The file is not of the format; whoever reads it knows whether it can do without."""


def format_lines(rows: Iterable[Sequence[object]]) -> bytes:
    """Version, number of rows, rows."""
    lines = [" ".join(map(str, row)) for row in rows]
    return "\n".join(["0", str(len(lines)), *lines, ""]).encode()


def parse_lines(data: bytes, columns: int) -> list[list[str]]:
    """The rows; the first column is a name, the others are numbers (which is checked)."""
    try:
        if not data.endswith(b"\n"):  # "1 2" may have been "1 21"
            raise CorruptCheckpoint("the last line is cut off")
        version, count, *lines = data.decode().splitlines()
        rows = [line.split() for line in lines if line.strip()]
        if int(version) != 0:
            raise CorruptCheckpoint(f"unknown version {version}")
        if len(rows) != int(count) or any(len(row) != columns for row in rows):
            raise CorruptCheckpoint("rows are missing")
        for row in rows:
            [int(number) for number in row[1:]]
    except ValueError as error:
        raise CorruptCheckpoint(str(error)) from error
    return rows


def read_offsets(files: Files, path: str) -> dict[TopicPartition, int]:
    """Offsets by partition; empty if the file is missing or damaged, for then all is to be checked anyway."""
    data = files.read_bytes(path)
    if data is None:
        return {}
    try:
        return {(topic, int(partition)): int(offset) for topic, partition, offset in parse_lines(data, 3)}
    except CorruptCheckpoint:
        return {}


def write_offsets(files: Files, path: str, offsets: Mapping[TopicPartition, int]) -> None:
    rows = [(topic, partition, offset) for (topic, partition), offset in offsets.items()]
    files.write_atomically(path, format_lines(rows))


def uuid_text(uuid: bytes) -> str:
    """Kafka writes ids as 22 characters of URL-safe base64."""
    return base64.urlsafe_b64encode(uuid).decode().rstrip("=")


def parse_uuid(text: str) -> bytes:
    uuid = base64.urlsafe_b64decode(text + "==")
    if len(uuid) != 16:
        raise ValueError(f"not an id: {text}")
    return uuid


def random_uuid() -> bytes:
    """Kafka avoids ids that begin with a dash: on a command line they would look like an option."""
    while True:
        uuid = os.urandom(16)
        if not uuid_text(uuid).startswith("-") and uuid > (1).to_bytes(16, "big"):
            return uuid


@dataclass(frozen=True, slots=True)
class MetaProperties:
    cluster_id: str
    node_id: int
    directory_id: bytes

    def write(self, files: Files, directory: str) -> None:
        text = (
            f"#\nversion=1\ncluster.id={self.cluster_id}\nnode.id={self.node_id}\n"
            f"directory.id={uuid_text(self.directory_id)}\n"
        )
        files.write_atomically(f"{directory}/{META_PROPERTIES}", text.encode())

    @classmethod
    def read(cls, files: Files, directory: str) -> MetaProperties | None:
        path = f"{directory}/{META_PROPERTIES}"
        data = files.read_bytes(path)
        if data is None:
            return None
        lines = (line.strip() for line in data.decode("utf-8", "replace").splitlines())
        values = dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
        try:
            if values["version"] not in ("0", "1"):
                raise InconsistentDirectory(f"{path} is of version {values['version']}, which is not known here")
            node_id = int(values["node.id"] if "node.id" in values else values["broker.id"])
            # Version 0, of the time of ZooKeeper, has no directory id.
            directory_id = parse_uuid(values["directory.id"]) if "directory.id" in values else random_uuid()
            return cls(values["cluster.id"], node_id, directory_id)
        except (KeyError, ValueError) as error:
            raise InconsistentDirectory(f"{path} is damaged: {error}") from error


def write_topic_id(files: Files, partition_directory: str, topic_id: bytes, *, sync: bool) -> None:
    text = f"version: 0\ntopic_id: {uuid_text(topic_id)}"
    files.write_atomically(f"{partition_directory}/{PARTITION_METADATA}", text.encode(), sync=sync)


def read_topic_id(files: Files, partition_directory: str) -> bytes | None:
    """None, too, if the file is damaged: it is synced only with the first flush after the partition was made."""
    path = f"{partition_directory}/{PARTITION_METADATA}"
    data = files.read_bytes(path)
    if data is None:
        return None
    values = dict(line.split(": ", 1) for line in data.decode("utf-8", "replace").splitlines() if ": " in line)
    try:
        return parse_uuid(values["topic_id"])
    except (KeyError, ValueError):
        return None


def write_clean_shutdown(files: Files, directory: str) -> None:
    content = {"version": 0, "brokerEpoch": -1}
    files.write_atomically(f"{directory}/{CLEAN_SHUTDOWN}", json.dumps(content, separators=(",", ":")).encode())


def has_clean_shutdown(files: Files, directory: str) -> bool:
    return files.read_bytes(f"{directory}/{CLEAN_SHUTDOWN}") is not None
