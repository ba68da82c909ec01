"""What compaction leaves of a batch: as Kafka's filter has it.

Offsets, timestamps, producer, sequence numbers and the last offset stay. The first time that a batch with tombstones,
or a marker that is of no more use, is looked at, it gets its delete horizon (KIP-534): in place of the base timestamp
stands the moment from which they may go. With no such change, what is kept is copied as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from struct import Struct
from typing import NamedTuple

from storage.errors import CorruptRecord
from storage.time_index import NO_TIMESTAMP
from wire.compression import Codec, compress
from wire.errors import ProtocolError
from wire.record_batch import HEADER_BYTES, LOG_APPEND_TIME, MAX_TIMESTAMP_OFFSET, RecordBatch, build, with_body
from wire.record_scan import Scanned, scan

Keeps = Callable[[list[Scanned]], list[Scanned]]

_RECORD_COUNT = Struct(">i")
_MAX_TIMESTAMP = Struct(">q")
_RECORD_COUNT_OFFSET = HEADER_BYTES - 4


class Filtered(NamedTuple):
    """`batch` is None if nothing stays, not even the header."""

    batch: RecordBatch | None
    records_read: int
    records_kept: int


def filter_batch(
    batch: RecordBatch,
    keeps: Keeps | None,
    *,
    keeps_empty: bool,
    horizon_ms: int,
    marker_is_idle: bool = False,
) -> Filtered:
    """Keep the records that `keeps` picks; None keeps none.

    `keeps_empty`: the header stays without records too. `horizon_ms`: the delete horizon, if the batch is to get one;
    it is if a tombstone stays, or with `marker_is_idle`. The CRC is the caller's to have checked. Raises CorruptRecord.
    """
    count = max(batch.record_count, 0)
    kept: list[Scanned] = []
    payload = b""
    if keeps and count:
        payload, kept = _kept(batch, keeps)
    if not kept:
        return Filtered(_emptied(batch) if keeps_empty else None, count, 0)
    if not batch.has_delete_horizon and (marker_is_idle or not all(record[5] for record in kept)):
        return Filtered(_with_horizon(batch, kept, horizon_ms), count, len(kept))
    if len(kept) == count:
        return Filtered(batch, count, count)
    body = b"".join([payload[record[0] : record[1]] for record in kept])
    return Filtered(_with_records(batch, kept, body), count, len(kept))


def _kept(batch: RecordBatch, keeps: Keeps) -> tuple[bytes, list[Scanned]]:
    try:
        payload = batch.payload()
        return payload, keeps(scan(payload, batch.record_count))
    except ProtocolError as error:
        raise CorruptRecord(f"the batch at offset {batch.base_offset}: {error}") from error


def _emptied(batch: RecordBatch) -> RecordBatch:
    """Its header: for the last sequence number of its producer, or the end of what was cleaned."""
    data = build(
        (),
        base_offset=batch.base_offset,
        producer_id=batch.producer_id,
        producer_epoch=batch.producer_epoch,
        base_sequence=batch.base_sequence,
        partition_leader_epoch=batch.partition_leader_epoch,
        transactional=batch.is_transactional,
        control=batch.is_control,
        log_append_time_ms=batch.max_timestamp_ms if batch.uses_log_append_time else None,
        max_timestamp_ms=batch.max_timestamp_ms,
        last_offset_delta=batch.last_offset_delta,
    )
    return RecordBatch(memoryview(bytearray(data)))


def _with_horizon(batch: RecordBatch, kept: list[Scanned], horizon_ms: int) -> RecordBatch:
    """All timestamps are deltas to the horizon now."""
    offsets = {record[3] for record in kept}
    data = build(
        [record for record in batch.records() if record.offset - batch.base_offset in offsets],
        base_offset=batch.base_offset,
        compression=batch.compression,
        producer_id=batch.producer_id,
        producer_epoch=batch.producer_epoch,
        base_sequence=batch.base_sequence,
        partition_leader_epoch=batch.partition_leader_epoch,
        transactional=batch.is_transactional,
        control=batch.is_control,
        log_append_time_ms=batch.max_timestamp_ms if batch.uses_log_append_time else None,
        delete_horizon_ms=horizon_ms,
        last_offset_delta=batch.last_offset_delta,
    )
    return RecordBatch(memoryview(bytearray(data)))


def _with_records(batch: RecordBatch, kept: list[Scanned], body: bytes) -> RecordBatch:
    """These records only; their deltas are still right."""
    header = bytearray(batch.data[:HEADER_BYTES])
    _RECORD_COUNT.pack_into(header, _RECORD_COUNT_OFFSET, len(kept))
    if not batch.attributes & LOG_APPEND_TIME:
        max_timestamp_ms = batch.base_timestamp_ms + max(record[2] for record in kept)
        _MAX_TIMESTAMP.pack_into(header, MAX_TIMESTAMP_OFFSET, max(max_timestamp_ms, NO_TIMESTAMP))
    if batch.compression is not Codec.NONE:
        body = compress(batch.compression, bytearray(body), None)
    return with_body(header, batch.attributes, body)
