"""DescribeTopicPartitions (key 75): topics with their partitions, page by page (KIP-966).

Served: v0.

Topics come in the order of their names, those that do not exist first. A page ends after `response_partition_limit`
partitions, at least one and at most `max.request.partition.size.limit`; its cursor says where the next begins.
"""

from __future__ import annotations

from collections.abc import Iterable

from pykbroker.authorized_operations import TOPIC_OPERATIONS
from pykbroker.context import RequestContext
from pykbroker.errors import BrokerError
from pykbroker.metadata.image import INTERNAL_TOPICS, MetadataImage, PartitionImage, TopicImage
from pykbroker.reachability import absence, partition_state
from wire.api.describe_topic_partitions import DescribeTopicPartitionsRequest, DescribeTopicPartitionsResponse
from wire.errors import ErrorCode
from wire.types import ZERO_UUID

Topic = DescribeTopicPartitionsResponse.DescribeTopicPartitionsResponseTopic
Partition = Topic.DescribeTopicPartitionsResponsePartition
Cursor = DescribeTopicPartitionsResponse.Cursor


def handle(request: DescribeTopicPartitionsRequest, ctx: RequestContext) -> DescribeTopicPartitionsResponse:
    image = ctx.broker.image
    names = names_from_cursor(request, image)
    described, next_cursor = page(request, [image.topics[name] for name in names if name in image.topics], ctx)
    missing = [missing_topic(name) for name in names if name not in image.topics]
    return DescribeTopicPartitionsResponse(topics=[*missing, *described], next_cursor=next_cursor)


def error_response(
    request: DescribeTopicPartitionsRequest, error: BrokerError, _ctx: RequestContext
) -> DescribeTopicPartitionsResponse:
    topics = [
        Topic(error_code=error.code, name=topic.name, topic_id=ZERO_UUID, partitions=[]) for topic in request.topics
    ]
    return DescribeTopicPartitionsResponse(topics=topics)


def names_from_cursor(request: DescribeTopicPartitionsRequest, image: MetadataImage) -> list[str]:
    """Whom to describe, sorted: those asked for, or all, from the cursor's topic on."""
    names: Iterable[str] = {topic.name for topic in request.topics} or image.topics
    if "" in names:
        raise BrokerError(ErrorCode.UNKNOWN_SERVER_ERROR, "A topic without a name.")  # as Kafka, which trips over it
    cursor = request.cursor
    if cursor is None:
        return sorted(names)
    if request.topics and cursor.topic_name not in names:
        message = f"DescribeTopicPartitionsRequest topic list should contain the cursor topic: {cursor.topic_name}"
        raise BrokerError(ErrorCode.INVALID_REQUEST, message)
    if cursor.partition_index < 0:
        raise BrokerError(ErrorCode.INVALID_REQUEST, "The cursor's partition is negative.")
    return sorted(name for name in names if name >= cursor.topic_name)


def page(
    request: DescribeTopicPartitionsRequest, topics: Iterable[TopicImage], ctx: RequestContext
) -> tuple[list[Topic], Cursor | None]:
    highest = ctx.broker.settings.int("max.request.partition.size.limit")
    left = max(1, min(highest, request.response_partition_limit))
    described: list[Topic] = []
    for topic in topics:
        is_cursor = request.cursor is not None and request.cursor.topic_name == topic.name
        first = request.cursor.partition_index if request.cursor is not None and is_cursor else 0
        if left == 0:
            return described, Cursor(topic_name=topic.name, partition_index=first)
        shown = topic.partitions[first : first + left]
        described.append(described_topic(topic, shown, ctx))
        left -= len(shown)
        if first + len(shown) < len(topic.partitions):
            return described, Cursor(topic_name=topic.name, partition_index=first + len(shown))
    return described, None


def described_topic(topic: TopicImage, partitions: Iterable[PartitionImage], ctx: RequestContext) -> Topic:
    return Topic(
        name=topic.name,
        topic_id=topic.id,
        is_internal=topic.is_internal,
        partitions=[described_partition(topic.name, partition, ctx) for partition in partitions],
        topic_authorized_operations=TOPIC_OPERATIONS,
    )


def described_partition(topic: str, partition: PartitionImage, ctx: RequestContext) -> Partition:
    error_code, leader_id, offline_replicas = partition_state(topic, partition, ctx)
    return Partition(
        error_code=error_code,
        partition_index=partition.index,
        leader_id=leader_id,
        leader_epoch=partition.leader_epoch,
        replica_nodes=partition.replicas,
        isr_nodes=partition.isr,
        # Leaders come from the in-sync replicas only: nobody else is eligible, and nobody was.
        eligible_leader_replicas=[],
        last_known_elr=[],
        offline_replicas=offline_replicas,
    )


def missing_topic(name: str) -> Topic:
    return Topic(
        error_code=absence(name),
        name=name,
        topic_id=ZERO_UUID,
        is_internal=name in INTERNAL_TOPICS,
        partitions=[],
        topic_authorized_operations=TOPIC_OPERATIONS,
    )
