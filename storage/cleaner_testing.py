"""For tests of compaction: a log with keys, compacted on demand, and what readers find in it."""

from __future__ import annotations

from collections.abc import Sequence

from storage.cleanable import cleanable
from storage.cleaner import Cleaner, CleanerLimits, CleanerStats
from storage.config import LogConfig
from storage.files import Files
from storage.log import Appended, Log
from storage.log_manager import LogManager
from wire.compression import Codec
from wire.control_records import EndTxnMarker
from wire.record_batch import Record, RecordBatch, batches, build

COMPACTED = LogConfig(
    cleanup_policy="compact",
    segment_bytes=400,
    index_interval_bytes=100,
    delete_retention_ms=1000,
    file_delete_delay_ms=0,
)
KeyValue = tuple[bytes | None, bytes | None]


def no_pace(_size_bytes: int) -> None:
    """As fast as it goes."""


class KeyedLog:
    """`pairs` are appended as one batch; time is what the test says."""

    root = "/d"
    directory = "/d/t-0"

    def __init__(self, files: Files, config: LogConfig = COMPACTED) -> None:
        self.files = files
        self.config = config
        self.open()

    def open(self) -> None:
        self.logs = LogManager.open(
            self.files, [self.root], node_id=1, cluster_id="c", config_for=lambda _topic: self.config, now_ms=0
        )
        self.log = self.logs.create("t", 0, topic_id=b"id of topic t...", now_ms=0)

    def close(self) -> None:
        self.logs.close()

    def reopen(self) -> Log:
        self.close()
        self.open()
        return self.log

    def append(
        self,
        *pairs: KeyValue,
        timestamp_ms: int = 100,
        codec: Codec = Codec.NONE,
        producer_id: int = -1,
        sequence: int = -1,
        transactional: bool = False,
    ) -> Appended:
        records = [
            Record(timestamp_ms=timestamp_ms + at, key=key, value=value, headers=((b"h", b"x"),))
            for at, (key, value) in enumerate(pairs)
        ]
        data = build(
            records,
            compression=codec,
            producer_id=producer_id,
            producer_epoch=0 if producer_id >= 0 else -1,
            base_sequence=sequence,
            transactional=transactional,
        )
        return self._write(data, from_client=producer_id < 0)

    def end_transaction(self, producer_id: int, *, committed: bool, timestamp_ms: int = 100) -> Appended:
        marker = EndTxnMarker(committed=committed, coordinator_epoch=0)
        data = marker.batch(producer_id=producer_id, producer_epoch=0, timestamp_ms=timestamp_ms)
        return self._write(data, from_client=False)

    def _write(self, data: bytes, *, from_client: bool) -> Appended:
        batch = RecordBatch(memoryview(bytearray(data)))
        return self.log.append_as_leader([batch], leader_epoch=0, now_ms=0, from_client=from_client)

    def roll(self) -> None:
        self.log.roll(0)

    def clean(
        self, *, since: int | None = None, now_ms: int = 1000, limits: CleanerLimits | None = None
    ) -> CleanerStats:
        """One round over all but the last segment; `since` is how far an earlier one came."""
        self.logs.flush_all()
        todo = cleanable(self.log, since, self.log.next_offset, now_ms)
        stats = Cleaner(self.files, todo, limits or CleanerLimits(), now_ms, no_pace).run()
        self.log.remove_deleted(now_ms)
        return stats

    # What is there

    def batches(self) -> list[RecordBatch]:
        found: list[RecordBatch] = []
        offset = self.log.log_start_offset
        while data := self.log.read(offset, max_bytes=1, at_least_one=True).read():
            (batch,) = batches(memoryview(data))
            batch.check_crc()
            found.append(batch)
            offset = batch.next_offset
        return found

    def records(self) -> list[Record]:
        return [record for batch in self.batches() if not batch.is_control for record in batch.records()]

    def pairs(self) -> dict[int, KeyValue]:
        return {record.offset: (record.key, record.value) for record in self.records()}

    def latest(self) -> dict[bytes | None, bytes | None]:
        """What somebody knows who reads it all; a key with a tombstone is one that is not there."""
        state = {record.key: record.value for record in self.records()}
        return {key: value for key, value in state.items() if value is not None}

    def names(self) -> Sequence[str]:
        return sorted(entry.name for entry in self.files.entries(self.directory))
