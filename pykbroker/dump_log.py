"""`pykbroker dump-log FILE...`: what is in a log's files, in the words of Kafka's DumpLogSegments.

.log          every batch, and with --deep every record (--print-data: with key and value)
.index        offset -> position
.timeindex    timestamp -> offset
.snapshot     what is known of producers
.txnindex     aborted transactions
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from pykbroker.errors import StartupError
from storage.batch_scan import whole_batches
from storage.errors import StorageError
from storage.files import File, RealFiles
from storage.offset_index import OffsetIndex
from storage.producer_state import SUFFIX as SNAPSHOT
from storage.producer_state import ProducerState
from storage.segment import INDEX, LOG, TIME_INDEX, TRANSACTION_INDEX
from storage.swap import OFFSET_DIGITS
from storage.time_index import TimeIndex
from storage.txn_index import TransactionIndex
from wire.control_records import EndTxnMarker
from wire.errors import ProtocolError
from wire.record_batch import Record, RecordBatch

_ANY_SIZE = 2**40


def dump(paths: list[Path], *, deep: bool, print_data: bool) -> Iterator[str]:
    """Line by line. Raises StartupError for a file that cannot be read or is of no known kind."""
    for path in paths:
        yield f"Dumping {path}"
        readers: dict[str, Callable[[Path, int], Iterator[str]]] = {
            LOG: lambda path, start: _log(path, start, deep=deep or print_data, print_data=print_data),
            INDEX: _offset_index,
            TIME_INDEX: _time_index,
            SNAPSHOT: _snapshot,
            TRANSACTION_INDEX: _transaction_index,
        }
        reader = readers.get(path.suffix)
        if reader is None or not path.name[:OFFSET_DIGITS].isdigit():
            raise StartupError(f"{path} is not a file of a log (expected one of {', '.join(readers)})", 2)
        try:
            yield from reader(path, int(path.name[:OFFSET_DIGITS]))
        except (StorageError, OSError) as error:
            raise StartupError(f"cannot read {path}: {error}") from error


def _file(path: Path) -> File:
    return RealFiles().open(str(path), path.stat().st_size)


def _log(path: Path, start: int, *, deep: bool, print_data: bool) -> Iterator[str]:
    yield f"Log starting offset: {start}"
    file = _file(path)
    end = 0
    for position, batch in whole_batches(file.opened(), 0, file.size):
        yield _batch(batch, position)
        if deep:
            yield from _records(batch, print_data=print_data)
        end = position + batch.size_bytes
    if end != file.size:
        yield f"Found {file.size - end} invalid bytes at the end of {path.name}"


def _batch(batch: RecordBatch, position: int) -> str:
    stamp = "LogAppendTime" if batch.uses_log_append_time else "CreateTime"
    horizon = batch.delete_horizon_ms
    return (
        f"baseOffset: {batch.base_offset} lastOffset: {batch.last_offset} count: {batch.record_count} "
        f"baseSequence: {batch.base_sequence} lastSequence: {batch.last_sequence} producerId: {batch.producer_id} "
        f"producerEpoch: {batch.producer_epoch} partitionLeaderEpoch: {batch.partition_leader_epoch} "
        f"isTransactional: {_java(batch.is_transactional)} isControl: {_java(batch.is_control)} "
        f"deleteHorizonMs: OptionalLong{'.empty' if horizon is None else f'[{horizon}]'} position: {position} "
        f"{stamp}: {batch.max_timestamp_ms} size: {batch.size_bytes} magic: {batch.magic} "
        f"compresscodec: {batch.compression.name.lower()} crc: {batch.crc} isvalid: {_java(_is_valid(batch))}"
    )


def _java(value: bool) -> str:
    return "true" if value else "false"


def _is_valid(batch: RecordBatch) -> bool:
    try:
        batch.check_crc()
    except ProtocolError:
        return False
    return True


def _records(batch: RecordBatch, *, print_data: bool) -> Iterator[str]:
    sequence = batch.base_sequence
    stamp = "LogAppendTime" if batch.uses_log_append_time else "CreateTime"
    try:
        for record in batch.records():
            number = sequence + record.offset - batch.base_offset if sequence >= 0 else -1
            names = ",".join(name.decode("utf-8", "replace") for name, _ in record.headers)
            line = (
                f"| offset: {record.offset} {stamp}: {record.timestamp_ms} keySize: {_size(record.key)} "
                f"valueSize: {_size(record.value)} sequence: {number} headerKeys: [{names}]"
            )
            if batch.is_control:
                yield line + _marker(record)
            elif print_data:
                yield line + _shown(" key", record.key) + _shown(" payload", record.value)
            else:
                yield line
    except ProtocolError as error:
        yield f"| unreadable: {error}"


def _marker(record: Record) -> str:
    marker = EndTxnMarker.decode(record)
    if marker is None:
        return ""
    return f" endTxnMarker: {marker.type.name} coordinatorEpoch: {marker.coordinator_epoch}"


def _size(data: bytes | None) -> int:
    return -1 if data is None else len(data)


def _shown(label: str, data: bytes | None) -> str:
    return "" if data is None else f"{label}: {data.decode('utf-8', 'replace')}"


def _offset_index(path: Path, start: int) -> Iterator[str]:
    for offset, position in OffsetIndex(_file(path), start, _ANY_SIZE).entries():
        yield f"offset: {offset} position: {position}"


def _time_index(path: Path, start: int) -> Iterator[str]:
    for timestamp_ms, offset in TimeIndex(_file(path), start, _ANY_SIZE).entries():
        yield f"timestamp: {timestamp_ms} offset: {offset}"


def _snapshot(path: Path, start: int) -> Iterator[str]:
    for producer in ProducerState.decode(path.read_bytes(), start).by_id.values():
        first = (
            "OptionalLong.empty" if producer.transaction_offset < 0 else f"OptionalLong[{producer.transaction_offset}]"
        )
        line = (
            f"producerId: {producer.producer_id} producerEpoch: {producer.epoch} coordinatorEpoch: "
            f"{producer.coordinator_epoch} currentTxnFirstOffset: {first} "
            f"lastTimestamp: {producer.last_timestamp_ms} "
        )
        for span in producer.batches:
            line += (
                f"firstSequence: {span.first_sequence} lastSequence: {span.last_sequence} lastOffset: "
                f"{span.last_offset} offsetDelta: {span.offset_delta} timestamp: {span.timestamp_ms}"
            )
        yield line


def _transaction_index(path: Path, _start: int) -> Iterator[str]:
    for aborted in TransactionIndex(RealFiles(), str(path), path.stat().st_size).entries:
        yield (
            f"version: 0 producerId: {aborted.producer_id} firstOffset: {aborted.first_offset} "
            f"lastOffset: {aborted.last_offset} lastStableOffset: {aborted.last_stable_offset}"
        )
