"""How fast connections may come: to all listeners, to one of them, from one address (KIP-612).

Kafka's ways: above `max.connection.creation.rate` (also `listener.name.<name>.max.connection.creation.rate`) a listener
waits with the connection that it has just accepted. One from an address above its quota, connection_creation_rate, is
closed after a while without having been heard, and does not count. Nobody waits longer than one window lasts.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Mapping

import trio

from pykbroker.broker import Broker
from pykbroker.client_quotas import CONNECTION_CREATION_RATE, IP
from pykbroker.config.brokers import current_value
from pykbroker.loop_clock import loop_ms
from pykbroker.metadata.image import MetadataChange, MetadataImage
from pykbroker.rates import Meters, Rate, Windows

SETTING = "max.connection.creation.rate"
UNLIMITED = 2**31 - 1


class ConnectionRates:
    """One for all listeners of a broker."""

    def __init__(self, broker: Broker) -> None:
        self._settings = broker.settings
        self._image = broker.image
        size_seconds = self._settings.int("quota.window.size.seconds")
        self._windows = Windows(self._settings.int("quota.window.num"), 1000 * size_seconds)
        self._by_listener: Meters[str, Rate] = Meters(self._windows, Rate)  # "" is all of them
        self._by_host: Meters[str, Rate] = Meters(self._windows, Rate)
        self._of_hosts = _quotas_of_hosts(broker.image)
        broker.controller.subscribe(self._follow_metadata)

    def enter(self, listener: str) -> int:
        """One more connection is there: how long the listener is to wait with it, in ms."""
        now_ms = loop_ms()
        rates = self._of_all(now_ms), self._of_listener(listener, now_ms)
        return max(self._record(rate, now_ms) for rate in rates)

    def enter_from(self, host: str, listener: str) -> int:
        """Where it comes from: how long it is to be kept before it is closed; 0: it is welcome."""
        limit = self._of_hosts.get(host, self._of_hosts.get(None, UNLIMITED))
        if limit == UNLIMITED:
            return 0
        now_ms = loop_ms()
        self._by_host.forget_idle(now_ms)
        rate = self._by_host.get(host, limit=limit, now_ms=now_ms)
        held_ms = self._record(rate, now_ms)
        if held_ms:
            for each in (rate, self._of_all(now_ms), self._of_listener(listener, now_ms)):
                each.record(-1, now_ms)
        return held_ms

    def _record(self, rate: Rate, now_ms: int) -> int:
        rate.record(1, now_ms)
        return min(rate.throttle_ms(now_ms), self._windows.size_ms)

    def _of_all(self, now_ms: int) -> Rate:
        return self._by_listener.get("", limit=self._limit(SETTING), now_ms=now_ms)

    def _of_listener(self, name: str, now_ms: int) -> Rate:
        limit = self._limit(f"listener.name.{name.lower()}.{SETTING}")
        return self._by_listener.get(name, limit=limit, now_ms=now_ms)

    def _limit(self, name: str) -> int:
        text = current_value(self._image, self._settings, name)
        return UNLIMITED if text is None else int(text)

    async def _follow_metadata(self, change: MetadataChange) -> None:
        self._image = change.after
        if change.before.client_quotas is not change.after.client_quotas:
            self._of_hosts = await trio.to_thread.run_sync(_quotas_of_hosts, change.after)


def _quotas_of_hosts(image: MetadataImage) -> Mapping[str | None, float]:
    """By address, None for all others. A name counts for what it stands for now."""
    limits: dict[str | None, float] = {}
    for entity, quotas in image.client_quotas.items():
        for kind, name in entity:
            if kind == IP and CONNECTION_CREATION_RATE in quotas:
                addresses = (None,) if name is None else _addresses(name)
                limits.update(dict.fromkeys(addresses, quotas[CONNECTION_CREATION_RATE]))
    return limits


def _addresses(host: str) -> tuple[str, ...]:
    try:
        return (str(ipaddress.ip_address(host)),)
    except ValueError:
        try:
            return tuple(str(found[4][0]) for found in socket.getaddrinfo(host, None))
        except OSError:
            return ()
