"""Kafka Streams applications of Apache Kafka 4.3: a program of ours (`WordCount.java`), in both of their protocols.

Each test starts a broker of its own that wants heartbeats often, as its members are to be missed soon when they are
killed. Two instances share the words of a topic; the counts must be right whatever happens to one of them.
"""

from __future__ import annotations

import shutil
import subprocess
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient, ConfigResource
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer
from kafka.admin import ConfigResource as GroupResource
from kafka.admin import ConfigResourceType

from interop_tests.harness import Broker, clean_environment, wait_until
from interop_tests.raw import create_topic
from interop_tests.tools import JVM_FLAGS, JVM_LOGGING, Unavailable, java_tools, run

PROGRAM = Path(__file__).with_name("WordCount.java")
QUICK = {
    "group_min_session_timeout_ms": 1_000,
    "group_streams_heartbeat_interval_ms": 300,
    "group_streams_min_heartbeat_interval_ms": 100,
    "group_streams_session_timeout_ms": 4_000,
    "group_streams_min_session_timeout_ms": 1_000,
    "group_streams_initial_rebalance_delay_ms": 500,
    "transaction_abort_timed_out_transaction_cleanup_interval_ms": 500,
}
CLASSIC = ("group.protocol=classic", "consumer.session.timeout.ms=4000", "consumer.heartbeat.interval.ms=300")
STREAMS = ("group.protocol=streams",)
# A transaction of who was killed is in the way of others until it is aborted.
EXACTLY_ONCE = ("processing.guarantee=exactly_once_v2", "producer.transaction.timeout.ms=2000")
ALL_TASKS = {f"{subtopology}_{partition}" for subtopology in range(2) for partition in range(4)}


class Instance:
    """One instance of the application."""

    def __init__(self, command: list[str], log_path: Path) -> None:
        self.states: list[str] = []
        self._tasks: tuple[set[str], set[str]] = (set(), set())
        self.stores = ""  # where which partitions of the counts are, as it last knew
        self._log_path = log_path
        with log_path.open("wb") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True, env=clean_environment()
            )
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            what, _, said = line.rstrip("\n").partition(" ")
            if what == "state":
                self.states.append(said)
            elif what == "stores":
                self.stores = said
            elif what == "tasks":
                active, _, standby = said.partition("/")
                self._tasks = {*filter(None, active.split(","))}, {*filter(None, standby.split(","))}

    def tasks(self) -> tuple[set[str], set[str]]:
        """Active and standby, as of a moment ago."""
        assert self.process.stdin is not None
        assert self.process.poll() is None, self._log_path.read_text()[-3000:]
        self.process.stdin.write("tasks\n")
        self.process.stdin.flush()
        return self._tasks

    def close(self) -> None:
        """As its user would."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        assert 0 == self.process.wait(30)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture(scope="session")
def class_path(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Of the program, compiled."""
    if shutil.which("javac") is None:
        pytest.skip("a Kafka Streams application needs `javac`")
    try:
        libs = java_tools("4.3.0", artifact="kafka-streams").libs
    except Unavailable as why:
        pytest.skip(str(why))
    classes = tmp_path_factory.mktemp("classes")
    run(["javac", "-cp", f"{libs}/*", "-d", str(classes), str(PROGRAM)])
    return f"{classes}:{libs}/*"


StartInstance = Callable[..., Instance]


@pytest.fixture
def start_instance(class_path: str, tmp_path: Path) -> Iterator[StartInstance]:
    """`start_instance(broker, name, "key=value", ...)`: an application of that name, from topic NAME to NAME-out."""
    started: list[Instance] = []

    def start(broker: Broker, name: str, *settings: str) -> Instance:
        state = tmp_path / f"state-{len(started)}"
        command = ["java", *JVM_FLAGS, JVM_LOGGING, "-cp", class_path, "WordCount", name, f"{name}-out"]
        command += [f"application.id={name}", f"bootstrap.servers={broker.address}", f"state.dir={state}"]
        command += ["commit.interval.ms=100", f"application.server=localhost:{len(started) + 1}", *settings]
        started.append(Instance(command, state.with_suffix(".log")))
        return started[-1]

    yield start
    for each in started:
        each.kill()


def prepare(broker: Broker, name: str) -> None:
    create_topic(broker, name, partitions=4)
    create_topic(broker, f"{name}-out", partitions=2)


def produce(broker: Broker, name: str, count: int) -> Counter[str]:
    """Lines of words; how often each is in them."""
    words: Counter[str] = Counter()
    with KafkaProducer(bootstrap_servers=broker.address) as producer:
        for number in range(count):
            line = ["every", f"tenth-{number % 10}", f"hundredth-{number % 100}"]
            words.update(line)
            producer.send(name, " ".join(line).encode(), partition=number % 4)
        producer.flush(20)
    return words


