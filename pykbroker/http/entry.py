"""Where a connection that speaks HTTP leaves the ways of Kafka.

Made with the listeners; costs nothing until the first request. That imports the rest, in a worker thread.
"""

from __future__ import annotations

import importlib

import trio

from pykbroker.broker import Broker
from pykbroker.connection import Transport
from pykbroker.dispatch import Dispatcher

LAZY_MODULES = ("h11", "prometheus_client", "pykbroker.metrics.exposition", "pykbroker.http.exchange")


class HttpEntry:
    def __init__(self, broker: Broker, dispatcher: Dispatcher) -> None:
        self._broker = broker
        self._dispatcher = dispatcher

    async def serve(self, transport: Transport, received: bytes) -> None:
        """Answer a connection's requests, the first of which begins with `received`, until it ends.

        Raises ConnectionClosed.
        """
        for module in LAZY_MODULES:
            await trio.to_thread.run_sync(importlib.import_module, module)
        from pykbroker.http.exchange import Exchange
        from pykbroker.http.pages import Pages

        await Exchange(transport, Pages(self._broker, self._dispatcher)).serve(received)
