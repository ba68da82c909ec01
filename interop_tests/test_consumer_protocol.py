"""The consumer protocol of KIP-848 (`group.protocol=consumer`), as librdkafka and the Java client speak it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from confluent_kafka import Consumer, ConsumerGroupState, ConsumerGroupType, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewPartitions, NewTopic

from interop_tests.harness import Broker, wait_until
from interop_tests.tools import Java

TOOLS = "org.apache.kafka.tools"
NEW = ("--consumer-property", "group.protocol=consumer")

# Clients heartbeat as often as the broker says, which by default is too seldom for tests.
QUICK = {
    "group_consumer_heartbeat_interval_ms": 300,
    "group_consumer_min_heartbeat_interval_ms": 100,
    "group_consumer_session_timeout_ms": 5_000,
    "group_consumer_min_session_timeout_ms": 1_000,
}


@pytest.fixture
def quick(start_broker: Callable[..., Broker]) -> Broker:
    return start_broker(**QUICK)


@pytest.fixture
def admin(quick: Broker) -> AdminClient:
    return AdminClient({"bootstrap.servers": quick.address, "log_level": 0})


class Members:
    """Consumers of one group, polled in turn."""

    def __init__(self, broker: Broker, group: str) -> None:
        self.broker, self.group = broker, group
        self.all: list[Consumer] = []

    def join(self, *topics: str, **config: object) -> Consumer:
        settings: dict[str, object] = {
            "bootstrap.servers": self.broker.address,
            "log_level": 0,
            "group.id": self.group,
            "group.protocol": "consumer",
            "auto.offset.reset": "earliest",
        }
        member = Consumer(settings | {key.replace("_", "."): value for key, value in config.items()})
        member.subscribe(list(topics))
        self.all.append(member)
        return member

    def leave(self, member: Consumer) -> None:
        self.all.remove(member)
        member.close()

    def poll(self) -> list[bytes]:
        messages = [member.poll(0.05) for member in self.all]
        return [message.value() for message in messages if message is not None and message.error() is None]

    def counts(self) -> list[int]:
        self.poll()
        return [len(member.assignment()) for member in self.all]

    def settle(self, *counts: int) -> None:
        """Wait until members have as many partitions as these, in any order, each of them one owner."""
        wait_until(lambda: sorted(counts) == sorted(self.counts()), timeout_s=30, what=lambda: str(self.counts()))
        owned = [(p.topic, p.partition) for member in self.all for p in member.assignment()]
        assert len(owned) == len(set(owned))


@pytest.fixture
def members(quick: Broker, name: str) -> Iterator[Members]:
    made = Members(quick, name)
    yield made
    for member in made.all:
        member.close()


def create(admin: AdminClient, topic: str, partitions: int) -> None:
    admin.create_topics([NewTopic(topic, partitions, 1)])[topic].result(30)


def produce(broker: Broker, topic: str, count: int) -> list[bytes]:
    client = Producer({"bootstrap.servers": broker.address, "log_level": 0})
    values = [b"%d" % index for index in range(count)]
    for value in values:
        client.produce(topic, value)
    assert client.flush(20) == 0
    return values


def describe(admin: AdminClient, group: str) -> object:
    return admin.describe_consumer_groups([group])[group].result(20)


def test_members_come_and_go_and_share_what_there_is(
    quick: Broker, admin: AdminClient, members: Members, name: str
) -> None:
    create(admin, name, 6)
    members.join(name)
    members.settle(6)
    second = members.join(name)
    members.settle(3, 3)
    members.join(name)
    members.settle(2, 2, 2)
    members.leave(second)
    members.settle(3, 3)

    values = produce(quick, name, 300)
    read: list[bytes] = []
    wait_until(lambda: len(read.extend(members.poll()) or read) >= 300, timeout_s=30)
    assert sorted(values) == sorted(read)

    found = describe(admin, name)
    assert (found.state, found.type) == (ConsumerGroupState.STABLE, ConsumerGroupType.CONSUMER)
    assert [3, 3] == [len(member.assignment.topic_partitions) for member in found.members]


def test_a_group_takes_up_new_partitions_and_new_topics_of_its_expression(
    admin: AdminClient, members: Members, name: str
) -> None:
    create(admin, f"{name}-a", 2)
    members.join(f"^{name}-.*")
    members.settle(2)

    admin.create_partitions([NewPartitions(f"{name}-a", 3)])[f"{name}-a"].result(30)
    members.settle(3)
    create(admin, f"{name}-b", 2)
    members.settle(5)


def test_a_static_member_that_comes_back_has_what_it_had(admin: AdminClient, members: Members, name: str) -> None:
    create(admin, name, 4)
    first = members.join(name, group_instance_id="one")
    members.join(name, group_instance_id="two")
    members.settle(2, 2)
    had = {partition.partition for partition in first.assignment()}

    members.leave(first)
    again = members.join(name, group_instance_id="one")
    members.settle(2, 2)

    assert had == {partition.partition for partition in again.assignment()}


def test_offsets_outlive_the_members_and_the_broker(
    quick: Broker, admin: AdminClient, members: Members, name: str
) -> None:
    create(admin, name, 1)
    produce(quick, name, 10)
    member = members.join(name, enable_auto_commit=False)
    read: list[bytes] = []
    wait_until(lambda: len(read.extend(members.poll()) or read) == 10, timeout_s=30)
    member.commit(offsets=[TopicPartition(name, 0, 7)], asynchronous=False)

    quick.terminate()
    quick.start()

    wait_until(lambda: member.committed([TopicPartition(name, 0)], timeout=20)[0].offset == 7, timeout_s=30)
    members.settle(1)
    members.leave(member)
    again = members.join(name)
    read = []
    wait_until(lambda: len(read.extend(members.poll()) or read) == 3, timeout_s=30)
    assert [b"7", b"8", b"9"] == read
    assert again.assignment()


def test_a_group_changes_its_protocol_while_it_runs(admin: AdminClient, members: Members, name: str) -> None:
    create(admin, name, 4)
    classic = {"group_protocol": "classic", "heartbeat_interval_ms": 300, "session_timeout_ms": 10_000}
    old = members.join(name, partition_assignment_strategy="cooperative-sticky", **classic)
    members.settle(4)

    new = members.join(name)
    members.settle(2, 2)
    assert describe(admin, name).type == ConsumerGroupType.CONSUMER
    members.leave(old)
    members.settle(4)

    members.join(name, partition_assignment_strategy="cooperative-sticky", **classic)
    members.settle(2, 2)
    members.leave(new)
    members.settle(4)
    assert describe(admin, name).type == ConsumerGroupType.CLASSIC


def test_the_java_console_consumer_reads_and_the_group_is_described(
    java: Java, quick: Broker, admin: AdminClient, name: str
) -> None:
    create(admin, name, 2)
    values = produce(quick, name, 50)
    at = ("--bootstrap-server", quick.address)

    read = java.run(
        f"{TOOLS}.consumer.ConsoleConsumer", *at, "--topic", name, "--group", name, "--from-beginning",
        "--max-messages", "50", "--timeout-ms", "20000", *NEW,
    )  # fmt: skip
    assert sorted(values) == sorted(line.encode() for line in read.splitlines() if line.isdigit())

    groups = f"{TOOLS}.consumer.group.ConsumerGroupCommand"
    state = java.run(groups, *at, "--describe", "--group", name, "--state", "--verbose")
    assert "Empty" in state
    assert "uniform" in state
    offsets = java.run(groups, *at, "--describe", "--group", name)
    assert 50 == sum(int(line.split()[3]) for line in offsets.splitlines() if line.startswith(name))
    assert "Deletion of requested consumer groups" in java.run(groups, *at, "--delete", "--group", name)
    assert name not in java.run(groups, *at, "--list")


def test_the_java_console_consumer_reads_what_matches_an_expression(
    java: Java, quick: Broker, admin: AdminClient, name: str
) -> None:
    create(admin, f"{name}-a", 1)
    create(admin, f"{name}-b", 1)
    for topic in ("a", "b"):
        produce(quick, f"{name}-{topic}", 5)

    read = java.run(
        f"{TOOLS}.consumer.ConsoleConsumer", "--bootstrap-server", quick.address, "--include", f"{name}-.*",
        "--group", name, "--from-beginning", "--max-messages", "10", "--timeout-ms", "20000", *NEW,
    )  # fmt: skip

    assert 10 == sum(line.isdigit() for line in read.splitlines())