class Counts:
    """What the application has told."""

    def __init__(self, broker: Broker, name: str) -> None:
        self.words: dict[str, int] = {}
        self._consumer = KafkaConsumer(
            f"{name}-out",
            bootstrap_servers=broker.address,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            group_id=None,
        )

    def wait_for(self, expected: Counter[str]) -> None:
        wait_until(lambda: self._are(expected), timeout_s=60, what=lambda: f"{expected}, but {self.words}")

    def _are(self, expected: Counter[str]) -> bool:
        for records in self._consumer.poll(100).values():
            self.words |= {record.key.decode(): int(record.value) for record in records}
        return self.words == expected


def set_standbys(broker: Broker, name: str, count: int) -> None:
    client = KafkaAdminClient(bootstrap_servers=broker.address)
    client.alter_configs([GroupResource(ConfigResourceType.GROUP, name, {"streams.num.standby.replicas": str(count)})])
    client.close()


def topic_settings(broker: Broker, topic: str) -> dict[str, str]:
    client = AdminClient({"bootstrap.servers": broker.address, "log_level": 0})
    resource = ConfigResource(ConfigResource.Type.TOPIC, topic)
    described = client.describe_configs([resource])[resource].result(20)
    return {name: entry.value for name, entry in described.items() if not entry.is_default}


def knows_stores_of(instance: Instance, *instances: Instance) -> bool:
    """For interactive queries: each knows who has which partition of the counts."""
    instance.tasks()
    partitions = (sorted(task[2:] for task in each.tasks()[0] if task.startswith("1_")) for each in instances)
    return instance.stores == " ".join(f"{port}={','.join(each)}" for port, each in enumerate(partitions, 1))


@pytest.mark.parametrize(
    ("protocol", "standby_count"), [(STREAMS, 1), pytest.param(CLASSIC, 0, marks=pytest.mark.slow)]
)
def test_the_tasks_of_an_instance_that_is_killed_go_to_the_other_and_each_word_counts_once(
    protocol: tuple[str, ...],
    standby_count: int,
    start_broker: Callable[..., Broker],
    start_instance: StartInstance,
    name: str,
) -> None:
    broker = start_broker(**QUICK)
    prepare(broker, name)
    set_standbys(broker, name, standby_count)
    one, other = (start_instance(broker, name, *protocol, *EXACTLY_ONCE) for _ in range(2))
    words = produce(broker, name, 400)
    counts = Counts(broker, name)
    counts.wait_for(words)
    wait_until(lambda: [4, 4] == [len(each.tasks()[0]) for each in (one, other)], timeout_s=30)
    if standby_count:
        stateful = {task for task in ALL_TASKS if task.startswith("1_")}
        wait_until(lambda: one.tasks()[1] == stateful & other.tasks()[0], timeout_s=20)
    wait_until(
        lambda: all(knows_stores_of(each, one, other) for each in (one, other)),
        timeout_s=30,
        what=lambda: f"{one.stores}; {other.stores}",
    )

    one.kill()
    words += produce(broker, name, 400)

    counts.wait_for(words)
    wait_until(lambda: (ALL_TASKS, set()) == other.tasks())
    other.close()
    assert ["RUNNING", "PENDING_SHUTDOWN", "NOT_RUNNING"] == other.states[-3:]


def test_an_application_of_the_classic_protocol_counts(
    start_broker: Callable[..., Broker], start_instance: StartInstance, name: str
) -> None:
    broker = start_broker(**QUICK)
    prepare(broker, name)
    instance = start_instance(broker, name, *CLASSIC)
    words = produce(broker, name, 400)

    counts = Counts(broker, name)
    counts.wait_for(words)
    wait_until(lambda: (ALL_TASKS, set()) == instance.tasks())


@pytest.mark.parametrize("protocol", [STREAMS, CLASSIC])
@pytest.mark.slow
@pytest.mark.timeout(300)
def test_an_application_outlives_kills_of_the_broker(
    protocol: tuple[str, ...], start_broker: Callable[..., Broker], start_instance: StartInstance, name: str
) -> None:
    broker = start_broker(**QUICK)
    prepare(broker, name)
    instance = start_instance(broker, name, *protocol, *EXACTLY_ONCE)
    counts = Counts(broker, name)
    words: Counter[str] = Counter()
    for _ in range(2):
        words += produce(broker, name, 400)
        counts.wait_for(words)
        broker.kill()
        broker.start()
        words += produce(broker, name, 400)

    counts.wait_for(words)
    wait_until(lambda: (ALL_TASKS, set()) == instance.tasks())
    told = topic_settings(broker, f"{name}-counts-changelog")
    assert ("compact", "CreateTime") == (told["cleanup.policy"], told["message.timestamp.type"])
