"""What clients have pushed (KIP-714): their metrics' own names, with the client's ids as labels."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from functools import lru_cache

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from pykbroker.broker import Broker
from pykbroker.metrics.families import gauge
from pykbroker.telemetry.receiver import Attributes

OWN_PREFIX = "org_apache_kafka_"  # of Kafka's clients; no metric of the broker itself begins so
FOREIGN_PREFIX = "client_"
TEXT = "Pushed by clients."

Labels = tuple[tuple[str, str], ...]
Samples = dict[Labels, float]


def families(broker: Broker) -> Iterator[Metric | None]:
    count = len(broker.client_instances)
    yield gauge("kafka_server_client_metrics_instance_count", "Clients that asked what to push.", count)
    clients = list(broker.client_metrics.clients(broker.clock_ms()))
    about = GaugeMetricFamily("kafka_client_info", "Clients that push metrics, and what they say of themselves.")
    for client in clients:
        about.add_sample(about.name, {**dict(_labels(client.resource)), **client.attributes}, 1)
    yield about
    gauges: dict[str, Samples] = defaultdict(dict)
    counters: dict[str, Samples] = defaultdict(dict)
    for client in clients:
        ids = tuple((key, client.attributes[key]) for key in ("client_instance_id", "client_id"))
        for found, by_name in ((client.gauges, gauges), (client.counters, counters)):
            for (name, attributes), value in found.items():
                by_name[metric_name(name)][_labels(attributes) + ids] = value
        yield None
    for name, samples in sorted(gauges.items()):
        yield _filled(GaugeMetricFamily(name, TEXT), name, samples)
    for name, samples in sorted(counters.items()):
        yield _filled(CounterMetricFamily(name, TEXT), f"{name}_total", samples)


def _filled(family: Metric, name: str, samples: Samples) -> Metric:
    for labels, value in samples.items():
        family.add_sample(name, dict(labels), value)
    return family


@lru_cache(maxsize=5_000)
def metric_name(name: str) -> str:
    """As OpenTelemetry's own exporter names it; what is no metric of Kafka's clients must not pass for one of ours."""
    plain = re.sub(r"(_total)+$", "", re.sub(r"[^a-zA-Z0-9_]", "_", name))
    return plain if plain.startswith(OWN_PREFIX) else FOREIGN_PREFIX + plain


@lru_cache(maxsize=20_000)
def _labels(attributes: Attributes) -> Labels:
    return tuple((re.sub(r"^(?=[0-9])|^__|[^a-zA-Z0-9_]", "_", key), value) for key, value in attributes if key)
