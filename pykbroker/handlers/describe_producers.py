"""DescribeProducers (key 61): what partitions remember of producers (KIP-664). Served: v0."""

from __future__ import annotations

from pykbroker import topic_names
from pykbroker.context import RequestContext
from pykbroker.errors import BrokerError
from storage.producer_state import Producer
from wire.api.describe_producers import DescribeProducersRequest, DescribeProducersResponse

TopicResult = DescribeProducersResponse.TopicResponse
PartitionResult = TopicResult.PartitionResponse
ProducerState = PartitionResult.ProducerState


def handle(request: DescribeProducersRequest, ctx: RequestContext) -> DescribeProducersResponse:
    return DescribeProducersResponse(
        topics=[
            TopicResult(
                name=topic.name, partitions=[_partition(topic.name, index, ctx) for index in topic.partition_indexes]
            )
            for topic in request.topics
        ]
    )


def _partition(topic: str, index: int, ctx: RequestContext) -> PartitionResult:
    """One partition; an error is its alone."""
    try:
        topic_names.check_name(topic)
        producers = ctx.broker.replicas.leader(topic, index).log.producers
    except BrokerError as error:
        # As Kafka, which has no words for a partition that is not there.
        words = error.message if ctx.broker.image.topic(topic) is None else None
        return PartitionResult(partition_index=index, error_code=error.code, error_message=words, active_producers=[])
    return PartitionResult(
        partition_index=index, active_producers=[_state(producer) for producer in producers.by_id.values()]
    )


def _state(producer: Producer) -> ProducerState:
    return ProducerState(
        producer_id=producer.producer_id,
        producer_epoch=producer.epoch,
        last_sequence=producer.last_sequence,
        last_timestamp=producer.last_timestamp_ms,
        coordinator_epoch=producer.coordinator_epoch,
        current_txn_start_offset=producer.transaction_offset,
    )


def error_response(
    request: DescribeProducersRequest, error: BrokerError, _ctx: RequestContext
) -> DescribeProducersResponse:
    return DescribeProducersResponse(
        topics=[
            TopicResult(
                name=topic.name,
                partitions=[
                    PartitionResult(partition_index=index, error_code=error.code, active_producers=[])
                    for index in topic.partition_indexes
                ],
            )
            for topic in request.topics
        ]
    )
