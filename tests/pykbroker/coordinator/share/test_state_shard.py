"""The share coordinator's state: what is written, what replaying it gives, and who is fenced."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pykbroker.coordinator.decision import Decision
from pykbroker.coordinator.share.state_batches import StateBatch, combined
from pykbroker.coordinator.share.state_shard import DeliveryState, Place, ShareStateShard, StateWrite
from pykbroker.errors import BrokerError
from wire.errors import ErrorCode
from wire.state_records.share_state import ShareSnapshotKey, ShareUpdateKey

PLACE = Place("g", b"t" * 16, 0)
NOW_MS = 1_000


class Stored:
    """A shard, and the log that its decisions went to."""

    def __init__(self, updates_per_snapshot: int = 3) -> None:
        self.updates_per_snapshot = updates_per_snapshot
        self.log: list[tuple[Any, Any]] = []
        self.shard = self.new_shard()

    def new_shard(self) -> ShareStateShard:
        shard = ShareStateShard(updates_per_snapshot=self.updates_per_snapshot)
        shard.finish_loading()
        return shard

    def carry_out(self, decision: Decision[Any]) -> list[type]:
        for key, value in decision.records:
            self.shard.replay(key, value, record_offset=len(self.log))
            self.log.append((key, value))
        return [type(key) for key, _ in decision.records]

    def initialized(self, start_offset: int = 0) -> Stored:
        self.carry_out(self.shard.initialize(PLACE, state_epoch=0, start_offset=start_offset, now_ms=NOW_MS))
        return self

    def write(self, start_offset: int, *batches: StateBatch, **fields: int) -> list[type]:
        epochs = {"state_epoch": 0, "leader_epoch": 0, **fields}
        return self.carry_out(self.shard.write(PLACE, StateWrite(start_offset, batches, **epochs), NOW_MS))

    def replayed(self) -> ShareStateShard:
        shard = self.new_shard()
        for offset, (key, value) in enumerate(self.log):
            shard.replay(key, value, record_offset=offset)
        return shard

    @property
    def state(self) -> DeliveryState:
        return self.shard.states[PLACE]


def test_updates_come_after_a_snapshot_until_there_are_so_many() -> None:
    stored = Stored().initialized()

    written = [stored.write(0, StateBatch(offset, offset, 2, 1)) for offset in range(5)]

    kinds = [ShareUpdateKey, ShareUpdateKey, ShareUpdateKey, ShareSnapshotKey, ShareUpdateKey]
    assert [[kind] for kind in kinds] == written
    assert (StateBatch(0, 4, 2, 1),) == stored.state.batches
    assert 1 == stored.state.snapshot_epoch


@given(
    writes=st.lists(st.tuples(st.integers(0, 8), st.integers(0, 10), st.integers(0, 5), st.sampled_from([0, 2, 4]))),
    updates_per_snapshot=st.integers(0, 4),
)
def test_replaying_the_log_gives_what_was_said(
    writes: list[tuple[int, int, int, int]], updates_per_snapshot: int
) -> None:
    stored = Stored(updates_per_snapshot).initialized()
    said: list[StateBatch] = []
    start_offset = 0

    for advance, first, length, state in writes:
        start_offset += advance
        batch = StateBatch(start_offset + first, start_offset + first + length, state, 1)
        stored.write(start_offset, batch)
        said = combined(said, [batch], start_offset=start_offset)

    replayed = stored.replayed().states[PLACE]
    assert (start_offset, tuple(said)) == (replayed.start_offset, replayed.batches)
    assert stored.state == replayed


def test_a_start_that_is_not_said_stays() -> None:
    stored = Stored().initialized(start_offset=7)

    stored.write(-1, StateBatch(8, 8, 2, 1))

    assert 7 == stored.state.start_offset


@pytest.mark.parametrize(
    ("epochs", "code"),
    [({"leader_epoch": 4}, ErrorCode.FENCED_LEADER_EPOCH), ({"state_epoch": 0}, ErrorCode.FENCED_STATE_EPOCH)],
)
def test_writers_of_the_past_are_fenced(epochs: dict[str, int], code: ErrorCode) -> None:
    stored = Stored().initialized()
    stored.carry_out(stored.shard.begin_anew(PLACE, start_offset=3, now_ms=NOW_MS))
    stored.carry_out(stored.shard.read(PLACE, leader_epoch=5))

    with pytest.raises(BrokerError) as refused:
        stored.write(0, **{"leader_epoch": 5, "state_epoch": 1, **epochs})

    assert code == refused.value.code


def test_a_new_leader_takes_over_for_good() -> None:
    stored = Stored().initialized()

    assert [ShareUpdateKey] == stored.carry_out(stored.shard.read(PLACE, leader_epoch=2))

    assert [] == stored.shard.read(PLACE, leader_epoch=2).records
    with pytest.raises(BrokerError):
        stored.shard.read(PLACE, leader_epoch=1)
    assert 2 == stored.replayed().states[PLACE].leader_epoch


def test_what_was_never_initialized_is_not_there() -> None:
    stored = Stored()

    assert None is stored.shard.read(PLACE, leader_epoch=0).response
    with pytest.raises(BrokerError):
        stored.write(0)


def test_beginning_anew_forgets_what_was_delivered() -> None:
    stored = Stored().initialized()
    stored.write(0, StateBatch(0, 4, 2, 1))

    stored.carry_out(stored.shard.begin_anew(PLACE, start_offset=2, now_ms=NOW_MS))

    assert (2, 1, ()) == (stored.state.start_offset, stored.state.state_epoch, stored.state.batches)
    assert stored.state == stored.replayed().states[PLACE]


def test_deleted_state_is_gone_after_a_restart_too() -> None:
    stored = Stored().initialized()
    stored.write(0, StateBatch(0, 4, 2, 1))

    assert [ShareSnapshotKey, ShareUpdateKey] == stored.carry_out(stored.shard.delete(PLACE))

    assert {} == stored.shard.states == stored.replayed().states
    assert [] == stored.shard.delete(PLACE).records


def test_topics_that_are_deleted_take_their_state_along() -> None:
    stored = Stored().initialized()

    stored.carry_out(stored.shard.forget_topics({b"u" * 16}))
    assert PLACE in stored.shard.states
    stored.carry_out(stored.shard.forget_topics({PLACE.topic_id}))

    assert {} == stored.shard.states
