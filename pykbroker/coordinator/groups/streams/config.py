"""The settings of one streams group: its own, else the broker's, within the broker's bounds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from pykbroker.coordinator.groups.consumer.config import Bounded

if TYPE_CHECKING:
    from pykbroker.config.settings import Settings

NO_BOUND = 0x7FFFFFFF


class StreamsGroupConfig(NamedTuple):
    session_timeout_ms: int = 45_000
    heartbeat_interval_ms: int = 5_000
    assignment_interval_ms: int = 1_000
    standby_count: int = 0
    initial_rebalance_delay_ms: int = 3_000

    @property
    def assignment_configs(self) -> dict[str, str]:
        """What the assignor goes by; kept with the group, so that a change is seen."""
        return {"num.standby.replicas": str(self.standby_count)}


class StreamsGroupDefaults(NamedTuple):
    session_timeout: Bounded = Bounded(45_000, 45_000, 60_000)
    heartbeat_interval: Bounded = Bounded(5_000, 5_000, 15_000)
    assignment_interval: Bounded = Bounded(1_000, 0, 15_000)
    standby_count: Bounded = Bounded(0, 0, 2)
    initial_rebalance_delay: Bounded = Bounded(3_000, 0, NO_BOUND)
    max_size: int = NO_BOUND
    is_served: bool = True

    @classmethod
    def of(cls, settings: Settings) -> StreamsGroupDefaults:
        def bounded(what: str) -> Bounded:
            names = (f"group.streams.{what}", f"group.streams.min.{what}", f"group.streams.max.{what}")
            return Bounded(*map(settings.int, names))

        most_standbys = settings.int("group.streams.max.standby.replicas")
        return cls(
            session_timeout=bounded("session.timeout.ms"),
            heartbeat_interval=bounded("heartbeat.interval.ms"),
            assignment_interval=bounded("assignment.interval.ms"),
            standby_count=Bounded(settings.int("group.streams.num.standby.replicas"), 0, most_standbys),
            initial_rebalance_delay=Bounded(settings.int("group.streams.initial.rebalance.delay.ms"), 0, NO_BOUND),
            max_size=settings.int("group.streams.max.size"),
            is_served="streams" in settings.list("group.coordinator.rebalance.protocols"),
        )

    def for_group(self, own: Mapping[str, str]) -> StreamsGroupConfig:
        return StreamsGroupConfig(
            session_timeout_ms=self.session_timeout.of(own.get("streams.session.timeout.ms")),
            heartbeat_interval_ms=self.heartbeat_interval.of(own.get("streams.heartbeat.interval.ms")),
            assignment_interval_ms=self.assignment_interval.of(own.get("streams.assignment.interval.ms")),
            standby_count=self.standby_count.of(own.get("streams.num.standby.replicas")),
            initial_rebalance_delay_ms=self.initial_rebalance_delay.of(own.get("streams.initial.rebalance.delay.ms")),
        )
