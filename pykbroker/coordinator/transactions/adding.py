"""What a transaction writes to: AddPartitionsToTxn, AddOffsetsToTxn, and whether a write belongs to it (KIP-890)."""

from __future__ import annotations

from collections.abc import Iterable

from pykbroker.coordinator.decision import Decision
from pykbroker.coordinator.transactions.shard import TransactionShard
from pykbroker.coordinator.transactions.transaction import PREPARED, Place, State, Transaction
from pykbroker.errors import BrokerError
from wire.errors import ErrorCode


def add(
    shard: TransactionShard,
    transactional_id: str,
    producer_id: int,
    producer_epoch: int,
    partitions: Iterable[Place],
    *,
    client_version: int,
    now_ms: int,
) -> Decision[None]:
    """The partitions are of the transaction from now on, which this may begin. Raises BrokerError."""
    transaction = _open(shard, transactional_id, producer_id, producer_epoch)
    is_ongoing = transaction.state is State.ONGOING
    added = frozenset(partitions)
    if is_ongoing and added <= transaction.partitions:
        return Decision(None)
    after = transaction.to(
        State.ONGOING,
        now_ms,
        partitions=transaction.partitions | added,
        start_ms=transaction.start_ms if is_ongoing else now_ms,
        client_version=client_version,
    )
    return Decision(None, [after.record()])


def verify(
    shard: TransactionShard, transactional_id: str, producer_id: int, producer_epoch: int, partitions: Iterable[Place]
) -> dict[Place, ErrorCode]:
    """Of each partition whether it is in the transaction. Raises BrokerError where that does not even arise."""
    transaction = _open(shard, transactional_id, producer_id, producer_epoch)
    return {
        place: ErrorCode.NONE if place in transaction.partitions else ErrorCode.TRANSACTION_ABORTABLE
        for place in partitions
    }


def _open(shard: TransactionShard, transactional_id: str, producer_id: int, producer_epoch: int) -> Transaction:
    transaction = shard.of_producer(transactional_id, producer_id)
    if transaction.producer_epoch != producer_epoch:
        raise BrokerError(ErrorCode.PRODUCER_FENCED)
    if transaction.state in PREPARED:
        raise BrokerError(ErrorCode.CONCURRENT_TRANSACTIONS)
    return transaction
