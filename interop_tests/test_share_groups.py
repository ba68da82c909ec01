"""Share groups (KIP-932), that is queues: librdkafka's share consumer, and Apache Kafka's own tools."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from confluent_kafka import AcknowledgeType, Message, Producer, ShareConsumer
from confluent_kafka.admin import AdminClient, NewTopic
from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType

from interop_tests.harness import Broker, wait_until
from interop_tests.tools import Java

TOOLS = "org.apache.kafka.tools"
SHARE_GROUPS = f"{TOOLS}.consumer.group.ShareGroupCommand"


def prepare(broker: Broker, name: str, *, partitions: int = 1, **configs: str) -> None:
    """A topic, and a group of its name that reads it from the beginning."""
    admin = AdminClient({"bootstrap.servers": broker.address, "log_level": 0})
    admin.create_topics([NewTopic(name, partitions, 1)])[name].result(30)
    settings = {"share.auto.offset.reset": "earliest"} | {
        key.replace("_", "."): value for key, value in configs.items()
    }
    client = KafkaAdminClient(bootstrap_servers=broker.address)
    client.alter_configs([ConfigResource(ConfigResourceType.GROUP, name, settings)])
    client.close()


def produce(broker: Broker, topic: str, count: int, *, first: int = 0) -> None:
    producer = Producer({"bootstrap.servers": broker.address, "log_level": 0, "linger.ms": 0})
    for number in range(first, first + count):
        producer.produce(topic, str(number), partition=0)
    assert 0 == producer.flush(20)


def share_consumer(broker: Broker, group: str, *, mode: str = "explicit") -> ShareConsumer:
    consumer = ShareConsumer(
        {
            "bootstrap.servers": broker.address,
            "group.id": group,
            "log_level": 0,
            "share.acknowledgement.mode": mode,
        }
    )
    consumer.subscribe([group])
    return consumer


def poll(consumer: ShareConsumer, *, timeout_s: float = 20) -> list[Message]:
    """The next records."""
    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        got = [message for message in consumer.poll(0.5) if message.error() is None]
        if got:
            return got
    return []


def values(messages: list[Message]) -> list[int]:
    return sorted(int(message.value()) for message in messages)


def acknowledge_all(consumer: ShareConsumer, messages: list[Message], kind: AcknowledgeType) -> None:
    for message in messages:
        consumer.acknowledge(message, kind)
    consumer.commit_sync(10)


def test_what_is_released_comes_again_and_what_is_accepted_does_not(broker: Broker, name: str) -> None:
    prepare(broker, name)
    produce(broker, name, 10)
    with share_consumer(broker, name) as consumer:
        first = poll(consumer)
        assert list(range(10)) == values(first)
        for message in first:
            kinds = (AcknowledgeType.ACCEPT, AcknowledgeType.RELEASE, AcknowledgeType.REJECT)
            consumer.acknowledge(message, kinds[message.offset() % 3])
        consumer.commit_sync(10)

        again = poll(consumer)
        acknowledge_all(consumer, again, AcknowledgeType.ACCEPT)

        assert [1, 4, 7] == values(again)
        assert [] == poll(consumer, timeout_s=2)


def test_a_record_that_nobody_manages_is_given_up(broker: Broker, name: str) -> None:
    """share.delivery.count.limit"""
    prepare(broker, name, share_delivery_count_limit="2")
    produce(broker, name, 1)
    with share_consumer(broker, name) as consumer:
        for _ in range(2):
            acknowledge_all(consumer, poll(consumer), AcknowledgeType.RELEASE)

        assert [] == poll(consumer, timeout_s=2)
        produce(broker, name, 1, first=7)
        assert [7] == values(poll(consumer))


def test_many_consumers_share_one_partition(broker: Broker, name: str) -> None:
    """Everybody gets some, nobody gets what another has, and all of it is read."""
    prepare(broker, name)
    total = 0
    seen: list[int] = []
    counts: Counter[int] = Counter()
    is_over = threading.Event()

    def work(index: int) -> None:
        with share_consumer(broker, name, mode="implicit") as consumer:
            while not is_over.is_set():
                got = [message for message in consumer.poll(0.2) if message.error() is None]
                counts[index] += len(got)
                seen.extend(int(message.value()) for message in got)

    workers = [threading.Thread(target=work, args=(index,)) for index in range(3)]
    for worker in workers:
        worker.start()
    try:
        end = time.monotonic() + 40
        while time.monotonic() < end and not all(counts[index] for index in range(len(workers))):
            for _ in range(10):
                produce(broker, name, 10, first=total)
                total += 10
            time.sleep(0.2)
        wait_until(lambda: len(seen) >= total, timeout_s=40)
    finally:
        is_over.set()
        for worker in workers:
            worker.join()

    assert list(range(total)) == sorted(seen)
    assert all(counts[index] for index in range(len(workers))), counts


def test_who_dies_loses_what_it_has_to_others(broker: Broker, name: str) -> None:
    prepare(broker, name)
    produce(broker, name, 5)
    dying = share_consumer(broker, name)
    assert list(range(5)) == values(poll(dying))
    dying.close()  # without a word about the records

    with share_consumer(broker, name) as consumer:
        assert list(range(5)) == values(poll(consumer))


def test_what_was_delivered_survives_a_restart(start_broker: Callable[..., Broker], name: str) -> None:
    broker = start_broker()
    prepare(broker, name)
    produce(broker, name, 10)
    with share_consumer(broker, name) as consumer:
        messages = poll(consumer)
        for message in messages:
            consumer.acknowledge(message, AcknowledgeType.ACCEPT if message.offset() < 6 else AcknowledgeType.RELEASE)
        consumer.commit_sync(10)
    broker.kill()
    broker.start()

    with share_consumer(broker, name) as consumer:
        assert [6, 7, 8, 9] == values(poll(consumer, timeout_s=40))


# --- Apache Kafka's own


def table(printed: str) -> list[list[str]]:
    """The cells below the head."""
    lines = [line.split() for line in printed.splitlines() if line.strip()]
    start = next(index for index, cells in enumerate(lines) if cells[0] in ("GROUP", "TOPIC"))
    return lines[start + 1 :]


def test_the_console_share_consumer_and_what_is_told_of_its_group(java: Java, broker: Broker, name: str) -> None:
    at = ["--bootstrap-server", broker.address]
    prepare(broker, name, partitions=2)
    produce(broker, name, 20)

    printed = java.run(
        f"{TOOLS}.consumer.ConsoleShareConsumer", *at, "--topic", name, "--group", name,
        "--max-messages", "20", "--timeout-ms", "30000",
    )  # fmt: skip
    assert list(range(20)) == sorted(int(line) for line in printed.splitlines() if line.isdigit())

    assert name in java.run(SHARE_GROUPS, *at, "--list").splitlines()
    described = table(java.run(SHARE_GROUPS, *at, "--describe", "--group", name))
    assert [[name, name, "0", "0"], [name, name, "1"]] == [described[0][:3] + described[0][4:], described[1][:3]]
    state = table(java.run(SHARE_GROUPS, *at, "--describe", "--group", name, "--state"))
    assert ["Empty", "0"] == state[0][-2:]


def test_offsets_of_a_share_group_are_moved_and_deleted(java: Java, broker: Broker, name: str) -> None:
    at = ["--bootstrap-server", broker.address]
    prepare(broker, name)
    produce(broker, name, 8)
    with share_consumer(broker, name) as consumer:
        acknowledge_all(consumer, poll(consumer), AcknowledgeType.ACCEPT)

    moved = java.run(
        SHARE_GROUPS, *at, "--reset-offsets", "--group", name, "--topic", name, "--to-earliest", "--execute"
    )
    assert [[name, name, "0", "0"]] == table(moved)
    assert [[name, name, "0", "0", "8"]] == table(java.run(SHARE_GROUPS, *at, "--describe", "--group", name))
    with share_consumer(broker, name) as consumer:
        assert list(range(8)) == values(poll(consumer))

    deleted = java.run(SHARE_GROUPS, *at, "--delete-offsets", "--group", name, "--topic", name)
    assert [[name, "Successful"]] == table(deleted)
    assert "successful" in java.run(SHARE_GROUPS, *at, "--delete", "--group", name)
    assert name not in java.run(SHARE_GROUPS, *at, "--list").splitlines()


def objects(printed: str) -> list[dict[str, Any]]:
    """What is JSON in it: the formatter ends no lines."""
    found, position = [], printed.find('{"key"')
    while position >= 0:
        each, end = json.JSONDecoder().raw_decode(printed, position)
        found.append(each)
        position = printed.find('{"key"', end)
    return found


def test_the_state_of_deliveries_is_kept_as_kafka_reads_it(java: Java, broker: Broker, name: str) -> None:
    prepare(broker, name)
    produce(broker, name, 8)
    with share_consumer(broker, name) as consumer:
        messages = poll(consumer)
        for message in messages:
            consumer.acknowledge(message, AcknowledgeType.REJECT if message.offset() == 3 else AcknowledgeType.ACCEPT)
        consumer.commit_sync(10)

    printed = java.run(
        f"{TOOLS}.consumer.ConsoleConsumer", "--bootstrap-server", broker.address, "--topic", "__share_group_state",
        "--from-beginning", "--timeout-ms", "5000",
        "--formatter", f"{TOOLS}.consumer.group.share.ShareGroupStateMessageFormatter",
    )  # fmt: skip

    records = objects(printed)
    snapshot, update = [each["value"]["data"] for each in records if each["key"]["data"]["groupId"] == name]
    assert (0, 2, -1) == (snapshot["snapshotEpoch"], snapshot["stateEpoch"], snapshot["startOffset"])
    assert [(0, 2, 2, 1), (3, 3, 4, 1), (4, 7, 2, 1)] == [
        (each["firstOffset"], each["lastOffset"], each["deliveryState"], each["deliveryCount"])
        for each in update["stateBatches"]
    ]
    assert (0, 8) == (update["startOffset"], update["deliveryCompleteCount"])


@pytest.mark.parametrize("mode", ["auto", "sync", "async"])
def test_the_verifiable_share_consumer_acknowledges_all_it_reads(
    java: Java, broker: Broker, name: str, mode: str
) -> None:
    prepare(broker, name)
    produce(broker, name, 500)

    printed = java.run(
        f"{TOOLS}.VerifiableShareConsumer", "--bootstrap-server", broker.address, "--topic", name, "--group-id", name,
        "--max-messages", "500", "--acknowledgement-mode", mode,
    )  # fmt: skip

    events = [json.loads(line) for line in printed.splitlines() if line.startswith("{")]
    counts: Counter[str] = Counter()
    for event in events:
        counts[event["name"]] += event.get("count", 0)
    assert 500 == counts["records_consumed"], printed[-2000:]
    assert 500 == counts["offsets_acknowledged"], printed[-2000:]
