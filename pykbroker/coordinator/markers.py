"""Transaction markers: the control batches that end a transaction in one partition.

In a partition of `__consumer_offsets` a marker also decides the offsets that the transaction committed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from pykbroker.coordinator.group_coordinator import OFFSETS_TOPIC
from pykbroker.errors import BrokerError
from pykbroker.partition import Partition
from wire.control_records import EndTxnMarker
from wire.errors import ErrorCode
from wire.record_batch import RecordBatch

if TYPE_CHECKING:
    from pykbroker.coordinator.group_coordinator import GroupCoordinator
    from pykbroker.replica_manager import ReplicaManager


class Marker(NamedTuple):
    producer_id: int
    producer_epoch: int
    committed: bool
    coordinator_epoch: int
    # Of version 2 (KIP-890) has the epoch after the one that the transaction was written with.
    is_v2: bool = False


class MarkerWriter:
    def __init__(self, *, replicas: ReplicaManager, groups: GroupCoordinator, clock_ms: Callable[[], int]) -> None:
        self._replicas = replicas
        self._groups = groups
        self._clock_ms = clock_ms

    def write(self, topic: str, index: int, marker: Marker) -> tuple[Partition, int]:
        """The partition, and the offset up to which it is to be committed. Raises BrokerError."""
        partition = self._replicas.leader(topic, index)
        now_ms = self._clock_ms()
        data = EndTxnMarker(marker.committed, marker.coordinator_epoch).batch(
            producer_id=marker.producer_id, producer_epoch=marker.producer_epoch, timestamp_ms=now_ms
        )
        batch = RecordBatch(memoryview(bytearray(data)))
        if marker.is_v2 and partition.has_ongoing_transaction(marker.producer_id, marker.producer_epoch):
            raise BrokerError(ErrorCode.INVALID_PRODUCER_EPOCH)
        appended = partition.append_as_leader([batch], now_ms=now_ms, from_client=False, acks_all=True)
        partition.forget_replicated_transactions()
        partition.wake_waiters()  # readers of committed records may have more to read than these few bytes
        if topic == OFFSETS_TOPIC:
            self._groups.end_transaction(index, marker.producer_id, committed=marker.committed)
        return partition, appended.next_offset
