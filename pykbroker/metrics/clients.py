"""What clients have pushed (KIP-714): their metrics' own names, with the client's ids as labels."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from pykbroker.broker import Broker
from pykbroker.metrics.families import gauge
from pykbroker.telemetry.receiver import Attributes, PushingClient

OWN_PREFIX = "org_apache_kafka_"  # of Kafka's clients; no metric of the broker itself begins so
FOREIGN_PREFIX = "client_"
TEXT = "Pushed by clients."

Samples = dict[tuple[tuple[str, str], ...], float]


def families(broker: Broker) -> Iterator[Metric]:
    count = len(broker.client_instances)
    yield gauge("kafka_server_client_metrics_instance_count", "Clients that asked what to push.", count)
    clients = list(broker.client_metrics.clients(broker.clock_ms()))
    about = GaugeMetricFamily("kafka_client_info", "Clients that push metrics, and what they say of themselves.")
    for client in clients:
        about.add_sample(about.name, {**_labels(client.resource), **client.attributes}, 1)
    yield about
    for name, samples in sorted(_by_name(clients, "gauges").items()):
        yield _filled(GaugeMetricFamily(name, TEXT), name, samples)
    for name, samples in sorted(_by_name(clients, "counters").items()):
        yield _filled(CounterMetricFamily(name, TEXT), f"{name}_total", samples)


def _by_name(clients: Iterable[PushingClient], kind: str) -> dict[str, Samples]:
    found: dict[str, Samples] = defaultdict(dict)
    for client in clients:
        ids = {key: client.attributes[key] for key in ("client_instance_id", "client_id")}
        for (name, attributes), value in getattr(client, kind).items():
            labels = _labels(attributes) | ids
            found[metric_name(name)][tuple(sorted(labels.items()))] = value
    return found


def _filled(family: Metric, name: str, samples: Samples) -> Metric:
    for labels, value in samples.items():
        family.add_sample(name, dict(labels), value)
    return family


def metric_name(name: str) -> str:
    """As OpenTelemetry's own exporter names it; what is no metric of Kafka's clients must not pass for one of ours."""
    plain = re.sub(r"[^a-zA-Z0-9_]", "_", name).removesuffix("_total")
    return plain if plain.startswith(OWN_PREFIX) else FOREIGN_PREFIX + plain


def _labels(attributes: Attributes) -> dict[str, str]:
    return {re.sub(r"^(?=[0-9])|^__|[^a-zA-Z0-9_]", "_", key): value for key, value in attributes if key}
