"""What a partition remembers of the producers that number their batches: idempotence, and transactions in progress.

For each producer id: its epoch, its last five batches (a batch that comes again is answered with its first offset), and
where its open transaction began. Ongoing transactions bound the last stable offset, which readers of committed
records must not pass.

Invariants
  Equal to what the log's batches up to `next_offset` say, except for producers that expired.
  A snapshot file holds the state at the offset in its name; a damaged one is as good as none.

Not here: who may write in a transaction, and when one is over; the transaction coordinator says so with a marker.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from struct import Struct
from typing import NamedTuple

from storage.batch_scan import BatchHeader
from storage.errors import (
    CoordinatorFenced,
    CorruptRecord,
    InvalidProducerEpoch,
    InvalidRecord,
    InvalidTransactionState,
    OutOfOrderSequence,
)
from storage.txn_index import AbortedTransaction
from wire.control_records import EndTxnMarker
from wire.errors import ProtocolError
from wire.record_batch import MAX_SEQUENCE, RecordBatch

SUFFIX = ".snapshot"
REMEMBERED_BATCHES = 5
NO_OFFSET = -1
NO_EPOCH = -1

_HEAD = Struct(">hIi")  # version, CRC of what follows it, number of entries
_ENTRY = Struct(">qhiqiqiq")
_VERSION = 1
_CRC_END = 6


def _crc32c(data: bytes | memoryview) -> int:
    from crc32c import crc32c  # 9 ms of import that a broker's start need not pay

    checksum: int = crc32c(data)
    return checksum


@dataclass(frozen=True, slots=True)
class BatchSpan:
    """Where one of a producer's batches went."""

    last_sequence: int
    last_offset: int
    offset_delta: int
    timestamp_ms: int

    @property
    def first_sequence(self) -> int:
        return (self.last_sequence - self.offset_delta) & MAX_SEQUENCE

    @property
    def first_offset(self) -> int:
        return self.last_offset - self.offset_delta


class Producer:
    """One producer id's state in one partition."""

    __slots__ = ("batches", "coordinator_epoch", "epoch", "last_timestamp_ms", "producer_id", "transaction_offset")

    def __init__(self, producer_id: int) -> None:
        self.producer_id = producer_id
        self.epoch = NO_EPOCH
        self.coordinator_epoch = NO_EPOCH
        self.last_timestamp_ms = -1
        self.transaction_offset = NO_OFFSET  # where its ongoing transaction began
        self.batches: deque[BatchSpan] = deque(maxlen=REMEMBERED_BATCHES)

    @property
    def last_sequence(self) -> int:
        return self.batches[-1].last_sequence if self.batches else -1

    def check_sequence(self, batch: RecordBatch) -> None:
        first = batch.base_sequence
        if batch.producer_epoch != self.epoch:
            if first != 0 and self.epoch != NO_EPOCH:
                raise OutOfOrderSequence(
                    f"producer {self.producer_id} begins epoch {batch.producer_epoch} with sequence number {first}"
                )
        elif first != (self.last_sequence + 1) & MAX_SEQUENCE:
            raise OutOfOrderSequence(
                f"producer {self.producer_id} sent sequence number {first} after {self.last_sequence}"
            )

    def find_duplicate(self, batch: RecordBatch) -> BatchSpan | None:
        if batch.producer_epoch == self.epoch:
            last_sequence, offset_delta = batch.last_sequence, batch.last_offset_delta
            for span in self.batches:
                if span.last_sequence == last_sequence and span.offset_delta == offset_delta:
                    return span
        return None


class Beginning(NamedTuple):
    """The lowest sequence number of those that asked to begin a transaction, in the latest epoch."""

    epoch: int
    sequence: int
    asked_ms: int


class LastBatch(NamedTuple):
    """What a producer wrote last; the offset is None if that was a marker, or nothing is known."""

    offset: int | None
    epoch: int


@dataclass(frozen=True, slots=True)
class CompletedTransaction:
    """A transaction whose end marker is in the log."""

    producer_id: int
    first_offset: int
    marker_offset: int
    committed: bool


