"""The process: CPU, memory, file descriptors, since when; and what it is."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import Metric, ProcessCollector

from pykbroker import __version__
from pykbroker.broker import Broker
from pykbroker.metrics.families import gauge, gauges

RUNNING, PENDING_CONTROLLED_SHUTDOWN = 3, 6


def families(broker: Broker) -> Iterator[Metric]:
    labels = {(__version__, str(broker.node_id), broker.image.cluster_id): 1.0}
    yield gauges("pykbroker_info", "Which broker this is.", ("version", "node_id", "cluster_id"), labels)
    state = PENDING_CONTROLLED_SHUTDOWN if broker.is_stopping else RUNNING
    yield gauge("kafka_server_kafkaserver_brokerstate", "3: running, 6: stopping.", state)
    yield from ProcessCollector(registry=None).collect()
