"""`pykbroker topics`: list, describe, create, alter and delete topics, with the flags of Kafka's kafka-topics."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable

from pykbroker.console.client import Client, CommandError, check
from pykbroker.console.output import Row, rendered
from wire.api.create_partitions import CreatePartitionsRequest
from wire.api.create_topics import CreateTopicsRequest
from wire.api.delete_topics import DeleteTopicsRequest
from wire.api.metadata import MetadataRequest, MetadataResponse
from wire.errors import ErrorCode

TIMEOUT_MS = 30_000
BY_NAME = 5  # the newest DeleteTopics with plain names
BROKER_DEFAULT = -1

Topic = MetadataResponse.MetadataResponseTopic


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


def found(client: Client, pattern: str | None) -> list[Topic]:
    """Topics whose whole name matches, by name."""
    answer = client.ask(MetadataRequest(topics=None, allow_auto_topic_creation=False))
    topics = [topic for topic in answer.topics if pattern is None or re.fullmatch(pattern, topic.name or "")]
    return sorted(topics, key=lambda topic: topic.name or "")


def needed(client: Client, options: argparse.Namespace) -> list[Topic]:
    topics = found(client, options.topic)
    if not topics and not options.if_exists:
        raise CommandError(f"Topic '{options.topic}' does not exist as expected")
    return topics


def show_names(client: Client, options: argparse.Namespace) -> None:
    rows: list[Row] = [{"topic": topic.name} for topic in found(client, options.topic)]
    print(rendered(rows, as_json=True) if options.json else "\n".join(str(row["topic"]) for row in rows))


def describe(client: Client, options: argparse.Namespace) -> None:
    rows: list[Row] = [
        {
            "topic": topic.name,
            "partition": partition.partition_index,
            "leader": partition.leader_id,
            "replicas": list(partition.replica_nodes),
            "isr": list(partition.isr_nodes),
        }
        for topic in (needed(client, options) if options.topic else found(client, None))
        for partition in sorted(topic.partitions, key=lambda partition: partition.partition_index)
    ]
    print(rendered(rows, as_json=options.json))


def create(client: Client, options: argparse.Namespace) -> None:
    wanted = CreateTopicsRequest.CreatableTopic
    configs = [wanted.CreatableTopicConfig(name=name, value=value) for name, value in options.config]
    topic = wanted(
        name=needed_name(options),
        num_partitions=options.partitions or BROKER_DEFAULT,
        replication_factor=options.replication_factor or BROKER_DEFAULT,
        assignments=[],
        configs=configs,
    )
    [result] = client.ask(CreateTopicsRequest(topics=[topic], timeout_ms=TIMEOUT_MS, validate_only=False)).topics
    if result.error_code == ErrorCode.TOPIC_ALREADY_EXISTS and options.if_not_exists:
        return
    check(result.error_code, result.error_message, f"cannot create topic {topic.name}")
    print(f"Created topic {topic.name}.")


def alter(client: Client, options: argparse.Namespace) -> None:
    needed_name(options)
    if not options.partitions:
        raise CommandError("--alter needs --partitions", 2)
    wanted = CreatePartitionsRequest.CreatePartitionsTopic
    topics = [
        wanted(name=topic.name or "", count=options.partitions, assignments=None) for topic in needed(client, options)
    ]
    request = CreatePartitionsRequest(topics=topics, timeout_ms=TIMEOUT_MS, validate_only=False)
    for result in client.ask(request).results:
        check(result.error_code, result.error_message, f"cannot alter topic {result.name}")


def delete(client: Client, options: argparse.Namespace) -> None:
    needed_name(options)
    names = [topic.name or "" for topic in needed(client, options)]
    request = DeleteTopicsRequest(topic_names=names, timeout_ms=TIMEOUT_MS)
    for result in client.ask(request, newest=BY_NAME).responses:
        check(result.error_code, result.error_message, f"cannot delete topic {result.name}")


def needed_name(options: argparse.Namespace) -> str:
    if not options.topic:
        raise CommandError(f"--{options.verb} needs --topic", 2)
    name: str = options.topic
    return name
