"""AddPartitionsToTxn (key 24): a transaction is about to write to these partitions (KIP-98).

Served: v0-v5.

v2  PRODUCER_FENCED
v4  many transactions in one request, to add or only to verify: from broker to broker (KIP-890)
v5  TRANSACTION_ABORTABLE

Where one of a transaction's partitions does not exist, none is added.
"""

from __future__ import annotations

from collections.abc import Awaitable

from pykbroker.context import RequestContext
from pykbroker.coordinator.transactions.transaction import TRANSACTION_V1, TRANSACTION_V2, Place
from pykbroker.errors import BrokerError
from wire.api.add_partitions_to_txn import (
    AddPartitionsToTxnPartitionResult,
    AddPartitionsToTxnRequest,
    AddPartitionsToTxnResponse,
    AddPartitionsToTxnTopic,
    AddPartitionsToTxnTopicResult,
)
from wire.errors import ErrorCode

PRODUCER_FENCED_SINCE = 2
MANY_SINCE = 4

RequestTransaction = AddPartitionsToTxnRequest.AddPartitionsToTxnTransaction
TransactionResult = AddPartitionsToTxnResponse.AddPartitionsToTxnResult
Codes = dict[Place, ErrorCode]


async def handle(request: AddPartitionsToTxnRequest, ctx: RequestContext) -> AddPartitionsToTxnResponse:
    if ctx.api_version >= MANY_SINCE:
        return AddPartitionsToTxnResponse(
            results_by_transaction=[
                TransactionResult(
                    transactional_id=transaction.transactional_id, topic_results=await topic_results(transaction, ctx)
                )
                for transaction in request.transactions
            ]
        )
    return AddPartitionsToTxnResponse(results_by_topic_v3_and_below=await topic_results(_only(request), ctx))


def _only(request: AddPartitionsToTxnRequest) -> RequestTransaction:
    return RequestTransaction(
        transactional_id=request.v3_and_below_transactional_id,
        producer_id=request.v3_and_below_producer_id,
        producer_epoch=request.v3_and_below_producer_epoch,
        topics=request.v3_and_below_topics,
    )


async def topic_results(transaction: RequestTransaction, ctx: RequestContext) -> list[AddPartitionsToTxnTopicResult]:
    """One transaction's results; an error is that transaction's alone."""
    places = [(topic.name, index) for topic in transaction.topics for index in topic.partitions]
    unknown = [place for place in places if ctx.broker.image.partition(*place) is None]
    if unknown and not transaction.verify_only:
        codes = dict.fromkeys(places, ErrorCode.OPERATION_NOT_ATTEMPTED)
        codes |= dict.fromkeys(unknown, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
    else:
        try:
            codes = await _codes(transaction, places, ctx)
        except BrokerError as error:
            codes = dict.fromkeys(places, _told(error.code, ctx))
    return [_topic_result(topic, codes) for topic in transaction.topics]


async def _codes(transaction: RequestTransaction, places: list[Place], ctx: RequestContext) -> Codes:
    """Raises BrokerError."""
    producer = transaction.producer_id, transaction.producer_epoch
    if transaction.verify_only:
        found = ctx.broker.transactions.verify(transaction.transactional_id, *producer, places)
        return await found if isinstance(found, Awaitable) else found
    version = TRANSACTION_V2 if ctx.api_version >= MANY_SINCE else TRANSACTION_V1
    done = ctx.broker.transactions.add(transaction.transactional_id, *producer, places, version=version)
    if done is not None:
        await done
    return dict.fromkeys(places, ErrorCode.NONE)


def _told(code: ErrorCode, ctx: RequestContext) -> ErrorCode:
    is_new = code == ErrorCode.PRODUCER_FENCED and ctx.api_version < PRODUCER_FENCED_SINCE
    return ErrorCode.INVALID_PRODUCER_EPOCH if is_new else code


def _topic_result(topic: AddPartitionsToTxnTopic, codes: Codes) -> AddPartitionsToTxnTopicResult:
    return AddPartitionsToTxnTopicResult(
        name=topic.name,
        results_by_partition=[
            AddPartitionsToTxnPartitionResult(partition_index=index, partition_error_code=codes[topic.name, index])
            for index in topic.partitions
        ],
    )


def error_response(
    request: AddPartitionsToTxnRequest, error: BrokerError, ctx: RequestContext
) -> AddPartitionsToTxnResponse:
    if ctx.api_version >= MANY_SINCE:
        return AddPartitionsToTxnResponse(error_code=error.code)
    codes = {(topic.name, index): error.code for topic in _only(request).topics for index in topic.partitions}
    results = [_topic_result(topic, codes) for topic in _only(request).topics]
    return AddPartitionsToTxnResponse(results_by_topic_v3_and_below=results)
