"""What clients have pushed: the latest value of each series, for `/metrics`.

Invariants
  A client's metrics are there until it has been silent for EXPIRY_INTERVALS of its intervals, at least EXPIRY_MS.
  All clients together have at most MAX_SERIES; whoever pushed longest ago makes room.
  What a client counts since its last push is added up here.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

from pykbroker.telemetry.instances import EXPIRY_INTERVALS, EXPIRY_MS, ClientInstance

MAX_SERIES = 100_000
MAX_SERIES_OF_CLIENT = 5_000

Attributes = tuple[tuple[str, str], ...]


class Kind(Enum):
    GAUGE = "gauge"
    TOTAL = "total"  # counted since the client was started
    DELTA = "delta"  # counted since it last pushed


class Point(NamedTuple):
    name: str
    attributes: Attributes
    kind: Kind
    value: float


class Pushed(NamedTuple):
    resource: Attributes  # about the client itself
    points: list[Point]


@dataclass(slots=True)
class PushingClient:
    """One instance of a client, as of its last push."""

    attributes: Mapping[str, str]
    resource: Attributes = ()
    deadline_ms: int = 0
    gauges: dict[tuple[str, Attributes], float] = field(default_factory=dict)
    counters: dict[tuple[str, Attributes], float] = field(default_factory=dict)

    @property
    def series_count(self) -> int:
        return len(self.gauges) + len(self.counters)


class Receiver:
    """Of one broker."""

    def __init__(self) -> None:
        self.is_open = False  # somebody can read what comes; else clients are not told of telemetry
        self._clients: OrderedDict[bytes, PushingClient] = OrderedDict()  # who pushed longest ago first
        self._series_count = 0

    def receive(self, instance: ClientInstance, pushed: Pushed, now_ms: int) -> None:
        """A client says everything it has each time; what it does not say any more is gone."""
        former = self._remove(instance.id)
        counted = {} if former is None else former.counters
        client = PushingClient(instance.attributes, pushed.resource)
        for name, attributes, kind, value in pushed.points:
            if kind is Kind.GAUGE:
                client.gauges[name, attributes] = value
            else:
                before = counted.get((name, attributes), 0.0) if kind is Kind.DELTA else 0.0
                client.counters[name, attributes] = before + value
        for series, value in counted.items():  # nothing to add is no reason to forget a sum
            if client.series_count < MAX_SERIES_OF_CLIENT:
                client.counters.setdefault(series, value)
        client.deadline_ms = now_ms + max(EXPIRY_MS, EXPIRY_INTERVALS * instance.subscription.interval_ms)
        self._clients[instance.id] = client
        self._series_count += client.series_count
        while self._series_count > MAX_SERIES:
            self._remove(next(iter(self._clients)))

    def clients(self, now_ms: int) -> Iterator[PushingClient]:
        """Those who are heard of."""
        for instance_id, client in list(self._clients.items()):
            if client.deadline_ms <= now_ms:
                self._remove(instance_id)
            else:
                yield client

    def _remove(self, instance_id: bytes) -> PushingClient | None:
        client = self._clients.pop(instance_id, None)
        if client is not None:
            self._series_count -= client.series_count
        return client
