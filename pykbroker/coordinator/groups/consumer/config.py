"""The settings of one consumer group: its own, else the broker's, within the broker's bounds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pykbroker.config.settings import Settings


@dataclass(frozen=True, slots=True)
class Bounded:
    default: int
    least: int
    most: int

    def of(self, own: str | None) -> int:
        return self.default if own is None else min(max(int(own), self.least), self.most)


@dataclass(frozen=True, slots=True)
class ConsumerGroupConfig:
    session_timeout_ms: int = 45_000
    heartbeat_interval_ms: int = 5_000
    assignment_interval_ms: int = 1_000


@dataclass(frozen=True, slots=True)
class ConsumerGroupDefaults:
    session_timeout: Bounded = Bounded(45_000, 45_000, 60_000)
    heartbeat_interval: Bounded = Bounded(5_000, 5_000, 15_000)
    assignment_interval: Bounded = Bounded(1_000, 0, 15_000)

    @classmethod
    def of(cls, settings: Settings) -> ConsumerGroupDefaults:
        def bounded(what: str) -> Bounded:
            names = (f"group.consumer.{what}", f"group.consumer.min.{what}", f"group.consumer.max.{what}")
            return Bounded(*map(settings.int, names))

        return cls(
            session_timeout=bounded("session.timeout.ms"),
            heartbeat_interval=bounded("heartbeat.interval.ms"),
            assignment_interval=bounded("assignment.interval.ms"),
        )

    def for_group(self, own: Mapping[str, str]) -> ConsumerGroupConfig:
        """`own`: what was set while the broker runs."""
        return ConsumerGroupConfig(
            session_timeout_ms=self.session_timeout.of(own.get("consumer.session.timeout.ms")),
            heartbeat_interval_ms=self.heartbeat_interval.of(own.get("consumer.heartbeat.interval.ms")),
            assignment_interval_ms=self.assignment_interval.of(own.get("consumer.assignment.interval.ms")),
        )
