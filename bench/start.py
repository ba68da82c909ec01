"""Starting with an empty data directory: how soon, and how large.

Kafka's directory is formatted before; pykbroker's is empty.
"""

from __future__ import annotations

import time

from bench.brokers import Broker
from bench.client import PRODUCE_VERSION, RETRY_S, Client, batch, produce
from bench.method import Benchmark, Effort, Row
from wire.api.metadata import MetadataRequest, MetadataResponse
from wire.api.produce import ProduceResponse
from wire.errors import ErrorCode

METADATA_VERSION = 8
SETTLE_S = 5.0


def measure_start(broker: Broker, _: Effort) -> list[float]:
    begin = time.perf_counter()
    listening_s = broker.start()
    await_record(broker)
    return [listening_s, time.perf_counter() - begin]


def await_record(broker: Broker) -> None:
    """Until the broker has taken one."""
    while not produces(broker, "first"):
        time.sleep(RETRY_S)


def produces(broker: Broker, topic: str) -> bool:
    """Whether a record is taken; the topic comes into being by being asked for, as clients do it."""
    asked = MetadataRequest(topics=[MetadataRequest.MetadataRequestTopic(name=topic)])
    try:
        with Client(broker) as client:
            metadata = client.ask(asked, METADATA_VERSION, MetadataResponse)
            if metadata.topics[0].error_code != ErrorCode.NONE:
                return False
            response = client.ask(produce(topic, 0, batch(1, 100)), PRODUCE_VERSION, ProduceResponse)
            return bool(response.responses[0].partition_responses[0].error_code == ErrorCode.NONE)
    except ConnectionError:
        return False


def measure_idle_memory(broker: Broker, _: Effort) -> list[float]:
    broker.start()
    await_record(broker)
    time.sleep(SETTLE_S)
    return [broker.resident_mb()]


BENCHMARKS = [
    Benchmark(
        [
            Row("start-listening", "start to listening", "s", "less"),
            Row("start-first-record", "start to first record produced", "s", "less", limit=0.5),
        ],
        measure_start,
        starts_broker=True,
    ),
    Benchmark(
        [Row("idle-memory", "idle resident memory", "MB", "less", limit=45)],
        measure_idle_memory,
        starts_broker=True,
        max_rounds=1,
    ),
]
