"""Apache Kafka's own administration tools, unmodified, run on a broker; what they print is what they print on Kafka.

What they print on Apache Kafka 4.3 is kept in `kafka-tools.json`, with names, ids and times made alike, and every run
is compared with it, that with `--broker=kafka` too; `--record-tools` writes it anew. Each scenario is a series of
commands on topics and groups of its own, on one broker of this file's own. They run in one JVM (`ToolRunner.java`).
"""

from __future__ import annotations

import base64
import contextlib
import json
import re
import shlex
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.structs import OffsetAndMetadata

from interop_tests import streams_member
from interop_tests.harness import ROOT, Broker, Kind, clean_environment, in_background
from interop_tests.tools import Java

RECORDED = Path(__file__).with_name("kafka-tools.json")
RUNNER = Path(__file__).with_name("ToolRunner.java")
TOOLS = {
    "api-versions": "org.apache.kafka.tools.BrokerApiVersionsCommand",
    "client-metrics": "org.apache.kafka.tools.ClientMetricsCommand",
    "cluster": "org.apache.kafka.tools.ClusterTool",
    "configs": "kafka.admin.ConfigCommand",
    "consumer-groups": "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand",
    "delete-records": "org.apache.kafka.tools.DeleteRecordsCommand",
    "end-to-end": "org.apache.kafka.tools.EndToEndLatency",
    "features": "org.apache.kafka.tools.FeatureCommand",
    "groups": "org.apache.kafka.tools.GroupsCommand",
    "leader-election": "org.apache.kafka.tools.LeaderElectionCommand",
    "log-dirs": "org.apache.kafka.tools.LogDirsCommand",
    "metadata-quorum": "org.apache.kafka.tools.MetadataQuorumCommand",
    "offsets": "org.apache.kafka.tools.GetOffsetShell",
    "producer-perf": "org.apache.kafka.tools.ProducerPerformance",
    "reassign": "org.apache.kafka.tools.reassign.ReassignPartitionsCommand",
    "streams-groups": "org.apache.kafka.tools.streams.StreamsGroupCommand",
    "topics": "org.apache.kafka.tools.TopicCommand",
    "acls": "org.apache.kafka.tools.AclCommand",
    "delegation-tokens": "org.apache.kafka.tools.DelegationTokenCommand",
}

