"""ProducerState: what may follow, what is a repetition, and what a snapshot keeps."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.errors import (
    CoordinatorFenced,
    CorruptRecord,
    InvalidProducerEpoch,
    InvalidTransactionState,
    OutOfOrderSequence,
)
from storage.log_testing import make_batch, producer_rows
from storage.producer_state import ProducerState
from wire.control_records import EndTxnMarker
from wire.record_batch import MAX_SEQUENCE, RecordBatch


def batch(
    sequence: int, count: int = 1, *, epoch: int = 0, offset: int = 0, transactional: bool = False
) -> RecordBatch:
    return make_batch(
        *[b"x"] * count,
        producer_id=7,
        producer_epoch=epoch,
        sequence=sequence,
        base_offset=offset,
        transactional=transactional,
    )


def marker(offset: int, *, committed: bool = True, epoch: int = 0, coordinator_epoch: int = 0) -> RecordBatch:
    data = EndTxnMarker(committed, coordinator_epoch).batch(
        producer_id=7, producer_epoch=epoch, timestamp_ms=5, base_offset=offset
    )
    return RecordBatch(memoryview(bytearray(data)))


def end(state: ProducerState, control: RecordBatch, *, committed: bool = True, coordinator_epoch: int = 0) -> None:
    state.update(control, EndTxnMarker(committed, coordinator_epoch))


def after(*batches: RecordBatch) -> ProducerState:
    state = ProducerState()
    for each in batches:
        state.update(each)
    return state


def test_a_producer_never_seen_begins_anywhere() -> None:
    assert ProducerState().check(batch(42), from_client=True) is None


def test_the_next_sequence_number_follows_and_no_other() -> None:
    state = after(batch(0, 3))

    assert state.check(batch(3), from_client=True) is None
    for wrong in (1, 4, 1000):
        with pytest.raises(OutOfOrderSequence):
            state.check(batch(wrong), from_client=True)


def test_what_was_sent_after_a_refused_beginning_does_not_come_before_it() -> None:
    state = ProducerState()
    for refused in (batch(4, transactional=True), batch(6, transactional=True)):
        state.expect_beginning(refused, now_ms=0)

    with pytest.raises(OutOfOrderSequence):
        state.check(batch(6, transactional=True), from_client=True)
    first = batch(4, 2, transactional=True)
    assert state.check(first, from_client=True) is None
    state.update(first)
    assert state.check(batch(6, transactional=True), from_client=True) is None


def test_of_the_latest_epoch_the_lowest_refused_beginning_counts() -> None:
    state = ProducerState()
    for sequence, epoch in ((2, 0), (5, 1), (4, 1), (6, 1), (1, 0)):
        state.expect_beginning(batch(sequence, epoch=epoch, transactional=True), now_ms=0)

    assert state.check(batch(4, epoch=1, transactional=True), from_client=True) is None
    with pytest.raises(OutOfOrderSequence):
        state.check(batch(5, epoch=1, transactional=True), from_client=True)


def test_what_a_fenced_producer_asked_does_not_stop_its_successor() -> None:
    state = after(batch(0, epoch=1, transactional=True))
    state.expect_beginning(batch(0, transactional=True), now_ms=0)

    assert state.check(batch(1, epoch=1, transactional=True), from_client=True) is None


def test_a_refused_beginning_is_forgotten_with_the_silent() -> None:
    state = ProducerState()
    state.expect_beginning(batch(0, transactional=True), now_ms=5)

    state.remove_expired(now_ms=14, expiration_ms=10)
    with pytest.raises(OutOfOrderSequence):
        state.check(batch(5, transactional=True), from_client=True)
    state.remove_expired(now_ms=15, expiration_ms=10)

    assert state.check(batch(5, transactional=True), from_client=True) is None


def test_sequence_numbers_wrap() -> None:
    state = after(batch(MAX_SEQUENCE - 1, 2))

    assert state.check(batch(0), from_client=True) is None
    assert after(batch(MAX_SEQUENCE, 2)).check(batch(1), from_client=True) is None


def test_one_of_the_last_five_batches_is_recognised() -> None:
    state = after(*[batch(number, offset=10 + number) for number in range(6)])

    for number in range(1, 6):
        span = state.check(batch(number), from_client=True)
        assert span is not None
        assert (10 + number, number) == (span.first_offset, span.first_sequence)
    with pytest.raises(OutOfOrderSequence):
        state.check(batch(0), from_client=True)


def test_a_new_epoch_begins_with_zero_and_ends_the_old_one() -> None:
    state = after(batch(0, 3))

    with pytest.raises(OutOfOrderSequence):
        state.check(batch(3, epoch=1), from_client=True)
    assert state.check(batch(0, epoch=1), from_client=True) is None
    state.update(batch(0, epoch=1))
    with pytest.raises(InvalidProducerEpoch):
        state.check(batch(3), from_client=True)


def test_nothing_outside_a_transaction_while_one_is_open() -> None:
    state = after(batch(0, transactional=True))

    with pytest.raises(InvalidTransactionState):
        state.check(batch(1), from_client=True)
    assert state.check(batch(1, transactional=True), from_client=True) is None


def test_an_open_transaction_bounds_the_last_stable_offset_until_its_end_is_replicated() -> None:
    state = after(batch(0, offset=3, transactional=True), batch(1, offset=4, transactional=True))
    assert 3 == state.last_stable_offset(5)
    assert state.has_ongoing_transaction(7, 0)

    end(state, marker(5))

    assert not state.has_ongoing_transaction(7, 0)
    assert 3 == state.last_stable_offset(5)
    assert 6 == state.last_stable_offset(6)


def test_a_marker_of_a_replaced_coordinator_is_refused() -> None:
    state = after(batch(0, transactional=True))
    end(state, marker(1, coordinator_epoch=5), coordinator_epoch=5)

    with pytest.raises(CoordinatorFenced):
        state.check(marker(2, coordinator_epoch=4), from_client=False)


def test_the_silent_are_forgotten_but_not_with_a_transaction_open() -> None:
    state = after(batch(0))
    state.remove_expired(1000 + 49, 50)
    assert {7} == set(state.by_id)
    state.remove_expired(1000 + 50, 50)
    assert set() == set(state.by_id)

    state = after(batch(0, transactional=True))
    state.remove_expired(10**9, 50)
    assert {7} == set(state.by_id)


def test_a_snapshot_keeps_what_the_next_batch_is_checked_against() -> None:
    state = after(batch(0, 3), batch(3, offset=3, transactional=True))

    again = ProducerState.decode(state.encode(), 4)

    assert producer_rows(state) == producer_rows(again)
    assert again.check(batch(3, transactional=True), from_client=True) is not None
    assert again.check(batch(4, transactional=True), from_client=True) is None
    assert 3 == again.last_stable_offset(4)


@given(st.data())
def test_a_damaged_snapshot_is_noticed(data: st.DataObject) -> None:
    whole = after(batch(0, 3)).encode()
    position = data.draw(st.integers(0, len(whole) - 1))
    damaged = bytearray(whole)
    damaged[position] ^= data.draw(st.integers(1, 255))

    for content in (bytes(damaged), whole[:position]):
        with pytest.raises(CorruptRecord):
            ProducerState.decode(content, 3)
