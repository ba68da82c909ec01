"""End-to-end latency: from sending a record, with acks=all, until a consumer that waits for it has it.

Consumer and producer are two connections of one thread: the Fetch is sent first and waits in the broker, so the figure
holds no scheduling of ours but the wake-up of the receiving socket.
"""

from __future__ import annotations

import statistics
import time

from bench.brokers import Broker
from bench.client import PRODUCE_VERSION, Client, batch, check, encode, produce
from bench.fetch import FETCH_VERSION, fetch
from bench.method import Benchmark, Effort, Row
from wire.api.fetch import FetchResponse
from wire.api.produce import ProduceResponse

RECORD_BYTES = 100
MAX_BYTES = 1_000_000
# The pause between records: long enough that the Fetch has reached the broker and waits there.
PAUSE_S = 0.002


def measure(broker: Broker, effort: Effort) -> list[float]:
    topic = f"latency-{time.time_ns()}"
    request = encode(produce(topic, 0, batch(1, RECORD_BYTES)), PRODUCE_VERSION)
    latencies_ms: list[float] = []
    with Client(broker) as producer, Client(broker) as consumer:
        producer.create_topic(topic)
        end = time.perf_counter() + effort.seconds
        while time.perf_counter() < end:
            latencies_ms.append(one_way(producer, consumer, request, topic, offset=len(latencies_ms)) * 1000)
        producer.delete_topic(topic)
    percentiles = statistics.quantiles(latencies_ms, n=100)
    return [percentiles[49], percentiles[98]]


def one_way(producer: Client, consumer: Client, request: bytes, topic: str, *, offset: int) -> float:
    consumer.socket.sendall(encode(fetch(topic, offset, MAX_BYTES, max_wait_ms=10_000), FETCH_VERSION))
    time.sleep(PAUSE_S)
    begin = time.perf_counter()
    producer.socket.sendall(request)
    size = int.from_bytes(consumer.receive(4))
    elapsed = time.perf_counter() - begin
    check_fetched(consumer, size, offset)
    produced = producer.answer(PRODUCE_VERSION, ProduceResponse)
    check([produced.responses[0].partition_responses[0].error_code])
    return elapsed


def check_fetched(consumer: Client, size: int, offset: int) -> None:
    fetched = consumer.body(size, FETCH_VERSION, FetchResponse)
    partition = fetched.responses[0].partitions[0]
    check([fetched.error_code, partition.error_code])
    if not isinstance(partition.records, memoryview) or int.from_bytes(partition.records[:8]) != offset:
        raise RuntimeError(f"the consumer did not get offset {offset}")


BENCHMARKS = [
    Benchmark(
        [
            Row("latency-p50", "end-to-end latency, p50", "ms", "less"),
            Row("latency-p99", "end-to-end latency, p99", "ms", "less"),
        ],
        measure,
    )
]