class ProducerState:
    def __init__(self, next_offset: int = 0) -> None:
        self.next_offset = next_offset
        self.by_id: dict[int, Producer] = {}
        self._ongoing: dict[int, int] = {}  # first offset of a transaction -> producer id, in order of offset
        self.completed: list[CompletedTransaction] = []  # their markers may not be replicated yet
        # By producer id. If one is refused for now, what was sent after it must not come before it (KIP-890).
        self._beginnings: dict[int, Beginning] = {}

    # What a leader asks before it writes

    def expect_beginning(self, batch: RecordBatch, now_ms: int) -> None:
        """A transaction may begin here with this batch, once somebody else has said so."""
        found = self._beginnings.get(batch.producer_id)
        if found is None or batch.producer_epoch > found.epoch:
            self._beginnings[batch.producer_id] = Beginning(batch.producer_epoch, batch.base_sequence, now_ms)
        elif batch.producer_epoch == found.epoch and batch.base_sequence < found.sequence:
            self._beginnings[batch.producer_id] = found._replace(sequence=batch.base_sequence)

    def check(self, batch: RecordBatch, *, from_client: bool) -> BatchSpan | None:
        """Raise if the batch may not follow; the span of the first one if this is its repetition."""
        producer = self.by_id.get(batch.producer_id)
        if from_client and producer is not None:
            duplicate = producer.find_duplicate(batch)
            if duplicate:
                return duplicate
        if from_client and batch.producer_id in self._beginnings:
            self._check_beginning(batch)
        if producer is None:  # never seen, expired, or its records are gone: any sequence number begins it
            return None
        if batch.producer_epoch < producer.epoch:
            raise InvalidProducerEpoch(
                f"producer {batch.producer_id} has epoch {batch.producer_epoch}, epoch {producer.epoch} was seen"
            )
        if batch.is_control:
            self._check_coordinator(producer, batch)
            return None
        if from_client:
            producer.check_sequence(batch)
        if producer.transaction_offset != NO_OFFSET and not batch.is_transactional:
            raise InvalidTransactionState(f"producer {batch.producer_id} has a transaction open")
        return None

    def _check_beginning(self, batch: RecordBatch) -> None:
        expected = self._beginnings[batch.producer_id]
        if batch.producer_epoch == expected.epoch and batch.base_sequence > expected.sequence:
            raise OutOfOrderSequence(
                f"producer {batch.producer_id} sent sequence number {batch.base_sequence} before {expected.sequence}"
            )

    def _check_coordinator(self, producer: Producer, batch: RecordBatch) -> None:
        marker = end_marker(batch)
        if marker and marker.coordinator_epoch < producer.coordinator_epoch:
            raise CoordinatorFenced(
                f"coordinator epoch {marker.coordinator_epoch} is older than {producer.coordinator_epoch}"
            )

    # What the log says

    def update(self, batch: RecordBatch | BatchHeader, marker: EndTxnMarker | None = None) -> AbortedTransaction | None:
        """Take in a batch that is in the log now; `marker` is what a control batch contains.

        If it aborts a transaction that has records here, that is returned, for the transaction index.
        """
        last_offset = batch.last_offset
        self.next_offset = last_offset + 1
        producer_id = batch.producer_id
        if producer_id < 0:
            return None
        producer = self.by_id.get(producer_id)
        if producer is None:
            producer = self.by_id[producer_id] = Producer(producer_id)
        if batch.is_control:
            return self._end_transaction(producer, batch, marker) if marker else None
        if producer.epoch != batch.producer_epoch:
            producer.epoch = batch.producer_epoch
            producer.batches.clear()
        delta = batch.last_offset_delta
        last_sequence = (batch.base_sequence + delta) & MAX_SEQUENCE
        producer.batches.append(BatchSpan(last_sequence, last_offset, delta, batch.max_timestamp_ms))
        producer.last_timestamp_ms = batch.max_timestamp_ms
        if batch.is_transactional and producer.transaction_offset == NO_OFFSET:
            producer.transaction_offset = batch.base_offset
            self._ongoing[batch.base_offset] = producer_id
            self._beginnings.pop(producer_id, None)
        return None

    def _end_transaction(
        self, producer: Producer, batch: RecordBatch | BatchHeader, marker: EndTxnMarker
    ) -> AbortedTransaction | None:
        aborted = None
        if producer.transaction_offset != NO_OFFSET:
            first_offset = producer.transaction_offset
            self._ongoing.pop(first_offset, None)
            ended = CompletedTransaction(producer.producer_id, first_offset, batch.base_offset, marker.committed)
            self.completed.append(ended)
            producer.transaction_offset = NO_OFFSET
            if not marker.committed:
                stable_offset = min(self._ongoing, default=batch.base_offset + 1)
                aborted = AbortedTransaction(producer.producer_id, first_offset, batch.base_offset, stable_offset)
        if producer.epoch != batch.producer_epoch:
            producer.epoch = batch.producer_epoch
            producer.batches.clear()
        producer.coordinator_epoch = marker.coordinator_epoch
        producer.last_timestamp_ms = batch.max_timestamp_ms
        return aborted

    def has_ongoing_transaction(self, producer_id: int, producer_epoch: int) -> bool:
        producer = self.by_id.get(producer_id)
        return producer is not None and producer.transaction_offset != NO_OFFSET and producer.epoch == producer_epoch

    def last_stable_offset(self, high_watermark: int) -> int:
        """Below it, every transaction is decided, and the decision replicated."""
        if not self._ongoing and not self.completed:
            return high_watermark
        self.completed = [ended for ended in self.completed if ended.marker_offset >= high_watermark]
        undecided = [*self._ongoing, *(ended.first_offset for ended in self.completed)]
        return min([high_watermark, *undecided])

    def remove_expired(self, now_ms: int, expiration_ms: int) -> None:
        """Forget who has been silent that long."""
        for producer_id, beginning in list(self._beginnings.items()):
            if now_ms - beginning.asked_ms >= expiration_ms:
                del self._beginnings[producer_id]
        for producer in list(self.by_id.values()):
            is_idle = now_ms - producer.last_timestamp_ms >= expiration_ms
            if is_idle and producer.transaction_offset == NO_OFFSET:
                del self.by_id[producer.producer_id]

    def last_batches(self) -> dict[int, LastBatch]:
        """What the cleaner must leave of each producer, that its sequence numbers can be known from the log."""
        return {
            producer.producer_id: LastBatch(
                producer.batches[-1].last_offset if producer.batches else None, producer.epoch
            )
            for producer in self.by_id.values()
        }

    # Snapshots

    def encode(self) -> bytes:
        """The snapshot file's content."""
        entries = bytearray()
        for producer in self.by_id.values():
            last = producer.batches[-1] if producer.batches else BatchSpan(-1, -1, 0, -1)
            entries += _ENTRY.pack(
                producer.producer_id,
                producer.epoch,
                last.last_sequence,
                last.last_offset,
                last.offset_delta,
                producer.last_timestamp_ms,
                producer.coordinator_epoch,
                producer.transaction_offset,
            )
        data = bytearray(_HEAD.pack(_VERSION, 0, len(self.by_id)) + entries)
        _HEAD.pack_into(data, 0, _VERSION, _crc32c(memoryview(data)[_CRC_END:]), len(self.by_id))
        return bytes(data)

    @classmethod
    def decode(cls, data: bytes, next_offset: int) -> ProducerState:
        """Raises CorruptRecord."""
        if len(data) < _HEAD.size:
            raise CorruptRecord("the snapshot is cut off")
        version, crc, count = _HEAD.unpack_from(data)
        if version != _VERSION or crc != _crc32c(data[_CRC_END:]) or len(data) != _HEAD.size + count * _ENTRY.size:
            raise CorruptRecord("the snapshot is damaged")
        state = cls(next_offset)
        state._restore(_ENTRY.iter_unpack(data[_HEAD.size :]))
        return state

    def _restore(self, rows: Iterable[tuple[int, ...]]) -> None:
        for producer_id, epoch, last_sequence, last_offset, delta, timestamp_ms, coordinator_epoch, first in rows:
            producer = self.by_id[producer_id] = Producer(producer_id)
            producer.epoch = epoch
            producer.coordinator_epoch = coordinator_epoch
            producer.last_timestamp_ms = timestamp_ms
            producer.transaction_offset = max(first, NO_OFFSET)
            if last_offset >= 0:
                producer.batches.append(BatchSpan(last_sequence, last_offset, delta, timestamp_ms))
        ongoing = [(p.transaction_offset, p.producer_id) for p in self.by_id.values() if p.transaction_offset >= 0]
        self._ongoing = dict(sorted(ongoing))


def end_marker(batch: RecordBatch) -> EndTxnMarker | None:
    """What a control batch says; None if the cleaner has emptied it."""
    try:
        for record in batch.records():
            return EndTxnMarker.decode(record)
    except ProtocolError as error:
        raise InvalidRecord(str(error)) from error
    return None
