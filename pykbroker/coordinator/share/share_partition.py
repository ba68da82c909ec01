"""One partition as a share group reads it: which records are free, which somebody has, which are done with.

    AVAILABLE -> ACQUIRED       delivered to a member, for a time
    ACQUIRED -> ACKNOWLEDGED    accepted
    ACQUIRED -> AVAILABLE       released, by the member or because the time was over
    ACQUIRED -> ARCHIVED        rejected; or released, but delivered as often as may be

Invariants
  Every offset from `start_offset` on and before `next_offset` is in exactly one run; what is before is done with, what
  is after was never delivered.
  The first record is not done with: `start_offset` moves over what is.
  A record is acquired by one member at a time, and delivered at most `delivery_count_limit` times.
  A change that has to be stored first is a `Transition`: until it is committed or rolled back, nobody else may
  acquire or acknowledge its records.

Knows neither the log nor where state is stored.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import IntEnum
from typing import NamedTuple

from pykbroker.coordinator.share.config import DeliveryConfig
from pykbroker.coordinator.share.in_flight import InFlight, RecordState, Run
from pykbroker.coordinator.share.state_batches import StateBatch
from pykbroker.errors import BrokerError
from wire.errors import ErrorCode

_NOT_ACQUIRED = "The offset cannot be acknowledged. The offset is not acquired."
_OF_ANOTHER = "Member is not the owner of batch record"


class AcknowledgeType(IntEnum):
    GAP = 0  # there is no record of this offset
    ACCEPT = 1
    RELEASE = 2
    REJECT = 3
    RENEW = 4  # KIP-1222: keep it for another while


class Acknowledgement(NamedTuple):
    """Of the records from `first_offset` to `last_offset`: one type for all, or one for each."""

    first_offset: int
    last_offset: int
    types: Sequence[int]


class Acquired(NamedTuple):
    first_offset: int
    last_offset: int
    delivery_count: int


class Span(NamedTuple):
    """The offsets of a record batch, as it lies in the log. Of one that has nothing for consumers there are none."""

    first_offset: int
    next_offset: int


class Change(NamedTuple):
    """What is to become of a run."""

    run: Run
    state: RecordState
    delivery_count: int


class Transition:
    """Changes that count once they are stored."""

    def __init__(self, partition: SharePartition, changes: list[Change]) -> None:
        self._partition = partition
        self._changes = changes
        for change in changes:
            change.run.is_changing = True
        done = sum(len(change.run) for change in changes if change.state.is_final)
        self.delivery_complete_count = partition.delivery_complete_count + done
        self.state_batches = [
            StateBatch(run.first_offset, run.next_offset - 1, state, delivery_count)
            for run, state, delivery_count in changes
        ]

    def __bool__(self) -> bool:
        return bool(self._changes)

    def commit(self) -> None:
        for run, state, delivery_count in self._changes:
            run.become(state, delivery_count)
        self._partition.settle()

    def roll_back(self) -> None:
        """It could not be stored: who has the records keeps them until the deadline."""
        for run, _, _ in self._changes:
            run.is_changing = False


class SharePartition:
    def __init__(self, start_offset: int, state_batches: Iterable[StateBatch] = ()) -> None:
        """As it was stored; what was acquired then is available."""
        self.start_offset = start_offset
        self.next_offset = start_offset  # of what was never delivered
        self._in_flight = InFlight()
        for batch in state_batches:
            if batch.last_offset >= self.next_offset:
                self._restore(batch)
        self.settle()

    def _restore(self, batch: StateBatch) -> None:
        first_offset = max(batch.first_offset, self.next_offset)
        if first_offset > self.next_offset:  # between what was delivered, and yet to deliver
            self._in_flight.append(Run(self.next_offset, first_offset, RecordState.AVAILABLE, 0))
        state = RecordState(batch.delivery_state)
        self._in_flight.append(Run(first_offset, batch.last_offset + 1, state, batch.delivery_count))
        self.next_offset = batch.last_offset + 1

    # --- what there is

    @property
    def runs(self) -> list[Run]:
        return list(self._in_flight)

    @property
    def next_fetch_offset(self) -> int:
        """From where to read: the first record that is free."""
        for run in self._in_flight:
            if run.state is RecordState.AVAILABLE and not run.is_changing:
                return run.first_offset
        return self.next_offset

    @property
    def delivery_complete_count(self) -> int:
        """How many records after the start are done with (KIP-1226)."""
        return sum(len(run) for run in self._in_flight if run.state.is_final)

    @property
    def next_deadline_ms(self) -> int | None:
        acquired = (run.deadline_ms for run in self._in_flight if _is_held(run))
        return min(acquired, default=None)

    def can_acquire(self, config: DeliveryConfig) -> bool:
        """Is there room for more in flight, or anything to deliver again?"""
        return self.next_fetch_offset < self.next_offset or self._room(config) > 0

    def _room(self, config: DeliveryConfig) -> int:
        return config.max_record_locks - (self.next_offset - self.start_offset)

    # --- acquiring

    def acquire(
        self, member_id: str, spans: Sequence[Span], *, max_records: int, is_strict: bool, now_ms: int,
        config: DeliveryConfig,
    ) -> list[Acquired]:  # fmt: skip
        """Give a member what is free of the batches at `spans`, which are what the log has from `next_fetch_offset` on.

        Strictly at most `max_records`; or else a batch that is begun is acquired to its end.
        """
        room = self._room(config)
        left = max_records
        taken: list[Run] = []
        offset = self.next_fetch_offset
        for span in spans:
            if left <= 0:
                break
            self._pass_over(offset, span.first_offset)
            again = self._available(span, left if is_strict else None)
            left -= sum(map(len, again))
            taken += again
            if span.next_offset > self.next_offset and room > 0 and left > 0:
                fresh = self._extend(span.next_offset, min(left, room) if is_strict else None)
                room -= len(fresh)
                left -= len(fresh)
                taken.append(fresh)
            offset = span.next_offset
        deadline_ms = now_ms + config.record_lock_duration_ms
        for run in taken:
            run.acquire(member_id, deadline_ms=deadline_ms)
        return [Acquired(run.first_offset, run.next_offset - 1, run.delivery_count) for run in taken]

    def pass_over(self, next_offset: int) -> None:
        """The log has nothing for consumers from `next_fetch_offset` to here: compacted away, aborted, or markers."""
        self._pass_over(self.next_fetch_offset, next_offset)
        self.settle()

    def _pass_over(self, first_offset: int, next_offset: int) -> None:
        for run in self._available(Span(first_offset, next_offset), None):
            run.become(RecordState.ARCHIVED, run.delivery_count)
        if next_offset > self.next_offset:
            self._extend(next_offset, None).become(RecordState.ARCHIVED, 0)

    def _available(self, span: Span, limit: int | None) -> list[Run]:
        """The free records of a span, at most so many."""
        found = []
        left = span.next_offset - span.first_offset if limit is None else limit
        for run in self._in_flight.covering(*span):
            if left <= 0:
                break
            if run.state is RecordState.AVAILABLE and not run.is_changing:
                start = max(run.first_offset, span.first_offset)
                found += self._in_flight.between(start, min(run.next_offset, span.next_offset, start + left))
                left -= len(found[-1])
        return found

    def _extend(self, next_offset: int, limit: int | None) -> Run:
        if limit is not None:
            next_offset = min(next_offset, self.next_offset + limit)
        run = Run(self.next_offset, next_offset, RecordState.AVAILABLE, 0)
        self._in_flight.append(run)
        self.next_offset = next_offset
        return run

    # --- letting go

    def acknowledge(
        self, member_id: str, acknowledgements: Sequence[Acknowledgement], *, now_ms: int, config: DeliveryConfig
    ) -> Transition:
        """All or none. Raises BrokerError."""
        changes: list[Change] = []
        renewed: list[Run] = []
        done_until = self.start_offset
        for first_offset, next_offset, kind in _flattened(acknowledgements):
            if next_offset <= self.start_offset:
                continue  # done with already: the log was cut, or it is said again
            if first_offset < done_until and changes:
                raise BrokerError(ErrorCode.INVALID_RECORD_STATE, _NOT_ACQUIRED)
            done_until = next_offset
            for run in self._held_by(member_id, max(first_offset, self.start_offset), next_offset):
                if kind is AcknowledgeType.RENEW:
                    renewed.append(run)
                else:
                    changes.append(_acknowledged(run, kind, config))
        for run in renewed:
            run.deadline_ms = now_ms + config.record_lock_duration_ms
        return Transition(self, changes)

    def _held_by(self, member_id: str, first_offset: int, next_offset: int) -> list[Run]:
        if next_offset > self.next_offset:
            which = "first" if first_offset >= self.next_offset else "last"
            message = f"Batch record not found. The {which} offset in request is past acquired records."
            raise BrokerError(ErrorCode.INVALID_REQUEST, message)
        found = self._in_flight.covering(first_offset, next_offset)
        for run in found:
            if not run.is_acquired_by(member_id):
                raise BrokerError(ErrorCode.INVALID_RECORD_STATE, _OF_ANOTHER if _is_held(run) else _NOT_ACQUIRED)
        return self._in_flight.between(first_offset, next_offset)

    def release(self, member_id: str, config: DeliveryConfig) -> Transition:
        """A member's session ends: all that it has."""
        held = [run for run in self._in_flight if run.is_acquired_by(member_id)]
        return Transition(self, [Change(run, *_released(run, config)) for run in held])

    def expire(self, now_ms: int, config: DeliveryConfig) -> list[StateBatch]:
        """Free what was held for too long; what to store about it. That need not be waited for."""
        batches = []
        for run in self._in_flight:
            if _is_held(run) and run.deadline_ms <= now_ms:
                run.become(*_released(run, config))
                batches.append(StateBatch(run.first_offset, run.next_offset - 1, run.state, run.delivery_count))
        if batches:
            self.settle()
        return batches

    # --- the start

    def advance_log_start(self, log_start_offset: int) -> None:
        """The log was cut: what is gone is done with, except for what somebody still has. Say so again, for those."""
        if log_start_offset <= self.start_offset:
            return
        if log_start_offset > self.next_offset:
            self._pass_over(self.next_offset, log_start_offset)
        for run in self._in_flight.covering(self.start_offset, log_start_offset):
            if run.state is RecordState.AVAILABLE and not run.is_changing:
                for gone in self._in_flight.between(run.first_offset, min(run.next_offset, log_start_offset)):
                    gone.become(RecordState.ARCHIVED, gone.delivery_count)
        self.settle()

    def settle(self) -> None:
        """Move the start over what is done with."""
        self._in_flight.merge()
        start_offset = self.next_offset
        for run in self._in_flight:
            if not run.state.is_final or run.is_changing:
                start_offset = run.first_offset
                break
        self._in_flight.drop_before(start_offset)
        self.start_offset = start_offset


