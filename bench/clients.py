"""confluent-kafka, as a Python program uses it: consuming, and the first record to a topic that does not exist yet."""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition

from bench.brokers import Broker
from bench.client import Client, batch
from bench.fetch import BATCH_RECORDS, BATCHES, RECORD_BYTES, fill
from bench.method import Benchmark, Effort, Row

TIMEOUT_S = 60
AT_ONCE = 10_000
NEW_TOPICS = 10


def produce_all(broker: Broker, topic: str, value: bytes, count: int) -> float:
    """Seconds until `count` records are acknowledged."""
    begin = time.perf_counter()
    producer = Producer({"bootstrap.servers": broker.bootstrap, "queue.buffering.max.kbytes": 1_000_000})
    for _ in range(count):
        while True:
            try:
                producer.produce(topic, value, partition=0)
            except BufferError:
                producer.poll(0.01)
            else:
                break
    if producer.flush(TIMEOUT_S):
        raise RuntimeError("not all records were acknowledged")
    return time.perf_counter() - begin


def consume_all(broker: Broker, topic: str, count: int, settings: Mapping[str, object]) -> float:
    """Seconds until `count` records were handed to the program, in order."""
    begin = time.perf_counter()
    consumer = Consumer({"bootstrap.servers": broker.bootstrap, "group.id": "bench", **settings})
    consumer.assign([TopicPartition(topic, 0, 0)])
    seen = 0
    while seen < count:
        messages = consumer.consume(AT_ONCE, timeout=TIMEOUT_S)
        if not messages:
            raise RuntimeError(f"{seen} of {count} records came")
        for message in messages:
            if message.error():
                raise KafkaException(message.error())
        seen += len(messages)
        if messages[-1].offset() != seen - 1:
            raise RuntimeError(f"record {seen - 1} has offset {messages[-1].offset()}")
    elapsed = time.perf_counter() - begin
    consumer.close()
    return elapsed


def measure_consume(broker: Broker, _: Effort) -> list[float]:
    topic = f"consume-{time.time_ns()}"
    count = BATCHES * BATCH_RECORDS
    with Client(broker) as client:
        client.create_topic(topic)
        fill(client, topic, batch(BATCH_RECORDS, RECORD_BYTES))
        elapsed = consume_all(broker, topic, count, {})
        client.delete_topic(topic)
    return [count / elapsed]


def measure_new_topic(broker: Broker, _: Effort) -> list[float]:
    """The median of several, by a producer that is connected and has produced elsewhere."""
    producer = Producer({"bootstrap.servers": broker.bootstrap})
    topics = [f"new-{time.time_ns()}-{index}" for index in range(NEW_TOPICS + 1)]
    _first, *elapsed = [first_record(producer, topic) for topic in topics]
    with Client(broker) as client:
        for topic in topics:
            client.delete_topic(topic)
    return [statistics.median(elapsed)]


def first_record(producer: Producer, topic: str) -> float:
    begin = time.perf_counter()
    producer.produce(topic, b"first")
    if producer.flush(TIMEOUT_S):
        raise RuntimeError(f"no record arrived in {topic}")
    return time.perf_counter() - begin


BENCHMARKS = [
    Benchmark(
        [Row("consume", "confluent-kafka consumes 100 MB of 1000 B records", "records/s", "more")], measure_consume
    ),
    Benchmark(
        [Row("new-topic", "first record to a topic that does not exist yet", "s", "less", limit=0.05)],
        measure_new_topic,
    ),
]
