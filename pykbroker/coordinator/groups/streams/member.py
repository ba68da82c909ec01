"""One member of a streams group: what it told of itself, and which tasks it has.

A member never changes; a record that is replayed puts another in its place.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import NamedTuple

JOINING, LEAVING, LEAVING_STATIC = 0, -1, -2  # of member epochs, in requests


class Task(NamedTuple):
    subtopology_id: str
    partition: int

    def __str__(self) -> str:
        return f"{self.subtopology_id}_{self.partition}"


TaskSet = frozenset[Task]


class Tasks(NamedTuple):
    active: TaskSet = frozenset()
    standby: TaskSet = frozenset()
    warmup: TaskSet = frozenset()

    @property
    def all(self) -> TaskSet:
        return self.active | self.standby | self.warmup

    def __bool__(self) -> bool:
        return bool(self.active or self.standby or self.warmup)

    def __and__(self, other: Tasks) -> Tasks:
        return Tasks(self.active & other.active, self.standby & other.standby, self.warmup & other.warmup)

    def __or__(self, other: Tasks) -> Tasks:
        return Tasks(self.active | other.active, self.standby | other.standby, self.warmup | other.warmup)

    def __sub__(self, other: Tasks) -> Tasks:
        return Tasks(self.active - other.active, self.standby - other.standby, self.warmup - other.warmup)


NO_TASKS = Tasks()


class MemberState(IntEnum):
    """As the records have it."""

    STABLE = 1  # has what it should have, as of its epoch
    UNREVOKED_TASKS = 2  # is to give tasks up, and has not said yet that it did
    UNRELEASED_TASKS = 3  # is to get tasks that others still have


class Endpoint(NamedTuple):
    host: str
    port: int


@dataclass(frozen=True, slots=True)
class StreamsMember:
    member_id: str
    instance_id: str | None = None
    rack_id: str | None = None
    client_id: str = ""
    client_host: str = ""
    rebalance_timeout_ms: int = -1
    topology_epoch: int = -1
    process_id: str = ""
    endpoint: Endpoint | None = None
    client_tags: Mapping[str, str] = field(default_factory=dict)
    epoch: int = 0
    previous_epoch: int = 0
    state: MemberState = MemberState.STABLE
    assigned: Tasks = NO_TASKS
    revoking: Tasks = NO_TASKS
    assigned_in: Mapping[Task, int] = field(default_factory=dict)  # active task, also if revoking -> epoch

    @property
    def holds(self) -> TaskSet:
        """All tasks that the member has, those that it is to give up included."""
        return self.assigned.all | self.revoking.all

    @property
    def holds_active(self) -> TaskSet:
        return self.assigned.active | self.revoking.active

    def is_reconciled_to(self, epoch: int) -> bool:
        return self.state is MemberState.STABLE and self.epoch == epoch

    def has_same_metadata(self, other: StreamsMember) -> bool:
        """Whether the two differ in nothing but what they have been given."""
        same = replace(
            other,
            epoch=self.epoch,
            previous_epoch=self.previous_epoch,
            state=self.state,
            assigned=self.assigned,
            revoking=self.revoking,
            assigned_in=self.assigned_in,
        )
        return self == same
