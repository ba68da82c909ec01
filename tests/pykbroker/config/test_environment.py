"""The environment as docker-compose files for other images have it, and the files that Kafka is shipped with.

The variables and settings are what such files say; the words around them are ours.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from pykbroker.config.effects import without_effect
from pykbroker.config.environment import cluster_id_of, listeners_for, settings_of
from pykbroker.config.settings import Settings, Source
from pykbroker.controller import Controller
from pykbroker.errors import StartupError
from pykbroker.metadata.sqlite import SqliteStore

ID = "4L6g3nShT-eMCtK--X86sw"
ONE_NODE = {
    "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
    "KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR": "1",
    "KAFKA_TRANSACTION_STATE_LOG_MIN_ISR": "1",
    "KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS": "0",
}

# Each: variables, node id, where it listens, what it advertises.
COMPOSED = {
    "apache, one listener": (
        {
            **ONE_NODE,
            "KAFKA_NODE_ID": "1",
            "KAFKA_PROCESS_ROLES": "broker,controller",
            "KAFKA_LISTENERS": "PLAINTEXT://localhost:9092,CONTROLLER://localhost:9093",
            "KAFKA_ADVERTISED_LISTENERS": "PLAINTEXT://localhost:9092",
            "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER",
            "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
            "KAFKA_CONTROLLER_QUORUM_VOTERS": "1@localhost:9093",
            "KAFKA_SHARE_COORDINATOR_STATE_TOPIC_MIN_ISR": "1",
            "CLUSTER_ID": ID,
        },
        1,
        ["PLAINTEXT://localhost:9092"],
        {"PLAINTEXT": ("localhost", 9092)},
    ),
    "apache, for the host and for containers": (
        {
            **ONE_NODE,
            "KAFKA_NODE_ID": "1",
            "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": "CONTROLLER:PLAINTEXT,INTERNAL:PLAINTEXT,EXTERNAL:PLAINTEXT",
            "KAFKA_ADVERTISED_LISTENERS": "EXTERNAL://localhost:9092,INTERNAL://broker:19092",
            "KAFKA_LISTENERS": "CONTROLLER://:29093,EXTERNAL://:9092,INTERNAL://:19092",
            "KAFKA_INTER_BROKER_LISTENER_NAME": "INTERNAL",
            "KAFKA_PROCESS_ROLES": "broker,controller",
            "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER",
            "KAFKA_CONTROLLER_QUORUM_VOTERS": "1@broker:29093",
        },
        1,
        ["EXTERNAL://:9092", "INTERNAL://:19092"],
        {"EXTERNAL": ("localhost", 9092), "INTERNAL": ("broker", 19092)},
    ),
    "apache, advertised listeners alone": (
        {
            "KAFKA_ADVERTISED_LISTENERS": "PLAINTEXT://broker:29092, PLAINTEXT_HOST://localhost:9092",
            "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": "PLAINTEXT:PLAINTEXT,PLAINTEXT_HOST:PLAINTEXT",
        },
        1,
        ["PLAINTEXT://0.0.0.0:29092", "PLAINTEXT_HOST://0.0.0.0:9092"],
        {"PLAINTEXT": ("broker", 29092), "PLAINTEXT_HOST": ("localhost", 9092)},
    ),
    "bitnami, KRaft": (
        {
            "KAFKA_CFG_NODE_ID": "0",
            "KAFKA_CFG_PROCESS_ROLES": "controller,broker",
            "KAFKA_CFG_LISTENERS": "PLAINTEXT://:9092,CONTROLLER://:9093,EXTERNAL://:9094",
            "KAFKA_CFG_ADVERTISED_LISTENERS": "PLAINTEXT://kafka:9092,EXTERNAL://localhost:9094",
            "KAFKA_CFG_LISTENER_SECURITY_PROTOCOL_MAP": "CONTROLLER:PLAINTEXT,EXTERNAL:PLAINTEXT,PLAINTEXT:PLAINTEXT",
            "KAFKA_CFG_CONTROLLER_QUORUM_VOTERS": "0@kafka:9093",
            "KAFKA_CFG_CONTROLLER_LISTENER_NAMES": "CONTROLLER",
            "KAFKA_KRAFT_CLUSTER_ID": ID,
            "KAFKA_ENABLE_KRAFT": "yes",
            "ALLOW_PLAINTEXT_LISTENER": "yes",
            "BITNAMI_DEBUG": "true",
            "KAFKA_HEAP_OPTS": "-Xmx1g",
        },
        0,
        ["PLAINTEXT://:9092", "EXTERNAL://:9094"],
        {"PLAINTEXT": ("kafka", 9092), "EXTERNAL": ("localhost", 9094)},
    ),
    "bitnami, ZooKeeper": (
        {
            "KAFKA_CFG_BROKER_ID": "2",
            "KAFKA_CFG_ZOOKEEPER_CONNECT": "zookeeper:2181",
            "KAFKA_CFG_LISTENERS": "CLIENT://:9092,EXTERNAL://:9093",
            "KAFKA_CFG_ADVERTISED_LISTENERS": "CLIENT://kafka:9092,EXTERNAL://localhost:9093",
            "KAFKA_CFG_LISTENER_SECURITY_PROTOCOL_MAP": "CLIENT:PLAINTEXT,EXTERNAL:PLAINTEXT",
            "KAFKA_CFG_INTER_BROKER_LISTENER_NAME": "CLIENT",
            "KAFKA_ZOOKEEPER_PROTOCOL": "PLAINTEXT",
            "KAFKA_CLIENT_USERS": "user",
            "KAFKA_CLIENT_PASSWORDS": "word",
            "KAFKA_TLS_TYPE": "JKS",
            "ALLOW_PLAINTEXT_LISTENER": "yes",
        },
        2,
        ["CLIENT://:9092", "EXTERNAL://:9093"],
        {"CLIENT": ("kafka", 9092), "EXTERNAL": ("localhost", 9093)},
    ),
    "confluent, ZooKeeper": (
        {
            **ONE_NODE,
            "KAFKA_BROKER_ID": "1",
            "KAFKA_ZOOKEEPER_CONNECT": "zookeeper:2181",
            "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": "PLAINTEXT:PLAINTEXT,PLAINTEXT_HOST:PLAINTEXT",
            "KAFKA_LISTENERS": "PLAINTEXT://0.0.0.0:29092,PLAINTEXT_HOST://0.0.0.0:9092",
            "KAFKA_ADVERTISED_LISTENERS": "PLAINTEXT://broker:29092,PLAINTEXT_HOST://localhost:9092",
            "KAFKA_CONFLUENT_LICENSE_TOPIC_REPLICATION_FACTOR": "1",
            "KAFKA_CONFLUENT_SCHEMA_REGISTRY_URL": "http://schema-registry:8081",
            "KAFKA_METRIC_REPORTERS": "io.confluent.metrics.reporter.ConfluentMetricsReporter",
            "CONFLUENT_METRICS_ENABLE": "true",
            "KAFKA_JMX_PORT": "9101",
            "KAFKA_JMX_HOSTNAME": "localhost",
        },
        1,
        ["PLAINTEXT://0.0.0.0:29092", "PLAINTEXT_HOST://0.0.0.0:9092"],
        {"PLAINTEXT": ("broker", 29092), "PLAINTEXT_HOST": ("localhost", 9092)},
    ),
    "confluent, KRaft": (
        {
            **ONE_NODE,
            "KAFKA_NODE_ID": "1",
            "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,PLAINTEXT_HOST:PLAINTEXT",
            "KAFKA_ADVERTISED_LISTENERS": "PLAINTEXT://broker:29092,PLAINTEXT_HOST://localhost:9092",
            "KAFKA_PROCESS_ROLES": "broker,controller",
            "KAFKA_CONTROLLER_QUORUM_VOTERS": "1@broker:29093",
            "KAFKA_LISTENERS": "PLAINTEXT://broker:29092,CONTROLLER://broker:29093,PLAINTEXT_HOST://0.0.0.0:9092",
            "KAFKA_INTER_BROKER_LISTENER_NAME": "PLAINTEXT",
            "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER",
            "CLUSTER_ID": ID,
        },
        1,
        ["PLAINTEXT://broker:29092", "PLAINTEXT_HOST://0.0.0.0:9092"],
        {"PLAINTEXT": ("broker", 29092), "PLAINTEXT_HOST": ("localhost", 9092)},
    ),
    "white space, as folded YAML leaves it": (
        {
            "KAFKA_LISTENERS": " PLAINTEXT://:9092 ,\n EXTERNAL://[::]:9094 ",
            "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": "PLAINTEXT:PLAINTEXT, EXTERNAL:PLAINTEXT",
            "KAFKA_ADVERTISED_LISTENERS": "PLAINTEXT://kafka:9092,\n  EXTERNAL://[::1]:9094\n",
            "KAFKA_AUTO_CREATE_TOPICS_ENABLE": "False",
            "KAFKA_LOG_RETENTION_HOURS": " 24 ",
        },
        1,
        ["PLAINTEXT://:9092", "EXTERNAL://[::]:9094"],
        {"PLAINTEXT": ("kafka", 9092), "EXTERNAL": ("::1", 9094)},
    ),
    "names in lower case": (
        {
            "KAFKA_LISTENERS": "internal://:9092,external://:9093",
            "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": "internal:plaintext,external:PLAINTEXT",
            "KAFKA_ADVERTISED_LISTENERS": "internal://a:1,external://b:2",
        },
        1,
        ["INTERNAL://:9092", "EXTERNAL://:9093"],
        {"INTERNAL": ("a", 1), "EXTERNAL": ("b", 2)},
    ),
    "one broker of a cluster with its own controllers": (
        {
            "KAFKA_NODE_ID": "4",
            "KAFKA_PROCESS_ROLES": "broker",
            "KAFKA_LISTENERS": "PLAINTEXT://:9092",
            "KAFKA_ADVERTISED_LISTENERS": "PLAINTEXT://broker-4:9092",
            "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER",
            "KAFKA_CONTROLLER_QUORUM_BOOTSTRAP_SERVERS": "controller-1:9093",
        },
        4,
        ["PLAINTEXT://:9092"],
        {"PLAINTEXT": ("broker-4", 9092)},
    ),
    "a service of Kubernetes, called kafka": (
        {
            "KAFKA_PORT": "tcp://10.0.0.1:9092",
            "KAFKA_PORT_9092_TCP_ADDR": "10.0.0.1",
            "KAFKA_SERVICE_HOST": "10.0.0.1",
            "KAFKA_SERVICE_PORT_CLIENT": "9092",
            "KAFKA_BROKER_RACK": "a",
        },
        1,
        ["PLAINTEXT://127.0.0.1:9092"],
        None,
    ),
}


@pytest.mark.parametrize("name", COMPOSED)
def test_a_compose_file_for_another_image_is_understood(name: str) -> None:
    environment, node_id, listeners, advertised = COMPOSED[name]

    settings = Settings.load(environment=environment)

    assert () == settings.warnings
    assert node_id == settings.node_id
    assert listeners == [f"{each.name}://{each.address}" for each in settings.listeners]
    assert advertised == settings.advertised_listeners


def test_what_is_wrong_with_a_compose_file_is_said() -> None:
    for environment, words in (
        ({"KAFKA_NUM_PARTITIONS": '"3"'}, "KAFKA_NUM_PARTITIONS"),
        ({"KAFKA_LISTENERS": "SASL_PLAINTEXT://:9092"}, "SASL_PLAINTEXT, which is not served"),
        ({"KAFKA_LISTENERS": "PLAINTEXT://:1", "KAFKA_ADVERTISED_LISTENERS": "OUTSIDE://a:1"}, "is not in listeners"),
        ({"KAFKA_ADVERTISED_LISTENERS": "a:9092"}, "is not NAME://host:port"),
    ):
        with pytest.raises(StartupError, match=words):
            Settings.load(environment=environment)


def test_the_prefix_of_one_image_wins_over_the_others() -> None:
    environment = {"KAFKA_CFG_NUM_PARTITIONS": "3", "KAFKA_NUM_PARTITIONS": "4", "KAFKA_SKIP_THIS": "5"}

    assert {"num.partitions": ("3", "KAFKA_CFG_NUM_PARTITIONS")} == settings_of(environment)


def test_listeners_that_are_given_are_not_made_up() -> None:
    environment = {"KAFKA_ADVERTISED_LISTENERS": "PLAINTEXT://broker:9092"}

    settings = Settings.load(environment=environment, overrides={"listeners": "PLAINTEXT://127.0.0.1:1"})

    assert ["127.0.0.1:1"] == [each.address for each in settings.listeners]
    assert Source.FLAG == settings.source("listeners")
    assert listeners_for("auto") is None


@pytest.mark.parametrize(
    ("environment", "cluster_id"),
    [
        ({"CLUSTER_ID": ID}, ID),
        ({"KAFKA_KRAFT_CLUSTER_ID": ID}, ID),
        ({"CLUSTER_ID": " "}, None),
        ({}, None),
    ],
)
async def test_a_new_cluster_has_the_id_that_the_environment_says(
    environment: dict[str, str], cluster_id: str | None
) -> None:
    settings = Settings.load(environment=environment)
    store = SqliteStore.open(None)
    controller = await Controller.open(store, settings)
    again = await Controller.open(store, Settings.load(environment={"CLUSTER_ID": "another"}))
    store.close()

    assert cluster_id == cluster_id_of(environment)
    assert cluster_id in (None, controller.image.cluster_id)
    assert controller.image.cluster_id == again.image.cluster_id


# What the files that come with Kafka set, by version and name.
SHIPPED = {
    "4.3 server": """
        process.roles=broker,controller
        node.id=1
        controller.quorum.bootstrap.servers=localhost:9093
        listeners=PLAINTEXT://:9092,CONTROLLER://:9093
        inter.broker.listener.name=PLAINTEXT
        advertised.listeners=PLAINTEXT://localhost:9092,CONTROLLER://localhost:9093
        controller.listener.names=CONTROLLER
        listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_SSL:SASL_SSL
        num.network.threads=3
        num.io.threads=8
        socket.send.buffer.bytes=102400
        socket.receive.buffer.bytes=102400
        socket.request.max.bytes=104857600
        log.dirs=/tmp/kraft-combined-logs
        num.partitions=1
        num.recovery.threads.per.data.dir=1
        offsets.topic.replication.factor=1
        share.coordinator.state.topic.replication.factor=1
        share.coordinator.state.topic.min.isr=1
        transaction.state.log.replication.factor=1
        transaction.state.log.min.isr=1
        log.retention.hours=168
        log.segment.bytes=1073741824
        log.retention.check.interval.ms=300000
    """,
    "4.3 broker": """
        process.roles=broker
        node.id=2
        controller.quorum.bootstrap.servers=localhost:9093
        listeners=PLAINTEXT://localhost:9092
        inter.broker.listener.name=PLAINTEXT
        advertised.listeners=PLAINTEXT://localhost:9092
        controller.listener.names=CONTROLLER
        listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT
        log.dirs=/tmp/kraft-broker-logs
        offsets.topic.replication.factor=1
    """,
    "3.9 server, ZooKeeper": """
        broker.id=0
        num.network.threads=3
        num.io.threads=8
        socket.send.buffer.bytes=102400
        socket.receive.buffer.bytes=102400
        log.dirs=/tmp/kafka-logs
        num.partitions=1
        log.retention.hours=168
        zookeeper.connect=localhost:2181
        zookeeper.connection.timeout.ms=18000
        group.initial.rebalance.delay.ms=0
    """,
    "3.9 kraft/server": """
        process.roles=broker,controller
        node.id=1
        controller.quorum.voters=1@localhost:9093
        listeners=PLAINTEXT://:9092,CONTROLLER://:9093
        inter.broker.listener.name=PLAINTEXT
        advertised.listeners=PLAINTEXT://localhost:9092,CONTROLLER://localhost:9093
        controller.listener.names=CONTROLLER
        listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_SSL:SASL_SSL
        log.dirs=/tmp/kraft-combined-logs
    """,
}


@pytest.mark.parametrize("name", SHIPPED)
def test_a_file_that_comes_with_kafka_starts_a_node(tmp_path: Path, name: str) -> None:
    file = tmp_path / "server.properties"
    file.write_text(SHIPPED[name])

    settings = Settings.load(file=file)

    assert () == settings.warnings
    assert [9092] == [each.port for each in settings.listeners]
    assert {"num.io.threads", "zookeeper.connect", "process.roles"} & set(without_effect(settings))


def test_a_controller_alone_has_nothing_to_serve(tmp_path: Path) -> None:
    file = tmp_path / "controller.properties"
    file.write_text(
        "process.roles=controller\nnode.id=1\nlisteners=CONTROLLER://:9093\ncontroller.listener.names=CONTROLLER\n"
        "advertised.listeners=CONTROLLER://localhost:9093\n"
    )

    with pytest.raises(StartupError, match="there is none for clients"):
        Settings.load(file=file)
