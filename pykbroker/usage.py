"""What the request in hand has cost, where its client has quotas: its bytes, and the event loop's time.

Knows no quotas; whoever does (`quotas.py`) says how long the client is to be quiet.
"""

from __future__ import annotations

import types
from collections.abc import Awaitable, Callable, Generator
from functools import partial
from typing import Any, TypeVar

T = TypeVar("T")


class Usage:
    """Of one request. Time counts from the beginning, but for `rest` and what is waited for in `timed`."""

    __slots__ = (
        "_clock_ns",
        "_since_ns",
        "_spent_ns",
        "client_id",
        "is_time_charged",
        "is_time_free",
        "muted_until_ms",
        "request_bytes",
        "user",
    )

    def __init__(self, user: str, client_id: str, request_bytes: int, clock_ns: Callable[[], int]) -> None:
        self.user = user
        self.client_id = client_id
        self.request_bytes = request_bytes
        self.muted_until_ms = 0  # on the event loop's clock
        self.is_time_charged = False
        self.is_time_free = False
        self._clock_ns = clock_ns
        self._spent_ns = 0
        self._since_ns: int | None = clock_ns()

    def mute_until(self, time_ms: int) -> None:
        """The longest counts."""
        self.muted_until_ms = max(self.muted_until_ms, time_ms)

    def take_time_ns(self) -> int:
        """What was spent since this was last asked."""
        if self._since_ns is not None:
            now_ns = self._clock_ns()
            self._spent_ns += now_ns - self._since_ns
            self._since_ns = now_ns
        taken, self._spent_ns = self._spent_ns, 0
        return taken

    def rest(self) -> None:
        if self._since_ns is not None:
            self._spent_ns += self._clock_ns() - self._since_ns
            self._since_ns = None

    def _resume(self) -> None:
        if self._since_ns is None:
            self._since_ns = self._clock_ns()

    @types.coroutine
    def timed(self, awaited: Awaitable[T]) -> Generator[Any, Any, T]:
        """Await it; what runs counts, what is waited for does not."""
        steps: Any = awaited.__await__()
        step: Callable[[], Any] = partial(next, steps)
        while True:
            self._resume()
            try:
                wanted = step()
            except StopIteration as end:
                return end.value  # type: ignore[no-any-return] # what the awaitable says it gives
            self.rest()
            try:
                step = partial(steps.send, (yield wanted))
            except BaseException as error:  # cancelled, as a rule
                step = partial(steps.throw, error)
