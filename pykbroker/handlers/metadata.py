"""Metadata (key 3): the brokers, and topics with their partitions and leaders; makes topics that do not exist yet.

Served: v0-v13.

v0   no topics at all mean all topics; from v1 on that is null
v1   controller id, rack, internal flag
v2   cluster id
v4   allow_auto_topic_creation; before that it is allowed
v5   offline replicas
v6   LISTENER_NOT_FOUND where a leader has no listener of this name
v7   leader epochs
v8   authorized operations (KIP-430); those of the cluster only up to v10
v10  topic ids in responses, v12 also in requests (KIP-516); an id in a request counts, names beside ids do not
v13  an error code for the whole answer

A topic that a client asks for and that may be made is in the same answer. Kafka first answers
UNKNOWN_TOPIC_OR_PARTITION and has the client ask again; no client can take that for a difference in kind.
"""

from __future__ import annotations

from collections.abc import Awaitable, Iterable
from typing import NamedTuple

from pykbroker.authorized_operations import CLUSTER_OPERATIONS, NOT_ASKED_FOR, TOPIC_OPERATIONS
from pykbroker.context import RequestContext
from pykbroker.errors import BrokerError
from pykbroker.metadata.image import INTERNAL_TOPICS, PartitionImage, TopicImage
from pykbroker.reachability import absence, partition_state, reachable_nodes
from pykbroker.topic_names import CLUSTER_METADATA_TOPIC
from wire.api.metadata import MetadataRequest, MetadataResponse
from wire.errors import ErrorCode
from wire.types import ZERO_UUID

Topic = MetadataResponse.MetadataResponseTopic
Partition = Topic.MetadataResponsePartition
Broker = MetadataResponse.MetadataResponseBroker

FIRST_WITH_NULL_FOR_ALL = 1
FIRST_WITH_LISTENER_NOT_FOUND = 6
FIRST_WITH_IDS_IN_REQUEST = 12


class Wanted(NamedTuple):
    """What the client asks for, each once, in its order."""

    names: Iterable[str]
    unknown_ids: Iterable[bytes] = ()
    may_be_created: bool = False


def handle(request: MetadataRequest, ctx: RequestContext) -> MetadataResponse | Awaitable[MetadataResponse]:
    wanted = wanted_topics(request, ctx)
    if wanted.may_be_created:
        missing = [name for name in wanted.names if name not in ctx.broker.image.topics and may_be_made(name)]
        if missing:
            return create_and_answer(request, ctx, wanted, missing)
    return answer(request, ctx, wanted)


def error_response(request: MetadataRequest, error: BrokerError, _ctx: RequestContext) -> MetadataResponse:
    """The error at every topic asked for: before v13 there is no other place for it."""
    topics = [
        Topic(error_code=error.code, name=topic.name or "", topic_id=topic.topic_id, partitions=[])
        for topic in request.topics or ()
    ]
    return MetadataResponse(brokers=[], topics=topics, error_code=error.code)


def wanted_topics(request: MetadataRequest, ctx: RequestContext) -> Wanted:
    image = ctx.broker.image
    if request.topics is None or (not request.topics and ctx.api_version < FIRST_WITH_NULL_FOR_ALL):
        return Wanted(image.topics)
    ids = dict.fromkeys(topic.topic_id for topic in request.topics if topic.topic_id != ZERO_UUID)
    has_unnamed = any(topic.name is None for topic in request.topics)
    if ctx.api_version < FIRST_WITH_IDS_IN_REQUEST and (ids or has_unnamed):
        raise BrokerError(ErrorCode.INVALID_REQUEST, "This version asks for topics by name.")
    if ids:
        known = [topic.name for topic_id in ids if (topic := image.topic_by_id(topic_id))]
        return Wanted(known, [topic_id for topic_id in ids if image.topic_by_id(topic_id) is None])
    if has_unnamed:  # Kafka trips over its own null here
        raise BrokerError(ErrorCode.UNKNOWN_SERVER_ERROR, "A topic with neither a name nor an id.")
    names = dict.fromkeys(topic.name for topic in request.topics if topic.name is not None)
    may_be_created = request.allow_auto_topic_creation and ctx.broker.settings.bool("auto.create.topics.enable")
    return Wanted(names, may_be_created=may_be_created)


