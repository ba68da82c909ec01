"""The sticky assignor: who should have which task.

Members keep the active tasks that they had, else those whose state they have as a standby, up to an equal share; what
is left goes to the least loaded process, and in it to the least loaded member. Standbys of tasks with state follow, in
other processes than the active task and each other: first to who had the task, then to the least loaded.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from pykbroker.coordinator.groups.streams.configuring import ConfiguredSubtopology
from pykbroker.coordinator.groups.streams.member import Task, Tasks


class Candidate(NamedTuple):
    """A member as the assignor sees it."""

    member_id: str
    process_id: str
    had: Tasks  # its part of the target before


def assign(
    candidates: list[Candidate], subtopologies: Mapping[str, ConfiguredSubtopology], *, standby_count: int
) -> dict[str, Tasks]:
    """The target of each. Without candidates nobody has anything."""
    if not candidates:
        return {}
    work = _Assignment(candidates, subtopologies, standby_count)
    work.assign_active(list(_tasks(subtopologies.items())))
    if standby_count > 0:
        work.assign_standby(list(_tasks((key, each) for key, each in subtopologies.items() if each.is_stateful)))
    return {
        member.member_id: Tasks(active=frozenset(member.active), standby=frozenset(member.standby))
        for member in work.members.values()
    }


def _tasks(subtopologies: Iterable[tuple[str, ConfiguredSubtopology]]) -> Iterator[Task]:
    for subtopology_id, subtopology in subtopologies:
        for partition in range(subtopology.task_count):
            yield Task(subtopology_id, partition)


def _by_partition(task: Task) -> tuple[int, str]:
    return task.partition, task.subtopology_id


@dataclass(slots=True)
class _Process:
    """An instance of the application."""

    members: list[_Member] = field(default_factory=list)
    tasks: set[Task] = field(default_factory=set)

    @property
    def load(self) -> float:
        return len(self.tasks) / len(self.members)

    @property
    def least_loaded(self) -> _Member:
        return min(self.members, key=lambda member: member.task_count)


@dataclass(slots=True)
class _Member:
    member_id: str
    process: _Process
    active: set[Task] = field(default_factory=set)
    standby: set[Task] = field(default_factory=set)

    @property
    def task_count(self) -> int:
        return len(self.active) + len(self.standby)


class _Share:
    """How many tasks a member may have: an equal part of what those who are full have left."""

    def __init__(self, task_count: int, member_count: int) -> None:
        self._task_count = task_count
        self._member_count = member_count

    @property
    def most(self) -> int:
        return -(-self._task_count // self._member_count) if self._member_count else 0

    def note(self, task_count: int) -> None:
        """A member has got so many."""
        if task_count == self.most:
            self._member_count -= 1
            self._task_count -= task_count


class _Assignment:
    def __init__(
        self, candidates: list[Candidate], subtopologies: Mapping[str, ConfiguredSubtopology], standby_count: int
    ) -> None:
        self._standby_count = standby_count
        self._processes: dict[str, _Process] = defaultdict(_Process)
        self.members: dict[str, _Member] = {}
        self._had_active: dict[Task, _Member] = {}
        self._had_standby: dict[Task, list[_Member]] = defaultdict(list)
        for candidate in candidates:
            self._add(candidate)
        active_count = sum(each.task_count for each in subtopologies.values())
        stateful_count = sum(each.task_count for each in subtopologies.values() if each.is_stateful)
        self._active_share = _Share(active_count, len(candidates))
        self._share = _Share(active_count + stateful_count * standby_count, len(candidates))

    def _add(self, candidate: Candidate) -> None:
        process = self._processes[candidate.process_id]
        member = self.members[candidate.member_id] = _Member(candidate.member_id, process)
        process.members.append(member)
        for task in candidate.had.active:
            self._had_active[task] = member
        for task in candidate.had.standby:
            self._had_standby[task].append(member)

    # --- active

    def assign_active(self, tasks: list[Task]) -> None:
        # Tasks of one partition go together: what was assigned by ranges stays so.
        left = [
            task for task in sorted(tasks, key=_by_partition) if not self._give_back(task, self._had_active.get(task))
        ]
        left = [task for task in left if not self._give_back(task, self._least_loaded_standby(task))]
        queue = self._queue()
        for task in sorted(left):
            _, order, process = heapq.heappop(queue)
            self._give_active(process.least_loaded, task)
            heapq.heappush(queue, (process.load, order, process))

    def _give_back(self, task: Task, member: _Member | None) -> bool:
        if member is None or member.task_count >= self._active_share.most:
            return False
        self._give_active(member, task)
        return True

    def _give_active(self, member: _Member, task: Task) -> None:
        member.active.add(task)
        member.process.tasks.add(task)
        self._active_share.note(member.task_count)
        self._share.note(member.task_count)

    # --- standby

    def assign_standby(self, tasks: list[Task]) -> None:
        left: list[tuple[Task, int]] = []
        for task in sorted(tasks, key=_by_partition, reverse=True):
            for given in range(self._standby_count):
                member = self._former(task)
                if member is None:
                    left.append((task, self._standby_count - given))
                    break
                self._give_standby(member, task)
        queue = self._queue()
        for task, wanted in sorted(left, reverse=True):
            for _ in range(wanted):
                if not self._give_to_least_loaded(queue, task):
                    break  # there are no more processes

    def _former(self, task: Task) -> _Member | None:
        """Who had the task and may have it as a standby."""
        active = self._had_active.get(task)
        for member in (active, self._least_loaded_standby(task, without_task=True)):
            if member is not None and task not in member.process.tasks and member.task_count < self._share.most:
                return member
        return None

    def _give_standby(self, member: _Member, task: Task) -> None:
        member.standby.add(task)
        member.process.tasks.add(task)
        self._share.note(member.task_count)

    def _give_to_least_loaded(self, queue: list[tuple[float, int, _Process]], task: Task) -> bool:
        passed = []
        is_given = False
        while queue and not is_given:
            _, order, process = heapq.heappop(queue)
            if task not in process.tasks:
                self._give_standby(process.least_loaded, task)
                is_given = True
            passed.append((process.load, order, process))
        for each in passed:
            heapq.heappush(queue, each)
        return is_given

    # --- both

    def _least_loaded_standby(self, task: Task, *, without_task: bool = False) -> _Member | None:
        """Of those that had the task as a standby; if need be of processes that do not have it now."""
        members = self._had_standby.get(task, ())
        return min(
            (member for member in members if not (without_task and task in member.process.tasks)),
            key=lambda member: (member.process.load, member.task_count),
            default=None,
        )

    def _queue(self) -> list[tuple[float, int, _Process]]:
        """Processes by load; the number keeps those of equal load apart."""
        queue = [(process.load, order, process) for order, process in enumerate(self._processes.values())]
        heapq.heapify(queue)
        return queue
