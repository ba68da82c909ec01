"""Loading a shard: replaying what its partition's log holds."""

from __future__ import annotations

import logging
import struct
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Protocol

import trio

from pykbroker.coordinator.decision import Decision
from pykbroker.coordinator.groups.offsets import NO_PRODUCER_ID
from pykbroker.coordinator.timers import Timers
from wire.control_records import EndTxnMarker
from wire.errors import ProtocolError
from wire.record_batch import OVERHEAD_BYTES, SIZE_OFFSET, Record, RecordBatch
from wire.state_records import KeyTypes, StateKey, decode_key, decode_value

if TYPE_CHECKING:
    from pykbroker.partition import Partition

log = logging.getLogger(__name__)

# Read at a time: a few milliseconds of replaying, between which other tasks run.
CHUNK_BYTES = 64 * 1024

_size = struct.Struct(">i")


class Shard(Protocol):
    """What a coordinator is made of: the state that one partition of its topic holds."""

    is_loaded: bool
    timers: Timers[Decision[None]]

    @property
    def size(self) -> int:
        """How many groups, transactional ids or whatever it knows."""

    def replay(self, key: StateKey[Any], value: object, *, record_offset: int, producer_id: int = ...) -> None:
        """Take up one record of the log: newly written, or found there at the start."""

    def replay_end_transaction(self, producer_id: int, *, committed: bool) -> None: ...

    def finish_loading(self) -> None: ...


async def load(shard: Shard, partition: Partition, types: KeyTypes) -> None:
    """Replay all records from the first on."""
    offset = partition.log.log_start_offset
    while offset < partition.log.next_offset:
        found = partition.log.read(offset, max_bytes=CHUNK_BYTES, at_least_one=True)
        for batch in _whole_batches(memoryview(found.read())):
            _replay(shard, batch, partition, types)
            offset = batch.next_offset
        await trio.lowlevel.checkpoint()


def _whole_batches(data: memoryview) -> Iterator[RecordBatch]:
    """The batches in `data`, which may end inside of one."""
    position = 0
    while position + SIZE_OFFSET + _size.size <= len(data):
        end = position + OVERHEAD_BYTES + _size.unpack_from(data, position + SIZE_OFFSET)[0]
        if end > len(data):
            return
        yield RecordBatch(data[position:end])
        position = end


def _replay(shard: Shard, batch: RecordBatch, partition: Partition, types: KeyTypes) -> None:
    producer_id = batch.producer_id if batch.is_transactional else NO_PRODUCER_ID
    for record in batch.records():
        try:
            if batch.is_control:
                marker = EndTxnMarker.decode(record)
                if marker is not None:
                    shard.replay_end_transaction(batch.producer_id, committed=marker.committed)
            elif record.key is not None:
                _replay_record(shard, record.key, record, producer_id, types)
        except ProtocolError as error:
            fields = {"partition": partition.index, "offset": record.offset, "why": str(error)}
            log.error("a record of coordinator state is not readable, and is passed over", extra={"fields": fields})


def _replay_record(shard: Shard, key_bytes: bytes, record: Record, producer_id: int, types: KeyTypes) -> None:
    key = decode_key(key_bytes, types)
    if key is None:
        return  # of a kind that we do not know
    value = None if record.value is None else decode_value(type(key), record.value)
    shard.replay(key, value, record_offset=record.offset, producer_id=producer_id)
