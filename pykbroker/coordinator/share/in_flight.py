"""The records of a share partition that are in flight, as runs of consecutive offsets in one state.

Invariant: the runs lie side by side, in order, from the first's `first_offset` to the last's `next_offset`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from enum import IntEnum


class RecordState(IntEnum):
    """As `__share_group_state` numbers them; ACQUIRED is never stored."""

    AVAILABLE = 0
    ACQUIRED = 1
    ACKNOWLEDGED = 2
    ARCHIVED = 4  # rejected, delivered too often, or gone

    @property
    def is_final(self) -> bool:
        return self in (RecordState.ACKNOWLEDGED, RecordState.ARCHIVED)


class Run:
    """Records of one state, that were delivered equally often."""

    __slots__ = ("deadline_ms", "delivery_count", "first_offset", "is_changing", "member_id", "next_offset", "state")

    def __init__(self, first_offset: int, next_offset: int, state: RecordState, delivery_count: int) -> None:
        self.first_offset = first_offset
        self.next_offset = next_offset
        self.state = state
        self.delivery_count = delivery_count
        self.member_id = ""  # who has acquired them
        self.deadline_ms = 0  # until when
        self.is_changing = False  # the change of its state is on its way to disk

    def __repr__(self) -> str:
        owner = f" of {self.member_id}" if self.member_id else ""
        return f"[{self.first_offset}, {self.next_offset}) {self.state.name}{owner} #{self.delivery_count}"

    def __len__(self) -> int:
        return self.next_offset - self.first_offset

    def acquire(self, member_id: str, *, deadline_ms: int) -> None:
        assert self.state is RecordState.AVAILABLE, self
        assert not self.is_changing, self
        self.state = RecordState.ACQUIRED
        self.delivery_count += 1
        self.member_id = member_id
        self.deadline_ms = deadline_ms

    def become(self, state: RecordState, delivery_count: int) -> None:
        """Nobody's any more."""
        self.state = state
        self.delivery_count = delivery_count
        self.member_id = ""
        self.is_changing = False

    def is_acquired_by(self, member_id: str) -> bool:
        return self.state is RecordState.ACQUIRED and self.member_id == member_id and not self.is_changing

    def cut(self, offset: int) -> Run:
        """Keep what is before `offset`; the rest."""
        assert self.first_offset < offset < self.next_offset, (self, offset)
        assert not self.is_changing, self
        rest = Run(offset, self.next_offset, self.state, self.delivery_count)
        rest.member_id, rest.deadline_ms = self.member_id, self.deadline_ms
        self.next_offset = offset
        return rest

    def continues(self, other: Run) -> bool:
        """Could both be one?"""
        return (
            self.state is other.state
            and self.delivery_count == other.delivery_count
            and self.state is not RecordState.ACQUIRED
            and not (self.is_changing or other.is_changing)
        )


class InFlight:
    def __init__(self) -> None:
        self._runs: list[Run] = []

    def __iter__(self) -> Iterator[Run]:
        return iter(self._runs)

    def __len__(self) -> int:
        return len(self._runs)

    def append(self, run: Run) -> None:
        assert not self._runs or self._runs[-1].next_offset == run.first_offset, (self._runs[-1], run)
        self._runs.append(run)

    def between(self, first_offset: int, next_offset: int) -> list[Run]:
        """The runs of exactly these offsets, cut out of longer ones."""
        if not self._runs:
            return []
        return self._runs[self._boundary(first_offset) : self._boundary(next_offset)]

    def covering(self, first_offset: int, next_offset: int) -> list[Run]:
        """The runs that any of these offsets are in, uncut."""
        start = max(0, bisect_right(self._runs, first_offset, key=_first_offset) - 1)
        found = []
        for run in self._runs[start:]:
            if run.first_offset >= next_offset:
                break
            if run.next_offset > first_offset:
                found.append(run)
        return found

    def drop_before(self, offset: int) -> None:
        del self._runs[: self._boundary(offset)]

    def merge(self) -> None:
        """Make neighbours that are alike one: so there are as few runs as there can be."""
        merged: list[Run] = []
        for run in self._runs:
            if merged and merged[-1].continues(run):
                merged[-1].next_offset = run.next_offset
            else:
                merged.append(run)
        self._runs = merged

    def _boundary(self, offset: int) -> int:
        """The index of the first run at or after `offset`, having cut the one that it is in."""
        index = bisect_right(self._runs, offset, key=_first_offset) - 1
        if index < 0:
            return 0
        run = self._runs[index]
        if offset == run.first_offset:
            return index
        if offset < run.next_offset:
            self._runs.insert(index + 1, run.cut(offset))
        return index + 1


def _first_offset(run: Run) -> int:
    return run.first_offset