# A line is a command: the tool, then its options ({at} is where the broker is, {dir} where the files are, {topic} an
# entity of that type), or `fill TOPIC PARTITION COUNT`, `commit GROUP TOPIC OFFSET...`, `join GROUP TOPIC`,
# `stream GROUP TOPIC OFFSET...` and `leave GROUP`, which need no tool.
SCENARIOS = {
    "topics": """
        topics {at} --create --topic topics-a --partitions 3 --replication-factor 1 --config retention.ms=60000
        topics {at} --create --topic topics-a --partitions 3
        topics {at} --create --topic topics-a --if-not-exists
        topics {at} --create --topic topics-b --replica-assignment 1,1 --config cleanup.policy=compact
        topics {at} --create --topic topics-c --config no.such=1
        topics {at} --create --topic topics.a
        topics {at} --create --topic topics-d --replication-factor 2
        topics {at} --list --topic topics.*
        topics {at} --describe --topic topics-a
        topics {at} --describe --topic topics-b
        topics {at} --describe --under-replicated-partitions
        topics {at} --describe --unavailable-partitions
        topics {at} --describe --at-min-isr-partitions --topic topics-b
        topics {at} --describe --under-min-isr-partitions
        topics {at} --describe --topic topics-missing
        topics {at} --alter --topic topics-a --partitions 5
        topics {at} --alter --topic topics-a --partitions 2
        topics {at} --describe --topic topics-a
        topics {at} --delete --topic topics-b
        topics {at} --delete --topic topics-missing
        topics {at} --list --topic topics.* --exclude-internal
    """,
    "topic configs": """
        topics {at} --create --topic configs-a
        configs {at} --alter {topic} configs-a --add-config retention.ms=1,cleanup.policy=[compact,delete]
        configs {at} --describe {topic} configs-a
        configs {at} --alter {topic} configs-a --delete-config retention.ms
        configs {at} --describe {topic} configs-a
        configs {at} --alter {topic} configs-a --add-config retention.ms=x
        configs {at} --alter {topic} configs-a --add-config no.such=1
        configs {at} --alter {topic} configs-a --delete-config no.such
        configs {at} --alter {topic} configs-missing --add-config retention.ms=1
        configs {at} --describe {topic} configs-missing
        configs {at} --describe --topic configs-a --all
        configs {at} --alter {topic} configs-a --add-config-file {dir}/topic.properties
        configs {at} --describe {topic} configs-a
        configs {at} --alter {topic} configs-a --add-config segment.bytes=2000000 --delete-config retention.ms
        configs {at} --describe {topic} configs-a
    """,
    "broker configs": """
        configs {at} --alter --entity-type brokers --entity-default --add-config log.retention.ms=9999999
        configs {at} --alter {broker} 1 --add-config log.retention.ms=8888888,num.io.threads=9
        configs {at} --describe --entity-type brokers --entity-default
        configs {at} --describe {broker} 1
        configs {at} --alter {broker} 1 --delete-config log.retention.ms,num.io.threads
        configs {at} --alter --entity-type brokers --entity-default --delete-config log.retention.ms
        configs {at} --describe {broker} 1
        configs {at} --alter {broker} 1 --add-config num.partitions=3
        configs {at} --alter {broker} 1 --add-config num.io.threads=900
        configs {at} --alter {loggers} 1 --add-config root=INFO
        configs {at} --alter {loggers} 1 --add-config no.such=INFO
    """,
    "group and client metrics configs": """
        configs {at} --alter {group} configs-g --add-config consumer.session.timeout.ms=50000
        configs {at} --describe {group} configs-g
        configs {at} --alter {group} configs-g --add-config consumer.session.timeout.ms=1
        configs {at} --alter {group} configs-g --delete-config consumer.session.timeout.ms
        configs {at} --describe {group} configs-g
        client-metrics {at} --alter --name metrics-m --metrics org.apache.kafka. --interval 30000 --match client_id=x
        client-metrics {at} --list
        client-metrics {at} --describe --name metrics-m
        client-metrics {at} --describe
        client-metrics {at} --alter --name metrics-m --interval 1
        configs {at} --describe {metrics} metrics-m
        client-metrics {at} --delete --name metrics-m
        client-metrics {at} --list
    """,
    "quotas and users": """
        configs {at} --alter {user} quota-u --add-config producer_byte_rate=1000
        configs {at} --alter {user} quota-u {client} c --add-config request_percentage=50
        configs {at} --alter --entity-type clients --entity-default --add-config consumer_byte_rate=1000
        configs {at} --alter {ip} 10.0.0.1 --add-config connection_creation_rate=5
        configs {at} --alter {user} quota-u --add-config no_such=1000
        configs {at} --describe {user} quota-u
        configs {at} --describe {user} quota-u --entity-type clients
        configs {at} --describe --entity-type clients
        configs {at} --describe --entity-type ips
        configs {at} --alter {user} quota-u --delete-config producer_byte_rate
        configs {at} --alter {user} quota-u {client} c --delete-config request_percentage
        configs {at} --alter --entity-type clients --entity-default --delete-config consumer_byte_rate
        configs {at} --alter {ip} 10.0.0.1 --delete-config connection_creation_rate
        configs {at} --describe {user} quota-u
        configs {at} --alter {user} scram-u --add-config SCRAM-SHA-256=[iterations=8192,password=p]
        configs {at} --describe {user} scram-u
        configs {at} --alter {user} scram-u --delete-config SCRAM-SHA-256
        configs {at} --describe {user} scram-u
        configs {at} --alter {user} scram-u --add-config SCRAM-SHA-512=[iterations=1,password=p]
    """,
    "consumer groups": """
        topics {at} --create --topic groups-t --partitions 2
        fill groups-t 0 10
        fill groups-t 1 5
        commit groups-g groups-t 3 4
        consumer-groups {at} --describe --group groups-g
        consumer-groups {at} --describe --group groups-g --state
        consumer-groups {at} --describe --group groups-g --members --verbose
        consumer-groups {at} --describe --group groups-missing
        consumer-groups {at} --describe --group groups-missing --state
        consumer-groups {at} --list --state
        groups {at} --list
        groups {at} --list --consumer
        groups {at} --list --group-type classic --protocol consumer
        consumer-groups {at} --delete --group groups-missing
        consumer-groups {at} --delete --group groups-g
        consumer-groups {at} --list
    """,
    "group with a member": """
        topics {at} --create --topic member-t --partitions 2
        fill member-t 0 10
        join member-g member-t
        consumer-groups {at} --describe --group member-g
        consumer-groups {at} --describe --group member-g --members --verbose
        consumer-groups {at} --describe --group member-g --state
        consumer-groups {at} --list --state stable
        consumer-groups {at} --list --type classic
        consumer-groups {at} --reset-offsets --group member-g --topic member-t --to-earliest --execute
        consumer-groups {at} --delete-offsets --group member-g --topic member-t
        consumer-groups {at} --delete --group member-g
        groups {at} --list
        leave member-g
        consumer-groups {at} --describe --group member-g --state
        consumer-groups {at} --delete --all-groups
        consumer-groups {at} --list
    """,
    "reset offsets": """
        topics {at} --create --topic resets-t --partitions 2
        fill resets-t 0 10
        fill resets-t 1 5
        commit resets-g resets-t 3 4
        consumer-groups {at} --reset-offsets --group resets-g --topic resets-t --to-earliest --dry-run
        consumer-groups {at} --describe --group resets-g --offsets
        consumer-groups {at} --reset-offsets --group resets-g --topic resets-t --to-earliest --execute
        consumer-groups {at} --reset-offsets --group resets-g --topic resets-t:1 --to-latest --execute
        consumer-groups {at} --describe --group resets-g
        consumer-groups {at} --reset-offsets --group resets-g --topic resets-t:0 --shift-by 4 --execute
        consumer-groups {at} --reset-offsets --group resets-g --topic resets-t:0 --shift-by -2 --execute
        consumer-groups {at} --reset-offsets --group resets-g --topic resets-t:0 --to-offset 7 --execute
        consumer-groups {at} --reset-offsets --group resets-g --topic resets-t:0 --to-offset 99 --execute
        consumer-groups {at} --reset-offsets --group resets-g --topic resets-t --to-current --execute
        consumer-groups {at} --reset-offsets --group resets-g --topic resets-t --to-datetime {moment} --execute
        consumer-groups {at} --reset-offsets --group resets-g --all-topics --by-duration PT1S --execute
        consumer-groups {at} --reset-offsets --group resets-g --topic resets-t --to-earliest --dry-run --export
        consumer-groups {at} --reset-offsets --group resets-g --from-file {dir}/offsets.csv --execute
        consumer-groups {at} --describe --group resets-g
        consumer-groups {at} --delete-offsets --group resets-g --topic resets-t:0
        consumer-groups {at} --delete-offsets --group resets-g --topic resets-missing
        consumer-groups {at} --describe --group resets-g
        consumer-groups {at} --reset-offsets --group resets-g --topic resets-missing --to-earliest --dry-run
        consumer-groups {at} --reset-offsets --group resets-new --topic resets-t --to-latest --execute
        consumer-groups {at} --delete --group resets-g --group resets-new
    """,
    "streams groups": """
        topics {at} --create --topic streams-t --partitions 2
        fill streams-t 0 10
        configs {at} --alter {group} streams-g --add-config streams.initial.rebalance.delay.ms=0
        configs {at} --alter {group} streams-g --add-config streams.num.standby.replicas=1
        configs {at} --describe {group} streams-g
        configs {at} --alter {group} streams-g --add-config streams.num.standby.replicas=3
        configs {at} --alter {group} streams-g --add-config streams.session.timeout.ms=1
        stream streams-g streams-t 4 0
        streams-groups {at} --list
        streams-groups {at} --list --state
        streams-groups {at} --list --state stable
        streams-groups {at} --list --state NotReady
        streams-groups {at} --describe --group streams-g
        streams-groups {at} --describe --group streams-g --offsets --verbose
        streams-groups {at} --describe --group streams-g --members
        streams-groups {at} --describe --group streams-g --members --verbose
        streams-groups {at} --describe --group streams-g --state
        streams-groups {at} --describe --group streams-g --state --verbose
        streams-groups {at} --describe --group streams-missing
        consumer-groups {at} --describe --group streams-g
        consumer-groups {at} --list
        groups {at} --list
        groups {at} --list --streams
        streams-groups {at} --reset-offsets --group streams-g --all-input-topics --to-earliest --execute
        streams-groups {at} --delete-offsets --group streams-g --input-topic streams-t
        streams-groups {at} --delete --group streams-g
        leave streams-g
        streams-groups {at} --describe --group streams-g --state
        streams-groups {at} --describe --group streams-g --members
        streams-groups {at} --reset-offsets --group streams-g --input-topic streams-t --to-earliest --dry-run
        streams-groups {at} --reset-offsets --group streams-g --input-topic streams-t:0 --to-offset 3 --execute
        streams-groups {at} --reset-offsets --group streams-g --all-input-topics --shift-by 2 --execute
        streams-groups {at} --reset-offsets --group streams-g --all-input-topics --to-current --dry-run --export
        streams-groups {at} --reset-offsets --group streams-g --all-input-topics --to-datetime {moment} --dry-run
        streams-groups {at} --reset-offsets --group streams-g --all-input-topics --by-duration PT0S --dry-run
        streams-groups {at} --reset-offsets --group streams-g --from-file {dir}/streams.csv --execute
        streams-groups {at} --describe --group streams-g
        streams-groups {at} --delete-offsets --group streams-g --input-topic streams-t:1
        streams-groups {at} --delete-offsets --group streams-g --input-topic streams-missing
        streams-groups {at} --describe --group streams-g --offsets
        streams-groups {at} --delete --group streams-g --delete-all-internal-topics
        streams-groups {at} --delete --group streams-missing
        topics {at} --list --topic streams-.*
        streams-groups {at} --list
    """,
    "offsets and deleted records": """
        topics {at} --create --topic offsets-t --partitions 2
        fill offsets-t 0 10
        offsets {at} --topic offsets-t
        offsets {at} --topic offsets-t --time earliest
        offsets {at} --topic offsets-t --time max-timestamp
        offsets {at} --topic offsets-t --time 1004
        offsets {at} --topic offsets-t --time earliest-local
        offsets {at} --topic offsets-t --time latest-tiered
        offsets {at} --topic offsets-t --partitions 1
        offsets {at} --topic-partitions offsets-t:0
        offsets {at} --topic-partitions offsets-.*:0-1 --exclude-internal-topics
        offsets {at} --topic offsets-missing
        delete-records {at} --offset-json-file {dir}/delete.json
        offsets {at} --topic offsets-t --time earliest
        delete-records {at} --offset-json-file {dir}/delete-more.json
    """,
    "log directories": """
        topics {at} --create --topic logdirs-t --partitions 2
        fill logdirs-t 0 10
        fill logdirs-t 1 10
        log-dirs {at} --describe --topic-list logdirs-t
        log-dirs {at} --describe --topic-list logdirs-t --broker-list 1
        log-dirs {at} --describe --broker-list 7
    """,
    "reassignment and election": """
        topics {at} --create --topic moves-t --partitions 2
        fill moves-t 0 1
        fill moves-t 1 1
        reassign {at} --generate --topics-to-move-json-file {dir}/topics.json --broker-list 1
        reassign {at} --execute --reassignment-json-file {dir}/reassign.json
        reassign {at} --verify --reassignment-json-file {dir}/reassign.json
        reassign {at} --list
        reassign {at} --cancel --reassignment-json-file {dir}/reassign.json
        reassign {at} --execute --reassignment-json-file {dir}/reassign-away.json
        leader-election {at} --election-type preferred --topic moves-t --partition 0
        leader-election {at} --election-type preferred --path-to-json-file {dir}/election.json
        leader-election {at} --election-type unclean --topic moves-t --partition 1
        leader-election {at} --election-type preferred --topic moves-missing --partition 1
    """,
    "cluster": """
        cluster cluster-id {at}
        cluster list-endpoints {at}
        cluster unregister {at} --id 7
        metadata-quorum {at} describe --replication
        metadata-quorum {at} describe --status
        features {at} describe
        features {at} upgrade --feature no.such=1
        features {at} upgrade --feature metadata.version=31
        acls {at} --list
        acls {at} --add --allow-principal User:a --operation Read --topic t
        delegation-tokens {at} --describe --command-config {dir}/none.properties
    """,
    "acls with an authorizer": """
        acls {at} --add --allow-principal User:alice --operation Read --operation Describe --topic orders
        acls {at} --add --allow-principal User:bob --producer --topic ord --resource-pattern-type prefixed
        acls {at} --add --allow-principal User:carol --consumer --topic * --group readers
        acls {at} --add --deny-principal User:dave --deny-host 10.0.0.1 --operation All --cluster
        acls {at} --add --allow-principal User:erin --operation DescribeTokens --user-principal User:frank
        acls {at} --add --allow-principal User:erin --producer --topic orders --transactional-id tx --idempotent
        acls {at} --list
        acls {at} --list --topic orders
        acls {at} --list --topic orders --resource-pattern-type match
        acls {at} --list --topic ord --resource-pattern-type prefixed
        acls {at} --list --principal User:carol
        acls {at} --list --cluster
        acls {at} --remove --allow-principal User:alice --operation Read --topic orders --force
        acls {at} --list --topic orders
        acls {at} --remove --topic orders --resource-pattern-type match --force
        acls {at} --remove --topic nothing --force
        acls {at} --list
    """,
    "latency": """
        topics {at} --create --topic latency-t
        end-to-end {at} --topic latency-t --num-records 20 --producer-acks all --record-size 100
    """,
}
# These need Kafka's authorizer: without one there are no ACLs.
WITH_AUTHORIZER = ("acls with an authorizer",)
AUTHORIZER = {
    "authorizer_class_name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    "super_users": "User:ANONYMOUS",
}
FILES = {
    "topic.properties": "retention.ms=5\ncleanup.policy=delete\n",
    "none.properties": "",
    "offsets.csv": '"resets-t",0,2\n"resets-t",1,3\n',
    "streams.csv": '"streams-t",0,7\n',
    "delete.json": '{"version":1,"partitions":[{"topic":"offsets-t","partition":0,"offset":4}]}',
    "delete-more.json": '{"version":1,"partitions":[{"topic":"offsets-t","partition":0,"offset":99},'
    '{"topic":"offsets-t","partition":1,"offset":-1}]}',
    "topics.json": '{"version":1,"topics":[{"topic":"moves-t"}]}',
    "reassign.json": '{"version":1,"partitions":[{"topic":"moves-t","partition":0,"replicas":[1]}]}',
    "reassign-away.json": '{"version":1,"partitions":[{"topic":"moves-t","partition":0,"replicas":[2]}]}',
    "election.json": '{"partitions":[{"topic":"moves-t","partition":0},{"topic":"moves-t","partition":1}]}',
}


