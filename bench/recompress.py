"""Produce of zstd batches to a topic whose codec is lz4, so that the broker must recompress each of them."""

from __future__ import annotations

import functools
import time
from concurrent.futures import ThreadPoolExecutor

from bench.brokers import Broker
from bench.client import PRODUCE_VERSION, Client, encode, produce
from bench.codecs import json_events
from bench.method import Benchmark, Effort, Row
from bench.produce import HEAD_BYTES, RESULT, check_responses, drive
from wire.compression import Codec
from wire.conversion import recompressed

IN_FLIGHT = 4
MAX_REQUESTS = 100_000
SHORTFALL = (
    "of the 350 us of processor time that such a batch takes in the worker thread, zstd needs 60, lz4 130, and "
    "the look at its 552 records 155: in Python, so that no other thread of the broker runs meanwhile. Kafka "
    "takes some 430 us, on all processors at once."
)


def measure(broker: Broker, effort: Effort, *, connections: int) -> list[float]:
    """Batches per second; each connection has a topic of its own."""
    batch = recompressed(json_events()[0], Codec.ZSTD, None)
    with ThreadPoolExecutor(connections) as pool:
        end = time.perf_counter() + effort.seconds
        rates = pool.map(lambda _: rate(broker, bytes(batch.data), batch.record_count, end), range(connections))
        return [sum(rates)]


def rate(broker: Broker, data: bytes, records: int, end: float) -> float:
    topic = f"recompress-{time.time_ns()}"
    request = encode(produce(topic, 0, data), PRODUCE_VERSION)
    with Client(broker) as client:
        client.create_topic(topic, compression_type="lz4")
        size = HEAD_BYTES + len(topic) + RESULT.size
        responses = bytearray(MAX_REQUESTS * size)
        begin = time.perf_counter()
        count = drive(client.socket, request, in_flight=IN_FLIGHT, responses=responses, limit=MAX_REQUESTS, end=end)
        elapsed = time.perf_counter() - begin
        check_responses(responses, count, size, records=records)
        client.delete_topic(topic)
    return count / elapsed


BENCHMARKS = [
    Benchmark(
        [
            Row(
                f"recompress-{count}",
                f"Produce zstd, stored as lz4: 100 KB of JSON, {title}",
                "req/s",
                "more",
                times_kafka=1.0,
                shortfall=SHORTFALL,
            )
        ],
        functools.partial(measure, connections=count),
    )
    for count, title in ((1, "one connection"), (4, "four connections"))
]
