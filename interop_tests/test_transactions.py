"""Exactly once, as users of transactional producers and read_committed consumers see it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from kafka import KafkaConsumer, KafkaProducer
from kafka import TopicPartition as KafkaPythonPartition

from interop_tests.harness import Broker
from interop_tests.raw import create_topic

Sink = Callable[[str, int, bytes], None]


class KafkaPython:
    """kafka-python's transactional producer."""

    def __init__(self, broker: Broker, transactional_id: str, **configs: Any) -> None:
        self._producer = KafkaProducer(
            bootstrap_servers=broker.address, transactional_id=transactional_id, retry_backoff_ms=20, **configs
        )
        self._producer.init_transactions()

    def begin(self) -> None:
        self._producer.begin_transaction()

    def send(self, topic: str, partition: int, value: bytes) -> None:
        self._producer.send(topic, value, partition=partition)

    def flush(self) -> None:
        self._producer.flush()

    def commit(self) -> None:
        self._producer.commit_transaction()

    def abort(self) -> None:
        self._producer.abort_transaction()

    def close(self) -> None:
        self._producer.close()


class Confluent:
    """librdkafka's transactional producer."""

    def __init__(self, broker: Broker, transactional_id: str, **configs: Any) -> None:
        settings = {"bootstrap.servers": broker.address, "transactional.id": transactional_id, "log_level": 0}
        self._producer = Producer(settings | {key.replace("_", "."): value for key, value in configs.items()})
        self._producer.init_transactions(20)

    def begin(self) -> None:
        self._producer.begin_transaction()

    def send(self, topic: str, partition: int, value: bytes) -> None:
        self._producer.produce(topic, value, partition=partition)

    def flush(self) -> None:
        assert 0 == self._producer.flush(20)

    def commit(self) -> None:
        self._producer.commit_transaction(20)

    def abort(self) -> None:
        self._producer.abort_transaction(20)

    def close(self) -> None:
        pass


AnyProducer = KafkaPython | Confluent
CLIENTS = [KafkaPython, Confluent]


def read_with_confluent(broker: Broker, topic: str, partitions: int, isolation: str) -> dict[int, list[bytes]]:
    reader = Consumer(
        {
            "bootstrap.servers": broker.address,
            "group.id": "reader",
            "enable.partition.eof": True,
            "enable.auto.commit": False,
            "isolation.level": isolation,
            "log_level": 0,
        }
    )
    reader.assign([TopicPartition(topic, partition, 0) for partition in range(partitions)])
    found: dict[int, list[bytes]] = {partition: [] for partition in range(partitions)}
    left = set(found)
    while left:
        message = reader.poll(20)
        assert message is not None, f"partitions {left} did not come to an end"
        if message.error() is None:
            found[message.partition()].append(message.value())
        else:
            assert message.error().code() == KafkaError._PARTITION_EOF, message.error()
            left.discard(message.partition())
    reader.close()
    return found


def read_with_kafka_python(broker: Broker, topic: str, partitions: int, isolation: str) -> dict[int, list[bytes]]:
    reader = KafkaConsumer(
        bootstrap_servers=broker.address, isolation_level=isolation, auto_offset_reset="earliest", group_id=None
    )
    places = [KafkaPythonPartition(topic, partition) for partition in range(partitions)]
    reader.assign(places)
    ends = reader.end_offsets(places)
    reader.seek_to_beginning()
    found: dict[int, list[bytes]] = {partition: [] for partition in range(partitions)}
    while any(reader.position(place) < ends[place] for place in places):
        for place, records in reader.poll(timeout_ms=500).items():
            found[place.partition] += [record.value for record in records]
    reader.close()
    return found


READERS = {"confluent": read_with_confluent, "kafka-python": read_with_kafka_python}


def read(broker: Broker, topic: str, partitions: int = 2, isolation: str = "read_committed") -> dict[int, list[bytes]]:
    """What both clients see, who must agree."""
    seen = {name: reader(broker, topic, partitions, isolation) for name, reader in READERS.items()}
    assert seen["confluent"] == seen["kafka-python"]
    return seen["confluent"]


@pytest.mark.parametrize("client", CLIENTS)
def test_a_committed_transaction_is_seen_and_an_aborted_one_is_not(
    client: type[AnyProducer], broker: Broker, name: str
) -> None:
    create_topic(broker, name, partitions=2)
    producer = client(broker, name)
    for number, ends in enumerate(["commit", "abort", "commit", "abort"]):
        producer.begin()
        producer.send(name, 0, b"%d" % number)
        producer.send(name, 1, b"%d" % number)
        producer.flush()
        producer.commit() if ends == "commit" else producer.abort()
    producer.close()

    assert {0: [b"0", b"2"], 1: [b"0", b"2"]} == read(broker, name)
    assert {0: [b"0", b"1", b"2", b"3"], 1: [b"0", b"1", b"2", b"3"]} == read(
        broker, name, isolation="read_uncommitted"
    )


@pytest.mark.parametrize("client", CLIENTS)
def test_readers_of_committed_records_stop_at_an_open_transaction(
    client: type[AnyProducer], broker: Broker, name: str
) -> None:
    create_topic(broker, name, partitions=2)
    first, second = client(broker, f"{name}-1"), client(broker, f"{name}-2")
    first.begin()
    first.send(name, 0, b"open")
    first.flush()
    second.begin()
    second.send(name, 0, b"later")
    second.send(name, 1, b"beside")
    second.commit()

    assert {0: [], 1: [b"beside"]} == read(broker, name)
    first.commit()
    assert {0: [b"open", b"later"], 1: [b"beside"]} == read(broker, name)
    first.close()
    second.close()


@pytest.mark.parametrize("client", CLIENTS)
def test_a_new_producer_of_the_same_name_aborts_what_the_old_one_began_and_fences_it(
    client: type[AnyProducer], broker: Broker, name: str
) -> None:
    create_topic(broker, name, partitions=2)
    old = client(broker, name)
    old.begin()
    old.send(name, 0, b"of the old one")
    old.flush()

    new = client(broker, name)
    new.begin()
    new.send(name, 0, b"of the new one")
    new.commit()

    with pytest.raises((KafkaException, Exception)):
        old.commit()
    assert {0: [b"of the new one"], 1: []} == read(broker, name)
    new.close()
