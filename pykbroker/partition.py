"""One replica of a partition: its log, who leads it, who is in sync, and how far readers may read.

Invariants
  log_start_offset <= last_stable_offset <= high_watermark <= log.next_offset
  The high watermark never falls while this broker leads.

A single node is a cluster of one: its in-sync replicas are itself, so an append moves the high watermark at once. But
one that is to be flushed (flush.messages) does so when it is on the disk; many wait for it together (`group_flush.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import inf

import trio

from pykbroker.errors import BrokerError, RecordsRefused
from pykbroker.group_flush import GroupFlush
from pykbroker.metadata.image import NO_LEADER, PartitionImage
from pykbroker.purgatory import Waiter, standing_at
from storage import errors as storage_errors
from storage.errors import StorageError, StorageFailure
from storage.log import Appended, Log
from storage.log_slice import LogSlice
from storage.txn_index import AbortedTransaction
from wire import errors as wire_errors
from wire.errors import CorruptBatch, ErrorCode
from wire.record_batch import RecordBatch

READ_UNCOMMITTED, READ_COMMITTED = 0, 1
UNKNOWN_EPOCH = UNKNOWN_OFFSET = -1


class Partition:
    __slots__ = (
        "_disk_failed",
        "_flush_failure",
        "_flushes",
        "_flushing_to",
        "_node_id",
        "_unflushed_bytes",
        "flush_messages",
        "high_watermark",
        "index",
        "is_leader",
        "is_offline",
        "isr",
        "leader",
        "leader_epoch",
        "log",
        "min_insync_replicas",
        "topic",
        "topic_id",
        "waiters",
    )

    def __init__(
        self,
        topic: str,
        topic_id: bytes,
        index: int,
        log: Log,
        *,
        node_id: int,
        image: PartitionImage,
        flushes: GroupFlush,
        disk_failed: Callable[[Log, StorageFailure], None],
    ) -> None:
        self.topic = topic
        self.topic_id = topic_id
        self.index = index
        self.log = log
        self.high_watermark = log.next_offset
        self.min_insync_replicas = 1
        self.flush_messages = 0  # so many are not appended without a flush that the last one waits for; 0: any number
        self.is_offline = False
        self.waiters: set[Waiter] = set()
        self._flushes = flushes
        self._disk_failed = disk_failed
        self._flushing_to = 0  # the offset up to which a flush was asked for
        self._flush_failure: StorageError | None = None
        self._unflushed_bytes = 0  # that readers do not know of
        self._node_id = node_id
        self.apply(image)

    def apply(self, image: PartitionImage) -> None:
        """Take leadership and in-sync replicas from the cluster's metadata."""
        self.leader = image.leader
        self.is_leader = image.leader == self._node_id
        self.leader_epoch = image.leader_epoch
        self.isr = image.isr
        self.wake_waiters()

    def retire(self) -> None:
        """Its topic is gone: nobody leads it any more."""
        self.leader = NO_LEADER
        self.is_leader = False
        self.wake_waiters()

    def go_offline(self) -> None:
        """Its log directory has failed: until the next start nobody is served."""
        self.is_offline = True
        self.wake_waiters()

    # --- who leads

    def check_leader(self, current_leader_epoch: int = UNKNOWN_EPOCH) -> None:
        """Raises BrokerError unless this broker leads, in the epoch that the client knows (KIP-320)."""
        if self.is_offline:
            raise BrokerError(ErrorCode.KAFKA_STORAGE_ERROR)
        if not self.is_leader:
            raise BrokerError(ErrorCode.NOT_LEADER_OR_FOLLOWER)
        if current_leader_epoch not in (UNKNOWN_EPOCH, self.leader_epoch):
            is_old = current_leader_epoch < self.leader_epoch
            raise BrokerError(ErrorCode.FENCED_LEADER_EPOCH if is_old else ErrorCode.UNKNOWN_LEADER_EPOCH)

    # --- appending

    def append_as_leader(
        self, batches: Sequence[RecordBatch], *, now_ms: int, from_client: bool = True, acks_all: bool = False
    ) -> Appended:
        """Append, and wake who waits for records. Raises BrokerError, with nothing written.

        The batches are patched in place: they get their offsets and the leader's epoch.
        """
        if self.is_offline or not self.is_leader:
            self.check_leader()
        if acks_all and len(self.isr) < self.min_insync_replicas:
            raise BrokerError(ErrorCode.NOT_ENOUGH_REPLICAS)
        try:
            appended = self.log.append_as_leader(
                batches, leader_epoch=self.leader_epoch, now_ms=now_ms, from_client=from_client
            )
        except (StorageError, CorruptBatch) as error:
            if isinstance(error, StorageFailure):
                self._disk_failed(self.log, error)
            raise refused(error) from error
        if self.flush_messages and self._is_flush_due():
            self._ask_for_flush(batches)
            return appended
        if len(self.isr) == 1:
            self.high_watermark = self.log.next_offset
        if self.waiters:
            size = sum(batch.size_bytes for batch in batches)
            for waiter in list(self.waiters):
                waiter.add_bytes(size)
        return appended

    # --- flushing within the append (flush.messages, --durability fsync): until then nobody is to see the records

    def _is_flush_due(self) -> bool:
        return self.log.next_offset - self.log.synced_offset >= self.flush_messages

    def _ask_for_flush(self, batches: Sequence[RecordBatch]) -> None:
        self._unflushed_bytes += sum(batch.size_bytes for batch in batches)
        self._flushing_to = self.log.next_offset
        self._flush_failure = None
        self._flushes.ask(self)

    def flush_ended(self, failure: StorageError | None) -> None:
        """What was appended since may have asked for another."""
        self._flush_failure = failure
        size = 0
        if failure is None:
            size, self._unflushed_bytes = self._unflushed_bytes, 0
            if len(self.isr) == 1:
                is_due = self.flush_messages and self._is_flush_due()
                offset = self.log.synced_offset if is_due else self.log.next_offset
                self.high_watermark = max(self.high_watermark, offset)
        for waiter in list(self.waiters):
            waiter.add_bytes(size)

    def continue_in(self, log: Log) -> None:
        """The same log in another directory, if it is not the one it is in: who waits for the disk waits for that."""
        self.log = log
        if self._flushing_to > min(log.synced_offset, self.high_watermark):
            self._flushes.ask(self)

    async def wait_flushed(self, next_offset: int) -> None:
        """Until what is below `next_offset` is on the disk, if a flush was asked for. Raises BrokerError."""
        if next_offset > self._flushing_to:
            return
        while self.log.synced_offset < next_offset or (len(self.isr) == 1 and self.high_watermark < next_offset):
            if self._flush_failure is not None:
                raise refused(self._flush_failure)
            with standing_at([self], Waiter()) as waiter:
                await waiter.wait(timeout_ms=inf)
            self.check_leader()

    async def wait_committed(self, next_offset: int, *, timeout_ms: float) -> None:
        """Until all in-sync replicas have what is below `next_offset`. Raises BrokerError."""
        with trio.move_on_after(max(0, timeout_ms) / 1000):
            while self.high_watermark < next_offset:
                with standing_at([self], Waiter()) as waiter:
                    await waiter.wait(timeout_ms=timeout_ms)
                self.check_leader()
            return
        raise BrokerError(ErrorCode.REQUEST_TIMED_OUT)

    def has_ongoing_transaction(self, producer_id: int, producer_epoch: int) -> bool:
        """Whether the producer has written in its transaction here, and no marker has come yet."""
        return self.log.has_ongoing_transaction(producer_id, producer_epoch)

    def forget_replicated_transactions(self) -> None:
        """Of those that have ended; for partitions that nobody reads."""
        self.log.last_stable_offset(self.high_watermark)

    # --- reading

    @property
    def log_start_offset(self) -> int:
        return self.log.log_start_offset

    @property
    def last_stable_offset(self) -> int:
        """Below it every transaction has ended."""
        return self.log.last_stable_offset(self.high_watermark)

    def read(self, offset: int, *, max_bytes: int, isolation_level: int, at_least_one: bool) -> LogSlice:
        """What a consumer may see from `offset` on. Raises BrokerError."""
        end = self.last_stable_offset if isolation_level == READ_COMMITTED else self.high_watermark
        if not self.log.log_start_offset <= offset <= self.log.next_offset:
            raise BrokerError(ErrorCode.OFFSET_OUT_OF_RANGE)
        try:
            return self.log.read(offset, max_bytes=max_bytes, max_offset=end, at_least_one=at_least_one)
        except StorageError as error:
            raise refused(error) from error

    def aborted_transactions(self, offset: int, next_offset: int) -> list[AbortedTransaction]:
        """Those with records in [offset, next_offset). Raises BrokerError."""
        try:
            return self.log.aborted_transactions(offset, next_offset)
        except StorageError as error:
            raise refused(error) from error

    # --- leader epochs

    def end_of_epoch(self, epoch: int) -> tuple[int, int]:
        """The largest epoch not after `epoch`, and where it ends; -1 for both if it is not known here. The leader's own
        begins where it took over, but the log knows an epoch only once something is written in it.
        """
        log, latest = self.log, self.log.leader_epochs.latest
        if epoch == UNKNOWN_EPOCH or epoch > self.leader_epoch:
            return UNKNOWN_EPOCH, UNKNOWN_OFFSET
        if epoch == self.leader_epoch or latest == UNKNOWN_EPOCH:
            return epoch, log.next_offset
        return (latest, log.next_offset) if epoch > latest else log.end_offset_for_epoch(epoch)

    def divergence(self, last_fetched_epoch: int, offset: int) -> tuple[int, int] | None:
        """Where a reader's records up to `offset` cannot be ours any more: the epoch up to which both may agree, and
        where it ends here (KIP-595). Raises BrokerError.
        """
        epoch, end_offset = self.end_of_epoch(last_fetched_epoch)
        if epoch == UNKNOWN_EPOCH or end_offset == UNKNOWN_OFFSET or offset < self.log_start_offset:
            raise BrokerError(ErrorCode.OFFSET_OUT_OF_RANGE)
        return (epoch, end_offset) if epoch < last_fetched_epoch or end_offset < offset else None

    # --- deleting

    def delete_records_before(self, offset: int) -> int:
        """Readers find nothing before `offset` from now on; where the log starts then. Raises BrokerError."""
        if not 0 <= offset <= self.high_watermark:
            raise BrokerError(ErrorCode.OFFSET_OUT_OF_RANGE)
        self.log.delete_records_before(offset)
        self.wake_waiters()
        return self.log_start_offset

    # --- the rest

    def wake_waiters(self) -> None:
        for waiter in list(self.waiters):
            waiter.wake()


