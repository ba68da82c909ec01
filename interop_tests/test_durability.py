"""Killed under load, again and again: what was acknowledged is there, once and in order.

Producers run as a user would run them, with acks=all; the broker is killed with SIGKILL at moments of no one's choosing
and started again. The producers' own retries bridge the gap.
"""

from __future__ import annotations

import random
import shutil
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import pytest
from confluent_kafka import Consumer, KafkaError, Message, Producer, TopicPartition
from kafka import KafkaProducer
from kafka.errors import KafkaError as KafkaPythonError

from interop_tests.harness import Broker, Kind, in_background, wait_until
from interop_tests.raw import Connection, batch, create_topic, produce_request

PARTITIONS = 3


class Sent:
    """What one producer was told: value -> offset, for each partition in the order it was sent."""

    def __init__(self) -> None:
        self.acknowledged: dict[int, dict[int, int]] = defaultdict(dict)
        self.failed: list[object] = []


def produce_with_confluent(broker: Broker, topic: str, stop: threading.Event, sent: Sent) -> None:
    client = Producer(
        {
            "bootstrap.servers": broker.address,
            "enable.idempotence": True,
            "linger.ms": 1,
            "batch.num.messages": 20,
            "compression.type": "lz4",
            "message.timeout.ms": 120_000,
            "reconnect.backoff.max.ms": 200,
            "retry.backoff.max.ms": 200,
            "log_level": 0,
        }
    )

    def on_delivery(error: KafkaError | None, message: Message) -> None:
        if error is not None:
            sent.failed.append(error)
        else:
            sent.acknowledged[message.partition()][int(message.value())] = message.offset()

    number = 0
    while not stop.is_set():
        if len(client) < 1000:
            client.produce(topic, b"%d" % number, partition=number % PARTITIONS, on_delivery=on_delivery)
            number += 1
        client.poll(0 if number % 10 else 0.001)
    assert client.flush(120) == 0


def produce_with_kafka_python(broker: Broker, topic: str, stop: threading.Event, sent: Sent) -> None:
    client = KafkaProducer(
        bootstrap_servers=broker.address, acks="all", reconnect_backoff_max_ms=200, retry_backoff_ms=50
    )
    number = 0
    futures = []
    while not stop.wait(0.002):
        futures.append((number, client.send(topic, b"%d" % number, partition=number % PARTITIONS)))
        number += 1
    client.flush(120)
    for value, future in futures:
        try:
            told = future.get(1)
            sent.acknowledged[told.partition][value] = told.offset
        except KafkaPythonError as error:
            sent.failed.append(error)
    client.close()


def read_all(broker: Broker, topic: str) -> dict[int, list[tuple[int, int]]]:
    """Partition -> (offset, value) of every record."""
    reader = Consumer(
        {
            "bootstrap.servers": broker.address,
            "group.id": "reader",
            "enable.partition.eof": True,
            "enable.auto.commit": False,
            "check.crcs": True,
            "log_level": 0,
        }
    )
    reader.assign([TopicPartition(topic, partition, 0) for partition in range(PARTITIONS)])
    records: dict[int, list[tuple[int, int]]] = defaultdict(list)
    finished: set[int] = set()
    while len(finished) < PARTITIONS:
        message = reader.poll(30)
        assert message is not None, f"partitions {finished} of {PARTITIONS} came to an end"
        if message.error() is None:
            records[message.partition()].append((message.offset(), int(message.value())))
        else:
            assert message.error().code() == KafkaError._PARTITION_EOF, message.error()
            finished.add(message.partition())
    reader.close()
    return records


def kill_under_load(broker: Broker, kills: int, seed: int) -> None:
    moments = random.Random(seed)
    for _ in range(kills):
        time.sleep(moments.uniform(0.2, 1.0))  # so that there is load, and the kill falls anywhere in it
        broker.kill()
        broker.start()
    time.sleep(0.5)


def check(broker: Broker, topic: str, sent: Sent) -> None:
    assert sent.failed == []
    stored = read_all(broker, topic)
    for partition in range(PARTITIONS):
        values = [value for _, value in stored[partition]]
        by_offset = dict(stored[partition])
        lost = {v: o for v, o in sent.acknowledged[partition].items() if by_offset.get(o) != v}
        assert lost == {}, f"acknowledged, but not where it was said to be: {dict(list(lost.items())[:10])}"
        assert len(set(values)) == len(values), "an idempotent producer's record is there twice"
        assert sorted(values) == values, "out of order"
        assert [offset for offset, _ in stored[partition]] == list(range(len(values)))
    assert sum(len(values) for values in sent.acknowledged.values()) > 100


PRODUCERS = {"confluent": produce_with_confluent, "kafka-python": produce_with_kafka_python}


