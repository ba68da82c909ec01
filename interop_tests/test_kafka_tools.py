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
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, Producer
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.structs import OffsetAndMetadata

from interop_tests import streams_member
from interop_tests.conftest import java_or_skip
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
    "reassign": "org.apache.kafka.tools.reassign.ReassignPartitionsCommand",
    "streams-groups": "org.apache.kafka.tools.streams.StreamsGroupCommand",
    "topics": "org.apache.kafka.tools.TopicCommand",
    "acls": "org.apache.kafka.tools.AclCommand",
    "delegation-tokens": "org.apache.kafka.tools.DelegationTokenCommand",
    "console-consumer": "org.apache.kafka.tools.consumer.ConsoleConsumer",
    "console-producer": "org.apache.kafka.tools.ConsoleProducer",
    "console-share-consumer": "org.apache.kafka.tools.consumer.ConsoleShareConsumer",
    "consumer-performance": "org.apache.kafka.tools.ConsumerPerformance",
    "producer-performance": "org.apache.kafka.tools.ProducerPerformance",
    "share-consumer-performance": "org.apache.kafka.tools.ShareConsumerPerformance",
    "share-groups": "org.apache.kafka.tools.consumer.group.ShareGroupCommand",
    "transactions": "org.apache.kafka.tools.TransactionsCommand",
}

# Where older versions have them.
TOOLS_OF = {
    "4.3.0": TOOLS,
    "3.9.1": TOOLS | {"acls": "kafka.admin.AclCommand", "console-producer": "kafka.tools.ConsoleProducer"},
    "2.8.2": {
        "acls": "kafka.admin.AclCommand",
        "cluster": "kafka.tools.ClusterTool",
        "configs": "kafka.admin.ConfigCommand",
        "console-consumer": "kafka.tools.ConsoleConsumer",
        "console-producer": "kafka.tools.ConsoleProducer",
        "consumer-groups": "kafka.admin.ConsumerGroupCommand",
        "leader-election": "kafka.admin.LeaderElectionCommand",
        "log-dirs": "kafka.admin.LogDirsCommand",
        "offsets": "kafka.tools.GetOffsetShell",
        "topics": "kafka.admin.TopicCommand",
    },
}

WRITTEN = Path(__file__).with_name("kafka-tools.txt")


def scenarios() -> dict[str, list[str]]:
    """Their commands, by name."""
    found: dict[str, list[str]] = {}
    for line in WRITTEN.read_text().splitlines():
        if line.startswith("["):
            found[line.strip("[]")] = commands = []
        elif line and not line.startswith("#"):
            commands.append(line)
    return found


SCENARIOS = scenarios()
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
    "groups.csv": '"reset-g","reset-a",0,1\n"reset-g","reset-b",0,2\n"reset-h","reset-b",0,3\n',
    "move-topics.json": '{"version":1,"topics":[{"topic":"move-t"}]}',
    "move.json": '{"version":1,"partitions":[{"topic":"move-t","partition":0,"replicas":[1]}]}',
    "move-missing.json": '{"version":1,"partitions":[{"topic":"move-missing","partition":0,"replicas":[1]}]}',
    "move-dir.json": '{"version":1,"partitions":[{"topic":"move-t","partition":0,"replicas":[1],'
    '"log_dirs":["/no/such/directory"]}]}',
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
        self._classes = TOOLS_OF[java.version]
        command = java.command(str(RUNNER))
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            env=clean_environment(),
        )  # fmt: skip

    def run(self, tool: str, *arguments: str, stdin: str = "") -> tuple[int, str]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        told = base64.b64encode(stdin.encode()).decode()
        self._process.stdin.write("\t".join([told, self._classes[tool], *arguments]) + "\n")
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
def old_tools() -> Iterator[Callable[[str], Tools]]:
    """Of an older version."""
    with contextlib.ExitStack() as running:

        def tools(version: str) -> Tools:
            java = java_or_skip(next(each for each in TOOLS_OF if each.startswith(version)))
            return running.enter_context(contextlib.closing(Tools(java)))

        yield tools


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
    scenario: str,
    tools: Tools,
    old_tools: Callable[[str], Tools],
    files: Path,
    pytestconfig: pytest.Config,
    request: pytest.FixtureRequest,
) -> None:
    broker = request.getfixturevalue("secured_broker" if scenario in WITH_AUTHORIZER else "own_broker")
    if scenario.startswith("tools of "):
        tools = old_tools(scenario.removeprefix("tools of "))
    printed = list(played(scenario, tools, broker, files))
    if pytestconfig.getoption("record_tools"):
        record(scenario, printed)
    for expected, got in zip(json.loads(RECORDED.read_text())[scenario], printed, strict=True):
        assert expected == got


