"""`pykbroker offsets`: where partitions begin and end, and records deleted from their beginning.

With the flags of Kafka's kafka-get-offsets and kafka-delete-records.
"""

from __future__ import annotations

import argparse
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pykbroker.console.client import Client, CommandError, check, words
from pykbroker.console.output import Row, show
from pykbroker.console.topics import TIMEOUT_MS, found
from wire.api.delete_records import DeleteRecordsRequest
from wire.api.list_offsets import ListOffsetsRequest
from wire.api.metadata import MetadataRequest

NO_OFFSET = -1
LATEST, EARLIEST = -1, -2

TopicPartition = tuple[str, int]


def run(options: argparse.Namespace) -> int:
    with Client(options.bootstrap_server) as client:
        return delete_records(client, options) if options.delete_records else show_offsets(client, options)


def show_offsets(client: Client, options: argparse.Namespace) -> int:
    wanted = chosen(client, options)
    if not wanted:
        raise CommandError("no partition is what was asked for")
    rows: list[Row] = [
        {"topic": topic, "partition": partition, "offset": offset}
        for (topic, partition), offset in sorted(offsets_at(client, dict.fromkeys(wanted, options.time)).items())
    ]
    show(rows, as_json=options.json)
    return 0


def chosen(client: Client, options: argparse.Namespace) -> list[TopicPartition]:
    """By `--topic` and `--partitions`, or by `--topic-partitions`: topic, or topic:1, or topic:1-3, or :1-, ..."""
    specs = [(options.topic, options.partitions)]
    if options.topic_partitions:
        if options.topic or options.partitions:
            raise CommandError("--topic-partitions is instead of --topic and --partitions", 2)
        specs = [split_spec(spec) for spec in options.topic_partitions.split(",")]
    wanted = []
    for pattern, ranges in specs:
        for topic in found(client, pattern or None, with_internal=not options.exclude_internal_topics):
            numbers = [each.partition_index for each in topic.partitions]
            wanted += [(topic.name or "", number) for number in numbers if is_within(number, ranges)]
    return list(dict.fromkeys(wanted))


def split_spec(spec: str) -> tuple[str, str | None]:
    topic, _, ranges = spec.rpartition(":") if re.search(r":[\d-]*$", spec) else (spec, "", "")
    return topic, ranges or None


def is_within(number: int, ranges: str | None) -> bool:
    """Of `1,3`, `1-3` (without 3, as Kafka has it), `1-`, `-3`; None is all."""
    for part in (ranges or "").split(","):
        first, dash, last = part.strip().partition("-")
        if not part.strip() or (not dash and number == int(first)):
            return True
        if dash and int(first or 0) <= number and (not last or number < int(last)):
            return True
    return False


def offsets_at(client: Client, moments: Mapping[TopicPartition, int]) -> dict[TopicPartition, int]:
    """Where there is one at the moment that is asked for; each leader is asked for its own."""
    told: dict[TopicPartition, int] = {}
    for node, partitions in by_leader(client, moments).items():
        wanted = ListOffsetsRequest.ListOffsetsTopic
        topics = [
            wanted(
                name=name,
                partitions=[
                    wanted.ListOffsetsPartition(partition_index=number, timestamp=moments[name, number])
                    for number in numbers
                ],
            )
            for name, numbers in by_topic(partitions).items()
        ]
        for topic in node.ask(ListOffsetsRequest(replica_id=-1, topics=topics, timeout_ms=TIMEOUT_MS)).topics:
            for each in topic.partitions:
                check(each.error_code, None, f"no offset of {topic.name}-{each.partition_index}")
                if each.offset != NO_OFFSET:
                    told[topic.name, each.partition_index] = each.offset
    return told


def by_leader(client: Client, partitions: Iterable[TopicPartition]) -> dict[Client, list[TopicPartition]]:
    """Raises CommandError if one is not there."""
    names = by_topic(partitions)
    asked = [MetadataRequest.MetadataRequestTopic(name=name) for name in names]
    metadata = client.ask(MetadataRequest(topics=asked, allow_auto_topic_creation=False))
    nodes = {each.node_id: client.node(each.host, each.port) for each in metadata.brokers}
    led: dict[Client, list[TopicPartition]] = defaultdict(list)
    for topic in metadata.topics:
        check(topic.error_code, None, f"topic {topic.name}")
        leaders = {each.partition_index: each.leader_id for each in topic.partitions}
        for number in names[topic.name]:
            if leaders.get(number) not in nodes:
                raise CommandError(
                    f"partition {topic.name}-{number} {'has no leader' if number in leaders else 'does not exist'}"
                )
            led[nodes[leaders[number]]].append((topic.name, number))
    return led


def by_topic(partitions: Iterable[TopicPartition]) -> dict[str, list[int]]:
    grouped: dict[str, list[int]] = defaultdict(list)
    for topic, number in partitions:
        grouped[topic].append(number)
    return grouped


def delete_records(client: Client, options: argparse.Namespace) -> int:
    """Those before the offsets in the file; 1 if some could not be. An offset of -1 is the partition's end."""
    if not options.offset_json_file:
        raise CommandError("--delete-records needs --offset-json-file", 2)
    offsets = read_offsets(options.offset_json_file)
    rows: list[Row] = []
    for node, partitions in by_leader(client, offsets).items():
        wanted = DeleteRecordsRequest.DeleteRecordsTopic
        topics = [
            wanted(
                name=name,
                partitions=[
                    wanted.DeleteRecordsPartition(partition_index=number, offset=offsets[name, number])
                    for number in numbers
                ],
            )
            for name, numbers in by_topic(partitions).items()
        ]
        for topic in node.ask(DeleteRecordsRequest(topics=topics, timeout_ms=TIMEOUT_MS)).topics:
            for each in topic.partitions:
                error = words(each.error_code) if each.error_code else None
                low = None if error else each.low_watermark
                rows.append(
                    {"topic": topic.name, "partition": each.partition_index, "low_watermark": low, "error": error}
                )
    rows.sort(key=lambda row: (str(row["topic"]), int(str(row["partition"]))))
    show(rows, as_json=options.json)
    return 1 if any(row["error"] for row in rows) else 0


def read_offsets(path: Path) -> dict[TopicPartition, int]:
    """`{"partitions": [{"topic": "t", "partition": 0, "offset": 5}], "version": 1}`"""
    try:
        told: Any = json.loads(path.read_text())
        return {(str(each["topic"]), int(each["partition"])): int(each["offset"]) for each in told["partitions"]}
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}") from None
    except (ValueError, KeyError, TypeError) as error:
        example = '{"version": 1, "partitions": [{"topic": "t", "partition": 0, "offset": 5}]}'
        raise CommandError(f"{path} is not like {example}: {error}", 2) from None
