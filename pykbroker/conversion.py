"""Records that are not stored, or not answered, as they are: recompressed, or in another format. In worker threads.

A producer's batch is stored as it came unless the topic's `compression.type` names another codec; a message set of an
old producer becomes one batch. Old consumers get message sets.

Invariant: at most as many conversions run at a time as there are processors, each in bounded memory: what expands
beyond `DECOMPRESSED_LIMIT_BYTES`, and beyond the topic's max.message.bytes, is refused.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TypeAlias

from pykbroker.errors import BrokerError
from pykbroker.partition import Partition, refused
from pykbroker.worker_threads import WorkerThreads
from storage.batch_validator import check_batch, check_contents, check_size
from storage.config import LogConfig
from storage.errors import StorageError
from storage.log import Log
from storage.log_slice import LogSlice
from wire.compression import Codec
from wire.conversion import MessageSets, NotConvertible, as_batch, as_message_sets, recompressed
from wire.errors import CorruptBatch, ErrorCode
from wire.legacy_records import messages, unwrap
from wire.record_batch import CODEC_MASK, DECOMPRESSED_LIMIT_BYTES, RecordBatch

Source: TypeAlias = RecordBatch | memoryview  # a batch, or a message set


@dataclass(slots=True)
class ConversionCounts:
    """Since the start. Kafka counts records: ProduceMessageConversionsPerSec, FetchMessageConversionsPerSec."""

    produced_batches: int = 0
    produced_records: int = 0
    fetched_records: int = 0


class Conversions:
    """One per broker."""

    def __init__(self) -> None:
        self.counts = ConversionCounts()
        self.threads = WorkerThreads(os.cpu_count() or 1)

    async def for_log(self, source: Source, partition: Partition, *, now_ms: int) -> RecordBatch | None:
        """What the partition's log is to store, checked; None for a message set with nothing in it.

        The source must stay as it is meanwhile. Raises BrokerError.
        """
        log = partition.log
        try:
            batch = await self.threads.run(converted, source, log.config, now_ms, log.name)
        except (StorageError, CorruptBatch) as error:
            raise refused(error) from error
        if batch is not None:
            self.counts.produced_batches += 1
            self.counts.produced_records += batch.record_count
        return batch

    async def for_consumer(self, partition: Partition, records: LogSlice, *, offset: int, magic: int) -> bytes:
        """Message sets of that magic. Raises BrokerError."""
        try:
            found = await self.threads.run(
                message_sets, partition.log, records, offset, partition.high_watermark, magic
            )
        except NotConvertible as error:
            raise BrokerError(ErrorCode.UNSUPPORTED_COMPRESSION_TYPE) from error
        except (StorageError, CorruptBatch) as error:
            raise refused(error) from error
        self.counts.fetched_records += found.record_count
        return found.data


def is_due(batch: RecordBatch, config: LogConfig) -> bool:
    target = config.target_codec
    return target is not None and batch.attributes & CODEC_MASK != target


def converted(source: Source, config: LogConfig, now_ms: int, name: str) -> RecordBatch | None:
    """As Conversions.for_log. Raises a StorageError or a CorruptBatch."""
    if isinstance(source, RecordBatch):
        check_batch(source, config, now_ms, from_client=True, name=name)
        batch, codec = source, source.compression
    else:
        outer = list(messages(source))
        if not outer:
            return None
        for message in outer:
            check_size(message.size_bytes, config)
        message_set = unwrap(outer, limit_bytes=max(DECOMPRESSED_LIMIT_BYTES, config.max_message_bytes))
        batch, codec = as_batch(message_set), message_set.codec
        check_contents(batch, config, now_ms, name=name)
    target = config.target_codec
    if target is None:
        batch = batch if codec is Codec.NONE else recompressed(batch, codec, None)
    elif target is not batch.compression:
        batch = recompressed(batch, target, config.level_of(target))
    check_size(batch.size_bytes, config)
    batch.is_checked = True
    return batch


def message_sets(log: Log, records: LogSlice, offset: int, next_offset: int, magic: int) -> MessageSets:
    """What an old client reads from `offset` on. Where nothing has a place in a message set, what follows it is read:
    such a client learns only from a message that the log goes on. Raises as Log.read, or NotConvertible.
    """
    max_bytes = len(records)
    while True:
        found = as_message_sets(records.read(), magic=magic, first_offset=offset)
        if found.data or found.next_offset in (offset, next_offset):
            return found
        offset = found.next_offset
        records = log.read(offset, max_bytes=max_bytes, max_offset=next_offset, at_least_one=True)
        if not records:
            return found
