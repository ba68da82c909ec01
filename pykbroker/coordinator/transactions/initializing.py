"""InitProducerId: who may use a transactional id from now on, with which producer id and epoch.

A producer that comes without id and epoch fences all before it. One that names those it has (KIP-360) goes on after an
error, unless somebody fenced it in between.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from pykbroker.coordinator.decision import Decision
from pykbroker.coordinator.transactions.ending import fence
from pykbroker.coordinator.transactions.shard import TransactionShard
from pykbroker.coordinator.transactions.transaction import (
    LAST_EPOCH,
    NO_EPOCH,
    NO_PRODUCER_ID,
    NO_TIME,
    PREPARED,
    State,
    Transaction,
)
from pykbroker.errors import BrokerError
from wire.errors import ErrorCode


class ProducerIdentity(NamedTuple):
    producer_id: int
    epoch: int


class Initialized(NamedTuple):
    error_code: ErrorCode
    producer_id: int = NO_PRODUCER_ID
    epoch: int = NO_EPOCH


def initialize(
    shard: TransactionShard,
    transactional_id: str,
    *,
    timeout_ms: int,
    expected: ProducerIdentity | None,
    new_producer_id: Callable[[], int],
    now_ms: int,
) -> Decision[Initialized]:
    """Raises BrokerError."""
    transaction = shard.transactions.get(transactional_id)
    if transaction is None:
        transaction = Transaction(transactional_id, new_producer_id(), NO_EPOCH, timeout_ms)
    if expected is not None and not _may_continue(transaction, expected):
        raise BrokerError(ErrorCode.PRODUCER_FENCED)
    if transaction.state in PREPARED:
        raise BrokerError(ErrorCode.CONCURRENT_TRANSACTIONS)
    if transaction.state is State.ONGOING:
        # The client comes again when it is aborted. It gets the epoch that this took if it named the one before, else
        # one more.
        return fence(shard, [transaction], Initialized(ErrorCode.CONCURRENT_TRANSACTIONS), now_ms)
    if transaction.is_epoch_exhausted and (expected is None or expected.epoch in _epochs_of_now(shard, transaction)):
        return _rotated(shard, transaction, timeout_ms, expected, new_producer_id(), now_ms)
    epoch, last_epoch = _next_epoch(shard, transaction, expected)
    return _initialized(shard, transaction, timeout_ms, transaction.producer_id, epoch, last_epoch, now_ms)


def _may_continue(transaction: Transaction, expected: ProducerIdentity) -> bool:
    """Whether the id is one that this transactional id has, or had until its epochs were used up."""
    if transaction.producer_epoch == NO_EPOCH or expected.producer_id == transaction.producer_id:
        return True
    return expected.producer_id == transaction.previous_producer_id and expected.epoch >= LAST_EPOCH


def _epochs_of_now(shard: TransactionShard, transaction: Transaction) -> tuple[int, int]:
    """The current one, and the one that it followed if that may be named too."""
    return transaction.producer_epoch, shard.last_epochs.get(transaction.transactional_id, NO_EPOCH)


def _next_epoch(
    shard: TransactionShard, transaction: Transaction, expected: ProducerIdentity | None
) -> tuple[int, int]:
    """The epoch to give, and the one that it follows."""
    current, last_epoch = _epochs_of_now(shard, transaction)
    if expected is None:
        return current + 1, NO_EPOCH
    if current in (NO_EPOCH, expected.epoch):
        return current + 1, current
    if expected.epoch == last_epoch:  # it has not heard of the current one
        return current, last_epoch
    raise BrokerError(ErrorCode.PRODUCER_FENCED)


def _rotated(
    shard: TransactionShard,
    transaction: Transaction,
    timeout_ms: int,
    expected: ProducerIdentity | None,
    producer_id: int,
    now_ms: int,
) -> Decision[Initialized]:
    last_epoch = NO_EPOCH if expected is None else transaction.producer_epoch
    return _initialized(shard, transaction, timeout_ms, producer_id, 0, last_epoch, now_ms)


def _initialized(
    shard: TransactionShard,
    transaction: Transaction,
    timeout_ms: int,
    producer_id: int,
    epoch: int,
    last_epoch: int,
    now_ms: int,
) -> Decision[Initialized]:
    after = transaction.to(
        State.EMPTY,
        now_ms,
        producer_id=producer_id,
        producer_epoch=epoch,
        next_producer_id=NO_PRODUCER_ID,
        timeout_ms=timeout_ms,
        partitions=frozenset(),
        start_ms=NO_TIME,
    )

    def committed(_now_ms: int) -> None:
        shard.last_epochs[transaction.transactional_id] = last_epoch

    return Decision(Initialized(ErrorCode.NONE, producer_id, epoch), [after.record()], committed=committed)
