"""For tests of logs: batches to append, and what must hold of every log, read from its files without the log's help.

`check_log` is the oracle of the fault loops: it believes nothing but the bytes in the files.
"""

from __future__ import annotations

from struct import Struct

from storage.config import LogConfig
from storage.log import Log
from storage.producer_state import ProducerState, end_marker
from storage.testing import MemoryFiles
from wire.record_batch import Record, RecordBatch, batches, build

_OFFSET_ENTRY = Struct(">II")
_TIME_ENTRY = Struct(">qI")
SMALL = LogConfig(segment_bytes=600, index_interval_bytes=100, file_delete_delay_ms=0)


def make_batch(
    *values: bytes,
    timestamp_ms: int = 1000,
    producer_id: int = -1,
    producer_epoch: int = 0,
    sequence: int = -1,
    transactional: bool = False,
    key: bytes | None = None,
    base_offset: int = 0,
    leader_epoch: int = -1,
) -> RecordBatch:
    """A batch of these values, each a millisecond after the one before, in a buffer that can be written to."""
    records = [Record(timestamp_ms=timestamp_ms + index, key=key, value=value) for index, value in enumerate(values)]
    data = build(
        records,
        base_offset=base_offset,
        producer_id=producer_id,
        producer_epoch=producer_epoch if producer_id >= 0 else -1,
        base_sequence=sequence if producer_id >= 0 else -1,
        partition_leader_epoch=leader_epoch,
        transactional=transactional,
    )
    return RecordBatch(memoryview(bytearray(data)))


def read_batches(log: Log) -> list[RecordBatch]:
    """Every batch from the log's start on, as readers get them."""
    found: list[RecordBatch] = []
    offset = log.log_start_offset
    while offset < log.next_offset:
        data = log.read(offset, max_bytes=1, at_least_one=True).read()
        if not data:
            break
        (batch,) = batches(memoryview(data))
        batch.check_crc()
        found.append(batch)
        offset = batch.next_offset
    return found


def read_values(log: Log) -> dict[int, bytes | None]:
    """Offset -> value of every record that readers get."""
    start = log.log_start_offset
    return {r.offset: r.value for batch in read_batches(log) for r in batch.records() if r.offset >= start}


def rebuilt_producers(log: Log) -> ProducerState:
    """The producer state that the log's batches alone say."""
    state = ProducerState(log.log_start_offset)
    for batch in read_batches(log):
        state.update(batch, end_marker(batch) if batch.is_control else None)
    return state


def producer_rows(state: ProducerState) -> dict[int, tuple[int, ...]]:
    """What a snapshot would keep of each producer."""
    return {
        p.producer_id: (p.epoch, p.last_sequence, p.transaction_offset, p.coordinator_epoch, p.last_timestamp_ms)
        for p in state.by_id.values()
    }


def check_log(files: MemoryFiles, log: Log, *, has_gaps: bool = False, lost_producers: bool = False) -> None:
    """Assert all that must hold of a log that nobody is writing to.

    `has_gaps`: it was compacted. `lost_producers`: records were deleted that had told of some.
    """
    assert 0 <= log.log_start_offset <= log.next_offset
    assert log.recovery_point <= log.next_offset
    _check_segments(files, log, has_gaps)
    _check_reads(log)
    _check_epochs(log)
    remembered, rebuilt = producer_rows(log.producers), producer_rows(rebuilt_producers(log))
    if lost_producers:
        remembered = {key: row for key, row in remembered.items() if key in rebuilt}
    assert remembered == rebuilt


def _check_segments(files: MemoryFiles, log: Log, has_gaps: bool) -> None:
    expected = log.segments[0].base_offset
    for segment in log.segments:
        assert segment.base_offset >= expected if has_gaps else segment.base_offset == expected
        prefix = f"{log.directory}/{segment.base_offset:020}"
        data = files.read_bytes(f"{prefix}.log")
        assert data is not None
        if log.config.preallocate:
            assert not any(data[segment.size_bytes :])
        else:
            assert len(data) == segment.size_bytes
        found = batches(memoryview(data[: segment.size_bytes]))
        positions, position = {}, 0
        for batch in found:
            assert batch.base_offset >= expected if has_gaps else batch.base_offset == expected
            expected = batch.next_offset
            positions[batch.last_offset - segment.base_offset] = position
            position += batch.size_bytes
        _check_offset_index(files.read_bytes(f"{prefix}.index") or b"", positions)
        _check_time_index(files.read_bytes(f"{prefix}.timeindex") or b"", segment.base_offset, found)
        assert segment.max_timestamp_ms == max([-1, *(batch.max_timestamp_ms for batch in found)])
        if not has_gaps:
            assert segment.next_offset == expected
    assert log.next_offset == log.segments[-1].next_offset


def _check_offset_index(data: bytes, positions: dict[int, int]) -> None:
    """Every entry is that of a batch in the .log file."""
    assert len(data) % _OFFSET_ENTRY.size == 0
    entries = list(_OFFSET_ENTRY.iter_unpack(data))
    assert entries == sorted(set(entries))
    assert all(positions.get(offset) == position for offset, position in entries)


def _check_time_index(data: bytes, base_offset: int, found: list[RecordBatch]) -> None:
    """No record up to an entry's offset is later than the entry, and that at its offset is as late."""
    assert len(data) % _TIME_ENTRY.size == 0
    for timestamp_ms, relative in _TIME_ENTRY.iter_unpack(data):
        before = [batch for batch in found if batch.last_offset <= base_offset + relative]
        assert before
        assert before[-1].last_offset == base_offset + relative
        assert before[-1].max_timestamp_ms == timestamp_ms == max(batch.max_timestamp_ms for batch in before)


def _check_reads(log: Log) -> None:
    """A read at any offset begins with the batch that contains it."""
    for batch in read_batches(log):
        for offset in range(max(batch.base_offset, log.log_start_offset), batch.next_offset):
            got = log.read(offset, max_bytes=batch.size_bytes)
            assert RecordBatch(memoryview(got.read())).base_offset == batch.base_offset
            assert batch.next_offset <= got.next_offset <= log.next_offset


def _check_epochs(log: Log) -> None:
    """Each batch's own leader epoch is what the checkpoint says of its offset."""
    entries = log.leader_epochs.entries
    assert entries == sorted(set(entries))
    for batch in read_batches(log):
        # Records deleted just before a crash may be there again, without what was forgotten of their epochs.
        if entries and batch.last_offset >= entries[0][1]:
            assert log.leader_epochs.epoch_of(batch.last_offset) == batch.partition_leader_epoch
