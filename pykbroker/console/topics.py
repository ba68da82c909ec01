"""`pykbroker topics`: list, describe, create, alter and delete topics, with the flags of Kafka's kafka-topics."""

from __future__ import annotations

import argparse
import re
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterable, Mapping, Sequence

from pykbroker.console.client import Client, CommandError, check
from pykbroker.console.output import Row, note, rendered, show
from pykbroker.console.resources import TOPIC, described
from wire.api.create_partitions import CreatePartitionsRequest
from wire.api.create_topics import CreateTopicsRequest
from wire.api.delete_topics import DeleteTopicsRequest
from wire.api.metadata import MetadataRequest, MetadataResponse
from wire.errors import ErrorCode

TIMEOUT_MS = 30_000
BY_NAME = 5  # the newest DeleteTopics with plain names
BROKER_DEFAULT = -1
NO_LEADER = -1
SET_FOR_THE_TOPIC = 1

Topic = MetadataResponse.MetadataResponseTopic
Partition = Topic.MetadataResponsePartition


def run(options: argparse.Namespace) -> int:
    verbs: dict[str, Callable[[Client, argparse.Namespace], None]] = {
        "list": show_names,
        "describe": describe,
        "create": create,
        "alter": alter,
        "delete": delete,
    }
    with Client(options.bootstrap_server) as client:
        verbs[options.verb](client, options)
    return 0


def found(client: Client, pattern: str | None, *, with_internal: bool = True) -> list[Topic]:
    """Topics whose whole name matches, by name."""
    answer = client.ask(MetadataRequest(topics=None, allow_auto_topic_creation=False))
    try:
        matches = re.compile(pattern or ".*").fullmatch
    except re.error as error:
        raise CommandError(f"{pattern!r} is no regular expression: {error}", 2) from None
    topics = [
        topic for topic in answer.topics if matches(topic.name or "") and (with_internal or not topic.is_internal)
    ]
    return sorted(topics, key=lambda topic: topic.name or "")


def needed(client: Client, options: argparse.Namespace) -> list[Topic]:
    topics = found(client, options.topic)
    if not topics and not options.if_exists:
        raise CommandError(f"Topic '{options.topic}' does not exist as expected")
    return topics


def show_names(client: Client, options: argparse.Namespace) -> None:
    topics = found(client, options.topic, with_internal=not options.exclude_internal)
    rows: list[Row] = [{"topic": topic.name} for topic in topics]
    if options.json:
        show(rows, as_json=True)
    else:
        print(*(row["topic"] for row in rows), sep="\n", end="\n" if rows else "")


def describe(client: Client, options: argparse.Namespace) -> None:
    """Two tables: of topics, and of their partitions. In JSON, partitions are in their topics."""
    topics = found(client, options.topic, with_internal=not options.exclude_internal)
    if options.topic_id:
        topics = [topic for topic in topics if written(topic.topic_id) == options.topic_id]
    if not topics and (options.topic or options.topic_id) and not options.if_exists:
        raise CommandError(f"Topic '{options.topic or options.topic_id}' does not exist as expected")
    settings = described(client, TOPIC, [topic.name or "" for topic in topics])
    rows: list[dict[str, object]] = []
    for topic in topics:
        own = {each.name: each.value for each in settings[topic.name or ""] if each.config_source == SET_FOR_THE_TOPIC}
        effective = {each.name: each.value for each in settings[topic.name or ""]}
        partitions = list(partition_rows(topic, options, int(effective.get("min.insync.replicas") or 1)))
        if (options.topics_with_overrides and not own) or (is_filtered(options) and not partitions):
            continue
        rows.append(
            {
                "topic": topic.name,
                "topic_id": written(topic.topic_id),
                "partitions": partitions,
                "replication_factor": max((len(each.replica_nodes) for each in topic.partitions), default=0),
                "configs": own,
            }
        )
    if options.json:
        show(rows, as_json=True)
    elif rows:
        print("\n\n".join(tables(rows, options)))


