"""How much of something passes, measured as Apache Kafka measures it for quotas: a rate over windows, a token bucket.

Both tell how long whoever is above the limit has to be quiet. The limit may change at any time; time is an argument.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

_MS_BETWEEN_LOOKS = 30_000
_MOST_MS = 2**31 - 1  # that an answer can tell


@dataclass(frozen=True, slots=True)
class Windows:
    count: int
    size_ms: int

    @property
    def span_ms(self) -> int:
        return self.count * self.size_ms


@dataclass(slots=True)
class _Sample:
    """What was recorded in one window, which begins with the first record after the window before."""

    start_ms: int
    last_ms: int
    value: float = 0.0

    def reset(self, now_ms: int) -> None:
        self.start_ms = self.last_ms = now_ms
        self.value = 0.0


class Rate:
    """Per second, over all windows but the last and what has passed of that.

    One window more than asked for is kept: the oldest counts as long as anything of it is recent enough.
    """

    def __init__(self, windows: Windows, limit: float, now_ms: int) -> None:
        self.limit = limit
        self._windows = windows
        self._samples = [_Sample(now_ms, now_ms)]
        self._current = 0

    def record(self, value: float, now_ms: int) -> None:
        """A negative value takes back what was recorded."""
        sample = self._samples[self._current]
        if now_ms - sample.start_ms >= self._windows.size_ms:
            sample = self._next(now_ms)
        sample.value += value
        sample.last_ms = now_ms

    def per_second(self, now_ms: int) -> float:
        elapsed_s = self._elapsed_ms(now_ms) / 1000
        return sum(sample.value for sample in self._samples) / elapsed_s

    def throttle_ms(self, now_ms: int) -> int:
        """How much longer the time measured would have to be for the rate to be the limit; 0 if it is within it."""
        per_second = self.per_second(now_ms)
        if per_second <= self.limit:
            return 0
        if not self.limit:
            return _MOST_MS
        return _rounded((per_second - self.limit) / self.limit * self._elapsed_ms(now_ms))

    def is_idle(self, now_ms: int) -> bool:
        """It is as good as new."""
        return now_ms - self._samples[self._current].last_ms >= self._windows.span_ms

    def _next(self, now_ms: int) -> _Sample:
        self._current = (self._current + 1) % (self._windows.count + 1)
        if self._current == len(self._samples):
            self._samples.append(_Sample(now_ms, now_ms))
        sample = self._samples[self._current]
        sample.reset(now_ms)
        return sample

    def _elapsed_ms(self, now_ms: int) -> int:
        """Since the oldest window began; where there are too few, those that are missing count as well."""
        for sample in self._samples:
            if now_ms - sample.last_ms >= self._windows.span_ms:
                sample.reset(now_ms)
        elapsed_ms = now_ms - min(sample.start_ms for sample in self._samples)
        missing = self._windows.count - 1 - elapsed_ms // self._windows.size_ms
        return max(1, elapsed_ms + max(0, missing) * self._windows.size_ms)


class TokenBucket:
    """Holds what the limit gives in all windows. It may be overdrawn, then nothing is to be had until it is not."""

    def __init__(self, windows: Windows, limit: float, now_ms: int) -> None:
        self.limit = limit
        self._windows = windows
        self._tokens = math.inf  # full, whatever the limit will be
        self._last_ms = now_ms

    def spend(self, tokens: float, now_ms: int) -> None:
        self._refill(now_ms)
        self._tokens -= tokens

    def throttle_ms(self, now_ms: int) -> int:
        """Until it is overdrawn no more; 0 if it is not."""
        self._refill(now_ms)
        return max(0, _rounded(-self._tokens / self.limit * 1000))

    def is_idle(self, now_ms: int) -> bool:
        self._refill(now_ms)
        return self._tokens >= self._size

    @property
    def _size(self) -> float:
        return self.limit * self._windows.span_ms / 1000

    def _refill(self, now_ms: int) -> None:
        refill = self.limit * (now_ms - self._last_ms) / 1000
        self._tokens = min(self._size, self._tokens + refill)
        self._last_ms = now_ms


class Meter(Protocol):
    limit: float

    def is_idle(self, now_ms: int) -> bool: ...


Who = TypeVar("Who", bound=Hashable)
MeterT = TypeVar("MeterT", bound=Meter)


class Meters(Generic[Who, MeterT]):
    """One for each who is measured, of whom there may be any number: so the idle are forgotten."""

    def __init__(self, windows: Windows, make: Callable[[Windows, float, int], MeterT]) -> None:
        self._windows = windows
        self._make = make
        self._meters: dict[Who, MeterT] = {}
        self._looked_ms = 0

    def get(self, who: Who, *, limit: float, now_ms: int) -> MeterT:
        meter = self._meters.get(who)
        if meter is None:
            meter = self._meters[who] = self._make(self._windows, limit, now_ms)
        meter.limit = limit
        return meter

    def forget_idle(self, now_ms: int) -> bool:
        """Whether it looked for them, which it does now and then: after that, what `get` gave counts no more."""
        if now_ms - self._looked_ms < _MS_BETWEEN_LOOKS:
            return False
        self._looked_ms = now_ms
        self._meters = {who: meter for who, meter in self._meters.items() if not meter.is_idle(now_ms)}
        return True


def _rounded(value: float) -> int:
    """As Java rounds: a half goes up."""
    return math.floor(min(value, _MOST_MS) + 0.5)
