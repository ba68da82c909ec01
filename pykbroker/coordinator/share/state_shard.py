"""The delivery state of share partitions: what one partition of `__share_group_state` holds.

A snapshot has all of a share partition's state, an update what changed since; after
`share.coordinator.snapshot.update.records.per.snapshot` updates the next write is a snapshot again.

Invariants
  `states` is changed by `replay` alone.
  A writer of an older leader epoch or state epoch is fenced: its partition is led elsewhere, or its state was set anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from pykbroker.coordinator.decision import Decision
from pykbroker.coordinator.share.state_batches import StateBatch, combined
from pykbroker.coordinator.timers import Timers
from pykbroker.errors import BrokerError
from wire.errors import ErrorCode
from wire.state_records import StateKey
from wire.state_records.share_state import ShareSnapshotKey, ShareSnapshotValue, ShareUpdateKey, ShareUpdateValue

UNINITIALIZED_START = -1
UNKNOWN_COUNT = -1
NO_EPOCH = -1


class Place(NamedTuple):
    """A share partition."""

    group_id: str
    topic_id: bytes
    partition: int


@dataclass(frozen=True, slots=True)
class DeliveryState:
    start_offset: int = UNINITIALIZED_START
    state_epoch: int = 0
    leader_epoch: int = 0
    delivery_complete_count: int = UNKNOWN_COUNT
    batches: tuple[StateBatch, ...] = ()
    snapshot_epoch: int = 0
    update_count: int = 0  # since the snapshot
    created_ms: int = -1


@dataclass(frozen=True, slots=True)
class StateWrite:
    """What a leader has to say of a share partition."""

    start_offset: int
    batches: Sequence[StateBatch]
    state_epoch: int
    leader_epoch: int
    delivery_complete_count: int = UNKNOWN_COUNT


class ShareStateShard:
    def __init__(self, *, updates_per_snapshot: int) -> None:
        self.states: dict[Place, DeliveryState] = {}
        self.timers: Timers[Decision[None]] = Timers()
        self.is_loaded = False
        self._updates_per_snapshot = updates_per_snapshot

    @property
    def size(self) -> int:
        return len(self.states)

    # --- replaying

    def replay(
        self,
        key: StateKey[Any],
        value: object,
        *,
        record_offset: int,  # noqa: ARG002 # as the runtime calls all shards
        producer_id: int = -1,  # noqa: ARG002
    ) -> None:
        if isinstance(key, ShareSnapshotKey):
            assert value is None or isinstance(value, ShareSnapshotValue)
            self._replay_snapshot(Place(key.group_id, key.topic_id, key.partition), value)
        elif isinstance(key, ShareUpdateKey) and value is not None:
            assert isinstance(value, ShareUpdateValue)
            self._replay_update(Place(key.group_id, key.topic_id, key.partition), value)

    def replay_end_transaction(self, producer_id: int, *, committed: bool) -> None:
        """There are no transactions in this topic."""

    def finish_loading(self) -> None:
        self.is_loaded = True

    def _replay_snapshot(self, place: Place, value: ShareSnapshotValue | None) -> None:
        if value is None:
            self.states.pop(place, None)
            return
        self.states[place] = DeliveryState(
            start_offset=value.start_offset,
            state_epoch=value.state_epoch,
            leader_epoch=value.leader_epoch,
            delivery_complete_count=value.delivery_complete_count,
            batches=tuple(_read(value.state_batches)),
            snapshot_epoch=value.snapshot_epoch,
            created_ms=value.create_timestamp,
        )

    def _replay_update(self, place: Place, value: ShareUpdateValue) -> None:
        before = self.states.get(place, DeliveryState(snapshot_epoch=value.snapshot_epoch))
        written = StateWrite(
            start_offset=value.start_offset,
            batches=list(_read(value.state_batches)),
            state_epoch=before.state_epoch,
            leader_epoch=value.leader_epoch,
            delivery_complete_count=value.delivery_complete_count,
        )
        self.states[place] = replace(_applied(before, written), update_count=before.update_count + 1)

    # --- deciding

    def initialize(self, place: Place, *, state_epoch: int, start_offset: int, now_ms: int) -> Decision[None]:
        """Begin anew at `start_offset`; -1 leaves it to the group's `share.auto.offset.reset`."""
        before = self.states.get(place)
        if before is not None and before.state_epoch > state_epoch:
            raise BrokerError(ErrorCode.FENCED_STATE_EPOCH)
        state = DeliveryState(
            start_offset=start_offset,
            state_epoch=state_epoch,
            delivery_complete_count=0 if start_offset != UNINITIALIZED_START else UNKNOWN_COUNT,
            snapshot_epoch=0 if before is None else before.snapshot_epoch + 1,
            created_ms=now_ms,
        )
        return Decision(None, [_snapshot(place, state, now_ms)])

    def begin_anew(self, place: Place, *, start_offset: int, now_ms: int) -> Decision[None]:
        """In a state epoch of its own, which fences whoever delivers by the old state."""
        before = self.states.get(place)
        state_epoch = 0 if before is None else before.state_epoch + 1
        return self.initialize(place, state_epoch=state_epoch, start_offset=start_offset, now_ms=now_ms)

    def write(self, place: Place, write: StateWrite, now_ms: int) -> Decision[None]:
        before = self.states.get(place)
        if before is None:
            message = "Write operation on uninitialized share partition not allowed."
            raise BrokerError(ErrorCode.INVALID_REQUEST, message)
        if write.leader_epoch < before.leader_epoch:
            raise BrokerError(ErrorCode.FENCED_LEADER_EPOCH)
        if write.state_epoch < before.state_epoch:
            raise BrokerError(ErrorCode.FENCED_STATE_EPOCH)
        if before.update_count < self._updates_per_snapshot:  # it has no state epoch
            return Decision(None, [_update(place, write, before.snapshot_epoch)])
        state = replace(
            _applied(before, write),
            state_epoch=write.state_epoch,
            snapshot_epoch=before.snapshot_epoch + 1,
        )
        return Decision(None, [_snapshot(place, state, now_ms)])

    def read(self, place: Place, *, leader_epoch: int) -> Decision[DeliveryState | None]:
        """For a new leader, which from now on is the only one that may write. None of what was not initialized."""
        state = self.states.get(place)
        if state is None:
            return Decision(None)
        if leader_epoch < state.leader_epoch:
            raise BrokerError(ErrorCode.FENCED_LEADER_EPOCH)
        if leader_epoch == state.leader_epoch:
            return Decision(state)
        claim = StateWrite(
            start_offset=-1,
            batches=(),
            state_epoch=state.state_epoch,
            leader_epoch=leader_epoch,
            delivery_complete_count=state.delivery_complete_count,
        )
        return Decision(replace(state, leader_epoch=leader_epoch), [_update(place, claim, state.snapshot_epoch)])

    def delete(self, place: Place) -> Decision[None]:
        if place not in self.states:
            return Decision(None)
        keys = (
            ShareSnapshotKey(group_id=place.group_id, topic_id=place.topic_id, partition=place.partition),
            ShareUpdateKey(group_id=place.group_id, topic_id=place.topic_id, partition=place.partition),
        )
        return Decision(None, [(key, None) for key in keys])

    def forget_topics(self, topic_ids: set[bytes]) -> Decision[None]:
        gone = [place for place in self.states if place.topic_id in topic_ids]
        return Decision(None, [record for place in gone for record in self.delete(place).records])


