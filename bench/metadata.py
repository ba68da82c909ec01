"""Many partitions, as clients and tools ask for them: one topic described, and the metadata of all."""

from __future__ import annotations

import statistics
import time

from bench.brokers import Broker
from bench.client import Client, check, encode
from bench.method import Benchmark, Effort, Row
from wire.api.describe_topic_partitions import DescribeTopicPartitionsRequest, DescribeTopicPartitionsResponse
from wire.api.metadata import MetadataRequest, MetadataResponse

TOPICS, PARTITIONS_EACH = 5, 1000
METADATA_VERSION, DESCRIBE_VERSION = 12, 0
REPEATS = 20
SETTLE_S = 5.0  # what a broker does after it has created thousands of partitions is not asked here


def measure(broker: Broker, effort: Effort) -> list[float]:
    broker.start()
    partitions = int(PARTITIONS_EACH * effort.scale)
    with Client(broker) as client:
        for index in range(TOPICS):
            client.create_topic(f"wide-{index}", partitions)
        time.sleep(SETTLE_S)
        described_ms = [describe_ms(client, "wide-0", partitions) for _ in range(REPEATS)]
        cpu_ms(broker, client, 1, TOPICS * partitions)
        known_ms = cpu_ms(broker, client, REPEATS, TOPICS * partitions)
        changed_ms = []
        for index in range(REPEATS):
            client.create_topic(f"another-{index}")
            time.sleep(0.1)
            changed_ms.append(cpu_ms(broker, client, 1, TOPICS * partitions + index + 1))
    return [statistics.median(described_ms), statistics.median(changed_ms), known_ms]


def describe_ms(client: Client, topic: str, partitions: int) -> float:
    """Until the whole answer is here."""
    request = DescribeTopicPartitionsRequest(topics=[DescribeTopicPartitionsRequest.TopicRequest(name=topic)])
    frame = encode(request, DESCRIBE_VERSION)
    begin = time.perf_counter()
    client.socket.sendall(frame)
    size = int.from_bytes(client.receive(4))
    body = client.receive(size)
    elapsed = time.perf_counter() - begin
    response = client.body_of(body, DESCRIBE_VERSION, DescribeTopicPartitionsResponse)
    check(each.error_code for each in response.topics)
    if len(response.topics[0].partitions) != partitions:
        raise RuntimeError(f"{len(response.topics[0].partitions)} partitions of {topic} were described")
    return elapsed * 1000


def cpu_ms(broker: Broker, client: Client, times: int, partitions: int) -> float:
    """Processor time that the broker takes for the metadata of all topics; the mean of so many times.

    The answers are looked at afterwards: a broker has things to do by itself, for which there is time meanwhile.
    """
    frame = encode(MetadataRequest(topics=None), METADATA_VERSION)
    answers = []
    before_s = broker.cpu_s()
    for _ in range(times):
        client.socket.sendall(frame)
        answers.append(client.receive(int.from_bytes(client.receive(4))))
    elapsed_s = broker.cpu_s() - before_s
    for answer in answers:
        response = client.body_of(answer, METADATA_VERSION, MetadataResponse)
        found = sum(len(topic.partitions) for topic in response.topics)
        if found != partitions:
            raise RuntimeError(f"metadata of {found} partitions, not of {partitions}")
    return elapsed_s / times * 1000


BENCHMARKS = [
    Benchmark(
        [
            Row("describe-topic", "a topic of 1,000 partitions described", "ms", "less", limit=50),
            Row("metadata", "Metadata of 5,000 partitions after a change, broker CPU", "ms", "less", limit=100),
            Row("metadata-again", "the same again, nothing changed", "ms", "less", limit=10),
        ],
        measure,
        starts_broker=True,
        max_rounds=1,
    )
]
