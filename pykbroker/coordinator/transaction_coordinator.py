"""The transaction coordinator: transactional ids, in `__transaction_state`, and the markers that end transactions.

A transaction that is prepared gets its markers at once, in the same breath as its client is answered; where one cannot
be written yet (a disk that is full, a leader that moved), it is tried again until it can. All of them written, it is
completed. A restart takes up what it finds prepared.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from pykbroker.coordinator.decision import Decision, Pending
from pykbroker.coordinator.markers import Marker, MarkerWriter
from pykbroker.coordinator.runtime import Coordinator, Led, StateLog
from pykbroker.coordinator.transactions import adding, ending, initializing
from pykbroker.coordinator.transactions.config import TransactionConfig
from pykbroker.coordinator.transactions.ending import Ended
from pykbroker.coordinator.transactions.expiry import schedule_expiry
from pykbroker.coordinator.transactions.initializing import Initialized, ProducerIdentity
from pykbroker.coordinator.transactions.shard import TransactionShard
from pykbroker.coordinator.transactions.transaction import PREPARED, Place, State, Transaction
from pykbroker.errors import BrokerError
from pykbroker.partition import Partition
from wire.errors import ErrorCode
from wire.state_records import TRANSACTION_RECORDS, TransactionLogKey, TransactionLogValue

if TYPE_CHECKING:
    from pykbroker.config.settings import Settings
    from pykbroker.controller import Controller
    from pykbroker.producer_ids import ProducerIds
    from pykbroker.replica_manager import ReplicaManager

log = logging.getLogger(__name__)

TRANSACTIONS_TOPIC = "__transaction_state"
COMMIT_TIMEOUT_MS = 5_000
MARKER_RETRY_MS = 100

# Another coordinator, or a newer producer, has ended the transaction there. As Kafka does, we leave it at that.
_FENCED = (ErrorCode.INVALID_PRODUCER_EPOCH, ErrorCode.TRANSACTION_COORDINATOR_FENCED)

R = TypeVar("R")


class TransactionCoordinator(Coordinator[TransactionShard]):
    def __init__(
        self,
        *,
        settings: Settings,
        controller: Controller,
        replicas: ReplicaManager,
        producer_ids: ProducerIds,
        markers: MarkerWriter,
        clock_ms: Callable[[], int],
    ) -> None:
        self.config = config = TransactionConfig.of(settings)
        self._producer_ids = producer_ids
        self._markers = markers
        state_log = StateLog(
            TRANSACTIONS_TOPIC,
            partition_count_setting="transaction.state.log.num.partitions",
            record_types=TRANSACTION_RECORDS,
            commit_timeout_ms=COMMIT_TIMEOUT_MS,
        )
        super().__init__(
            state_log,
            lambda: TransactionShard(config),
            settings=settings,
            controller=controller,
            replicas=replicas,
            clock_ms=clock_ms,
        )

    # --- requests

    async def initialize(
        self, transactional_id: str, *, timeout_ms: int, expected: ProducerIdentity | None
    ) -> Initialized:
        """Raises BrokerError."""
        if not 0 < timeout_ms <= self.config.max_timeout_ms:
            raise BrokerError(ErrorCode.INVALID_TRANSACTION_TIMEOUT)

        def decide(shard: TransactionShard, now_ms: int) -> Decision[Initialized]:
            return initializing.initialize(
                shard,
                transactional_id,
                timeout_ms=timeout_ms,
                expected=expected,
                new_producer_id=self._producer_ids.take_reserved,
                now_ms=now_ms,
            )

        await self._producer_ids.reserve()
        return await _awaited(self.write(transactional_id, decide))

    def add(
        self, transactional_id: str, producer_id: int, producer_epoch: int, partitions: Iterable[Place], *, version: int
    ) -> Awaitable[None] | None:
        """Raises BrokerError."""
        return self.write(
            transactional_id,
            lambda shard, now_ms: adding.add(
                shard,
                transactional_id,
                producer_id,
                producer_epoch,
                partitions,
                client_version=version,
                now_ms=now_ms,
            ),
        )

    def verify(
        self, transactional_id: str, producer_id: int, producer_epoch: int, partitions: Iterable[Place]
    ) -> dict[Place, ErrorCode] | Awaitable[dict[Place, ErrorCode]]:
        """Raises BrokerError."""
        return self.read(
            transactional_id,
            lambda shard: adding.verify(shard, transactional_id, producer_id, producer_epoch, partitions),
        )

    async def end(
        self, transactional_id: str, producer_id: int, producer_epoch: int, *, commit: bool, version: int
    ) -> Ended:
        """Raises BrokerError."""

        def decide(shard: TransactionShard, now_ms: int) -> Decision[Ended]:
            return ending.end(
                shard,
                transactional_id,
                producer_id,
                producer_epoch,
                commit=commit,
                client_version=version,
                new_producer_id=self._producer_ids.take_reserved,
                now_ms=now_ms,
            )

        await self._producer_ids.reserve()
        return await _awaited(self.write(transactional_id, decide))

    # --- life

    def _started(self, led: Led[TransactionShard], now_ms: int) -> None:
        ending.schedule_timeouts(led.shard, now_ms)
        schedule_expiry(led.shard, now_ms)
        for transactional_id in led.shard.prepared():
            self._write_markers(led, transactional_id)

    def _committed(self, led: Led[TransactionShard], decision: Decision[R], told: Pending[R]) -> None:
        super()._committed(led, decision, told)
        for key, value in decision.records:
            if (
                isinstance(key, TransactionLogKey)
                and isinstance(value, TransactionLogValue)
                and value.transaction_status in PREPARED
            ):
                self._write_markers(led, key.transactional_id)

    # --- markers

    def _write_markers(self, led: Led[TransactionShard], transactional_id: str) -> None:
        """Write those of a prepared transaction, and have it completed, or try again later."""
        transaction = led.shard.transactions.get(transactional_id)
        if transaction is None or transaction.state not in PREPARED:
            return
        marker = Marker(
            transaction.producer_id,
            transaction.producer_epoch,
            committed=transaction.state is State.PREPARE_COMMIT,
            coordinator_epoch=led.partition.leader_epoch,
            is_v2=transaction.is_v2,
        )
        written: list[tuple[Partition, int]] = []
        try:
            for topic, index in sorted(transaction.partitions):
                self._write_marker(topic, index, marker, written)
        except BrokerError as error:
            self._markers_failed(led, transaction, error)
            return
        if all(partition.high_watermark >= next_offset for partition, next_offset in written):
            self._submit(led, ending.complete(led.shard, transactional_id, self._now_ms()))
        else:
            assert self._nursery is not None
            self._nursery.start_soon(self._await_markers, led, transaction, written)

    def _write_marker(self, topic: str, index: int, marker: Marker, written: list[tuple[Partition, int]]) -> None:
        if self._controller.image.partition(topic, index) is None:
            return  # it was deleted, and with it what the transaction wrote there
        written.append(self._markers.write(topic, index, marker))

    async def _await_markers(
        self, led: Led[TransactionShard], transaction: Transaction, written: list[tuple[Partition, int]]
    ) -> None:
        try:
            for partition, next_offset in written:
                await partition.wait_committed(next_offset, timeout_ms=COMMIT_TIMEOUT_MS)
        except BrokerError as error:
            self._markers_failed(led, transaction, error)
        else:
            self._submit(led, ending.complete(led.shard, transaction.transactional_id, self._now_ms()))

    def _markers_failed(self, led: Led[TransactionShard], transaction: Transaction, error: BrokerError) -> None:
        fields = {"transactional_id": transaction.transactional_id, "error": error.code.name, "why": error.message}
        log.warning("a transaction marker could not be written", extra={"fields": fields})
        if error.code in _FENCED:
            return
        again = partial(self._again, led, transaction.transactional_id)
        led.shard.timers.schedule(("markers", transaction.transactional_id), self._now_ms() + MARKER_RETRY_MS, again)
        self._look_at_timers(led)

    def _again(self, led: Led[TransactionShard], transactional_id: str, _now_ms: int) -> Decision[None]:
        return Decision(None, committed=lambda _: self._write_markers(led, transactional_id))


async def _awaited(answer: R | Awaitable[R]) -> R:
    return await answer if isinstance(answer, Awaitable) else answer
