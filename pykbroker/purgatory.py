"""Waiting for a partition to move on: a task waits, under a deadline, and whoever moves the partition wakes it.

A `Waiter` stands at the partitions of one request. What it waits for is a number of bytes (a long-polling Fetch) or an
offset (Produce with acks=all); the partition counts it down as it advances, so that a small append costs a waiting
Fetch one subtraction, not a new look at all its partitions.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

import trio


class Waiter:
    """Of one request; `wake` may be called any number of times."""

    __slots__ = ("_event", "missing_bytes")

    def __init__(self, *, missing_bytes: int = 0) -> None:
        self._event = trio.Event()
        self.missing_bytes = missing_bytes

    def add_bytes(self, size_bytes: int) -> None:
        """There are so many more bytes to read."""
        self.missing_bytes -= size_bytes
        if self.missing_bytes <= 0:
            self._event.set()

    def wake(self) -> None:
        """Look again, whatever there is: leadership moved, the topic is gone, the broker stops."""
        self._event.set()

    async def wait(self, *, timeout_ms: float) -> bool:
        """False if the time ran out first."""
        with trio.move_on_after(max(0, timeout_ms) / 1000):
            await self._event.wait()
            return True
        return False


class Watched(Protocol):
    waiters: set[Waiter]


class standing_at:  # noqa: N801 # reads as the verb it is: `with standing_at(partitions, waiter):`
    """The waiter is told of what happens at these partitions, inside the `with`."""

    __slots__ = ("_places", "_waiter")

    def __init__(self, places: Iterable[Watched], waiter: Waiter) -> None:
        self._places = list(places)
        self._waiter = waiter

    def __enter__(self) -> Waiter:
        for place in self._places:
            place.waiters.add(self._waiter)
        return self._waiter

    def __exit__(self, *exc: object) -> None:
        for place in self._places:
            place.waiters.discard(self._waiter)
