"""confluent-kafka's transactional producer: 100 records a transaction, one transaction after the other."""

from __future__ import annotations

import time

from confluent_kafka import Producer

from bench.brokers import Broker
from bench.client import Client
from bench.method import Benchmark, Effort, Row

RECORDS = 100
RECORD_BYTES = 1000
TIMEOUT_S = 60


def measure(broker: Broker, effort: Effort) -> list[float]:
    topic = f"transactions-{time.time_ns()}"
    value = bytes(RECORD_BYTES)
    limit = effort.max_bytes // (RECORDS * RECORD_BYTES)
    with Client(broker) as client:
        client.create_topic(topic)
        producer = Producer({"bootstrap.servers": broker.bootstrap, "transactional.id": topic})
        producer.init_transactions(TIMEOUT_S)
        transaction(producer, topic, value)
        count = 0
        begin = time.perf_counter()
        while count < limit and time.perf_counter() - begin < effort.seconds:
            transaction(producer, topic, value)
            count += 1
        elapsed = time.perf_counter() - begin
        client.delete_topic(topic)
    return [count * RECORDS / elapsed]


def transaction(producer: Producer, topic: str, value: bytes) -> None:
    producer.begin_transaction()
    for _ in range(RECORDS):
        producer.produce(topic, value, partition=0)
    producer.commit_transaction(TIMEOUT_S)


BENCHMARKS = [
    Benchmark(
        [
            Row(
                "transactions",
                f"confluent-kafka produces {RECORDS} records of {RECORD_BYTES} B a transaction",
                "records/s",
                "more",
                times_kafka=1.0,
            )
        ],
        measure,
    )
]
