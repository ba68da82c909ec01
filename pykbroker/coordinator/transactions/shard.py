"""The transactional ids of one partition of `__transaction_state`.

Invariants
  `transactions` is changed by `replay` alone, so replaying the partition's log into a new shard gives it.
  `last_epochs` is in memory alone, as in Kafka: what is lost with it makes a client start anew.
"""

from __future__ import annotations

from typing import Any

from pykbroker.coordinator.decision import Decision
from pykbroker.coordinator.timers import Timers
from pykbroker.coordinator.transactions.config import TransactionConfig
from pykbroker.coordinator.transactions.transaction import NO_PRODUCER_ID, PREPARED, Transaction
from pykbroker.errors import BrokerError
from wire.errors import ErrorCode, ProtocolError
from wire.state_records import StateKey, TransactionLogKey, TransactionLogValue


class TransactionShard:
    def __init__(self, config: TransactionConfig) -> None:
        self.config = config
        self.transactions: dict[str, Transaction] = {}
        # The epoch that was bumped last, and not for another producer: whoever names it has not heard of that, because
        # an answer was lost (KIP-360), or because the transaction took too long and was aborted (KIP-588).
        self.last_epochs: dict[str, int] = {}
        self.timers: Timers[Decision[None]] = Timers()
        self.is_loaded = False

    @property
    def size(self) -> int:
        return len(self.transactions)

    def replay(
        self,
        key: StateKey[Any],
        value: object,
        *,
        record_offset: int,  # noqa: ARG002 - as the runtime says it to every shard
        producer_id: int = NO_PRODUCER_ID,  # noqa: ARG002 - as above
    ) -> None:
        """Take up one record of the log: newly written, or found there at the start."""
        if not isinstance(key, TransactionLogKey):
            return
        transactional_id = key.transactional_id
        if value is None:
            self.transactions.pop(transactional_id, None)
            self.last_epochs.pop(transactional_id, None)
            return
        assert isinstance(value, TransactionLogValue)
        try:
            self.transactions[transactional_id] = Transaction.of(transactional_id, value)
        except ValueError as error:
            raise ProtocolError(str(error)) from error

    def replay_end_transaction(self, producer_id: int, *, committed: bool) -> None:
        """Nobody writes to this topic in a transaction."""

    def finish_loading(self) -> None:
        self.is_loaded = True

    def prepared(self) -> list[str]:
        """The transactions that are decided, but not completed."""
        return [each.transactional_id for each in self.transactions.values() if each.state in PREPARED]

    def of_producer(self, transactional_id: str, producer_id: int) -> Transaction:
        """Raises BrokerError unless that producer has the transactional id."""
        if transactional_id == "":
            raise BrokerError(ErrorCode.INVALID_REQUEST)
        transaction = self.transactions.get(transactional_id)
        if transaction is None or transaction.producer_id != producer_id:
            raise BrokerError(ErrorCode.INVALID_PRODUCER_ID_MAPPING)
        return transaction
