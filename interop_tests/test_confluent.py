"""confluent-kafka (librdkafka): idempotent producers, both rebalance protocols, static members, the admin client."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest
from confluent_kafka import (
    OFFSET_BEGINNING,
    OFFSET_END,
    Consumer,
    ConsumerGroupTopicPartitions,
    IsolationLevel,
    KafkaError,
    KafkaException,
    Message,
    Producer,
    TopicCollection,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient, ConfigResource, NewPartitions, NewTopic, OffsetSpec, ResourceType

from interop_tests.harness import Broker, wait_until

PARTITIONS = 6


@pytest.fixture
def admin(broker: Broker) -> AdminClient:
    return AdminClient({"bootstrap.servers": broker.address, "log_level": 0})


@pytest.fixture
def topic(admin: AdminClient, name: str) -> str:
    create(admin, name, 1)
    return name


def create(admin: AdminClient, topic: str, partitions: int, **config: str) -> None:
    admin.create_topics([NewTopic(topic, partitions, 1, config=config)])[topic].result(30)


def producer(broker: Broker, **config: object) -> Producer:
    return Producer({"bootstrap.servers": broker.address, "linger.ms": 5, "log_level": 0} | dotted(config))


def consumer(broker: Broker, group: str, **config: object) -> Consumer:
    settings = {
        "bootstrap.servers": broker.address,
        "log_level": 0,
        "group.id": group,
        "auto.offset.reset": "earliest",
        "heartbeat.interval.ms": 300,
        "session.timeout.ms": 10_000,
    }
    return Consumer(settings | dotted(config))


def dotted(config: dict[str, object]) -> dict[str, object]:
    return {key.replace("_", "."): value for key, value in config.items()}


def produce(broker: Broker, topic: str, values: list[bytes], **config: object) -> list[Message]:
    """Send all to partition 0; what was acknowledged, in the order of acknowledgement."""
    delivered: list[Message] = []

    def on_delivery(error: KafkaError | None, message: Message) -> None:
        assert error is None, error
        delivered.append(message)

    client = producer(broker, **config)
    for value in values:
        client.produce(topic, value, partition=0, on_delivery=on_delivery)
        client.poll(0)
    assert client.flush(20) == 0
    return delivered


def consume(
    broker: Broker, topic: str, count: int, *, offset: int = OFFSET_BEGINNING, **config: object
) -> list[Message]:
    reader = consumer(broker, f"{topic}-reader", **config)
    reader.assign([TopicPartition(topic, 0, offset)])
    try:
        return take(reader, count)
    finally:
        reader.close()


def take(reader: Consumer, count: int, *, timeout_s: float = 15) -> list[Message]:
    messages: list[Message] = []
    deadline = time.monotonic() + timeout_s
    while len(messages) < count and time.monotonic() < deadline:
        message = reader.poll(0.2)
        if message is not None:
            assert message.error() is None, message.error()
            messages.append(message)
    return messages


@pytest.mark.parametrize("codec", ["none", "gzip", "snappy", "lz4", "zstd"])
@pytest.mark.parametrize("idempotence", [True, False])
def test_records_come_back_as_sent_whatever_the_codec(
    broker: Broker, topic: str, codec: str, idempotence: bool
) -> None:
    values = [b"%d %s" % (i, b"text that can be made smaller " * 20) for i in range(500)]
    delivered = produce(broker, topic, values, compression_type=codec, enable_idempotence=idempotence)

    assert values == [m.value() for m in consume(broker, topic, 500)]
    assert list(range(500)) == sorted(m.offset() for m in delivered)


def test_keys_headers_timestamps_and_nulls_come_back_as_sent(broker: Broker, topic: str) -> None:
    client = producer(broker)
    client.produce(
        topic, b"value", b"key", headers=[("a", b"1"), ("a", b"2"), ("none", None)], timestamp=1_600_000_000_000
    )
    client.produce(topic, None, b"tombstone")
    client.produce(topic, b"", b"")
    assert client.flush(20) == 0

    first, second, third = consume(broker, topic, 3)

    assert (b"key", b"value", (1, 1_600_000_000_000)) == (first.key(), first.value(), first.timestamp())
    assert [("a", b"1"), ("a", b"2"), ("none", None)] == first.headers()
    assert (b"tombstone", None, None) == (second.key(), second.value(), second.headers())
    assert (b"", b"") == (third.key(), third.value())
    assert 0 == first.leader_epoch()


@pytest.mark.parametrize("acks", ["0", "1", "all"])
def test_every_kind_of_acknowledgement_stores_the_records(broker: Broker, topic: str, acks: str) -> None:
    values = [b"%d" % i for i in range(100)]
    produce(broker, topic, values, acks=acks)

    assert values == [m.value() for m in consume(broker, topic, 100)]


def test_small_batches_in_flight_keep_their_order(broker: Broker, topic: str) -> None:
    values = [b"%d" % i for i in range(20_000)]
    produce(broker, topic, values, enable_idempotence=True, batch_num_messages=10, linger_ms=0)

    assert values == [m.value() for m in consume(broker, topic, len(values))]


def test_a_record_of_a_megabyte_goes_through_and_a_larger_one_is_refused(broker: Broker, topic: str) -> None:
    produce(broker, topic, [b"x" * 999_000])
    errors: list[KafkaError] = []
    client = producer(broker, message_max_bytes=4_000_000)
    client.produce(topic, b"x" * 3_000_000, on_delivery=lambda error, _: errors.append(error))
    client.flush(20)

    assert [KafkaError.MSG_SIZE_TOO_LARGE] == [error.code() for error in errors]
    assert [999_000] == [len(m.value()) for m in consume(broker, topic, 1)]


def test_offsets_by_time_and_watermarks(broker: Broker, topic: str) -> None:
    client = producer(broker)
    for i in range(100):
        client.produce(topic, b"%d" % i, partition=0, timestamp=1_600_000_000_000 + 10 * i)
    client.flush(20)
    reader = consumer(broker, topic)

    def offset_at(timestamp_ms: int) -> int:
        [found] = reader.offsets_for_times([TopicPartition(topic, 0, timestamp_ms)], timeout=10)
        return found.offset

    assert (0, 100) == reader.get_watermark_offsets(TopicPartition(topic, 0), timeout=10)
    assert (0, 50, 51) == tuple(offset_at(1_600_000_000_000 + ms) for ms in (-5, 500, 501))
    assert OFFSET_END == offset_at(1_600_000_001_000)
    reader.close()
    assert [b"42", b"43"] == [m.value() for m in consume(broker, topic, 2, offset=42)]


@pytest.mark.parametrize("isolation", ["read_committed", "read_uncommitted"])
def test_the_end_of_a_partition_is_told(broker: Broker, topic: str, isolation: str) -> None:
    produce(broker, topic, [b"only"])
    reader = consumer(broker, topic, enable_partition_eof=True, isolation_level=isolation)
    reader.assign([TopicPartition(topic, 0, OFFSET_BEGINNING)])

    first, second = reader.poll(10), reader.poll(10)

    assert b"only" == first.value()
    assert KafkaError._PARTITION_EOF == second.error().code()
    reader.close()


def test_an_offset_out_of_range_is_told(broker: Broker, topic: str) -> None:
    reader = consumer(broker, topic, auto_offset_reset="error")
    reader.assign([TopicPartition(topic, 0, 5)])

    error = reader.poll(10).error()

    assert KafkaError._AUTO_OFFSET_RESET == error.code()
    assert "out of range" in error.str().lower()
    reader.close()


class Member:
    """A consumer that polls in a thread of its own until told to leave."""

    def __init__(self, broker: Broker, topic: str, **config: object) -> None:
        self._consumer = consumer(broker, topic, **config)
        self._consumer.subscribe([topic], on_revoke=lambda *_: self._rebalanced())
        self.received: list[int] = []
        self.rebalances = 0
        self.assigned: set[int] = set()
        self.failure: BaseException | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _rebalanced(self) -> None:
        self.rebalances += 1

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                message = self._consumer.poll(0.1)
                if message is not None:
                    assert message.error() is None, message.error()
                    self.received.append(int(message.value()))
                self.assigned = {p.partition for p in self._consumer.assignment()}
            self._consumer.close()
        except BaseException as failure:
            self.failure = failure

    def leave(self) -> None:
        self._stop.set()
        self._thread.join(20)
        assert not self._thread.is_alive()
        if self.failure is not None:
            raise self.failure


@pytest.fixture
def join(broker: Broker, admin: AdminClient, name: str) -> Iterator[Callable[..., Member]]:
    create(admin, name, PARTITIONS)
    members: list[Member] = []

    def join_group(**config: object) -> Member:
        members.append(Member(broker, name, **config))
        return members[-1]

    yield join_group
    for member in members:
        member.leave()


def wait_balanced(*members: Member) -> None:
    def is_balanced() -> bool:
        sizes = [len(member.assigned) for member in members]
        together = sorted(index for member in members for index in member.assigned)
        return together == list(range(PARTITIONS)) and max(sizes) - min(sizes) <= 1

    wait_until(is_balanced, timeout_s=30, what=lambda: f"balance: {[m.assigned for m in members]}")


def send(broker: Broker, topic: str, values: range) -> None:
    client = producer(broker)
    for i in values:
        client.produce(topic, b"%d" % i, partition=i % PARTITIONS)
    assert client.flush(20) == 0


@pytest.mark.parametrize("strategy", ["range", "roundrobin", "cooperative-sticky"])
def test_a_group_that_grows_and_shrinks_reads_every_record(
    broker: Broker, name: str, join: Callable[..., Member], strategy: str
) -> None:
    config = {"partition_assignment_strategy": strategy}
    members = [join(**config)]
    wait_balanced(*members)
    send(broker, name, range(100))
    members += [join(**config), join(**config)]
    wait_balanced(*members)
    send(broker, name, range(100, 200))
    members[0].leave()
    wait_balanced(*members[1:])
    send(broker, name, range(200, 300))

    wait_until(lambda: {value for m in members for value in m.received} == set(range(300)))


def test_a_static_member_that_returns_causes_no_rebalance(join: Callable[..., Member]) -> None:
    stays = join(group_instance_id="stays")
    leaves = join(group_instance_id="leaves")
    wait_balanced(stays, leaves)
    rebalances, had = stays.rebalances, leaves.assigned
    leaves.leave()
    returned = join(group_instance_id="leaves")
    wait_until(lambda: returned.assigned)

    assert (rebalances, had) == (stays.rebalances, returned.assigned)


def test_commits_are_kept_with_their_metadata(broker: Broker, topic: str) -> None:
    reader = consumer(broker, topic, enable_auto_commit=False)
    reader.commit(offsets=[TopicPartition(topic, 0, 7, "note")], asynchronous=False)
    [committed] = reader.committed([TopicPartition(topic, 0)], timeout=10)
    reader.close()

    assert (7, "note") == (committed.offset, committed.metadata)


def test_an_idempotent_producer_and_a_group_live_through_a_kill(start_broker: Callable[..., Broker], name: str) -> None:
    broker = start_broker()
    client = producer(broker, enable_idempotence=True)
    member = Member(broker, name, topic_metadata_refresh_interval_ms=500)
    for i in range(100):
        client.produce(name, b"%d" % i)
    assert client.flush(20) == 0

    broker.kill()
    for i in range(100, 200):
        client.produce(name, b"%d" % i)
    broker.start()
    assert client.flush(60) == 0

    wait_until(lambda: len(member.received) >= 200, timeout_s=30)
    member.leave()
    assert list(range(200)) == sorted(set(member.received))
    assert list(range(200)) == [int(m.value()) for m in consume(broker, name, 200)]


def test_topics_are_created_described_and_deleted(admin: AdminClient, name: str) -> None:
    create(admin, name, 3, **{"retention.ms": "1000"})
    described = admin.describe_topics(TopicCollection([name]))[name].result(10)

    assert (name, False, 3) == (described.name, described.is_internal, len(described.partitions))
    [node] = described.partitions[0].isr
    assert (node.id, [node.id]) == (described.partitions[0].leader.id, [r.id for r in described.partitions[0].replicas])
    with pytest.raises(KafkaException) as refused:
        create(admin, name, 3)
    assert KafkaError.TOPIC_ALREADY_EXISTS == refused.value.args[0].code()
    admin.create_partitions([NewPartitions(name, 5)])[name].result(10)
    wait_until(lambda: len(admin.list_topics(name, timeout=10).topics[name].partitions) == 5)
    admin.delete_topics([name])[name].result(10)
    wait_until(lambda: name not in admin.list_topics(timeout=10).topics)


def test_the_cluster_and_its_settings_are_described(broker: Broker, admin: AdminClient, topic: str) -> None:
    cluster = admin.describe_cluster().result(10)
    node = cluster.controller
    resources = [ConfigResource(ResourceType.TOPIC, topic), ConfigResource(ResourceType.BROKER, str(node.id))]
    of_topic, of_broker = (future.result(10) for future in admin.describe_configs(resources).values())

    assert (broker.host, broker.port, [node.id]) == (node.host, node.port, [n.id for n in cluster.nodes])
    assert ("producer", True, False) == (
        of_topic["compression.type"].value,
        of_topic["compression.type"].is_default,
        of_topic["compression.type"].is_read_only,
    )
    assert {"compression.type"} == set(of_topic["compression.type"].synonyms)
    assert str(node.id) == of_broker["node.id"].value
    assert of_broker["node.id"].is_read_only


def test_offsets_are_listed(broker: Broker, admin: AdminClient, topic: str) -> None:
    produce(broker, topic, [b"1"])
    wait_until(lambda: int(time.time() * 1000) > newest_ms(broker, topic))
    produce(broker, topic, [b"2"])
    partition = TopicPartition(topic, 0)

    def offset(spec: OffsetSpec) -> int:
        level = IsolationLevel.READ_UNCOMMITTED
        return admin.list_offsets({partition: spec}, isolation_level=level)[partition].result(10).offset

    assert (0, 2, 1) == (offset(OffsetSpec.earliest()), offset(OffsetSpec.latest()), offset(OffsetSpec.max_timestamp()))


def newest_ms(broker: Broker, topic: str) -> int:
    return max(m.timestamp()[1] for m in consume(broker, topic, 1))


def test_groups_are_listed_described_and_deleted(admin: AdminClient, name: str, join: Callable[..., Member]) -> None:
    member = join(client_id="me", group_instance_id="one", session_timeout_ms=6000)
    wait_balanced(member)
    listed = {group.group_id: group for group in admin.list_consumer_groups().result(10).valid}
    described = admin.describe_consumer_groups([name])[name].result(10)
    [seen] = described.members

    assert ("STABLE", "CLASSIC", False) == (
        listed[name].state.name,
        listed[name].type.name,
        listed[name].is_simple_consumer_group,
    )
    assert ("STABLE", "range", "me", "one") == (
        described.state.name,
        described.partition_assignor,
        seen.client_id,
        seen.group_instance_id,
    )
    assert set(range(PARTITIONS)) == {p.partition for p in seen.assignment.topic_partitions}
    member.leave()
    wait_until(lambda: can_delete(admin, name), timeout_s=15)
    with pytest.raises(KafkaException) as gone:
        admin.delete_consumer_groups([name])[name].result(10)
    assert KafkaError.GROUP_ID_NOT_FOUND == gone.value.args[0].code()


def can_delete(admin: AdminClient, group: str) -> bool:
    """Static members stay until their session ends, and a group with members is not deleted."""
    try:
        admin.delete_consumer_groups([group])[group].result(10)
    except KafkaException as refused:
        if refused.args[0].code() == KafkaError.NON_EMPTY_GROUP:
            return False
        raise
    return True


def test_a_groups_offsets_are_listed(broker: Broker, admin: AdminClient, topic: str) -> None:
    reader = consumer(broker, topic)
    reader.commit(offsets=[TopicPartition(topic, 0, 3)], asynchronous=False)
    reader.close()

    [listed] = (
        admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(topic)])[topic].result(10).topic_partitions
    )

    assert (topic, 0, 3) == (listed.topic, listed.partition, listed.offset)
