"""A shard with a log of its own, in memory: what the runtime does, at once and with the test's clock."""

from __future__ import annotations

from typing import TypeVar

from pykbroker.coordinator.decision import Decision, Pending
from pykbroker.coordinator.transactions import adding, ending, initializing
from pykbroker.coordinator.transactions.config import TransactionConfig
from pykbroker.coordinator.transactions.ending import Ended
from pykbroker.coordinator.transactions.expiry import schedule_expiry
from pykbroker.coordinator.transactions.initializing import Initialized, ProducerIdentity
from pykbroker.coordinator.transactions.shard import TransactionShard
from pykbroker.coordinator.transactions.transaction import TRANSACTION_V1, TRANSACTION_V2, Place, Transaction
from pykbroker.errors import BrokerError
from wire.errors import ErrorCode
from wire.state_records import TRANSACTION_RECORDS, decode_key, decode_value, encode_key, encode_value

START_MS = 1_700_000_000_000
TIMEOUT_MS = 60_000

R = TypeVar("R")


class OneShard:
    """Requests are methods, an error is its code; `complete` is that all markers are written."""

    def __init__(self, config: TransactionConfig | None = None) -> None:
        self.config = config or TransactionConfig()
        self.now_ms = START_MS
        self.log: list[tuple[bytes, bytes | None]] = []
        self.next_producer_id = 0
        self.shard = TransactionShard(self.config)
        self.restart()

    def restart(self) -> None:
        self.shard = self.replayed()
        ending.schedule_timeouts(self.shard, self.now_ms)
        schedule_expiry(self.shard, self.now_ms)

    def replayed(self) -> TransactionShard:
        """A new shard, of what is in the log."""
        shard = TransactionShard(self.config)
        for offset, (key_bytes, value_bytes) in enumerate(self.log):
            key = decode_key(key_bytes, TRANSACTION_RECORDS)
            assert key is not None
            value = None if value_bytes is None else decode_value(type(key), value_bytes)
            shard.replay(key, value, record_offset=offset)
        shard.finish_loading()
        return shard

    def do(self, decision: Decision[R]) -> R:
        """Carry out a decision as the runtime does."""
        for key, value in decision.records:
            self.log.append((encode_key(key), None if value is None else encode_value(value)))
            self.shard.replay(key, value, record_offset=len(self.log) - 1)
        if decision.committed is not None:
            decision.committed(self.now_ms)
        assert not isinstance(decision.response, Pending)
        return decision.response

    def pass_time(self, duration_ms: int) -> None:
        """Let time go by, from deadline to deadline."""
        end_ms = self.now_ms + duration_ms
        while (deadline_ms := self.shard.timers.next_deadline_ms) is not None and deadline_ms <= end_ms:
            self.now_ms = max(self.now_ms, deadline_ms)
            for decision in self.shard.timers.due(self.now_ms):
                self.do(decision)
        self.now_ms = end_ms

    def take_producer_id(self) -> int:
        self.next_producer_id += 1
        return self.next_producer_id

    def of(self, transactional_id: str = "x") -> Transaction:
        return self.shard.transactions[transactional_id]

    # --- requests

    def initialize(
        self, transactional_id: str = "x", *, had: tuple[int, int] | None = None, timeout_ms: int = TIMEOUT_MS
    ) -> Initialized:
        try:
            return self.do(
                initializing.initialize(
                    self.shard,
                    transactional_id,
                    timeout_ms=timeout_ms,
                    expected=None if had is None else ProducerIdentity(*had),
                    new_producer_id=self.take_producer_id,
                    now_ms=self.now_ms,
                )
            )
        except BrokerError as error:
            return Initialized(error.code)

    def started(self, transactional_id: str = "x") -> tuple[int, int]:
        """The producer id and epoch of a new producer."""
        told = self.initialize(transactional_id)
        assert told.error_code == ErrorCode.NONE
        return told.producer_id, told.epoch

    def add(
        self, producer: tuple[int, int], *places: Place, transactional_id: str = "x", v2: bool = False
    ) -> ErrorCode:
        try:
            self.do(
                adding.add(
                    self.shard,
                    transactional_id,
                    *producer,
                    places or [("t", 0)],
                    client_version=TRANSACTION_V2 if v2 else TRANSACTION_V1,
                    now_ms=self.now_ms,
                )
            )
        except BrokerError as error:
            return error.code
        return ErrorCode.NONE

    def end(
        self, producer: tuple[int, int], *, commit: bool = True, transactional_id: str = "x", v2: bool = False
    ) -> ErrorCode | Ended:
        try:
            return self.do(
                ending.end(
                    self.shard,
                    transactional_id,
                    *producer,
                    commit=commit,
                    client_version=TRANSACTION_V2 if v2 else TRANSACTION_V1,
                    new_producer_id=self.take_producer_id,
                    now_ms=self.now_ms,
                )
            )
        except BrokerError as error:
            return error.code

    def complete(self, transactional_id: str = "x") -> None:
        self.do(ending.complete(self.shard, transactional_id, self.now_ms))
