"""What of a log a share group can be given: batches from where the group is on, but those that no consumer sees."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from pykbroker.coordinator.share.config import READ_COMMITTED, DeliveryConfig
from pykbroker.coordinator.share.share_partition import Acquired, Span
from pykbroker.share_partition_manager import Shared
from storage.txn_index import AbortedTransaction
from wire.record_batch import RecordBatch, first_batch


class Readable(NamedTuple):
    """Whole batches, from the group's `next_fetch_offset` on."""

    batches: Sequence[RecordBatch]
    spans: Sequence[Span]  # of those that hold records for consumers
    next_offset: int

    @property
    def size_bytes(self) -> int:
        return sum(batch.size_bytes for batch in self.batches)


def size_of_first(max_records: int, readable: Iterable[Readable]) -> int:
    """About how many bytes so many records are, in whole batches."""
    size_bytes, left = 0, max_records
    for batch in (batch for each in readable for batch in each.batches):
        if left <= 0:
            break
        size_bytes += batch.size_bytes
        left -= batch.next_offset - batch.base_offset
    return size_bytes


NOTHING = Readable((), (), 0)


def look(shared: Shared, *, max_bytes: int, config: DeliveryConfig) -> Readable:
    """What could be acquired now. Raises BrokerError."""
    share, partition = shared.share, shared.partition
    partition.check_leader()
    share.advance_log_start(partition.log_start_offset)
    while share.can_acquire(config):
        offset = share.next_fetch_offset
        if offset > partition.log.next_offset:  # moved there by AlterShareGroupOffsets: the log is to come that far
            break
        found = partition.read(offset, max_bytes=max_bytes, isolation_level=config.isolation_level, at_least_one=True)
        whole = _whole(found.read())
        if not whole:
            break
        readable = _readable(shared, offset, whole, config)
        if readable.spans:
            return readable
        share.pass_over(readable.next_offset)
    return NOTHING


def _whole(data: bytes) -> list[RecordBatch]:
    """All batches but one that is cut at the end."""
    whole = []
    left = memoryview(data)
    while (batch := first_batch(left)) is not None:
        whole.append(batch)
        left = left[batch.size_bytes :]
    return whole


def _readable(shared: Shared, offset: int, whole: Sequence[RecordBatch], config: DeliveryConfig) -> Readable:
    next_offset = whole[-1].next_offset
    aborted: Sequence[AbortedTransaction] = ()
    if config.isolation_level == READ_COMMITTED:
        aborted = shared.partition.aborted_transactions(offset, next_offset)
    spans = [
        Span(max(batch.base_offset, offset), batch.next_offset)
        for batch in whole
        if not batch.is_control and not _is_aborted(batch, aborted)
    ]
    return Readable(whole, spans, next_offset)


def _is_aborted(batch: RecordBatch, aborted: Sequence[AbortedTransaction]) -> bool:
    return batch.is_transactional and any(
        each.producer_id == batch.producer_id and each.first_offset <= batch.base_offset <= each.last_offset
        for each in aborted
    )


def records_of(readable: Readable, acquired: Sequence[Acquired]) -> bytes:
    """The batches from the first acquired record to the last."""
    first_offset, last_offset = acquired[0].first_offset, acquired[-1].last_offset
    return b"".join(
        batch.data
        for batch in readable.batches
        if batch.last_offset >= first_offset and batch.base_offset <= last_offset
    )


def grouped(acquired: Sequence[Acquired], batch_size: int) -> list[Acquired]:
    """Fewer, longer ranges: of about `batch_size` records where that many lie side by side, delivered equally often."""
    groups: list[Acquired] = []
    for each in acquired:
        last = groups[-1] if groups else None
        if (
            last is not None
            and last.last_offset + 1 == each.first_offset
            and last.delivery_count == each.delivery_count
            and last.last_offset - last.first_offset + 1 < batch_size
        ):
            groups[-1] = last._replace(last_offset=each.last_offset)
        else:
            groups.append(each)
    return groups
