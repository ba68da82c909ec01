"""A share partition: who gets which record, how often, and what becomes of it."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from pykbroker.coordinator.share.config import DeliveryConfig
from pykbroker.coordinator.share.in_flight import RecordState
from pykbroker.coordinator.share.share_partition import (
    Acknowledgement,
    AcknowledgeType,
    Acquired,
    SharePartition,
    Span,
    Transition,
)
from pykbroker.coordinator.share.state_batches import StateBatch, combined
from pykbroker.errors import BrokerError
from wire.errors import ErrorCode

CONFIG = DeliveryConfig(record_lock_duration_ms=1_000, delivery_count_limit=3, max_record_locks=100)
A, B = "a", "b"


def acquire(
    share: SharePartition, *spans: tuple[int, int], member: str = A, most: int = 500, strict: bool = False, at: int = 0
) -> list[Acquired]:
    return share.acquire(
        member, [Span(*span) for span in spans], max_records=most, is_strict=strict, now_ms=at, config=CONFIG
    )


def acknowledge(share: SharePartition, first: int, last: int, *types: int, member: str = A, at: int = 0) -> Transition:
    return share.acknowledge(member, [Acknowledgement(first, last, types)], now_ms=at, config=CONFIG)


def states(share: SharePartition) -> list[tuple[int, int, RecordState, int]]:
    return [(run.first_offset, run.next_offset, run.state, run.delivery_count) for run in share.runs]


def test_records_go_to_one_member_at_a_time() -> None:
    share = SharePartition(0)

    first = acquire(share, (0, 10), most=1)
    second = acquire(share, (0, 10), (10, 20), member=B)

    assert [Acquired(0, 9, 1)] == first, "a batch that is begun is acquired to its end"
    assert [Acquired(10, 19, 1)] == second


def test_a_strict_limit_cuts_a_batch() -> None:
    share = SharePartition(0)

    first = acquire(share, (0, 10), most=4, strict=True)
    second = acquire(share, (0, 10), most=4, strict=True, member=B)

    assert [Acquired(0, 3, 1)] == first
    assert [Acquired(4, 7, 1)] == second


def test_the_start_moves_over_what_is_done_with() -> None:
    share = SharePartition(0)
    acquire(share, (0, 10))

    acknowledge(share, 5, 9, AcknowledgeType.ACCEPT).commit()
    assert 0 == share.start_offset
    acknowledge(share, 0, 4, AcknowledgeType.REJECT).commit()

    assert (10, 10, []) == (share.start_offset, share.next_offset, share.runs)


def test_what_is_stored_of_an_acknowledgement() -> None:
    share = SharePartition(0)
    acquire(share, (0, 4))

    transition = acknowledge(share, 0, 3, 1, 1, 2, 3)

    assert [StateBatch(0, 1, 2, 1), StateBatch(2, 2, 0, 1), StateBatch(3, 3, 4, 1)] == transition.state_batches
    assert 3 == transition.delivery_complete_count
    assert 0 == share.start_offset, "until it is stored"


def test_until_it_is_stored_nobody_else_gets_or_acknowledges_a_record() -> None:
    share = SharePartition(0)
    acquire(share, (0, 4))
    transition = acknowledge(share, 0, 3, AcknowledgeType.RELEASE)

    assert [] == acquire(share, (0, 4), member=B)
    with pytest.raises(BrokerError) as refused:
        acknowledge(share, 0, 3, AcknowledgeType.ACCEPT)
    transition.commit()

    assert ErrorCode.INVALID_RECORD_STATE == refused.value.code
    assert [Acquired(0, 3, 2)] == acquire(share, (0, 4), member=B)


def test_what_could_not_be_stored_stays_with_the_member() -> None:
    share = SharePartition(0)
    acquire(share, (0, 4))

    acknowledge(share, 0, 3, AcknowledgeType.ACCEPT).roll_back()

    assert [(0, 4, RecordState.ACQUIRED, 1)] == states(share)
    assert acknowledge(share, 0, 3, AcknowledgeType.ACCEPT)


def test_a_record_delivered_as_often_as_may_be_is_archived() -> None:
    share = SharePartition(0)

    for count in (1, 2, 3):
        assert [Acquired(0, 0, count)] == acquire(share, (0, 1))
        acknowledge(share, 0, 0, AcknowledgeType.RELEASE).commit()

    assert (1, []) == (share.start_offset, acquire(share, (0, 1)))


def test_records_held_for_too_long_are_free_again() -> None:
    share = SharePartition(0)
    acquire(share, (0, 2), at=0)
    assert 1_000 == share.next_deadline_ms

    assert [] == share.expire(999, CONFIG)
    assert [StateBatch(0, 1, RecordState.AVAILABLE, 1)] == share.expire(1_000, CONFIG)

    assert [Acquired(0, 1, 2)] == acquire(share, (0, 2), member=B)


def test_renewal_keeps_a_record_for_another_while() -> None:
    share = SharePartition(0)
    acquire(share, (0, 2), at=0)

    assert not acknowledge(share, 1, 1, AcknowledgeType.RENEW, at=600)

    assert [StateBatch(0, 0, RecordState.AVAILABLE, 1)] == share.expire(1_000, CONFIG)
    assert 1_600 == share.next_deadline_ms


def test_a_member_that_leaves_gives_back_what_it_has() -> None:
    share = SharePartition(0)
    acquire(share, (0, 2))
    acquire(share, (2, 4), member=B)

    share.release(A, CONFIG).commit()

    assert [(0, 2, RecordState.AVAILABLE, 1), (2, 4, RecordState.ACQUIRED, 1)] == states(share)


@pytest.mark.parametrize(
    ("first", "last", "code", "words"),
    [
        (4, 5, ErrorCode.INVALID_REQUEST, "Batch record not found. The first offset in request is past acquired"),
        (3, 9, ErrorCode.INVALID_REQUEST, "Batch record not found. The last offset in request is past acquired"),
        (2, 3, ErrorCode.INVALID_RECORD_STATE, "The offset cannot be acknowledged. The offset is not acquired."),
    ],
)
def test_what_is_not_acquired_cannot_be_acknowledged(first: int, last: int, code: ErrorCode, words: str) -> None:
    """As Kafka says it."""
    share = SharePartition(0)
    acquire(share, (0, 4))
    acknowledge(share, 2, 2, AcknowledgeType.ACCEPT).commit()

    with pytest.raises(BrokerError) as refused:
        acknowledge(share, first, last, AcknowledgeType.ACCEPT)

    assert code == refused.value.code
    assert words in refused.value.message


def test_what_another_has_cannot_be_acknowledged() -> None:
    share = SharePartition(0)
    acquire(share, (0, 4), member=B)

    with pytest.raises(BrokerError, match="Member is not the owner of batch record") as refused:
        acknowledge(share, 0, 3, AcknowledgeType.ACCEPT)

    assert ErrorCode.INVALID_RECORD_STATE == refused.value.code


def test_one_request_cannot_acknowledge_a_record_twice() -> None:
    share = SharePartition(0)
    acquire(share, (0, 8))

    with pytest.raises(BrokerError) as refused:
        share.acknowledge(A, [Acknowledgement(5, 6, [1]), Acknowledgement(6, 7, [1])], now_ms=0, config=CONFIG)

    assert ErrorCode.INVALID_RECORD_STATE == refused.value.code


def test_acknowledging_again_what_is_done_with_does_no_harm() -> None:
    share = SharePartition(0)
    acquire(share, (0, 4))
    acknowledge(share, 0, 1, AcknowledgeType.ACCEPT).commit()

    assert not acknowledge(share, 0, 1, AcknowledgeType.ACCEPT)


def test_no_more_than_so_many_are_in_flight() -> None:
    share = SharePartition(0)
    acquire(share, (0, 60))
    acquire(share, (60, 120))

    assert not share.can_acquire(CONFIG)
    assert [] == acquire(share, (120, 180))
    acknowledge(share, 0, 29, AcknowledgeType.ACCEPT).commit()

    assert share.can_acquire(CONFIG)
    assert [Acquired(120, 129, 1)] == acquire(share, (120, 180), strict=True)


def test_gaps_in_the_log_are_done_with() -> None:
    share = SharePartition(0)

    assert [Acquired(5, 9, 1), Acquired(20, 29, 1)] == acquire(share, (5, 10), (20, 30))

    acknowledge(share, 5, 9, AcknowledgeType.ACCEPT).commit()
    assert 20 == share.start_offset


def test_records_compacted_away_while_free_do_not_hold_up_the_rest() -> None:
    share = SharePartition(0)
    acquire(share, (0, 10))
    acknowledge(share, 0, 9, AcknowledgeType.RELEASE).commit()

    assert [Acquired(5, 9, 2)] == acquire(share, (5, 10))


def test_what_the_log_has_lost_is_done_with() -> None:
    share = SharePartition(0)
    acquire(share, (0, 10))
    acknowledge(share, 0, 4, AcknowledgeType.RELEASE).commit()

    share.advance_log_start(8)
    assert 5 == share.start_offset, "somebody still has the others"
    acknowledge(share, 5, 9, AcknowledgeType.RELEASE).commit()
    share.advance_log_start(8)

    assert [(8, 10, RecordState.AVAILABLE, 1)] == states(share)


def test_the_log_may_lose_what_was_never_delivered() -> None:
    share = SharePartition(0)

    share.advance_log_start(50)

    assert (50, 50) == (share.start_offset, share.next_fetch_offset)


def test_state_as_it_was_stored() -> None:
    stored = [StateBatch(2, 3, RecordState.ACKNOWLEDGED, 1), StateBatch(6, 7, RecordState.AVAILABLE, 2)]

    share = SharePartition(0, stored)

    assert [
        (0, 2, RecordState.AVAILABLE, 0),
        (2, 4, RecordState.ACKNOWLEDGED, 1),
        (4, 6, RecordState.AVAILABLE, 0),
        (6, 8, RecordState.AVAILABLE, 2),
    ] == states(share)
    assert (2, 8) == (share.delivery_complete_count, share.next_offset)


class Sharing(RuleBasedStateMachine):
    """Members and the clock do what they like; a model knows who holds what, and what is stored."""

    members = st.sampled_from([A, B, "c"])
    offsets = st.integers(0, 120)

    def __init__(self) -> None:
        super().__init__()
        self.share = SharePartition(0)
        self.now_ms = 0
        self.holders: dict[int, str] = {}
        self.deliveries: dict[int, int] = {}
        self.accepted: set[int] = set()
        self.stored: list[StateBatch] = []
        self.stored_start = 0
        self.waiting: list[tuple[Transition, dict[int, int]]] = []

    @property
    def _changing(self) -> set[int]:
        return {offset for _, kinds in self.waiting for offset in kinds}

    @rule(member=members, size=st.integers(1, 15), most=st.integers(1, 20), strict=st.booleans())
    def fetch(self, member: str, size: int, most: int, strict: bool) -> None:
        start = self.share.next_fetch_offset
        spans = [(start, start + size), (start + size, start + 2 * size)]
        before = sum(len(run) for run in self.share.runs if run.state is RecordState.ACQUIRED)

        acquired = acquire(self.share, *spans, member=member, most=most, strict=strict, at=self.now_ms)

        for first, last, count in acquired:
            for offset in range(first, last + 1):
                assert offset not in self.holders, "two members at once"
                assert offset not in self.accepted, "delivered after it was accepted"
                self.holders[offset] = member
                self.deliveries[offset] = self.deliveries.get(offset, 0) + 1
                assert self.deliveries[offset] == count <= CONFIG.delivery_count_limit
        after = sum(len(run) for run in self.share.runs if run.state is RecordState.ACQUIRED)
        assert after - before == sum(last - first + 1 for first, last, _ in acquired)
        if strict:
            assert after - before <= most

    @rule(member=members, first=offsets, count=st.integers(1, 10), data=st.data())
    def acknowledge(self, member: str, first: int, count: int, data: st.DataObject) -> None:
        kinds = data.draw(st.lists(st.integers(0, 3), min_size=count, max_size=count))
        changing = self._changing
        asked = range(first, first + count)
        live = [offset for offset in asked if offset >= self.share.start_offset]
        is_held = all(self.holders.get(offset) == member and offset not in changing for offset in live)
        try:
            transition = acknowledge(self.share, first, first + count - 1, *kinds, member=member, at=self.now_ms)
        except BrokerError:
            assert not is_held
            return
        assert is_held
        if transition:
            self.waiting.append((transition, {offset: kinds[offset - first] for offset in live}))

    @precondition(lambda self: self.waiting)
    @rule(data=st.data(), is_stored=st.booleans())
    def finish(self, data: st.DataObject, is_stored: bool) -> None:
        transition, kinds = self.waiting.pop(data.draw(st.integers(0, len(self.waiting) - 1)))
        if not is_stored:
            transition.roll_back()
            return
        self._store(transition.state_batches)
        transition.commit()
        for offset, kind in kinds.items():
            del self.holders[offset]
            if kind in (AcknowledgeType.ACCEPT, AcknowledgeType.REJECT):
                self.accepted.add(offset)

    def _store(self, batches: list[StateBatch]) -> None:
        self.stored_start = self.share.start_offset
        self.stored = combined(self.stored, batches, start_offset=self.stored_start)

    @rule(elapsed=st.integers(0, 1_500))
    def pass_time(self, elapsed: int) -> None:
        self.now_ms += elapsed
        batches = self.share.expire(self.now_ms, CONFIG)
        for batch in batches:
            for offset in range(batch.first_offset, batch.last_offset + 1):
                del self.holders[offset]
        if batches:
            self._store(batches)

    @rule(member=members)
    def leave(self, member: str) -> None:
        transition = self.share.release(member, CONFIG)
        self._store(transition.state_batches)
        transition.commit()
        changing = self._changing
        self.holders = {
            offset: holder for offset, holder in self.holders.items() if holder != member or offset in changing
        }

    @precondition(lambda self: self.share.next_offset > 0)
    @rule()
    def restart(self) -> None:
        """Whoever held something has lost it, and what was stored is all there is."""
        self.holders = {}
        self.waiting = []
        self.share = SharePartition(self.stored_start, self.stored)
        self.deliveries = {
            offset: run.delivery_count for run in self.share.runs for offset in range(run.first_offset, run.next_offset)
        }

    @invariant()
    def every_record_is_in_one_run(self) -> None:
        runs = self.share.runs
        edges = [self.share.start_offset, *(run.next_offset for run in runs)]
        assert [run.first_offset for run in runs] == edges[:-1]
        assert edges[-1] == self.share.next_offset
        assert not runs or not runs[0].state.is_final

    @invariant()
    def who_holds_a_record_is_who_got_it(self) -> None:
        held = {
            offset: run.member_id
            for run in self.share.runs
            if run.state is RecordState.ACQUIRED
            for offset in range(run.first_offset, run.next_offset)
        }
        assert held == self.holders


TestSharing = Sharing.TestCase
TestSharing.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
