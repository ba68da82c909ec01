"""How many connections there may be: of all, of one listener, from one address (KIP-402).

Kafka's ways: above `max.connections` (also `listener.name.<name>.max.connections`) nobody is accepted until somebody
leaves; above `max.connections.per.ip`, or what `max.connections.per.ip.overrides` say of that address, a connection is
closed as soon as it is there. All of them may change at any time. Knows counts and names, no sockets.
"""

from __future__ import annotations

import socket
from collections import Counter

import trio

from pykbroker.broker import Broker
from pykbroker.config.brokers import current_value
from pykbroker.connection_rates import ConnectionRates
from pykbroker.metadata.image import MetadataChange

MAX_CONNECTIONS = "max.connections"
PER_IP = "max.connections.per.ip"
OVERRIDES = "max.connections.per.ip.overrides"


class ConnectionQuotas:
    """One for all listeners of a broker; `rates` says how fast they may come."""

    def __init__(self, broker: Broker) -> None:
        self.rates = ConnectionRates(broker)
        self._settings = broker.settings
        self._image = broker.image
        self._by_listener: Counter[str] = Counter()
        self._by_host: Counter[str] = Counter()
        self._freed = trio.Event()
        self._overrides_text: str | None = None
        self._overrides: dict[str, int] = {}
        broker.controller.subscribe(self._follow_metadata)

    async def wait_for_slot(self, listener: str) -> None:
        """Until one more connection may be accepted there."""
        while not self._has_slot(listener):
            await self._freed.wait()

    def enter(self, listener: str, host: str) -> bool:
        """One more connection; whether it may be served. It counts until it leaves, in any case."""
        is_welcome = self._by_host[host] < self._most_from(host)
        self._by_host[host] += 1
        self._by_listener[listener] += 1
        return is_welcome

    def leave(self, listener: str, host: str) -> None:
        self._by_listener[listener] -= 1
        self._by_host[host] -= 1
        if not self._by_host[host]:
            del self._by_host[host]
        self._wake()

    def _has_slot(self, listener: str) -> bool:
        of_listener = self._setting(f"listener.name.{listener.lower()}.{MAX_CONNECTIONS}")
        return self._by_listener.total() < int(self._setting(MAX_CONNECTIONS) or 0) and (
            of_listener is None or self._by_listener[listener] < int(of_listener)
        )

    def _most_from(self, host: str) -> int:
        text = self._setting(OVERRIDES) or ""
        if text != self._overrides_text:
            self._overrides, self._overrides_text = _parsed(text), text
        found = self._overrides.get(host)
        return int(self._setting(PER_IP) or 0) if found is None else found

    def _setting(self, name: str) -> str | None:
        return current_value(self._image, self._settings, name)

    def _wake(self) -> None:
        self._freed.set()
        self._freed = trio.Event()

    async def _follow_metadata(self, change: MetadataChange) -> None:
        if change.broker_configs_changed:
            self._image = change.after
            self._wake()


def _parsed(text: str) -> dict[str, int]:
    """By address; a name counts for what it stands for now."""
    limits = {}
    for item in filter(None, (part.strip() for part in text.split(","))):
        host, _, count = item.rpartition(":")
        try:
            addresses = {str(found[4][0]) for found in socket.getaddrinfo(host.strip(), None)}
        except OSError:
            addresses = set()
        limits.update(dict.fromkeys(addresses, int(count)))
    return limits
