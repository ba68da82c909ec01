"""Compaction against a model: whatever was written, and in whatever order it is compacted, rolled and reopened, a
reader who knows each key's last value knows the same as before.
"""

from __future__ import annotations

from dataclasses import replace

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from storage.cleaner import CleanerLimits
from storage.cleaner_testing import COMPACTED, KeyedLog
from storage.offset_map import ENTRY_BYTES
from storage.testing import MemoryFiles
from wire.compression import Codec

KEYS = [b"a", b"b", b"c", b"d", b"e"]
PAIRS = st.lists(st.tuples(st.sampled_from(KEYS), st.sampled_from([None, b"1", b"22", b""])), min_size=1, max_size=6)
CODECS = st.sampled_from(list(Codec))


class CompactedLog(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.it = KeyedLog(MemoryFiles(), replace(COMPACTED, segment_bytes=300))
        self.appended: dict[int, tuple[bytes | None, bytes | None]] = {}
        self.aborted: set[int] = set()
        self.open: dict[int, list[int]] = {}  # offsets of ongoing transactions
        self.sequences = {7: 0, 8: 0}
        self.clean_to = 0
        self.now_ms = 1000

    def wrote(self, base_offset: int, pairs: list[tuple[bytes, bytes | None]]) -> list[int]:
        self.appended |= {base_offset + at: pair for at, pair in enumerate(pairs)}
        return list(range(base_offset, base_offset + len(pairs)))

    @rule(pairs=PAIRS, codec=CODECS)
    def append(self, pairs: list[tuple[bytes, bytes | None]], codec: Codec) -> None:
        self.wrote(self.it.append(*pairs, codec=codec, timestamp_ms=self.now_ms).base_offset, pairs)

    @rule(pairs=PAIRS, producer_id=st.sampled_from([7, 8]))
    def append_in_transaction(self, pairs: list[tuple[bytes, bytes | None]], producer_id: int) -> None:
        sequence = self.sequences[producer_id]
        appended = self.it.append(*pairs, producer_id=producer_id, sequence=sequence, transactional=True)
        self.sequences[producer_id] += len(pairs)
        self.open.setdefault(producer_id, []).extend(self.wrote(appended.base_offset, pairs))

    @precondition(lambda self: self.open)
    @rule(data=st.data(), committed=st.booleans())
    def end_transaction(self, data: st.DataObject, committed: bool) -> None:
        producer_id = data.draw(st.sampled_from(sorted(self.open)))
        self.it.end_transaction(producer_id, committed=committed)
        offsets = self.open.pop(producer_id)
        if not committed:
            self.aborted |= set(offsets)

    @rule()
    def roll(self) -> None:
        self.it.roll()

    @rule(keys=st.sampled_from([3, 5, 1000]), ms=st.sampled_from([0, 400, 1000]))
    def clean(self, keys: int, ms: int) -> None:
        self.now_ms += ms
        before = self.committed_state()
        offsets = set(self.it.pairs())
        stats = self.it.clean(
            since=self.clean_to, now_ms=self.now_ms, limits=CleanerLimits(keys * ENTRY_BYTES, load_factor=0.9)
        )
        assert stats.next_dirty_offset >= self.clean_to
        self.clean_to = stats.next_dirty_offset
        assert set(self.it.pairs()) <= offsets
        assert self.committed_state() == before
        self.no_key_is_twice_in_the_clean_part()

    def no_key_is_twice_in_the_clean_part(self) -> None:
        clean = [key for offset, (key, _) in self.it.pairs().items() if offset < self.clean_to]
        assert len(clean) == len(set(clean))

    @rule()
    def reopen(self) -> None:
        self.it.reopen()

    @rule()
    def recover(self) -> None:
        self.it.logs.flush_all()
        self.it.logs.abandon()
        assert isinstance(self.it.files, MemoryFiles)
        self.it.files.boot += "'"
        self.it.open()

    @invariant()
    def nothing_is_invented(self) -> None:
        assert self.it.pairs().items() <= self.appended.items()

    @invariant()
    def the_last_values_are_there(self) -> None:
        undecided = {offset for offsets in self.open.values() for offset in offsets}
        hidden = self.aborted | undecided
        wanted = {key: value for offset, (key, value) in sorted(self.appended.items()) if offset not in hidden}
        assert self.committed_state() == {key: value for key, value in wanted.items() if value is not None}

    def committed_state(self) -> dict[bytes | None, bytes | None]:
        hidden = self.aborted | {offset for offsets in self.open.values() for offset in offsets}
        state = {key: value for offset, (key, value) in self.it.pairs().items() if offset not in hidden}
        return {key: value for key, value in state.items() if value is not None}

    @invariant()
    def who_reads_committed_records_is_told_of_every_aborted_one_that_is_there(self) -> None:
        told = self.it.log.aborted_transactions(0, self.it.log.next_offset)
        for offset in self.aborted & self.it.pairs().keys():
            assert any(aborted.first_offset <= offset <= aborted.last_offset for aborted in told)

    @invariant()
    def sequence_numbers_are_known(self) -> None:
        for producer_id, sequence in self.sequences.items():
            if sequence:
                assert self.it.log.producers.by_id[producer_id].last_sequence == sequence - 1


TestCompactedLog = CompactedLog.TestCase
TestCompactedLog.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