def tables(rows: Sequence[Mapping[str, object]], options: argparse.Namespace) -> Iterable[str]:
    partitions: list[Row] = []
    topics: list[Row] = []
    for row in rows:
        mine = row["partitions"]
        assert isinstance(mine, list)
        partitions += [{"topic": row["topic"], **each} for each in mine]
        topics.append({**row, "partitions": len(mine)})
    if not is_filtered(options):
        yield rendered(topics, as_json=False)
    if not options.topics_with_overrides:
        yield rendered(partitions, as_json=False)


def is_filtered(options: argparse.Namespace) -> bool:
    """Whether some partitions only are asked for."""
    return bool(
        options.under_replicated_partitions
        or options.unavailable_partitions
        or options.under_min_isr_partitions
        or options.at_min_isr_partitions
    )


def partition_rows(topic: Topic, options: argparse.Namespace, min_isr: int) -> Iterable[Row]:
    for each in sorted(topic.partitions, key=lambda partition: partition.partition_index):
        in_sync = len(each.isr_nodes)
        wanted = (
            (options.under_replicated_partitions and in_sync < len(each.replica_nodes))
            or (options.unavailable_partitions and each.leader_id == NO_LEADER)
            or (options.under_min_isr_partitions and in_sync < min_isr)
            or (options.at_min_isr_partitions and in_sync == min_isr)
        )
        if wanted or not is_filtered(options):
            yield {
                "partition": each.partition_index,
                "leader": None if each.leader_id == NO_LEADER else each.leader_id,
                "replicas": list(each.replica_nodes),
                "isr": list(each.isr_nodes),
            }


def written(topic_id: bytes) -> str:
    """As Kafka writes ids."""
    return urlsafe_b64encode(topic_id).decode().rstrip("=")


def create(client: Client, options: argparse.Namespace) -> None:
    wanted = CreateTopicsRequest.CreatableTopic
    if options.replica_assignment and (options.partitions or options.replication_factor):
        raise CommandError("--replica-assignment says how many partitions and replicas there are", 2)
    topic = wanted(
        name=needed_name(options),
        num_partitions=BROKER_DEFAULT if options.partitions is None else options.partitions,
        replication_factor=BROKER_DEFAULT if options.replication_factor is None else options.replication_factor,
        assignments=[
            wanted.CreatableReplicaAssignment(partition_index=index, broker_ids=brokers)
            for index, brokers in enumerate(options.replica_assignment or ())
        ],
        configs=[wanted.CreatableTopicConfig(name=name, value=value) for name, value in options.config],
    )
    [result] = client.ask(CreateTopicsRequest(topics=[topic], timeout_ms=TIMEOUT_MS, validate_only=False)).topics
    if result.error_code == ErrorCode.TOPIC_ALREADY_EXISTS and options.if_not_exists:
        return
    check(result.error_code, result.error_message, f"cannot create topic {topic.name}")
    print(f"Created topic {topic.name}.")
    if "." in topic.name or "_" in topic.name:
        note("names of metrics tell `.` and `_` not apart: use one of them only")


def alter(client: Client, options: argparse.Namespace) -> None:
    needed_name(options)
    if not options.partitions:
        raise CommandError("--alter needs --partitions", 2)
    wanted = CreatePartitionsRequest.CreatePartitionsTopic
    topics = []
    for topic in needed(client, options):
        new = (options.replica_assignment or ())[len(topic.partitions) :]
        assignments = [wanted.CreatePartitionsAssignment(broker_ids=brokers) for brokers in new]
        topics.append(wanted(name=topic.name or "", count=options.partitions, assignments=assignments or None))
    request = CreatePartitionsRequest(topics=topics, timeout_ms=TIMEOUT_MS, validate_only=False)
    for result in client.ask(request).results if topics else ():
        check(result.error_code, result.error_message, f"cannot alter topic {result.name}")


def delete(client: Client, options: argparse.Namespace) -> None:
    needed_name(options)
    names = [topic.name or "" for topic in needed(client, options)]
    request = DeleteTopicsRequest(topic_names=names, timeout_ms=TIMEOUT_MS)
    for result in client.ask(request, newest=BY_NAME).responses if names else ():
        check(result.error_code, result.error_message, f"cannot delete topic {result.name}")


def needed_name(options: argparse.Namespace) -> str:
    if not options.topic:
        raise CommandError(f"--{options.verb} needs --topic", 2)
    name: str = options.topic
    return name
