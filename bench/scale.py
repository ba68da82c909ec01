"""Many of something: connections, partitions, and gigabytes to find again after `kill -9`."""

from __future__ import annotations

import contextlib
import os
import resource
import time

from bench.brokers import Broker
from bench.client import PRODUCE_VERSION, Client, batch, check, encode, produce
from bench.method import Benchmark, Effort, Row
from bench.start import await_record
from wire.api.api_versions import ApiVersionsRequest, ApiVersionsResponse
from wire.api.produce import ProduceResponse

CONNECTIONS = 1000
PARTITIONS = 1000
TOPICS, PARTITIONS_EACH, BATCHES_EACH = 12, 100, 3
BATCH_RECORDS, RECORD_BYTES = 1000, 1000
API_VERSIONS_VERSION = 0


def measure_connections(broker: Broker, effort: Effort) -> list[float]:
    """All open at once, all asking at once; the memory is what a broker that was just started takes on for them."""
    broker.start()
    await_record(broker)
    count = int(CONNECTIONS * effort.scale)
    allow_open_files(2 * count + 100)
    request = encode(ApiVersionsRequest(), API_VERSIONS_VERSION)
    before_mb = broker.resident_mb()
    with contextlib.ExitStack() as stack:
        begin = time.perf_counter()
        clients = [stack.enter_context(Client(broker)) for _ in range(count)]
        for client in clients:
            client.socket.sendall(request)
        for client in clients:
            answer = client.answer(API_VERSIONS_VERSION, ApiVersionsResponse)
            check([answer.error_code])
        elapsed = time.perf_counter() - begin
        return [elapsed, broker.resident_mb() - before_mb]


def allow_open_files(count: int) -> None:
    """The broker, a child of this process, has the limit that held when it started."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < count:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def measure_create(broker: Broker, effort: Effort) -> list[float]:
    """Until every partition answers for its offsets."""
    broker.start()
    with Client(broker) as client:
        client.create_topic("warm-up")
        begin = time.perf_counter()
        client.create_topic("many", int(PARTITIONS * effort.scale))
        return [time.perf_counter() - begin]


def measure_recovery(broker: Broker, effort: Effort) -> list[float]:
    """Until every partition answers for its end, which is where it was."""
    broker.start()
    topics = [f"recovery-{index}" for index in range(TOPICS)]
    partitions = int(PARTITIONS_EACH * effort.scale)
    with Client(broker) as client:
        for topic in topics:
            fill(client, topic, partitions)
    os.sync()
    broker.kill()
    begin = time.perf_counter()
    broker.start()
    with Client(broker) as client:
        for topic in topics:
            ends = client.end_offsets(topic, partitions)
            if ends != [BATCHES_EACH * BATCH_RECORDS] * partitions:
                raise RuntimeError(f"{topic} ends at {ends}")
    return [time.perf_counter() - begin]


def fill(client: Client, topic: str, partitions: int) -> None:
    client.create_topic(topic, partitions)
    records = batch(BATCH_RECORDS, RECORD_BYTES)
    for index in range(partitions):
        request = produce(topic, index, records)
        for _ in range(BATCHES_EACH):
            response = client.ask(request, PRODUCE_VERSION, ProduceResponse)
            check([response.responses[0].partition_responses[0].error_code])


BENCHMARKS = [
    Benchmark(
        [
            Row("connections", "1,000 connections, until all are answered", "s", "less"),
            Row("connections-memory", "memory that 1,000 connections add", "MB", "less"),
        ],
        measure_connections,
        starts_broker=True,
        max_rounds=3,
    ),
    Benchmark(
        [Row("create-partitions", "create 1,000 partitions", "s", "less")],
        measure_create,
        starts_broker=True,
        max_rounds=3,
    ),
    Benchmark(
        [Row("recovery", "ready again after kill -9 with 1,200 partitions, 3.6 GB", "s", "less", limit=3)],
        measure_recovery,
        starts_broker=True,
        max_rounds=1,
    ),
]
