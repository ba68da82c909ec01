"""Administration by real clients, kafka-python's and librdkafka's: settings, log directories, quotas and the rest.

What Kafka answers in every corner is kept in the unit tests; here is that clients can use it, and that it has effect.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry
from confluent_kafka.admin import ConfigResource as LibrdkafkaResource
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import (
    ACL,
    ACLOperation,
    ACLPermissionType,
    ConfigResource,
    KafkaAdminClient,
    NewTopic,
    OffsetSpec,
    ResourcePattern,
    UserScramCredentialDeletion,
    UserScramCredentialUpsertion,
)
from kafka.admin import ResourceType as AclResourceType
from kafka.errors import (
    ElectionNotNeededError,
    InvalidUpdateVersionError,
    MessageSizeTooLargeError,
    OffsetOutOfRangeError,
)

from interop_tests.harness import Broker, wait_until


@pytest.fixture
def admin(broker: Broker) -> Iterator[KafkaAdminClient]:
    with KafkaAdminClient(bootstrap_servers=broker.address) as client:
        yield client


@pytest.fixture
def librdkafka(broker: Broker) -> AdminClient:
    return AdminClient({"bootstrap.servers": broker.address, "log_level": 0})


@pytest.fixture
def topic(admin: KafkaAdminClient, name: str) -> str:
    admin.create_topics([NewTopic(name, 1, 1)])
    return name


def settings(admin: KafkaAdminClient, kind: str, name: str) -> dict[str, tuple[str, str]]:
    """What is set for the resource itself, or for brokers while they run."""
    described = admin.describe_configs([ConfigResource(kind, name)], config_filter="all")[kind.lower()][name]
    return {
        key: (entry["value"], entry["config_source"])
        for key, entry in described.items()
        if entry["config_source"].startswith("DYNAMIC") and key != "min.insync.replicas"
    }


def change(client: AdminClient, kind: str, name: str, *ops: tuple[str, AlterConfigOpType, str | None]) -> None:
    entries = [ConfigEntry(key, value, incremental_operation=operation) for key, operation, value in ops]
    resource = LibrdkafkaResource(kind, name, incremental_configs=entries)
    client.incremental_alter_configs([resource])[resource].result(20)


SET, DELETE = AlterConfigOpType.SET, AlterConfigOpType.DELETE
APPEND, SUBTRACT = AlterConfigOpType.APPEND, AlterConfigOpType.SUBTRACT


def eventually(expected: Any, asked: Callable[[], Any]) -> None:
    """Kafka's brokers hear of a change after its answer has left."""
    wait_until(lambda: asked() == expected, what=lambda: f"{expected!r}, but it is {asked()!r}")


def test_a_topics_settings_are_set_deleted_appended_and_subtracted(
    admin: KafkaAdminClient, librdkafka: AdminClient, topic: str
) -> None:
    change(librdkafka, "topic", topic, ("retention.ms", SET, "60000"), ("cleanup.policy", APPEND, "compact"))
    wanted = {
        "retention.ms": ("60000", "DYNAMIC_TOPIC_CONFIG"),
        "cleanup.policy": ("delete,compact", "DYNAMIC_TOPIC_CONFIG"),
    }
    eventually(wanted, lambda: settings(admin, "TOPIC", topic))

    change(librdkafka, "topic", topic, ("retention.ms", DELETE, None), ("cleanup.policy", SUBTRACT, "delete"))
    wanted = {"cleanup.policy": ("compact", "DYNAMIC_TOPIC_CONFIG")}
    eventually(wanted, lambda: settings(admin, "TOPIC", topic))


def test_all_settings_of_a_topic_are_replaced(admin: KafkaAdminClient, librdkafka: AdminClient, topic: str) -> None:
    for wanted in ({"retention.ms": "1", "segment.ms": "2"}, {"segment.ms": "3"}):
        resource = LibrdkafkaResource("topic", topic, set_config=wanted)
        librdkafka.alter_configs([resource])[resource].result(20)

    eventually({"segment.ms": ("3", "DYNAMIC_TOPIC_CONFIG")}, lambda: settings(admin, "TOPIC", topic))


def test_a_smaller_message_size_counts_for_the_next_message(
    broker: Broker, admin: KafkaAdminClient, topic: str
) -> None:
    with KafkaProducer(bootstrap_servers=broker.address, acks="all") as producer:
        producer.send(topic, bytes(2000)).get(10)
        admin.alter_configs([ConfigResource("TOPIC", topic, {"max.message.bytes": "1000"})])

        def is_refused() -> bool:
            try:
                producer.send(topic, bytes(2000)).get(10)
            except MessageSizeTooLargeError:
                return True
            return False

        wait_until(is_refused)
    with KafkaProducer(bootstrap_servers=broker.address, acks="all") as producer:
        producer.send(topic, bytes(500)).get(10)


