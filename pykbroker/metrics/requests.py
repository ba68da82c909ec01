"""Requests by API and version, errors, connections."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from prometheus_client import Metric

from pykbroker.broker import Broker
from pykbroker.dispatch import Dispatcher, Route
from pykbroker.metrics.families import counters, gauges, summaries
from wire.errors import ErrorCode

NETWORK = "kafka_network_requestmetrics_"
SOCKETS = "kafka_server_socket_server_metrics_"
_NAMES = {int(code): code.name for code in ErrorCode}


def families(broker: Broker, dispatcher: Dispatcher) -> Iterator[Metric]:
    routes = dispatcher.routes
    counts = {(route.key.title, str(route.version)): route.requests for route in routes}
    yield counters(NETWORK + "requests_total", "Requests by API and version.", ("request", "version"), counts)
    text = "Time until the answer was ready. Of Produce and Fetch, only those that had to wait are timed."
    yield summaries(NETWORK + "totaltimems", text, "request", _times(routes))

    errors: Counter[tuple[str, ...]] = Counter()
    for route in routes:
        for code, count in route.errors.items():
            errors[route.key.title, _NAMES[code]] += count
    for (key, code), count in broker.counts.partition_errors.items():
        errors[key.title, _NAMES[code]] += count
    text = "Errors answered: of whole requests, and of single partitions in Produce and Fetch."
    yield counters(NETWORK + "errors_total", text, ("request", "error"), errors)

    opened, closed = broker.counts.connections_opened, broker.counts.connections_closed
    open_now = {(name,): count - closed[name] for name, count in opened.items()}
    yield gauges(SOCKETS + "connection_count", "Connections that are open.", ("listener",), open_now)
    yield _by_listener("connection_creation_total", "Connections accepted.", opened)
    yield _by_listener("connection_close_total", "Connections closed.", closed)


def _times(routes: Iterable[Route]) -> dict[str, tuple[int, float]]:
    """By API: how many, and their sum in milliseconds."""
    times: dict[str, tuple[int, float]] = {}
    for route in routes:
        count, sum_ms = times.get(route.key.title, (0, 0.0))
        times[route.key.title] = count + route.timed, sum_ms + 1000 * route.seconds
    return times


def _by_listener(name: str, text: str, counts: Counter[str]) -> Metric:
    return counters(SOCKETS + name, text, ("listener",), {(listener,): count for listener, count in counts.items()})