def refused(error: Exception) -> BrokerError:
    """Storage's errors, and those of the batches themselves, as Kafka's codes."""
    for kind, code in _CODES.items():
        if isinstance(error, kind):
            if isinstance(error, storage_errors.InvalidRecord) and error.record_errors:
                reasons = [(each.batch_index, each.message) for each in error.record_errors]
                return RecordsRefused(code, str(error), reasons)
            return BrokerError(code, str(error))
    return BrokerError(ErrorCode.UNKNOWN_SERVER_ERROR, str(error))


_CODES: dict[type[Exception], ErrorCode] = {  # the first that fits
    storage_errors.StorageFailure: ErrorCode.KAFKA_STORAGE_ERROR,
    storage_errors.CorruptRecord: ErrorCode.CORRUPT_MESSAGE,
    storage_errors.InvalidTimestamp: ErrorCode.INVALID_TIMESTAMP,
    storage_errors.InvalidRecord: ErrorCode.INVALID_RECORD,
    storage_errors.MessageTooLarge: ErrorCode.MESSAGE_TOO_LARGE,
    storage_errors.SegmentTooLarge: ErrorCode.RECORD_LIST_TOO_LARGE,
    storage_errors.OutOfOrderSequence: ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER,
    storage_errors.InvalidProducerEpoch: ErrorCode.INVALID_PRODUCER_EPOCH,
    storage_errors.InvalidTransactionState: ErrorCode.INVALID_TXN_STATE,
    storage_errors.CoordinatorFenced: ErrorCode.TRANSACTION_COORDINATOR_FENCED,
    storage_errors.OffsetOutOfRange: ErrorCode.OFFSET_OUT_OF_RANGE,
    wire_errors.InvalidRecord: ErrorCode.INVALID_RECORD,
    wire_errors.Unreadable: ErrorCode.UNKNOWN_SERVER_ERROR,  # as Kafka, where the exception is not one of its own
    wire_errors.TooLarge: ErrorCode.MESSAGE_TOO_LARGE,
    wire_errors.CorruptBatch: ErrorCode.CORRUPT_MESSAGE,
}