def played(scenario: str, tools: Tools, broker: Broker, files: Path) -> Iterator[dict[str, Any]]:
    with contextlib.ExitStack() as members:
        for line in SCENARIOS[scenario]:
            at = {"at": f"--bootstrap-server {broker.address}", "server": broker.address}
            filled = line.format(**at, dir=files, moment=MOMENT, **ENTITIES)
            words, _, stdin = filled.partition(" <<< ")
            tool, *arguments = shlex.split(words)
            if tool == "fill":
                fill(broker, *arguments)
            elif tool == "commit":
                commit(broker, *arguments)
            elif tool == "join":
                members.enter_context(joined(broker, *arguments))
            elif tool == "begin":
                members.enter_context(transaction(broker, *arguments))
            elif tool == "stream":
                group, topic, *offsets = arguments
                members.enter_context(streams_member.member(broker, group, topic, *map(int, offsets)))
            elif tool == "leave":
                members.close()
            else:
                if broker.kind.name == "kafka":
                    time.sleep(SETTLING_S)
                status, printed = tools.run(tool, *arguments, stdin=stdin.replace("|", "\n"))
                is_measuring = tool in MEASURING
                yield {"command": line, "status": status, "printed": alike(printed, broker, files, is_measuring)}


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
def joined(broker: Broker, group: str, topic: str, protocol: str) -> Iterator[None]:
    """While the group has a member, which has read everything and committed it."""
    ready = threading.Event()
    consume = consume_classic if protocol == "classic" else consume_new
    with in_background(lambda stop: consume(broker, group, topic, ready, stop)):
        assert ready.wait(30)
        yield


def consume_classic(broker: Broker, group: str, topic: str, ready: threading.Event, stop: threading.Event) -> None:
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


def consume_new(broker: Broker, group: str, topic: str, ready: threading.Event, stop: threading.Event) -> None:
    """KIP-848, with librdkafka."""
    settings = {"group.id": group, "client.id": "reader", "group.protocol": "consumer", "enable.auto.commit": False}
    consumer = Consumer(settings | {"bootstrap.servers": broker.address, "auto.offset.reset": "earliest"})
    consumer.subscribe([topic])
    while not stop.is_set():
        consumer.poll(0.1)
        assigned = consumer.assignment()
        ends = [consumer.get_watermark_offsets(each)[1] for each in assigned]
        positions = [each.offset for each in consumer.position(assigned)]
        if assigned and not ready.is_set() and all(map(lambda at, end: at == end or end == 0, positions, ends)):
            consumer.commit(asynchronous=False)
            ready.set()
    consumer.close()


@contextlib.contextmanager
def transaction(broker: Broker, transactional_id: str, topic: str) -> Iterator[None]:
    """While it is open, with a record of it."""
    producer = Producer({"bootstrap.servers": broker.address, "transactional.id": transactional_id})
    producer.init_transactions(20)
    producer.begin_transaction()
    producer.produce(topic, b"x", partition=0)
    producer.flush(20)
    yield


# These print how fast it was.
MEASURING = ("consumer-performance", "producer-performance", "share-consumer-performance")

# What differs from run to run.
VARYING = (
    (r"reader-[0-9a-f-]{36}", "MEMBER"),
    (r"(LeaderEpoch|HighWatermark|MaxFollowerLagTimeMs): \d+", r"\1"),
    (r', "endpoints": \[.*?\]', ""),  # Kafka's controllers have a listener of their own
    (r"(?<![\w-])[A-Za-z0-9_-]{22}(?![\w-])", "ID"),
    (r'"timestamp":\d+', '"timestamp":0'),
    (r"\b1[5-9]\d{11}\b", "NOW"),
    (r"\d+ ms ago", "AGO"),
    (r"(?<= )[A-Za-z0-9+/]{22}(?= /127)", "ID"),  # librdkafka's member ids
    (r"(NOW|Ongoing 60000 NOW) \d+ transactions-t", r"\1 TIME transactions-t"),
    (r"^(1? ?transactions-\w( 1)?) \d+ ", r"\1 PID "),
    (r"^\d+ (-?\d+ -?\d+ -?\d+ NOW)", r"PID \1"),
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
# What EndToEndLatency leaves; a tool's own log and stack traces; features that Kafka has and we do not, or not at the
# same levels.
LEFT_OUT = re.compile(
    r"(Consumer group ')?test-group-|\[|at |\.\.\. |SLF4J|log4j"
    r"|Feature: (eligible|kraft|group|share|streams)|min.insync.replicas=1 "
)


def alike(printed: str, broker: Broker, files: Path, is_measuring: bool = False) -> list[str]:
    """In an order of its own, for tools follow their hash tables."""
    for text, name in ((broker.address, "BROKER:PORT"), (str(broker.data_dir), "DATA"), (str(files), "FILES")):
        printed = printed.replace(text, name)
    if is_measuring:
        printed = "\n".join(dict.fromkeys(re.sub(r"\d[\d.]*|NaN", "N", printed).splitlines()))
    lines = (" ".join(line.replace(str(broker.port), "PORT").split()) for line in printed.splitlines())
    return sorted(alike_line(line) for line in lines if line and not LEFT_OUT.match(line))


def alike_line(line: str) -> str:
    for pattern, name in VARYING:
        line = re.sub(pattern, name, line)
    if line.startswith("{"):  # JSON, whose lists are in no order
        return json.dumps(in_order(json.loads(line)))
    return line.strip()


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