SETTLING_S = 0.3  # Kafka's brokers hear of a change after its answer has left
MOMENT = "1970-01-01T00:00:01.004"  # as `fill` has it
ENTITIES = {
    name: f"--entity-type {kind} --entity-name"
    for name, kind in {
        "topic": "topics",
        "broker": "brokers",
        "group": "groups",
        "user": "users",
        "client": "clients",
        "ip": "ips",
        "loggers": "broker-loggers",
        "metrics": "client-metrics",
    }.items()
}


class Tools:
    """The JVM that the tools run in."""

    def __init__(self, java: Java) -> None:
        command = java.command(str(RUNNER))
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            env=clean_environment(),
        )  # fmt: skip

    def run(self, tool: str, *arguments: str) -> tuple[int, str]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("\t".join([TOOLS[tool], *arguments]) + "\n")
        self._process.stdin.flush()
        status, _, printed = self._process.stdout.readline().partition("\t")
        return int(status), base64.b64decode(printed).decode()

    def close(self) -> None:
        self._process.kill()
        self._process.wait()


@pytest.fixture(scope="module")
def tools(java: Java) -> Iterator[Tools]:
    running = Tools(java)
    yield running
    running.close()


@pytest.fixture(scope="module")
def own_broker(kind: Kind, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """Nobody else's topics and groups are listed."""
    running = Broker(kind, tmp_path_factory.mktemp("tools") / "data")
    try:
        yield running.start()
    finally:
        running.close()


@pytest.fixture(scope="module")
def secured_broker(kind: Kind, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    running = Broker(kind, tmp_path_factory.mktemp("secured") / "data", **AUTHORIZER)
    try:
        yield running.start()
    finally:
        running.close()


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("files")
    for name, text in FILES.items():
        (folder / name).write_text(text)
    return folder


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_tool_prints_what_it_prints_on_kafka(
    scenario: str, tools: Tools, files: Path, pytestconfig: pytest.Config, request: pytest.FixtureRequest
) -> None:
    broker = request.getfixturevalue("secured_broker" if scenario in WITH_AUTHORIZER else "own_broker")
    printed = list(played(scenario, tools, broker, files))
    if pytestconfig.getoption("record_tools"):
        record(scenario, printed)
    for expected, got in zip(json.loads(RECORDED.read_text())[scenario], printed, strict=True):
        assert expected == got


def played(scenario: str, tools: Tools, broker: Broker, files: Path) -> Iterator[dict[str, Any]]:
    members = contextlib.ExitStack()
    for line in SCENARIOS[scenario].strip().splitlines():
        words = shlex.split(
            line.format(at=f"--bootstrap-server {broker.address}", dir=files, moment=MOMENT, **ENTITIES)
        )
        if words[0] == "fill":
            fill(broker, *words[1:])
        elif words[0] == "commit":
            commit(broker, *words[1:])
        elif words[0] == "join":
            members.enter_context(joined(broker, *words[1:]))
        elif words[0] == "stream":
            members.enter_context(streams_member.member(broker, *words[1:3], *map(int, words[3:])))
        elif words[0] == "leave":
            members.close()
        else:
            if broker.kind.name == "kafka":
                time.sleep(SETTLING_S)
            status, printed = tools.run(*words)
            yield {"command": line.strip(), "status": status, "printed": alike(printed, broker, files)}


def fill(broker: Broker, topic: str, partition: str, count: str) -> None:
    with KafkaProducer(bootstrap_servers=broker.address) as producer:
        for number in range(int(count)):
            producer.send(topic, b"x", partition=int(partition), timestamp_ms=1000 + number)
        producer.flush(20)


def commit(broker: Broker, group: str, topic: str, *offsets: str) -> None:
    with KafkaConsumer(bootstrap_servers=broker.address, group_id=group) as consumer:
        committed = {
            TopicPartition(topic, partition): OffsetAndMetadata(int(offset), "", -1)
            for partition, offset in enumerate(offsets)
        }
        consumer.commit(committed)


@contextlib.contextmanager
def joined(broker: Broker, group: str, topic: str) -> Iterator[None]:
    """While the group has a member, which has read everything and committed it."""
    ready = threading.Event()

    def consume(stop: threading.Event) -> None:
        with KafkaConsumer(
            topic, bootstrap_servers=broker.address, group_id=group, client_id="reader", enable_auto_commit=False,
            auto_offset_reset="earliest",
        ) as consumer:  # fmt: skip
            while not stop.is_set():
                # kafka-python 3.0 forgets that it joined if the answer comes in the moment that its poll gives up.
                consumer.poll(100 if ready.is_set() else 5_000)
                ends = consumer.end_offsets(consumer.assignment())
                if ends and not ready.is_set() and all(consumer.position(each) == end for each, end in ends.items()):
                    consumer.commit()
                    ready.set()

    with in_background(consume):
        assert ready.wait(30)
        yield


# What differs from run to run.
VARYING = (
    (r"reader-[0-9a-f-]{36}", "MEMBER"),
    (r"(LeaderEpoch|HighWatermark|MaxFollowerLagTimeMs): \d+", r"\1"),
    (r', "endpoints": \[.*?\]', ""),  # Kafka's controllers have a listener of their own
    (r"(?<![\w-])[A-Za-z0-9_-]{22}(?![\w-])", "ID"),
    (r"\b1[5-9]\d{11}\b", "NOW"),
    (r"\d+\.\d+ (ms|max|\.\.\.)", "TIME"),
    (r"Epoch: \d+", "Epoch"),
    (r'"size":[1-9]\d*', '"size":1'),  # as many batches as the producer makes
    (r"^(1 ID) \d+ ", r"\1 OFFSET "),
    (r"Avg latency: .*", "Avg latency"),
    (r"Percentiles: .*", "Percentiles"),
    (r"^\d+ [\d.]+$", "LATENCY"),
    # Kafka sets this one when it is told to elect from eligible leader replicas, which we do not.
    (r"min\.insync\.replicas=1,?(?! )", ""),
)
# A tool's own log and stack traces; and features that Kafka has and we do not, or not at the same levels.
LEFT_OUT = re.compile(r"\[|at |\.\.\. |Feature: (eligible|kraft|group|share|streams)|min.insync.replicas=1 ")


def alike(printed: str, broker: Broker, files: Path) -> list[str]:
    """In an order of its own, for tools follow their hash tables."""
    for text, name in ((broker.address, "BROKER:PORT"), (str(broker.data_dir), "DATA"), (str(files), "FILES")):
        printed = printed.replace(text, name)
    lines = (" ".join(line.replace(str(broker.port), "PORT").split()) for line in printed.splitlines())
    return sorted(alike_line(line) for line in lines if line and not LEFT_OUT.match(line))


def alike_line(line: str) -> str:
    for pattern, name in VARYING:
        line = re.sub(pattern, name, line)
    if line.startswith("{"):  # JSON, whose lists are in no order
        return json.dumps(in_order(json.loads(line)))
    return line


def in_order(data: Any) -> Any:
    if isinstance(data, dict):
        return {key: in_order(value) for key, value in data.items()}
    return sorted(map(in_order, data), key=repr) if isinstance(data, list) else data


def record(scenario: str, printed: list[dict[str, Any]]) -> None:
    known = json.loads(RECORDED.read_text()) if RECORDED.exists() else {}
    RECORDED.write_text(json.dumps({**known, scenario: printed}, indent=1) + "\n")


def test_clients_of_this_version_use_the_same_versions_as_with_kafka(tools: Tools, own_broker: Broker) -> None:
    """For all APIs that are served; the range may be wider."""
    status, printed = tools.run("api-versions", "--bootstrap-server", own_broker.address)

    usable = {int(key): int(version) for key, version in re.findall(r"\w+\((\d+)\): .*\[usable: (\d+)\]", printed)}
    facts = json.loads((ROOT / "tests" / "facts" / "kafka-schemas.json").read_text())
    assert 0 == status
    assert len(usable) >= 50
    stable = {api["key"]: api["kafka_4_3"][1] for api in facts["apis"]} | {22: 5}  # v6 is for two-phase commit
    assert usable == {key: stable[key] for key in usable}
