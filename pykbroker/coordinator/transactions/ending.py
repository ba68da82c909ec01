"""EndTxn: a transaction is decided, its markers are written, it is completed. And those that nobody ended in time.

    ONGOING -> PREPARE_COMMIT -> COMPLETE_COMMIT
    ONGOING -> PREPARE_ABORT  -> COMPLETE_ABORT

What is prepared is decided for good. The client hears of it then, whether or not all markers are written.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple, TypeVar

from pykbroker.coordinator.decision import Decision
from pykbroker.coordinator.transactions.shard import TransactionShard
from pykbroker.coordinator.transactions.transaction import (
    COMPLETED,
    LAST_EPOCH,
    NO_PRODUCER_ID,
    PREPARED,
    TRANSACTION_V2,
    State,
    Transaction,
)
from pykbroker.errors import BrokerError
from wire.errors import ErrorCode

R = TypeVar("R")


class Ended(NamedTuple):
    """What the producer is to go on with: in version 2 the next epoch, or the next producer id."""

    producer_id: int
    epoch: int


def end(
    shard: TransactionShard,
    transactional_id: str,
    producer_id: int,
    producer_epoch: int,
    *,
    commit: bool,
    client_version: int,
    new_producer_id: Callable[[], int],
    now_ms: int,
) -> Decision[Ended]:
    """Raises BrokerError."""
    if transactional_id == "":
        raise BrokerError(ErrorCode.INVALID_REQUEST)
    transaction = shard.transactions.get(transactional_id)
    if transaction is None:
        raise BrokerError(ErrorCode.INVALID_PRODUCER_ID_MAPPING)
    is_v2 = client_version >= TRANSACTION_V2
    bumped = is_v2 and transaction.producer_epoch == producer_epoch + 1
    overflowed = is_v2 and _has_overflowed(transaction, producer_id, producer_epoch)
    if transaction.producer_id != producer_id and not overflowed:
        raise BrokerError(ErrorCode.INVALID_PRODUCER_ID_MAPPING)
    is_current = producer_epoch == transaction.producer_epoch
    if not _is_valid_epoch(transaction, is_v2=is_v2, is_current=is_current, is_again=bumped or overflowed):
        raise BrokerError(ErrorCode.PRODUCER_FENCED)
    if _is_ended_so(transaction, commit=commit, is_again=not is_v2 or bumped or overflowed):
        return Decision(Ended(transaction.producer_id, transaction.producer_epoch))
    # In version 2 a producer that is not sure whether it wrote anything may abort.
    can_abort_nothing = is_v2 and is_current and not commit
    if transaction.state is not State.ONGOING and not can_abort_nothing:
        raise BrokerError(ErrorCode.INVALID_TXN_STATE)
    after = _prepared(transaction, commit, client_version, new_producer_id, now_ms)
    told = Ended(after.producer_id, after.producer_epoch)
    if after.next_producer_id != NO_PRODUCER_ID:
        told = Ended(after.next_producer_id, 0)
    return Decision(told, [after.record()], committed=lambda _: _note_bump(shard, transaction, after))


def _note_bump(shard: TransactionShard, before: Transaction, after: Transaction) -> None:
    if after.producer_epoch != before.producer_epoch:
        shard.last_epochs[before.transactional_id] = before.producer_epoch


def _has_overflowed(transaction: Transaction, producer_id: int, producer_epoch: int) -> bool:
    """Whether this is a producer that used up its epochs, and did not hear which id it has now."""
    return (
        transaction.previous_producer_id == producer_id
        and producer_epoch == LAST_EPOCH
        and transaction.producer_epoch == 0
    )


def _is_valid_epoch(transaction: Transaction, *, is_v2: bool, is_current: bool, is_again: bool) -> bool:
    """In version 2 the epoch is that of the next transaction as soon as this one is decided."""
    if not is_v2 or transaction.state not in PREPARED | COMPLETED:
        return is_current
    return is_again or (is_current and transaction.state in COMPLETED)


def _is_ended_so(transaction: Transaction, *, commit: bool, is_again: bool) -> bool:
    """Whether this was asked before and is done. Raises BrokerError where it is under way, or was decided otherwise."""
    state = transaction.state
    if state in PREPARED:
        if commit != (state is State.PREPARE_COMMIT):
            raise BrokerError(ErrorCode.INVALID_TXN_STATE)
        raise BrokerError(ErrorCode.CONCURRENT_TRANSACTIONS)
    return is_again and state in COMPLETED and commit == (state is State.COMPLETE_COMMIT)


def _prepared(
    transaction: Transaction, commit: bool, client_version: int, new_producer_id: Callable[[], int], now_ms: int
) -> Transaction:
    after = transaction.to(
        State.PREPARE_COMMIT if commit else State.PREPARE_ABORT,
        now_ms,
        client_version=client_version,
        start_ms=transaction.start_ms if transaction.state is State.ONGOING else now_ms,
        next_producer_id=NO_PRODUCER_ID,
    )
    if client_version < TRANSACTION_V2:
        return after
    next_producer_id = new_producer_id() if transaction.is_epoch_exhausted else NO_PRODUCER_ID
    return after.to(
        after.state, now_ms, producer_epoch=transaction.producer_epoch + 1, next_producer_id=next_producer_id
    )


def fence(shard: TransactionShard, transactions: Sequence[Transaction], response: R, now_ms: int) -> Decision[R]:
    """Abort them, whatever their producers think, and have those be fenced until they initialize anew."""
    fenced = [
        each.to(State.PREPARE_ABORT, now_ms, producer_epoch=each.producer_epoch + 1, client_version=TRANSACTION_V2)
        for each in transactions
    ]

    def committed(_now_ms: int) -> None:
        for before, after in zip(transactions, fenced, strict=True):
            _note_bump(shard, before, after)

    return Decision(response, [each.record() for each in fenced], committed=committed)


def complete(shard: TransactionShard, transactional_id: str, now_ms: int) -> Decision[None]:
    """All markers are written."""
    transaction = shard.transactions.get(transactional_id)
    if transaction is None or transaction.state not in PREPARED:
        return Decision(None)
    is_commit = transaction.state is State.PREPARE_COMMIT
    after = transaction.to(
        State.COMPLETE_COMMIT if is_commit else State.COMPLETE_ABORT,
        now_ms,
        partitions=frozenset(),
        next_producer_id=NO_PRODUCER_ID,
    )
    if transaction.next_producer_id != NO_PRODUCER_ID:
        after = after.to(after.state, now_ms, producer_id=transaction.next_producer_id, producer_epoch=0)
    return Decision(None, [after.record()])


def schedule_timeouts(shard: TransactionShard, now_ms: int) -> None:
    deadline_ms = now_ms + shard.config.abort_interval_ms
    shard.timers.schedule("timeouts", deadline_ms, partial(_abort_timed_out, shard))


def _abort_timed_out(shard: TransactionShard, now_ms: int) -> Decision[None]:
    schedule_timeouts(shard, now_ms)
    late = [
        each
        for each in shard.transactions.values()
        if each.state is State.ONGOING and each.start_ms + each.timeout_ms < now_ms
    ]
    return fence(shard, late, None, now_ms)
