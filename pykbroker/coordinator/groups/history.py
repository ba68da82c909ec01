"""What happened in groups, and why: for whoever asks why a group rebalanced at 12:03:07.

Kept in memory, beside the groups: nothing of it is in a log or comes back after a restart, and a group that changes its
protocol or is deleted keeps its history.

Invariant: at most `MAX_EVENTS` of a group and `MAX_WEIGHT` of all together; the oldest of the group, and the groups in
which nothing has happened for longest, go first. What a peer repeats is one event.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import NamedTuple, Protocol

MAX_EVENTS = 200
MAX_MOVES = 500  # told in one event
MAX_WEIGHT = 20_000  # events and moves: some 5 MB


class Kind(Enum):
    JOINED = "joined"
    CHANGED = "changed"  # a member reads something else
    LEFT = "left"
    TIMED_OUT = "timed out"
    REPLACED = "replaced"  # a static member was started again
    FENCED = "fenced"  # a member came with a number of before
    TOPICS = "topics"  # what members read came, went, or has other partitions
    REBALANCE = "rebalance"  # is to begin
    GENERATION = "generation"  # or epoch
    ASSIGNED = "assigned"
    STABLE = "stable"
    LOADED = "loaded"


class Move(NamedTuple):
    """Of one partition, from one member to another; "" is nobody."""

    topic: str
    partition: int
    before: str
    after: str


class Who(Protocol):
    """A member, of whatever protocol."""

    @property
    def member_id(self) -> str: ...

    @property
    def client_id(self) -> str: ...

    @property
    def client_host(self) -> str: ...


class Named(NamedTuple):
    """A member of which little is known."""

    member_id: str
    client_id: str = ""
    client_host: str = ""


@dataclass(frozen=True, slots=True)
class Event:
    at_ms: int
    kind: Kind
    text: str
    member_id: str = ""
    client_id: str = ""
    client_host: str = ""
    generation: int | None = None  # or epoch: what the event led to, or happened in
    moves: tuple[Move, ...] = ()
    move_count: int = 0
    times: int = 1

    @property
    def weight(self) -> int:
        return 1 + len(self.moves)


def event(
    at_ms: int,
    kind: Kind,
    text: str,
    member: Who | None = None,
    *,
    generation: int | None = None,
    moves: Sequence[Move] = (),
) -> Event:
    made = Event(at_ms, kind, text, generation=generation, moves=tuple(moves[:MAX_MOVES]), move_count=len(moves))
    if member is None:
        return made
    return replace(
        made, member_id=member.member_id, client_id=member.client_id, client_host=member.client_host.removeprefix("/")
    )


class Histories:
    """Of all groups of a node."""

    def __init__(self) -> None:
        self._groups: OrderedDict[str, deque[Event]] = OrderedDict()  # longest unchanged first
        self._weight = 0

    def of(self, group_id: str) -> list[Event]:
        """Oldest first."""
        return list(self._groups.get(group_id, ()))

    def note(
        self,
        group_id: str,
        at_ms: int,
        kind: Kind,
        text: str,
        member: Who | None = None,
        *,
        generation: int | None = None,
        moves: Sequence[Move] = (),
    ) -> None:
        self.add(group_id, event(at_ms, kind, text, member, generation=generation, moves=moves))

    def add_step(self, group_id: str, events: Iterable[Event], *, stable_in: int | None, at_ms: int) -> None:
        """What came of one heartbeat; `stable_in` is the epoch if with it all members have what they should."""
        for each in events:
            self.add(group_id, each)
        if stable_in is not None:
            text = f"all members are in epoch {stable_in}, and have what they should"
            self.note(group_id, at_ms, Kind.STABLE, text, generation=stable_in)

    def add(self, group_id: str, added: Event) -> None:
        events = self._groups.setdefault(group_id, deque())
        self._groups.move_to_end(group_id)
        if events and replace(events[-1], at_ms=added.at_ms, times=1) == added:
            events[-1] = replace(added, times=events[-1].times + 1)
            return
        events.append(added)
        self._weight += added.weight
        if len(events) > MAX_EVENTS:
            self._weight -= events.popleft().weight
        while self._weight > MAX_WEIGHT:
            oldest = next(iter(self._groups.values()))
            self._weight -= oldest.popleft().weight
            if not oldest:
                self._groups.popitem(last=False)


def moves_between(before: Mapping[tuple[str, int], str], after: Mapping[tuple[str, int], str]) -> list[Move]:
    """What changed hands, given the member of each (topic, partition)."""
    return [
        Move(*place, before.get(place, ""), after.get(place, ""))
        for place in sorted({*before, *after})
        if before.get(place, "") != after.get(place, "")
    ]


def told(names: Iterable[str], most: int = 10) -> str:
    """A few names; of many, how many more."""
    known = sorted(names)
    left_out = len(known) - most
    return ", ".join(known[:most]) + (f" and {left_out} more" if left_out > 0 else "")


def difference(before: Iterable[str], after: Iterable[str]) -> str:
    """What is read now that was not, and the other way around, in words; "" where that is the same."""
    gained, lost = set(after) - set(before), set(before) - set(after)
    said = [f"reads {told(gained)} too"] * bool(gained) + [f"reads {told(lost)} no more"] * bool(lost)
    return ", ".join(said)


def moved(moves: Sequence[Move]) -> str:
    return "1 partition moves" if len(moves) == 1 else f"{len(moves) or 'no'} partitions move"


def counted(count: int, noun: str) -> str:
    return f"{count or 'no'} {noun}{'' if count == 1 else 's'}"


def silent(heard_ms: int, timeout_ms: int, now_ms: int) -> str:
    return f"not heard of for {now_ms - heard_ms} ms; its session timeout is {timeout_ms} ms"