def _is_held(run: Run) -> bool:
    return run.state is RecordState.ACQUIRED and not run.is_changing


def _acknowledged(run: Run, kind: AcknowledgeType, config: DeliveryConfig) -> Change:
    if kind is AcknowledgeType.RELEASE:
        return Change(run, *_released(run, config))
    state = RecordState.ACKNOWLEDGED if kind is AcknowledgeType.ACCEPT else RecordState.ARCHIVED
    return Change(run, state, run.delivery_count)


def _released(run: Run, config: DeliveryConfig) -> tuple[RecordState, int]:
    is_last = run.delivery_count >= config.delivery_count_limit
    return (RecordState.ARCHIVED if is_last else RecordState.AVAILABLE), run.delivery_count


def _flattened(acknowledgements: Sequence[Acknowledgement]) -> list[tuple[int, int, AcknowledgeType]]:
    """Half-open ranges of one type each."""
    ranges: list[tuple[int, int, AcknowledgeType]] = []
    for first_offset, last_offset, types in acknowledgements:
        if len(types) == 1:
            ranges.append((first_offset, last_offset + 1, AcknowledgeType(types[0])))
            continue
        for offset, kind in enumerate(types, first_offset):
            if ranges and ranges[-1][1] == offset and ranges[-1][2] == kind:
                ranges[-1] = (ranges[-1][0], offset + 1, ranges[-1][2])
            else:
                ranges.append((offset, offset + 1, AcknowledgeType(kind)))
    return ranges