def test_a_wrong_value_is_refused_in_kafkas_words(admin: KafkaAdminClient, librdkafka: AdminClient, topic: str) -> None:
    with pytest.raises(
        KafkaException, match=r"Invalid value -5 for configuration retention.ms: Value must be at least"
    ):
        change(librdkafka, "topic", topic, ("retention.ms", SET, "-5"))
    told = admin.alter_configs([ConfigResource("TOPIC", topic, {"segment.bytes": "x"})])["topic"][topic]
    assert "Invalid value x for configuration segment.bytes: Not a number of type INT" in told

    assert {} == settings(admin, "TOPIC", topic)


def test_brokers_have_settings_of_their_own_and_of_all(
    admin: KafkaAdminClient, librdkafka: AdminClient, topic: str
) -> None:
    node = str(admin.describe_cluster()["brokers"][0]["broker_id"])
    change(librdkafka, "broker", node, ("log.flush.interval.ms", SET, "777777"))
    try:
        wanted = {"log.flush.interval.ms": ("777777", "DYNAMIC_BROKER_CONFIG")}
        eventually(wanted, lambda: settings(admin, "BROKER", node))
        eventually({"flush.ms": ("777777", "DYNAMIC_BROKER_CONFIG")}, lambda: settings(admin, "TOPIC", topic))
    finally:
        change(librdkafka, "broker", node, ("log.flush.interval.ms", DELETE, None))
    eventually({}, lambda: settings(admin, "BROKER", node))
    with pytest.raises(KafkaException, match=r"Cannot update these configs dynamically: \[num.partitions\]"):
        change(librdkafka, "broker", node, ("num.partitions", SET, "3"))


def test_a_brokers_changed_settings_count_at_once_for_topics_that_are_there(
    start_broker: Callable[..., Broker], name: str
) -> None:
    broker = start_broker(log_retention_check_interval_ms=1000, log_initial_task_delay_ms=500)
    client = AdminClient({"bootstrap.servers": broker.address, "log_level": 0})
    with KafkaAdminClient(bootstrap_servers=broker.address) as admin:
        admin.create_topics([NewTopic(name, 1, 1)])

    def sent(size: int = 1) -> Any:
        # One that was refused leaves an idempotent producer of kafka-python unfit for more.
        with KafkaProducer(bootstrap_servers=broker.address, enable_idempotence=False) as producer:
            return producer.send(name, bytes(size), timestamp_ms=1000).get(10)

    def is_refused() -> bool:
        try:
            sent(2000)
        except MessageSizeTooLargeError:
            return True
        return False

    assert 1000 == sent().timestamp
    assert not is_refused()
    change(client, "broker", "1", ("message.max.bytes", SET, "1000"))
    wait_until(is_refused)
    change(client, "broker", "1", ("message.max.bytes", DELETE, None))
    wait_until(lambda: not is_refused())
    change(client, "broker", "1", ("log.message.timestamp.type", SET, "LogAppendTime"))
    wait_until(lambda: sent().timestamp != 1000)
    change(client, "broker", "1", ("log.retention.ms", SET, "100"), ("log.roll.ms", SET, "100"))
    with KafkaConsumer(bootstrap_servers=broker.address) as consumer:
        partition = TopicPartition(name, 0)
        wait_until(lambda: sent().offset > 0 and consumer.beginning_offsets([partition])[partition] > 0)


def test_groups_and_client_metrics_have_settings_and_are_listed(admin: KafkaAdminClient, name: str) -> None:
    admin.alter_configs([ConfigResource("GROUP", name, {"consumer.session.timeout.ms": "50000"})])
    admin.alter_configs([ConfigResource("CLIENT_METRICS", name, {"interval.ms": "5000", "metrics": "*"})])

    eventually(
        {"consumer.session.timeout.ms": ("50000", "DYNAMIC_GROUP_CONFIG")}, lambda: settings(admin, "GROUP", name)
    )
    eventually(
        {"interval.ms": ("5000", "DYNAMIC_CLIENT_METRICS_CONFIG"), "metrics": ("*", "DYNAMIC_CLIENT_METRICS_CONFIG")},
        lambda: settings(admin, "CLIENT_METRICS", name),
    )
    listed = admin.list_config_resources()
    assert {"client_metrics", "group"} == {kind for kind, names in listed.items() if name in names}, listed