@pytest.mark.timeout(1800)
@pytest.mark.parametrize(
    "kills", [pytest.param(5, id="5 kills"), pytest.param(50, id="50 kills", marks=pytest.mark.slow)]
)
def test_no_acknowledged_record_is_lost_or_doubled_by_a_kill(
    start_broker: Callable[..., Broker], name: str, kills: int
) -> None:
    """With small segments, so that kills also fall into rolls, and both clients at once, each on its own topic."""
    broker = start_broker(log_segment_bytes=1 << 20, log_flush_offset_checkpoint_interval_ms=500)
    sent = {client: Sent() for client in PRODUCERS}
    for client in PRODUCERS:
        create_topic(broker, f"{name}-{client}", partitions=PARTITIONS)
    with (
        in_background(lambda stop: produce_with_confluent(broker, f"{name}-confluent", stop, sent["confluent"])),
        in_background(
            lambda stop: produce_with_kafka_python(broker, f"{name}-kafka-python", stop, sent["kafka-python"])
        ),
    ):
        kill_under_load(broker, kills, seed=kills)

    for client in PRODUCERS:
        check(broker, f"{name}-{client}", sent[client])
    broker.terminate()
    broker.start()
    for client in PRODUCERS:
        check(broker, f"{name}-{client}", sent[client])


def test_a_producers_sequence_goes_on_after_a_kill(start_broker: Callable[..., Broker], name: str) -> None:
    """Its state is in the log: what it already sent is known as such by the next process.

    With times of today: Apache Kafka forgets a producer a day after the time in its last batch.
    """
    broker = start_broker()
    create_topic(broker, name)
    now_ms = int(time.time() * 1000)

    def produce(sequence: int) -> tuple[int, int]:
        data = batch([b"x", b"y"], producer_id=77, producer_epoch=0, base_sequence=sequence, timestamp_ms=now_ms)
        with Connection(broker) as connection:
            [answer] = connection.ask(produce_request(name, data), 9).responses[0].partition_responses
        return answer.error_code, answer.base_offset

    assert [(0, 0), (0, 2)] == [produce(0), produce(2)]
    broker.kill()
    broker.start()

    out_of_order_sequence = 45
    assert produce(2) == (0, 2)
    assert produce(9) == (out_of_order_sequence, -1)
    assert produce(4) == (0, 4)


@pytest.mark.only_pykbroker
def test_with_fsync_everything_is_served_as_without(kind: Kind, tmp_path: Path, name: str) -> None:
    """Producers, committed offsets, and a kill; that nothing is lost with the power only a fake disk can tell."""
    broker = Broker(kind, tmp_path / "data")
    broker.options = ("--durability", "fsync")
    try:
        create_topic(broker.start(), name, partitions=PARTITIONS)
        sent = Sent()
        with in_background(lambda stop: produce_with_confluent(broker, name, stop, sent)):
            kill_under_load(broker, 1, seed=1)
        check(broker, name, sent)

        group = {"bootstrap.servers": broker.address, "group.id": name, "log_level": 0}
        reader = Consumer(group)
        reader.commit(offsets=[TopicPartition(name, 0, 7)], asynchronous=False)
        reader.close()
        broker.kill()
        broker.start()
        [committed] = Consumer(group).committed([TopicPartition(name, 0)], timeout=30)
        assert 7 == committed.offset
    finally:
        broker.close()


def remove(folder: Path) -> None:
    """While a broker writes into it."""
    while folder.exists():
        shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.only_pykbroker
def test_a_log_directory_that_is_gone_takes_its_partitions_and_no_others(kind: Kind, tmp_path: Path, name: str) -> None:
    broker = Broker(kind, tmp_path / "data")
    folders = [tmp_path / "first", tmp_path / "second"]
    broker.overrides["log.dirs"] = ",".join(map(str, folders))
    broker.options = ("--durability", "fsync")
    storage_error = 56

    def produce(partition: int) -> int:
        with Connection(broker) as connection:
            request = produce_request(name, batch([b"x"]), partition=partition)
            return int(connection.ask(request, 9).responses[0].partition_responses[0].error_code)

    try:
        create_topic(broker.start(), name, partitions=2)
        lost = int(next(folders[1].glob(f"{name}-*")).name.rpartition("-")[2])
        assert [0, 0] == [produce(0), produce(1)]
        remove(folders[1])
        wait_until(lambda: produce(lost) == storage_error, timeout_s=30, what="the directory to be missed")
        assert 0 == produce(1 - lost)
        remove(folders[0])
        wait_until(lambda: broker.process.poll() is not None, timeout_s=30, what="the end")
        assert 1 == broker.process.returncode
        assert "all log directories have failed" in broker.log
        assert "Traceback" not in broker.log
    finally:
        broker.close()