def _applied(before: DeliveryState, write: StateWrite) -> DeliveryState:
    """-1 is what the writer does not want to say."""
    start_offset = before.start_offset if write.start_offset == UNINITIALIZED_START else write.start_offset
    return replace(
        before,
        start_offset=start_offset,
        leader_epoch=before.leader_epoch if write.leader_epoch == NO_EPOCH else write.leader_epoch,
        delivery_complete_count=write.delivery_complete_count,
        batches=tuple(combined(before.batches, write.batches, start_offset=start_offset)),
        update_count=0,
    )


def _read(batches: Sequence[Any]) -> list[StateBatch]:
    return [
        StateBatch(batch.first_offset, batch.last_offset, batch.delivery_state, batch.delivery_count)
        for batch in batches
    ]


def _snapshot(place: Place, state: DeliveryState, now_ms: int) -> tuple[ShareSnapshotKey, ShareSnapshotValue]:
    key = ShareSnapshotKey(group_id=place.group_id, topic_id=place.topic_id, partition=place.partition)
    batches = [ShareSnapshotValue.StateBatch(**batch._asdict()) for batch in state.batches]
    return key, ShareSnapshotValue(
        snapshot_epoch=state.snapshot_epoch,
        state_epoch=state.state_epoch,
        leader_epoch=state.leader_epoch,
        start_offset=state.start_offset,
        create_timestamp=state.created_ms,
        write_timestamp=now_ms,
        state_batches=batches,
        delivery_complete_count=state.delivery_complete_count,
    )


def _update(place: Place, write: StateWrite, snapshot_epoch: int) -> tuple[ShareUpdateKey, ShareUpdateValue]:
    key = ShareUpdateKey(group_id=place.group_id, topic_id=place.topic_id, partition=place.partition)
    batches = combined((), write.batches, start_offset=write.start_offset)
    return key, ShareUpdateValue(
        snapshot_epoch=snapshot_epoch,
        leader_epoch=write.leader_epoch,
        start_offset=write.start_offset,
        state_batches=[ShareUpdateValue.StateBatch(**batch._asdict()) for batch in batches],
        delivery_complete_count=write.delivery_complete_count,
    )