def may_be_made(name: str) -> bool:
    return absence(name) == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION and name != CLUSTER_METADATA_TOPIC


async def create_and_answer(
    request: MetadataRequest, ctx: RequestContext, wanted: Wanted, missing: Iterable[str]
) -> MetadataResponse:
    for name in missing:
        await create_one(name, ctx)
    return answer(request, ctx, wanted)


async def create_one(name: str, ctx: RequestContext) -> None:
    try:
        charge = ctx.broker.quotas.mutations(ctx.usage, is_strict=True, is_told=False)
        await ctx.broker.controller.create_topic(name, charge)
    except BrokerError:
        # Somebody else made it first, or it cannot be made (now): what the answer says of it tells which.
        return


def answer(request: MetadataRequest, ctx: RequestContext, wanted: Wanted) -> MetadataResponse:
    image = ctx.broker.image
    names = tuple(wanted.names)
    operations = TOPIC_OPERATIONS if request.include_topic_authorized_operations else NOT_ASKED_FOR
    knows_listeners = ctx.api_version >= FIRST_WITH_LISTENER_NOT_FOUND
    asked = (names, operations, knows_listeners, ctx.listener, frozenset(ctx.broker.replicas.offline))
    known = ctx.broker.metadata_answers.get(image, asked, lambda: described_topics(names, ctx, operations))
    unknown = [unknown_id(topic_id) for topic_id in wanted.unknown_ids]
    return MetadataResponse(
        brokers=[
            Broker(node_id=node.id, host=host, port=port, rack=node.rack)
            for node, host, port in reachable_nodes(image, ctx)
        ],
        cluster_id=image.cluster_id,
        controller_id=image.controller_id,
        topics=[*unknown, *known] if unknown else known,
        cluster_authorized_operations=(
            CLUSTER_OPERATIONS if request.include_cluster_authorized_operations else NOT_ASKED_FOR
        ),
    )


def described_topics(names: Iterable[str], ctx: RequestContext, operations: int) -> list[Topic]:
    """Those that do not exist last."""
    topics = ctx.broker.image.topics
    found = [described(topics[name], ctx, operations) for name in names if name in topics]
    return found + [missing_topic(name, operations) for name in names if name not in topics]


def described(topic: TopicImage, ctx: RequestContext, operations: int) -> Topic:
    return Topic(
        name=topic.name,
        topic_id=topic.id,
        is_internal=topic.is_internal,
        partitions=[described_partition(topic.name, partition, ctx) for partition in topic.partitions],
        topic_authorized_operations=operations,
    )


def described_partition(topic: str, partition: PartitionImage, ctx: RequestContext) -> Partition:
    error_code, leader_id, offline_replicas = partition_state(topic, partition, ctx)
    if error_code == ErrorCode.LISTENER_NOT_FOUND and ctx.api_version < FIRST_WITH_LISTENER_NOT_FOUND:
        error_code = ErrorCode.LEADER_NOT_AVAILABLE
    return Partition(
        error_code=error_code,
        partition_index=partition.index,
        leader_id=leader_id,
        leader_epoch=partition.leader_epoch,
        replica_nodes=partition.replicas,
        isr_nodes=partition.isr,
        offline_replicas=offline_replicas,
    )


def missing_topic(name: str, operations: int) -> Topic:
    return Topic(
        error_code=absence(name),
        name=name,
        is_internal=name in INTERNAL_TOPICS,
        partitions=[],
        topic_authorized_operations=operations,
    )


def unknown_id(topic_id: bytes) -> Topic:
    return Topic(error_code=ErrorCode.UNKNOWN_TOPIC_ID, name=None, topic_id=topic_id, partitions=[])
