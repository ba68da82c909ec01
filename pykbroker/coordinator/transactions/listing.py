"""DescribeTransactions and ListTransactions (KIP-664)."""

from __future__ import annotations

import re

from pykbroker.coordinator.transactions.shard import TransactionShard
from pykbroker.coordinator.transactions.transaction import BY_TITLE, TRANSIENT_TITLES, Transaction, indexes_by_topic
from pykbroker.errors import BrokerError
from wire.api.describe_transactions import DescribeTransactionsResponse
from wire.api.list_transactions import ListTransactionsRequest, ListTransactionsResponse
from wire.errors import ErrorCode

Described = DescribeTransactionsResponse.TransactionState
Listed = ListTransactionsResponse.TransactionState


def describe(shard: TransactionShard, transactional_id: str) -> Described:
    """Raises BrokerError."""
    transaction = shard.transactions.get(transactional_id)
    if transaction is None:
        raise BrokerError(ErrorCode.TRANSACTIONAL_ID_NOT_FOUND)
    return Described(
        transactional_id=transactional_id,
        transaction_state=transaction.state.title,
        transaction_timeout_ms=transaction.timeout_ms,
        transaction_start_time_ms=transaction.start_ms,
        producer_id=transaction.producer_id,
        producer_epoch=transaction.producer_epoch,
        topics=[
            Described.TopicData(topic=topic, partitions=indexes)
            for topic, indexes in indexes_by_topic(transaction.partitions).items()
        ],
    )


def not_described(transactional_id: str, code: ErrorCode) -> Described:
    return Described(
        error_code=code,
        transactional_id=transactional_id,
        transaction_state="",
        transaction_timeout_ms=0,
        transaction_start_time_ms=0,
        producer_id=0,
        producer_epoch=0,
        topics=[],
    )


def unknown_states(request: ListTransactionsRequest) -> list[str]:
    return [name for name in request.state_filters if name not in BY_TITLE and name not in TRANSIENT_TITLES]


def pattern(request: ListTransactionsRequest) -> re.Pattern[str] | None:
    """Raises BrokerError. Python's expressions are not Java's, but those in use are both."""
    if not request.transactional_id_pattern:
        return None
    try:
        return re.compile(request.transactional_id_pattern)
    except re.error as error:
        raise BrokerError(ErrorCode.INVALID_REGULAR_EXPRESSION, str(error)) from error


def listed(
    shard: TransactionShard, request: ListTransactionsRequest, expression: re.Pattern[str] | None, now_ms: int
) -> list[Listed]:
    return [
        Listed(
            transactional_id=each.transactional_id,
            producer_id=each.producer_id,
            transaction_state=each.state.title,
        )
        for each in shard.transactions.values()
        if _is_asked_for(each, request, expression, now_ms)
    ]


def _is_asked_for(
    transaction: Transaction, request: ListTransactionsRequest, expression: re.Pattern[str] | None, now_ms: int
) -> bool:
    if request.producer_id_filters and transaction.producer_id not in request.producer_id_filters:
        return False
    if request.state_filters and transaction.state.title not in request.state_filters:
        return False
    # One that never began is as old as time, as in Kafka.
    if request.duration_filter >= 0 and now_ms - transaction.start_ms <= request.duration_filter:
        return False
    return expression is None or expression.fullmatch(transaction.transactional_id) is not None
