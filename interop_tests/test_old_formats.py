"""Clients that know message sets only, or take the broker for one that does: what they write and read, and what clients
of today make of it. Apache Kafka 4 serves none of them; 3.9 did.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from kafka import KafkaConsumer, KafkaProducer

from interop_tests.harness import Broker
from interop_tests.tools import Venv

pytestmark = pytest.mark.only_pykbroker

PROGRAM = Path(__file__).with_name("ancient_kafka_python.py")
LIBRARIES = ("lz4", "python-snappy", "xxhash", "six")
CODECS = (None, "gzip", "snappy", "lz4")
COUNT = 500


def value(index: int) -> bytes | None:
    return None if index == 7 else b"value %d" % index


@pytest.mark.parametrize("api_version", ["0.9", "0.10", "0.11", "0.11.0"])
@pytest.mark.parametrize("version", ["1.4.7", "2.0.2"])
def test_old_kafka_python_and_todays_read_each_other(
    broker: Broker, name: str, venv: Callable[..., Venv], version: str, api_version: str
) -> None:
    python = venv(f"kafka-python=={version}", *LIBRARIES)
    for codec in CODECS:
        producer = KafkaProducer(bootstrap_servers=broker.address, compression_type=codec, linger_ms=5)
        for i in range(COUNT):
            producer.send(f"{name}-new-{codec}", value(i), b"%d" % i, headers=[("h", b"x")], timestamp_ms=1000)
        producer.close()

    assert "all is well" in python.run(str(PROGRAM), broker.address, name, api_version, timeout_s=100)

    for codec in CODECS:
        consumer = KafkaConsumer(
            f"{name}-old-{codec}",
            bootstrap_servers=broker.address,
            auto_offset_reset="earliest",
            consumer_timeout_ms=10_000,
        )
        records = [next(consumer) for _ in range(COUNT)]
        consumer.close()
        assert [(i, b"%d" % i, value(i)) for i in range(COUNT)] == [(r.offset, r.key, r.value) for r in records]
        assert {-1 if api_version == "0.9" else 1000} == {record.timestamp for record in records}


@pytest.mark.parametrize("fallback", ["0.8.2", "0.9.0", "0.10.0", "0.11.0"])
@pytest.mark.parametrize("codec", ["none", "gzip", "snappy", "lz4"])
def test_librdkafka_that_takes_the_broker_for_an_old_one(broker: Broker, name: str, codec: str, fallback: str) -> None:
    config = {
        "bootstrap.servers": broker.address,
        "api.version.request": "false",
        "broker.version.fallback": fallback,
        "log_level": "3",
    }
    offsets: list[int] = []

    def delivered(error: object, message: object) -> None:
        assert error is None, error
        offsets.append(message.offset())  # type: ignore[attr-defined] # confluent-kafka has no types

    producer = Producer(config | {"compression.type": codec, "linger.ms": "20"})
    for i in range(COUNT):
        producer.produce(name, value(i), b"%d" % i, on_delivery=delivered)
    assert 0 == producer.flush(30)
    assert list(range(COUNT)) == sorted(offsets)

    for other in ({}, config):  # today's protocol, then that of the old
        consumer = Consumer({"bootstrap.servers": broker.address} | other | {"group.id": uuid.uuid4().hex})
        consumer.assign([TopicPartition(name, 0, 10)])
        found = []
        while len(found) < COUNT - 10:
            for message in consumer.consume(COUNT - 10 - len(found), 10):
                assert message.error() is None, message.error()
                found.append((message.offset(), message.key(), message.value()))
        consumer.close()
        assert [(i, b"%d" % i, value(i)) for i in range(10, COUNT)] == found
