"""Where metrics come from, in the order in which they are shown."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from pykbroker.broker import Broker
from pykbroker.dispatch import Dispatcher
from pykbroker.metrics import clients, groups, logs, process, replicas, requests, topics
from pykbroker.metrics.exposition import Source


def sources(broker: Broker, dispatcher: Dispatcher) -> Iterator[Source]:
    for module in (process, replicas, topics, logs, groups, clients):
        yield partial(module.families, broker)
    yield partial(requests.families, broker, dispatcher)
