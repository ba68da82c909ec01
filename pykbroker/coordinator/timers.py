"""Deadlines with a name, each with what to do when it passes.

Scheduling a name again replaces what was scheduled: moving a deadline further away, as each heartbeat does, costs a
dictionary lookup, not an entry in the heap.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Hashable, Iterator
from itertools import count
from typing import Generic, TypeVar

T = TypeVar("T")

Action = Callable[[int], T]


class _Timer(Generic[T]):
    __slots__ = ("action", "deadline_ms", "queued_ms")

    def __init__(self, deadline_ms: int, action: Action[T]) -> None:
        self.deadline_ms = deadline_ms
        self.queued_ms = deadline_ms  # where in the heap it is: never later than the deadline
        self.action = action


class Timers(Generic[T]):
    def __init__(self) -> None:
        self._timers: dict[Hashable, _Timer[T]] = {}
        self._heap: list[tuple[int, int, Hashable, _Timer[T]]] = []
        self._order = count()

    def __contains__(self, name: Hashable) -> bool:
        return name in self._timers

    @property
    def next_deadline_ms(self) -> int | None:
        """When `due` should be asked next: a deadline, or sooner where one was moved away."""
        while self._heap:
            queued_ms, _, name, timer = self._heap[0]
            if self._timers.get(name) is timer and timer.queued_ms == queued_ms:
                return queued_ms
            heapq.heappop(self._heap)
        return None

    def schedule(self, name: Hashable, deadline_ms: int, action: Action[T]) -> None:
        timer = self._timers.get(name)
        if timer is not None and timer.queued_ms <= deadline_ms:
            timer.deadline_ms = deadline_ms
            timer.action = action
            return
        self._push(name, _Timer(deadline_ms, action))

    def cancel(self, name: Hashable) -> None:
        self._timers.pop(name, None)

    def clear(self) -> None:
        self._timers.clear()
        self._heap.clear()

    def due(self, now_ms: int) -> Iterator[T]:
        """Run what has come due, in the order of the deadlines; what it leads to."""
        while (queued_ms := self.next_deadline_ms) is not None and queued_ms <= now_ms:
            _, _, name, timer = heapq.heappop(self._heap)
            if timer.deadline_ms > now_ms:
                timer.queued_ms = timer.deadline_ms
                self._push(name, timer)
            else:
                del self._timers[name]
                yield timer.action(now_ms)

    def shift(self, delta_ms: int) -> None:
        """Move all deadlines: the clock was set."""
        timers, self._heap = self._timers, []
        self._timers = {}
        for name, timer in timers.items():
            self._push(name, _Timer(timer.deadline_ms + delta_ms, timer.action))

    def _push(self, name: Hashable, timer: _Timer[T]) -> None:
        self._timers[name] = timer
        heapq.heappush(self._heap, (timer.queued_ms, next(self._order), name, timer))