def test_settings_are_there_after_a_kill(start_broker: Callable[..., Broker], name: str) -> None:
    broker = start_broker()
    with KafkaAdminClient(bootstrap_servers=broker.address) as admin:
        admin.create_topics([NewTopic(name, 1, 1)])
        admin.alter_configs([ConfigResource("TOPIC", name, {"retention.ms": "60000"})])
        admin.alter_configs([ConfigResource("GROUP", name, {"consumer.session.timeout.ms": "50000"})])
    broker.kill()
    broker.start()

    with KafkaAdminClient(bootstrap_servers=broker.address) as admin:
        eventually({"retention.ms": ("60000", "DYNAMIC_TOPIC_CONFIG")}, lambda: settings(admin, "TOPIC", name))
        eventually(
            {"consumer.session.timeout.ms": ("50000", "DYNAMIC_GROUP_CONFIG")}, lambda: settings(admin, "GROUP", name)
        )


def fill(broker: Broker, topic: str, count: int) -> None:
    with KafkaProducer(bootstrap_servers=broker.address) as producer:
        for _ in range(count):
            producer.send(topic, b"x" * 100, partition=0)
        producer.flush(20)


def test_deleted_records_are_gone_for_readers(broker: Broker, admin: KafkaAdminClient, topic: str) -> None:
    fill(broker, topic, 10)
    partition = TopicPartition(topic, 0)

    assert 4 == admin.delete_records({partition: 4})[partition]["low_watermark"]

    assert 4 == admin.list_partition_offsets({partition: OffsetSpec.EARLIEST})[partition].offset
    assert 10 == admin.delete_records({partition: -1})[partition]["low_watermark"]
    assert 10 == admin.list_partition_offsets({partition: OffsetSpec.EARLIEST})[partition].offset
    with pytest.raises(OffsetOutOfRangeError):
        admin.delete_records({partition: 11})


def test_log_directories_tell_of_their_partitions(broker: Broker, admin: KafkaAdminClient, topic: str) -> None:
    fill(broker, topic, 10)

    [told] = admin.describe_log_dirs({topic: [0]})
    [directory] = told["log_dirs"]

    assert (0, str(broker.data_dir), [topic]) == (
        directory["error_code"],
        directory["log_dir"],
        [each["name"] for each in directory["topics"]],
    )
    [partition] = directory["topics"][0]["partitions"]
    assert (0, False) == (partition["offset_lag"], partition["is_future_key"])
    assert partition["partition_size"] > 1000
    assert directory["total_bytes"] > directory["usable_bytes"] > 0


def test_one_node_has_its_leaders_and_replicas(admin: KafkaAdminClient, topic: str) -> None:
    partition = TopicPartition(topic, 0)
    node = admin.describe_cluster()["brokers"][0]["broker_id"]

    [[elected]] = [each.partition_result for each in admin.elect_leaders(0, {topic: [0]}).replica_election_results]
    assert ElectionNotNeededError.errno == elected.error_code
    assert {partition: None} == admin.alter_partition_reassignments({partition: [node]})
    assert {} == admin.list_partition_reassignments()
    [refused] = admin.alter_partition_reassignments({partition: [node + 1]}).values()
    assert "InvalidReplicationAssignment" in repr(refused)


def test_the_quorum_is_this_node(admin: KafkaAdminClient) -> None:
    node = admin.describe_cluster()["brokers"][0]["broker_id"]

    told = admin.describe_metadata_quorum()

    [[quorum]] = [topic["partitions"] for topic in told["topics"]]
    assert (node, [node], []) == (
        quorum["leader_id"],
        [voter["replica_id"] for voter in quorum["current_voters"]],
        quorum["observers"],
    )


def test_features_are_told(admin: KafkaAdminClient) -> None:
    told = admin.describe_features()["metadata.version"]

    assert ((7, 30), (30, 30)) == (told["supported"], told["finalized"])
    with pytest.raises(InvalidUpdateVersionError, match="only supports versions 7-30"):
        admin.update_features({"metadata.version": 31}, validate_only=True)


def test_users_have_scram_credentials(admin: KafkaAdminClient, name: str) -> None:
    wanted = UserScramCredentialUpsertion(name, "SCRAM-SHA-256", b"secret", iterations=5000)
    assert {name: None} == admin.alter_user_scram_credentials([wanted])

    def told() -> Any:
        return [
            (int(each["mechanism"]), each["iterations"])
            for each in admin.describe_user_scram_credentials([name])[name]["credential_infos"]
        ]

    eventually([(1, 5000)], told)
    assert {name: None} == admin.alter_user_scram_credentials([UserScramCredentialDeletion(name, "SCRAM-SHA-256")])
    eventually([], told)


def test_without_an_authorizer_there_are_no_acls(admin: KafkaAdminClient, topic: str) -> None:
    pattern = ResourcePattern(AclResourceType.TOPIC, topic)
    rule = ACL("User:a", "*", ACLOperation.READ, ACLPermissionType.ALLOW, pattern)

    assert "SecurityDisabledError" in repr(admin.create_acls([rule])["failed"])
