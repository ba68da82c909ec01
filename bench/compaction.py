"""Compaction: how fast a log is cleaned, and what it does to who produces to another topic meanwhile.

The log waits for its cleaning behind `min.compaction.lag.ms` until all of it is written. Cleaned it is when
`cleaner-offset-checkpoint`, which both brokers write, names it.
"""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable, Iterator

from bench.brokers import Broker
from bench.client import PRODUCE_VERSION, Client, batch, check, encode, produce
from bench.method import Benchmark, Effort, Row
from wire.api.incremental_alter_configs import IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse
from wire.api.produce import ProduceResponse
from wire.record_batch import Record, build

LOG_BYTES = 400_000_000
KEYS, BATCH_RECORDS, MAX_VALUE_BYTES = 200_000, 1000, 400
DISTINCT_BATCHES = 200  # sent again and again
SEGMENT_BYTES = 16 * 1024 * 1024
BACKOFF_MS = 100  # between two looks for what is to be cleaned; the default is 15 s
LONG_MS = 1_000_000_000
PAUSE_S = 0.001  # between two requests of the one whose latency is measured
TIMEOUT_S = 120
TOPIC, BROKER = 2, 4  # kinds of resources
SET = 0
SHORTFALL = (
    "of what a record takes, six tenths are the two looks at it, for its key and for whether it stays, in Python; two "
    "tenths the dictionary of keys; the rest are copies."
)

Resource = IncrementalAlterConfigsRequest.AlterConfigsResource


def measure(broker: Broker, effort: Effort) -> list[float]:
    topic, other = f"compaction-{time.time_ns()}", f"beside-{time.time_ns()}"
    with Client(broker) as client:
        alter(client, BROKER, "", "log.cleaner.backoff.ms", BACKOFF_MS)
        client.create_topic(other)
        client.create_topic(
            topic,
            cleanup_policy="compact",
            segment_bytes=str(SEGMENT_BYTES),
            min_compaction_lag_ms=str(LONG_MS),
        )
        size_bytes = fill(client, topic, int(LOG_BYTES * effort.scale))
        idle_end = time.perf_counter() + effort.seconds
        idle_s = latencies_s(client, other, lambda: time.perf_counter() > idle_end)
        alter(client, TOPIC, topic, "min.compaction.lag.ms", 0)
        begin = time.perf_counter()
        busy_s = latencies_s(client, other, lambda: is_clean(broker, topic, begin))
        elapsed = time.perf_counter() - begin
        client.delete_topic(topic)
        client.delete_topic(other)
    return [size_bytes / elapsed / 1e6, p99_ms(idle_s), p99_ms(busy_s)]


def fill(client: Client, topic: str, size_bytes: int) -> int:
    """About so many bytes; returns how many of them are in segments that can be cleaned."""
    requests = [encode(produce(topic, 0, data), PRODUCE_VERSION) for data in keyed_batches()]
    written, index = 0, 0
    while written < size_bytes:
        request = requests[index % len(requests)]
        client.socket.sendall(request)
        response = client.answer(PRODUCE_VERSION, ProduceResponse)
        check([response.responses[0].partition_responses[0].error_code])
        written += len(request)
        index += 1
    return written - written % SEGMENT_BYTES


def keyed_batches() -> Iterator[bytes]:
    seeded = random.Random(1)
    now_ms = int(time.time() * 1000)
    for _ in range(DISTINCT_BATCHES):
        keys = [b"user-%07d" % seeded.randrange(KEYS) for _ in range(BATCH_RECORDS)]
        yield build(
            [
                Record(timestamp_ms=now_ms, key=key, value=seeded.randbytes(seeded.randrange(MAX_VALUE_BYTES)))
                for key in keys
            ]
        )


def alter(client: Client, resource_type: int, resource_name: str, name: str, value: int) -> None:
    setting = Resource.AlterableConfig(name=name, config_operation=SET, value=str(value))
    resource = Resource(resource_type=resource_type, resource_name=resource_name, configs=[setting])
    request = IncrementalAlterConfigsRequest(resources=[resource], validate_only=False)
    response = client.ask(request, 1, IncrementalAlterConfigsResponse)
    check(each.error_code for each in response.responses)


def latencies_s(client: Client, topic: str, is_over: Callable[[], bool]) -> list[float]:
    """Of one small Produce after the other, with a pause between them."""
    request = encode(produce(topic, 0, batch(1, 100)), PRODUCE_VERSION)
    found = []
    while not is_over():
        begin = time.perf_counter()
        client.socket.sendall(request)
        response = client.answer(PRODUCE_VERSION, ProduceResponse)
        found.append(time.perf_counter() - begin)
        check([response.responses[0].partition_responses[0].error_code])
        time.sleep(PAUSE_S)
    return found


def is_clean(broker: Broker, topic: str, begin: float) -> bool:
    if time.perf_counter() - begin > TIMEOUT_S:
        raise RuntimeError(f"{broker.name} has not cleaned {topic} in {TIMEOUT_S} s")
    checkpoint = broker.directory / "data" / "cleaner-offset-checkpoint"
    return checkpoint.exists() and f"{topic} 0 " in checkpoint.read_text()


def p99_ms(seconds: list[float]) -> float:
    return statistics.quantiles(seconds, n=100)[98] * 1000


BENCHMARKS = [
    Benchmark(
        [
            Row(
                "compaction",
                "compaction of 400 MB, a tenth of which stays",
                "MB/s",
                "more",
                times_kafka=1.0,
                shortfall=SHORTFALL,
            ),
            Row("compaction-p99-before", "p99 of Produce 1 x 100 B before it", "ms", "less"),
            Row("compaction-p99", "p99 of Produce 1 x 100 B while it runs", "ms", "less", times_kafka=1.0),
        ],
        measure,
        max_rounds=3,
    )
]
