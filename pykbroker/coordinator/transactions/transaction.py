"""One transactional id: the producer that may use it, and the transaction that it is in.

A value: a transition makes a new one, which becomes a record, which `replay` puts in the place of the old one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Any

from pykbroker.coordinator.decision import StateRecord
from wire.state_records import TransactionLogKey, TransactionLogValue

NO_PRODUCER_ID = NO_EPOCH = NO_TIME = -1
# The last epoch that a client may use; one more is kept for fencing it.
LAST_EPOCH = 32766
TRANSACTION_V1, TRANSACTION_V2 = 0, 2  # the former is written as 0, by which Kafka means all before version 2

Place = tuple[str, int]  # topic, partition


class State(IntEnum):
    """As in the records."""

    EMPTY = 0
    ONGOING = 1
    PREPARE_COMMIT = 2
    PREPARE_ABORT = 3
    COMPLETE_COMMIT = 4
    COMPLETE_ABORT = 5

    @property
    def title(self) -> str:
        """As Kafka's tools show it: "PrepareCommit"."""
        return self.name.title().replace("_", "")


# Names that Kafka knows too, of states that are never at rest.
TRANSIENT_TITLES = frozenset(("Dead", "PrepareEpochFence"))
BY_TITLE = {state.title: state for state in State}

PREPARED = frozenset((State.PREPARE_COMMIT, State.PREPARE_ABORT))
COMPLETED = frozenset((State.COMPLETE_COMMIT, State.COMPLETE_ABORT))


@dataclass(frozen=True, slots=True)
class Transaction:
    transactional_id: str
    producer_id: int
    producer_epoch: int
    timeout_ms: int
    state: State = State.EMPTY
    partitions: frozenset[Place] = frozenset()
    start_ms: int = NO_TIME
    last_update_ms: int = NO_TIME
    previous_producer_id: int = NO_PRODUCER_ID  # before the last step; mostly the same
    next_producer_id: int = NO_PRODUCER_ID  # takes over with epoch 0 after one that used the last epoch
    client_version: int = TRANSACTION_V1

    @property
    def is_epoch_exhausted(self) -> bool:
        return self.producer_epoch >= LAST_EPOCH

    @property
    def is_v2(self) -> bool:
        return self.client_version >= TRANSACTION_V2

    def to(self, state: State, now_ms: int, **changes: Any) -> Transaction:
        """In another state, or as it was, with changes."""
        return replace(self, state=state, last_update_ms=now_ms, previous_producer_id=self.producer_id, **changes)

    def record(self) -> StateRecord:
        partitions = None if self.state is State.EMPTY else _by_topic(self.partitions)
        return TransactionLogKey(transactional_id=self.transactional_id), TransactionLogValue(
            producer_id=self.producer_id,
            producer_epoch=self.producer_epoch,
            transaction_timeout_ms=self.timeout_ms,
            transaction_status=self.state,
            transaction_partitions=partitions,
            transaction_last_update_timestamp_ms=self.last_update_ms,
            transaction_start_timestamp_ms=self.start_ms,
            previous_producer_id=self.previous_producer_id,
            next_producer_id=self.next_producer_id,
            client_transaction_version=self.client_version,
        )

    @classmethod
    def of(cls, transactional_id: str, value: TransactionLogValue) -> Transaction:
        """Raises ValueError for a state that is not known, or should never have been written."""
        return cls(
            transactional_id=transactional_id,
            producer_id=value.producer_id,
            producer_epoch=value.producer_epoch,
            timeout_ms=value.transaction_timeout_ms,
            state=State(value.transaction_status),
            partitions=frozenset(
                (topic.topic, index) for topic in value.transaction_partitions or () for index in topic.partition_ids
            ),
            start_ms=value.transaction_start_timestamp_ms,
            last_update_ms=value.transaction_last_update_timestamp_ms,
            previous_producer_id=value.previous_producer_id,
            next_producer_id=value.next_producer_id,
            client_version=value.client_transaction_version,
        )


def tombstone(transactional_id: str) -> StateRecord:
    return TransactionLogKey(transactional_id=transactional_id), None


def indexes_by_topic(partitions: Iterable[Place]) -> dict[str, list[int]]:
    by_topic: dict[str, list[int]] = {}
    for topic, index in sorted(partitions):
        by_topic.setdefault(topic, []).append(index)
    return by_topic


def _by_topic(partitions: Iterable[Place]) -> list[TransactionLogValue.PartitionsSchema]:
    return [
        TransactionLogValue.PartitionsSchema(topic=topic, partition_ids=indexes)
        for topic, indexes in indexes_by_topic(partitions).items()
    ]
