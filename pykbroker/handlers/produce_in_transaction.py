"""Produce within a transaction: which batches the transaction coordinator does not let in (KIP-890).

It is asked before the first write to each partition; those that follow belong where the first one did.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress

from pykbroker.config.brokers import is_on
from pykbroker.context import RequestContext
from pykbroker.coordinator.transactions.transaction import Place
from pykbroker.coordinator.verification import check
from pykbroker.errors import BrokerError, RecordsRefused
from pykbroker.partition import Partition
from wire.api.produce import ProduceRequest
from wire.errors import ErrorCode
from wire.record_batch import RecordBatch

FIRST_WITH_ABORTABLE = 11
FIRST_THAT_ADDS = 12
FIRST_WITH_TOPIC_IDS = 13

Refused = Mapping[Place, BrokerError]
First = dict[Place, tuple[Partition, RecordBatch]]

# What clients may retry in other requests they would not in this one, so they get something that they do.
_RETRIED = frozenset(
    {
        ErrorCode.CONCURRENT_TRANSACTIONS,
        ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
        ErrorCode.COORDINATOR_NOT_AVAILABLE,
        ErrorCode.NOT_COORDINATOR,
    }
)


async def outside_of_transaction(
    request: ProduceRequest, transactional_id: str, batches: Sequence[RecordBatch | None], ctx: RequestContext
) -> Refused:
    """Why some batches may not be written. Raises BrokerError where the whole request is wrong."""
    producers = {(batch.producer_id, batch.producer_epoch) for batch in batches if batch and is_of_transaction(batch)}
    if len(producers) > 1:
        words = "Transactional records contained more than one producer ID"
        raise BrokerError(ErrorCode.INVALID_PRODUCER_ID_MAPPING, words)
    first = first_writes(request, batches, ctx)
    adds = ctx.api_version >= FIRST_THAT_ADDS
    if not first or not (
        adds or is_on(ctx.broker.image, ctx.broker.settings, "transaction.partition.verification.enable")
    ):
        return {}
    ((producer_id, producer_epoch),) = producers
    for partition, batch in first.values():
        partition.log.producers.expect_beginning(batch, ctx.broker.clock_ms())
    try:
        refused = await check(
            ctx.broker.transactions,
            transactional_id,
            producer_id,
            producer_epoch,
            list(first),
            adds=adds,
            knows_abortable=ctx.api_version >= FIRST_WITH_ABORTABLE,
        )
    except BrokerError as error:
        return dict.fromkeys(first, error_as_told(error.code))
    refused = {place: error_as_told(error.code) for place, error in refused.items()}
    return refused | out_of_order(first) if adds else refused


def is_of_transaction(batch: RecordBatch) -> bool:
    return batch.is_transactional and batch.has_producer_id


def first_writes(request: ProduceRequest, batches: Sequence[RecordBatch | None], ctx: RequestContext) -> First:
    """The batches that would be the first of the transaction in their partitions."""
    found: First = {}
    following = iter(batches)
    for topic in request.topic_data:
        for data in topic.partition_data:
            batch = next(following)
            if batch is None or not is_of_transaction(batch):
                continue
            with suppress(BrokerError):  # appending will say it
                by_name = ctx.api_version < FIRST_WITH_TOPIC_IDS
                name = topic.name if by_name else ctx.broker.topic_name(topic.topic_id)
                partition = ctx.broker.replicas.leader(name, data.index)
                if not partition.has_ongoing_transaction(batch.producer_id, batch.producer_epoch):
                    found[name, data.index] = partition, batch
    return found


def out_of_order(first: First) -> dict[Place, BrokerError]:
    """Each transaction has an epoch of its own, so a producer that the partition does not know begins with 0."""
    error = BrokerError(ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER)
    return {
        place: error
        for place, (partition, batch) in first.items()
        if batch.base_sequence != 0 and not partition.log.producers.by_id.get(batch.producer_id)
    }


def error_as_told(code: ErrorCode) -> BrokerError:
    """With words where Kafka has some."""
    if code == ErrorCode.PRODUCER_FENCED:
        return BrokerError(ErrorCode.INVALID_PRODUCER_EPOCH)
    if code == ErrorCode.INVALID_TXN_STATE:
        return RecordsRefused(code, "Partition was not added to the transaction", ())
    if code in _RETRIED:
        words = f"Unable to verify the partition has been added to the transaction. Underlying error: {code.name}"
        return RecordsRefused(ErrorCode.NOT_ENOUGH_REPLICAS, words, ())
    return BrokerError(code)
