"""kafka-python 3: the admin client's calls, their answers and their errors."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import ConfigResource, KafkaAdminClient, NewPartitions, NewTopic, OffsetSpec
from kafka.errors import (
    InvalidPartitionsError,
    InvalidReplicationFactorError,
    InvalidTopicError,
    PolicyViolationError,
    TopicAlreadyExistsError,
    UnknownTopicOrPartitionError,
)
from kafka.structs import OffsetAndMetadata

from interop_tests.harness import Broker, wait_until


@pytest.fixture
def admin(broker: Broker) -> Iterator[KafkaAdminClient]:
    with KafkaAdminClient(bootstrap_servers=broker.address) as client:
        yield client


def test_a_created_topic_is_described_as_asked_and_gone_when_deleted(admin: KafkaAdminClient, name: str) -> None:
    wanted = {"num_partitions": 3, "replication_factor": 1, "configs": {"retention.ms": "1000"}}
    [created] = admin.create_topics({name: wanted})["topics"]

    [described] = admin.describe_topics([name])
    assert (0, 3, 1) == (created["error_code"], created["num_partitions"], created["replication_factor"])
    assert {"value": "1000", "config_source": "DYNAMIC_TOPIC_CONFIG", "read_only": False, "is_sensitive": False} == (
        created["configs"]["retention.ms"]
    )
    assert (name, created["topic_id"], False) == (described["name"], described["topic_id"], described["is_internal"])
    assert [0, 1, 2] == sorted(p["partition_index"] for p in described["partitions"])
    for partition in described["partitions"]:
        leader = partition["leader_id"]
        assert ([leader], [leader], []) == (
            partition["replica_nodes"],
            partition["isr_nodes"],
            partition["offline_replicas"],
        )
    assert name in admin.list_topics()

    [deleted] = admin.delete_topics([name])["topics"]
    assert (0, name, created["topic_id"]) == (deleted["error_code"], deleted["name"], deleted["topic_id"])
    wait_until(lambda: name not in admin.list_topics())


def test_defaults_apply_where_a_topic_does_not_say(admin: KafkaAdminClient, name: str) -> None:
    [created] = admin.create_topics([NewTopic(name, -1, -1)])["topics"]

    assert (1, 1) == (created["num_partitions"], created["replication_factor"])


def test_replicas_can_be_assigned_by_hand(admin: KafkaAdminClient, name: str) -> None:
    node = admin.describe_cluster()["brokers"][0]["broker_id"]
    [created] = admin.create_topics([NewTopic(name, -1, -1, replica_assignments={0: [node], 1: [node]})])["topics"]

    assert (2, 1) == (created["num_partitions"], created["replication_factor"])


def test_validate_only_creates_nothing(admin: KafkaAdminClient, name: str) -> None:
    admin.create_topics([NewTopic(name, 1, 1)], validate_only=True)

    assert name not in admin.list_topics()


@pytest.mark.parametrize(
    ("topic", "partitions", "replicas", "error"),
    [
        ("with/slash", 1, 1, InvalidTopicError),
        ("", 1, 1, InvalidTopicError),
        (".", 1, 1, InvalidTopicError),
        ("..", 1, 1, InvalidTopicError),
        ("x" * 250, 1, 1, InvalidTopicError),
        ("ünicode", 1, 1, InvalidTopicError),
        ("no-partitions", 0, 1, InvalidPartitionsError),
        ("negative-partitions", -2, 1, InvalidPartitionsError),
        ("no-replicas", 1, 0, InvalidReplicationFactorError),
        ("too-many-replicas", 1, 2, InvalidReplicationFactorError),
        ("too-many-partitions", 10_001, 1, PolicyViolationError),
    ],
)
def test_a_topic_that_cannot_be_is_refused_with_its_own_error(
    admin: KafkaAdminClient, topic: str, partitions: int, replicas: int, error: type[Exception]
) -> None:
    with pytest.raises(error):
        admin.create_topics([NewTopic(topic, partitions, replicas)])

    assert topic not in admin.list_topics()


def test_the_longest_name_is_249_characters(admin: KafkaAdminClient, name: str) -> None:
    longest = name.ljust(249, "x")
    admin.create_topics([NewTopic(longest, 1, 1)])

    assert longest in admin.list_topics()


def test_one_refused_topic_does_not_keep_the_others_from_being_created(admin: KafkaAdminClient, name: str) -> None:
    admin.create_topics([NewTopic(name, 1, 1)])
    wanted = [NewTopic(name, 1, 1), NewTopic(f"{name}-new", 1, 1), NewTopic("with/slash", 1, 1)]

    answered = admin.create_topics(wanted, raise_errors=False)["topics"]

    assert {name: TopicAlreadyExistsError.errno, f"{name}-new": 0, "with/slash": InvalidTopicError.errno} == {
        topic["name"]: topic["error_code"] for topic in answered
    }


def test_names_that_collide_in_metrics_are_refused(admin: KafkaAdminClient, name: str) -> None:
    admin.create_topics([NewTopic(f"{name}.x", 1, 1)])

    with pytest.raises(InvalidTopicError):
        admin.create_topics([NewTopic(f"{name}_x", 1, 1)])


def test_deleting_what_is_not_there_is_an_error(admin: KafkaAdminClient, name: str) -> None:
    with pytest.raises(UnknownTopicOrPartitionError):
        admin.delete_topics([name])


def test_a_topic_created_again_is_another_topic(broker: Broker, admin: KafkaAdminClient, name: str) -> None:
    [first] = admin.create_topics([NewTopic(name, 1, 1)])["topics"]
    with KafkaProducer(bootstrap_servers=broker.address) as producer:
        producer.send(name, b"old").get(10)
    admin.delete_topics([name])
    wait_until(lambda: name not in admin.list_topics())
    [second] = admin.create_topics([NewTopic(name, 1, 1)])["topics"]

    assert first["topic_id"] != second["topic_id"]
    with KafkaProducer(bootstrap_servers=broker.address) as producer:
        assert 0 == producer.send(name, b"new").get(10).offset


def test_partitions_can_be_added_but_not_taken_away(broker: Broker, admin: KafkaAdminClient, name: str) -> None:
    admin.create_topics([NewTopic(name, 2, 1)])
    admin.create_partitions({name: NewPartitions(4)})

    with KafkaProducer(bootstrap_servers=broker.address) as producer:
        assert 0 == producer.send(name, b"x", partition=3).get(10).offset
    for total in (4, 3, 0, -1):
        with pytest.raises(InvalidPartitionsError):
            admin.create_partitions({name: NewPartitions(total)})
    with pytest.raises(UnknownTopicOrPartitionError):
        admin.create_partitions({f"{name}-missing": NewPartitions(4)})


def test_the_cluster_is_this_broker(broker: Broker, admin: KafkaAdminClient) -> None:
    cluster = admin.describe_cluster()

    [node] = cluster["brokers"]
    assert (broker.host, broker.port, None, False) == (node["host"], node["port"], node["rack"], node["is_fenced"])
    assert node["broker_id"] == cluster["controller_id"]
    assert 22 == len(cluster["cluster_id"])


def test_a_topics_settings_are_described_with_their_source(admin: KafkaAdminClient, name: str) -> None:
    admin.create_topics(
        {name: {"num_partitions": 1, "replication_factor": 1, "configs": {"cleanup.policy": "compact"}}}
    )

    described = admin.describe_configs([ConfigResource("TOPIC", name)], config_filter="all")["topic"][name]

    assert ("compact", "DYNAMIC_TOPIC_CONFIG") == (
        described["cleanup.policy"]["value"],
        described["cleanup.policy"]["config_source"],
    )
    assert ("1048588", "DEFAULT_CONFIG") == (
        described["max.message.bytes"]["value"],
        described["max.message.bytes"]["config_source"],
    )
    assert len(described) >= 30


def test_a_brokers_settings_are_described(admin: KafkaAdminClient) -> None:
    node = admin.describe_cluster()["brokers"][0]["broker_id"]

    described = admin.describe_configs([ConfigResource("BROKER", str(node))], config_filter="all")["broker"][str(node)]

    assert "9223372036854775807" == described["log.flush.interval.messages"]["value"]
    assert len(described) >= 200


def test_the_settings_of_what_is_not_there_are_none(admin: KafkaAdminClient, name: str) -> None:
    assert {"topic": {name: {}}} == admin.describe_configs([ConfigResource("TOPIC", name)])


def test_offsets_are_listed_by_every_specification(broker: Broker, admin: KafkaAdminClient, name: str) -> None:
    partition = TopicPartition(name, 0)
    with KafkaProducer(bootstrap_servers=broker.address) as producer:
        for timestamp_ms in (1000, 5000, 3000):
            producer.send(name, b"x", partition=0, timestamp_ms=timestamp_ms).get(10)

    def offset(spec: object) -> tuple[int, int]:
        [listed] = admin.list_partition_offsets({partition: spec}).values()
        return listed.offset, listed.timestamp

    assert (0, -1) == offset(OffsetSpec.EARLIEST)
    assert (3, -1) == offset(OffsetSpec.LATEST)
    assert (1, 5000) == offset(OffsetSpec.MAX_TIMESTAMP)
    assert (1, 5000) == offset(2000)
    assert (0, -1) == offset(OffsetSpec.EARLIEST_LOCAL)
    assert (-1, -1) == offset(OffsetSpec.LATEST_TIERED)


def test_groups_are_listed_described_and_deleted(broker: Broker, admin: KafkaAdminClient, name: str) -> None:
    admin.create_topics([NewTopic(name, 2, 1)])
    with KafkaConsumer(name, bootstrap_servers=broker.address, group_id=name, client_id="me") as reader:
        wait_until(lambda: reader.poll(2_000) is not None and reader.assignment())
        reader.commit()

        listed = [group for group in admin.list_groups() if group["group_id"] == name]
        described = admin.describe_groups([name])[name]
        refused = admin.delete_groups([name])

    assert [("consumer", "Stable", "classic")] == [
        (group["protocol_type"], group["group_state"], group["group_type"]) for group in listed
    ]
    [member] = described["members"]
    assert ("Stable", "consumer", "range") == (
        described["group_state"],
        described["protocol_type"],
        described["protocol_data"],
    )
    assert ("me", "/127.0.0.1", None) == (member["client_id"], member["client_host"], member["group_instance_id"])
    assert [{"topic": name, "partitions": [0, 1]}] == member["member_assignment"]["assigned_partitions"]
    assert {name: "NonEmptyGroupError"} == refused
    assert "Empty" == admin.describe_groups([name])[name]["group_state"]
    assert {name: "OK"} == admin.delete_groups([name])
    assert {name: "GroupIdNotFoundError"} == admin.delete_groups([name])
    assert name not in {group["group_id"] for group in admin.list_groups()}


def test_groups_are_listed_by_state(broker: Broker, admin: KafkaAdminClient, name: str) -> None:
    admin.create_topics([NewTopic(name, 1, 1)])
    with KafkaConsumer(bootstrap_servers=broker.address, group_id=name) as reader:
        reader.commit({TopicPartition(name, 0): OffsetAndMetadata(1, "", -1)})

    assert name in {group["group_id"] for group in admin.list_groups(states_filter=["Empty"])}
    assert name not in {group["group_id"] for group in admin.list_groups(states_filter=["Stable"])}
