"""Record batches into another codec, and from and to the message sets of old clients.

What the other form can express is kept: offsets, timestamps, keys and values; between batches also headers, producer
id, epoch, sequence and flags. Nothing is checked here but what reading needs.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from wire.compression import Codec, compress
from wire.errors import CorruptBatch, Unreadable
from wire.legacy_records import MessageSet
from wire.legacy_records import build as build_message_set
from wire.record_batch import HEADER_BYTES, LOG_APPEND_TIME, TRANSACTIONAL, RecordBatch, build, first_batch, with_body
from wire.records import NO_TIMESTAMP, Record


class MessageSets(NamedTuple):
    """What an old client is answered."""

    data: bytes
    record_count: int
    next_offset: int  # after all batches that were looked at; one that was cut, or found no room, is not among them


class NotConvertible(Exception):
    """The old formats have no zstd."""


def recompressed(batch: RecordBatch, codec: Codec, level: int | None) -> RecordBatch:
    """The same batch in another codec, in memory of its own; its records' bytes stay as they are.

    Of the attributes stays what a producer may say: a delete horizon is the cleaner's.
    """
    attributes = batch.attributes & (LOG_APPEND_TIME | TRANSACTIONAL) | codec
    return with_body(batch.data[:HEADER_BYTES], attributes, compress(codec, batch.payload(), level))


def as_batch(messages: MessageSet) -> RecordBatch:
    """One batch, not compressed, of what a producer sent as a message set."""
    if any(record.timestamp_ms < NO_TIMESTAMP for record in messages.records):
        raise Unreadable("a timestamp below zero")
    log_append_time_ms = max(record.timestamp_ms for record in messages.records)
    data = build(messages.records, log_append_time_ms=log_append_time_ms if messages.uses_log_append_time else None)
    return RecordBatch(memoryview(bytearray(data)))


def as_message_sets(data: bytes, *, magic: int, first_offset: int) -> MessageSets:
    """What of the batches in `data` a client reads that knows `magic` 0 or 1 and asks for `first_offset`.

    Whole batches, at most as many bytes as there are in `data`, but always the first; the last batch in `data` may be
    cut. Control batches are left out, and so are headers. Raises NotConvertible if a batch of zstd is the first; at a
    later one the answer ends, and the client will ask for it.
    """
    converted = bytearray()
    record_count, next_offset = 0, first_offset
    for batch in _whole_batches(data):
        try:
            records = _convertible(batch, first_offset)
        except NotConvertible:
            if not converted:
                raise
            break
        log_append_time_ms = batch.max_timestamp_ms if batch.uses_log_append_time else None
        codec = batch.compression
        messages = build_message_set(records, magic=magic, codec=codec, log_append_time_ms=log_append_time_ms)
        if converted and len(converted) + len(messages) > len(data):
            break
        converted += messages
        record_count += len(records)
        next_offset = batch.next_offset
    return MessageSets(bytes(converted), record_count, next_offset)


def _convertible(batch: RecordBatch, first_offset: int) -> list[Record]:
    if batch.is_control:
        return []
    if batch.compression is Codec.ZSTD:
        raise NotConvertible("zstd")
    records = list(batch.records())
    if batch.compression is Codec.NONE:  # some clients take what they did not ask for to be new (librdkafka)
        records = [record for record in records if record.offset >= first_offset]
    return records


def _whole_batches(data: bytes) -> Iterator[RecordBatch]:
    view = memoryview(data)
    try:
        while (batch := first_batch(view)) is not None:
            yield batch
            view = view[batch.size_bytes :]
    except CorruptBatch:  # the log's own bytes: what is before is good
        return
