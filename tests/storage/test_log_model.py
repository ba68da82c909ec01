"""A log against a list: whatever is done to it, in whatever order, it holds what the list holds."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from storage.config import LogConfig
from storage.errors import OffsetOutOfRange, OutOfOrderSequence
from storage.log import Log
from storage.log_manager import LogManager
from storage.log_testing import check_log, make_batch
from storage.retention import apply_retention
from storage.testing import MemoryFiles
from wire.record_batch import RecordBatch, batches

CONFIG = LogConfig(
    segment_bytes=600,
    segment_ms=500,
    index_interval_bytes=90,
    retention_bytes=1800,
    retention_ms=-1,
    file_delete_delay_ms=0,
)
PRODUCERS = st.sampled_from([-1, -1, 5, 6])


@dataclass
class Sent:
    """One batch as the model has it."""

    base_offset: int
    values: list[bytes]
    timestamp_ms: int
    producer_id: int
    sequence: int

    @property
    def next_offset(self) -> int:
        return self.base_offset + len(self.values)

    def batch(self) -> RecordBatch:
        return make_batch(
            *self.values, timestamp_ms=self.timestamp_ms, producer_id=self.producer_id, sequence=self.sequence
        )

    def records(self) -> list[tuple[int, int, bytes]]:
        return [(self.base_offset + n, self.timestamp_ms + n, value) for n, value in enumerate(self.values)]


@dataclass
class Model:
    batches: list[Sent] = field(default_factory=list)
    start: int = 0
    flushed: int = 0

    @property
    def next_offset(self) -> int:
        return self.batches[-1].next_offset if self.batches else 0

    def last_of(self, producer_id: int) -> Sent | None:
        return next((sent for sent in reversed(self.batches) if sent.producer_id == producer_id), None)

    def records(self) -> list[tuple[int, int, bytes]]:
        return [row for sent in self.batches for row in sent.records() if row[0] >= self.start]

    def truncate_to(self, offset: int) -> None:
        self.batches = [sent for sent in self.batches if sent.next_offset <= offset]
        self.flushed = min(self.flushed, self.next_offset)
        self.start = min(self.start, offset)


class LogMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.files = MemoryFiles()
        self.model = Model()
        self.number = 0
        self.now_ms = 1000
        self.epoch = 0
        self.was_cut = False

    @initialize()
    def begin(self) -> None:
        self.open()
        self.manager.create("t", 0, topic_id=bytes(15) + b"\x07", now_ms=0)
        self.manager.flush_all()

    def open(self) -> None:
        self.manager = LogManager.open(
            self.files, ["/d"], node_id=1, cluster_id="c", config_for=lambda topic: CONFIG, now_ms=self.now_ms
        )

    @property
    def log(self) -> Log:
        return self.manager.logs["t", 0]

    # Writing

    @rule(count=st.integers(1, 4), producer_id=PRODUCERS, step_ms=st.integers(-50, 200), size=st.integers(0, 90))
    def append(self, count: int, producer_id: int, step_ms: int, size: int) -> None:
        self.now_ms = max(0, self.now_ms + step_ms)
        values = [b"%d " % (self.number + n) + bytes(size) for n in range(count)]
        self.number += count
        last = self.model.last_of(producer_id)
        sequence = last.sequence + len(last.values) if last and producer_id >= 0 else 0
        sent = Sent(self.model.next_offset, values, self.now_ms, producer_id, sequence)

        appended = self.log.append_as_leader([sent.batch()], leader_epoch=self.epoch, now_ms=self.now_ms)

        assert (sent.base_offset, sent.next_offset) == (appended.base_offset, appended.next_offset)
        assert not appended.duplicate
        self.model.batches.append(sent)

    @rule(producer_id=st.sampled_from([5, 6]))
    def append_again(self, producer_id: int) -> None:
        last = self.model.last_of(producer_id)
        if last is None or last.base_offset < self.model.start:
            return

        appended = self.log.append_as_leader([last.batch()], leader_epoch=self.epoch, now_ms=self.now_ms)

        assert appended.duplicate
        assert (last.base_offset, last.next_offset) == (appended.base_offset, appended.next_offset)

    @rule(producer_id=st.sampled_from([5, 6]))
    def append_with_a_gap(self, producer_id: int) -> None:
        last = self.model.last_of(producer_id)
        if last is None or last.base_offset < self.model.start:
            return
        sequence = last.sequence + len(last.values) + 1
        late = make_batch(b"late", timestamp_ms=self.now_ms, producer_id=producer_id, sequence=sequence)

        with pytest.raises(OutOfOrderSequence):
            self.log.append_as_leader([late], leader_epoch=self.epoch, now_ms=self.now_ms)

    @rule()
    def lead_anew(self) -> None:
        self.epoch += 1

    @rule()
    def roll(self) -> None:
        self.log.roll(self.now_ms)

    # Cutting

    @precondition(lambda self: self.model.batches)
    @rule(data=st.data())
    def truncate(self, data: st.DataObject) -> None:
        offset = data.draw(st.integers(self.log.segments[0].base_offset, self.model.next_offset))

        self.manager.truncate_to("t", 0, offset)

        self.model.truncate_to(offset)
        self.model.start = min(self.model.start, self.model.next_offset)

    @rule(data=st.data())
    def delete_records(self, data: st.DataObject) -> None:
        offset = data.draw(st.integers(self.model.start, self.model.next_offset))

        self.log.delete_records_before(offset)

        self.model.start = offset

    @rule()
    def retain(self) -> None:
        apply_retention(self.log, self.now_ms)
        self.manager.remove_deleted(self.now_ms)

        size_bytes = self.log.size_bytes
        assert size_bytes <= CONFIG.retention_bytes + CONFIG.segment_bytes
        assert self.model.start <= self.log.log_start_offset
        self.model.start = self.log.log_start_offset

    # Stopping

    @rule()
    def flush(self) -> None:
        self.manager.flush_all()
        self.model.flushed = self.model.next_offset

    @rule()
    def stop(self) -> None:
        self.manager.close()
        self.reopen(self.files.after_kill())
        self.model.flushed = self.model.next_offset

    @rule()
    def kill(self) -> None:
        self.reopen(self.files.after_kill())

    @rule(seed=st.integers(0, 1000))
    def cut_the_power(self, seed: int) -> None:
        before = self.model.next_offset
        files = self.files.after_restart(seed)
        self.files = files
        self.open()

        assert self.model.flushed <= self.log.next_offset <= before
        self.model.batches = [sent for sent in self.model.batches if sent.next_offset <= self.log.next_offset]
        self.take_start_from_log()

    def reopen(self, files: MemoryFiles) -> None:
        self.files = files
        self.open()
        self.take_start_from_log()

    def take_start_from_log(self) -> None:
        """Deletions are not durable at once: records below the start may be back, none above it may be missing."""
        assert self.log.log_start_offset <= max(self.model.start, self.log.segments[0].base_offset)
        assert self.log.segments[0].base_offset <= self.model.start
        self.model.start = self.log.log_start_offset
        check_log(self.files, self.log, lost_producers=True)

    # Reading

    @rule(data=st.data(), max_bytes=st.integers(0, 1000), at_least_one=st.booleans())
    def read(self, data: st.DataObject, max_bytes: int, at_least_one: bool) -> None:
        offset = data.draw(st.integers(self.model.start, self.model.next_offset))
        max_offset = data.draw(st.sampled_from([sent.next_offset for sent in self.model.batches] or [0]))

        got = self.log.read(offset, max_bytes=max_bytes, max_offset=max_offset, at_least_one=at_least_one)

        content = got.read()
        assert len(content) == len(got)
        expected = [s for s in self.model.batches if s.next_offset > offset and s.next_offset <= max_offset]
        if not content:
            assert not expected or max_bytes < self.log.read(offset, max_bytes=1, at_least_one=True).length
            return
        whole = self.whole_batches(content)
        assert whole
        assert len(content) <= max_bytes or (at_least_one and 1 == len(whole))
        for sent, batch in zip(expected, whole, strict=False):
            assert sent.records() == [(r.offset, r.timestamp_ms, r.value) for r in batch.records()]
        assert got.next_offset >= whole[-1].next_offset

    @staticmethod
    def whole_batches(content: bytes) -> list[RecordBatch]:
        end = 0
        while end + 12 <= len(content):
            size = int.from_bytes(content[end + 8 : end + 12], "big") + 12
            if end + size > len(content):
                break
            end += size
        return batches(memoryview(content)[:end])

    @rule(step=st.integers(1, 5))
    def read_beside_the_log(self, step: int) -> None:
        for offset in (self.model.next_offset + step, self.model.start - step):
            with pytest.raises(OffsetOutOfRange):
                self.log.read(offset, max_bytes=100)

    @rule(timestamp_ms=st.integers(0, 3000))
    def look_up_a_time(self, timestamp_ms: int) -> None:
        found = self.log.offset_for_timestamp(timestamp_ms)

        expected = next((row for row in self.model.records() if row[1] >= timestamp_ms), None)
        assert (found and (found.offset, found.timestamp_ms)) == (expected and expected[:2])

    @invariant()
    def ends_agree(self) -> None:
        if hasattr(self, "manager"):
            assert self.log.log_start_offset == self.model.start
            assert self.log.recovery_point <= self.log.next_offset

    def teardown(self) -> None:
        if hasattr(self, "manager"):
            found = [(r.offset, r.timestamp_ms, r.value) for b in self.batches() for r in b.records()]
            assert [row for row in found if row[0] >= self.model.start] == self.model.records()
            self.log.flush()
            check_log(self.files, self.log, lost_producers=True)

    def batches(self) -> list[RecordBatch]:
        found, offset = [], self.log.log_start_offset
        while offset < self.log.next_offset:
            data = self.log.read(offset, max_bytes=1, at_least_one=True).read()
            found += batches(memoryview(data))
            offset = found[-1].next_offset
        return found


TestLog = LogMachine.TestCase
TestLog.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
