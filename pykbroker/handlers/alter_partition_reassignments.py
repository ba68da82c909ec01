"""AlterPartitionReassignments (key 45): give partitions to other brokers, or take that back (KIP-455).

Served: v0-v1.

v1  a reassignment that would change the replication factor may be refused (KIP-860)

With one broker there is one set of replicas to choose: it takes effect at once, and nothing is ever under way. With no
time at all (`timeout_ms` of 0 or less) nothing is done.
"""

from __future__ import annotations

from dataclasses import replace

from pykbroker import placement
from pykbroker.context import RequestContext
from pykbroker.errors import BrokerError
from pykbroker.metadata.image import NO_LEADER, MetadataImage, PartitionImage
from wire.api.alter_partition_reassignments import (
    AlterPartitionReassignmentsRequest,
    AlterPartitionReassignmentsResponse,
)
from wire.errors import ErrorCode

Topic = AlterPartitionReassignmentsRequest.ReassignableTopic
Wanted = Topic.ReassignablePartition
TopicResult = AlterPartitionReassignmentsResponse.ReassignableTopicResponse
Result = TopicResult.ReassignablePartitionResponse


async def handle(
    request: AlterPartitionReassignmentsRequest, ctx: RequestContext
) -> AlterPartitionReassignmentsResponse:
    if request.topics and request.timeout_ms <= 0:
        raise BrokerError(ErrorCode.REQUEST_TIMED_OUT)
    results: list[TopicResult] = []

    def decide(image: MetadataImage) -> MetadataImage:
        results.clear()
        for topic in request.topics:
            result = TopicResult(name=topic.name, partitions=[])
            found = []
            for wanted in topic.partitions:
                answered = Result(partition_index=wanted.partition_index)
                try:
                    image = reassigned(image, topic.name, wanted, request.allow_replication_factor_change)
                except BrokerError as error:
                    answered.error_code, answered.error_message = error.code, error.own_message
                found.append(answered)
            result.partitions = found
            results.append(result)
        return image

    await ctx.broker.controller.change(decide)
    return AlterPartitionReassignmentsResponse(
        allow_replication_factor_change=request.allow_replication_factor_change,
        error_message=None if results else "",
        responses=results,
    )


def error_response(
    request: AlterPartitionReassignmentsRequest, error: BrokerError, _ctx: RequestContext
) -> AlterPartitionReassignmentsResponse:
    return AlterPartitionReassignmentsResponse(
        allow_replication_factor_change=request.allow_replication_factor_change,
        error_code=error.code,
        error_message=error.own_message,
        responses=[
            TopicResult(
                name=topic.name,
                partitions=[
                    Result(
                        partition_index=wanted.partition_index,
                        error_code=error.code,
                        error_message=error.own_message,
                    )
                    for wanted in topic.partitions
                ],
            )
            for topic in request.topics
        ],
    )


def reassigned(image: MetadataImage, name: str, wanted: Wanted, may_change_factor: bool) -> MetadataImage:
    topic = image.topics.get(name)
    if topic is None:
        raise BrokerError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, f"Unable to find a topic named {name}.")
    partition = topic.partition(wanted.partition_index)
    if partition is None:
        message = f"Unable to find partition {name}:{wanted.partition_index}."
        raise BrokerError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, message)
    if wanted.replicas is None:
        raise BrokerError(ErrorCode.NO_REASSIGNMENT_IN_PROGRESS)
    replicas = tuple(wanted.replicas)
    placement.check_assignment(sorted(image.nodes), replicas, None)
    if not may_change_factor and len(replicas) != len(partition.replicas):
        message = f"The replication factor is changed from {len(partition.replicas)} to {len(replicas)}"
        raise BrokerError(ErrorCode.INVALID_REPLICATION_FACTOR, message)
    if replicas == partition.replicas:
        return image
    partitions = list(topic.partitions)
    partitions[partition.index] = moved(partition, replicas)
    return image.with_topics([replace(topic, partitions=tuple(partitions))])


def moved(partition: PartitionImage, replicas: tuple[int, ...]) -> PartitionImage:
    isr = tuple(node for node in partition.isr if node in replicas)
    leader = partition.leader if partition.leader in isr else next(iter(isr), NO_LEADER)
    return replace(
        partition,
        replicas=replicas,
        isr=isr,
        leader=leader,
        leader_epoch=partition.leader_epoch + (leader != partition.leader),
        partition_epoch=partition.partition_epoch + 1,
    )
