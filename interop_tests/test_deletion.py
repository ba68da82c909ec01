"""Topics that are deleted, and made anew, while they are read and written."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from uuid import UUID

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from kafka.protocol.admin import DeleteTopicsRequest
from kafka.protocol.consumer import FetchRequest

from interop_tests.harness import Broker, in_background, wait_until
from interop_tests.raw import Connection, batch, create_topic, next_offset, produce_request

UNKNOWN_TOPIC_OR_PARTITION, UNKNOWN_TOPIC_ID, INCONSISTENT_TOPIC_ID = 3, 100, 103
BY_ID = 13


def delete_topic(broker: Broker, name: str) -> None:
    topic = DeleteTopicsRequest.DeleteTopicState(name=name, topic_id=None)
    with Connection(broker) as connection:
        [told] = connection.ask(DeleteTopicsRequest(topics=[topic], timeout_ms=10_000), 6).responses
    assert told.error_code == 0
    wait_until(lambda: next_offset(broker, name) is None)


@pytest.mark.only_pykbroker  # Kafka begins to look half a minute after its start
def test_the_space_of_a_deleted_topic_comes_back_when_its_delay_is_over(broker: Broker, name: str) -> None:
    create_topic(broker, name, file_delete_delay_ms="100")

    delete_topic(broker, name)

    wait_until(lambda: not list(broker.data_dir.glob(f"{name[:20]}*")), timeout_s=10)


class Session:
    """A client's side of a fetch session for partition 0 of one topic id."""

    def __init__(self, connection: Connection, topic_id: UUID) -> None:
        self._connection = connection
        self._topic_id = topic_id
        self._id, self._epoch = 0, 0

    def fetch(self, offset: int | None = None) -> list[tuple[int, bytes]]:
        """(error code, records) of what is told; with an offset, it is asked for from there."""
        partition = FetchRequest.FetchTopic.FetchPartition(
            partition=0,
            fetch_offset=offset or 0,
            partition_max_bytes=1 << 20,
            current_leader_epoch=-1,
            last_fetched_epoch=-1,
            log_start_offset=-1,
        )
        topic = FetchRequest.FetchTopic(topic_id=self._topic_id, partitions=[partition])
        request = FetchRequest(
            replica_id=-1,
            max_wait_ms=0,
            min_bytes=1,
            max_bytes=1 << 20,
            isolation_level=0,
            session_id=self._id,
            session_epoch=self._epoch,
            topics=[] if offset is None else [topic],
            forgotten_topics_data=[],
            rack_id="",
        )
        told = self._connection.ask(request, BY_ID)
        assert told.error_code == 0
        self._id, self._epoch = told.session_id, self._epoch + 1
        return [(each.error_code, bytes(each.records or b"")) for topic in told.responses for each in topic.partitions]


def test_who_reads_by_topic_id_gets_nothing_of_another_topic_of_the_name(broker: Broker, name: str) -> None:
    old_id = create_topic(broker, name)
    with Connection(broker) as connection:
        connection.ask(produce_request(name, batch([b"old"])), 8)
        session = Session(connection, old_id)
        assert session.fetch(0)[0][0] == 0

        delete_topic(broker, name)
        assert [(UNKNOWN_TOPIC_OR_PARTITION, b"")] == session.fetch()

        new_id = create_topic(broker, name)
        connection.ask(produce_request(name, batch([b"new"])), 8)
        assert [(INCONSISTENT_TOPIC_ID, b"")] == session.fetch()
        assert [(UNKNOWN_TOPIC_ID, b"")] == Session(connection, old_id).fetch(0)
        [(code, records)] = Session(connection, new_id).fetch(0)
        assert (0, True, False) == (code, b"new" in records, b"old" in records)


def test_writers_and_readers_outlive_their_topic(start_broker: Callable[..., Broker], name: str) -> None:
    """What was acknowledged after the topic was made for the last time is there, at the offset that was told."""
    broker = start_broker(auto_create_topics_enable="false")
    create_topic(broker, name)
    config = {"bootstrap.servers": broker.address, "topic.metadata.refresh.interval.ms": 200, "log_level": 0}
    told: list[tuple[float, int, bytes]] = []
    lock = threading.Lock()

    def delivered(error: object, message: object) -> None:
        if error is None:
            with lock:
                told.append((time.monotonic(), message.offset(), message.value()))  # type: ignore[attr-defined]

    def write(stop: threading.Event) -> None:
        producer = Producer(config | {"linger.ms": 1, "message.timeout.ms": 20_000, "retry.backoff.ms": 10})
        number = 0
        while not stop.is_set():
            producer.produce(name, b"%d" % number, partition=0, on_delivery=delivered)
            producer.poll(0.002)
            number += 1
        producer.flush(20)

    def read(stop: threading.Event) -> None:
        consumer = Consumer(config | {"group.id": name, "auto.offset.reset": "earliest"})
        consumer.assign([TopicPartition(name, 0, 0)])
        while not stop.is_set():
            consumer.poll(0.05)
        consumer.close()

    with in_background(write), in_background(read):
        for _ in range(3):
            time.sleep(0.3)
            delete_topic(broker, name)
            create_topic(broker, name)
        made_at = time.monotonic()
        wait_until(lambda: len([each for each in list(told) if each[0] > made_at]) > 20, timeout_s=60)

    end = next_offset(broker, name)
    consumer = Consumer(config | {"group.id": name})
    consumer.assign([TopicPartition(name, 0, 0)])
    found: dict[int, bytes] = {}
    while len(found) < (end or 0):
        found |= {message.offset(): message.value() for message in consumer.consume(1000, 1)}
    consumer.close()
    with lock:
        since = {offset: value for at, offset, value in told if at > made_at}
    assert since.items() <= found.items()
