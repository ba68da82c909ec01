"""`serve --read-only`: real clients on a directory that is only read, Apache Kafka's or ours, closed or killed."""

from __future__ import annotations

import contextlib
import hashlib
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic
from kafka import KafkaConsumer, KafkaProducer
from kafka import TopicPartition as KafkaTopicPartition
from kafka.errors import PolicyViolationError

from interop_tests.harness import ROOT, Broker, Kind
from interop_tests.raw import Connection, batch, create_topic, produce_request
from interop_tests.reading import read

pytestmark = pytest.mark.only_pykbroker


def state(directory: Path) -> dict[str, tuple[int, int, str]]:
    """Of every file and directory: when it was changed, its mode, what is in it."""
    found = {}
    for path in (directory, *directory.rglob("*")):
        content = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
        found[str(path)] = path.stat().st_mtime_ns, path.stat().st_mode, content
    return found


@contextlib.contextmanager
def served(kind: Kind, directory: Path, scratch: Path) -> Iterator[Broker]:
    """The directory lies on a file system that cannot be written to, where we may make one."""
    mounted = subprocess.run(["mount", "-o", "bind,ro", directory, directory], check=False, stderr=subprocess.DEVNULL)
    broker = ReadOnly(kind, directory)
    broker.log_path = scratch / "read-only.log"
    try:
        yield broker.start()
        assert broker.terminate() == 0
    finally:
        broker.close()
        if mounted.returncode == 0:
            subprocess.run(["umount", "-l", directory], check=True)


class ReadOnly(Broker):
    @property
    def command(self) -> list[str]:
        return [*self.kind.command, "--listen", self.address, "--read-only", str(self.data_dir)]


@pytest.fixture
def kafka(tmp_path: Path) -> Path:
    return Path(shutil.copytree(ROOT / "tests" / "data" / "kafka-4.3", tmp_path / "kafka"))


@pytest.fixture
def killed(start_broker: Callable[..., Broker]) -> Path:
    """What a broker of ours leaves that was killed: topic t, whose last batch is torn, and a commit of group g."""
    broker = start_broker()
    create_topic(broker, "t")
    with Connection(broker) as connection:
        for number in range(100):
            connection.ask(produce_request("t", batch([b"%d" % number])), 9)
    reader = Consumer({"bootstrap.servers": broker.address, "group.id": "g", "log_level": 0})
    reader.commit(offsets=[TopicPartition("t", 0, 30)], asynchronous=False)
    reader.close()
    broker.kill()
    with (broker.data_dir / "t-0" / f"{0:020}.log").open("ab") as log:
        log.write(batch([b"torn"])[:-1])
    return broker.data_dir


def consume(broker: Broker, group: str, topic: str, count: int) -> list[bytes | None]:
    reader = Consumer(
        {"bootstrap.servers": broker.address, "group.id": group, "auto.offset.reset": "earliest", "log_level": 0}
    )
    reader.subscribe([topic])
    found: list[bytes | None] = []
    try:
        while len(found) < count:
            message = reader.poll(20)
            assert message is not None
            assert message.error() is None
            found.append(message.value())
        reader.commit(asynchronous=False)
        return found
    finally:
        reader.close()


def test_a_directory_of_kafkas_is_read_alone_and_in_groups(kind: Kind, kafka: Path, tmp_path: Path) -> None:
    before = state(kafka)

    with served(kind, kafka, tmp_path) as broker:
        assert len(read(broker, "orders", partition=1)) == 60
        assert len(consume(broker, "new", "orders", 101)) == 101
        consumer = KafkaConsumer(bootstrap_servers=broker.address, group_id="readers")
        assert [7, 10] == [consumer.committed(KafkaTopicPartition("orders", index)) for index in range(2)]
        consumer.close()
        admin = AdminClient({"bootstrap.servers": broker.address, "log_level": 0})
        groups = {each.group_id for each in admin.list_consumer_groups().result(20).valid}
        assert groups >= {"readers", "new"}
        [described] = [admin.describe_consumer_groups(["readers"])["readers"].result(20)]
        assert described.group_id == "readers"

    assert state(kafka) == before
    with served(kind, kafka, tmp_path) as broker:
        admin = AdminClient({"bootstrap.servers": broker.address, "log_level": 0})
        assert {"readers"} == {each.group_id for each in admin.list_consumer_groups().result(20).valid}


def test_a_directory_of_ours_is_recovered_in_memory(kind: Kind, killed: Path, tmp_path: Path) -> None:
    before = state(killed)

    with served(kind, killed, tmp_path) as broker:
        assert [value for _, _, value in read(broker, "t")] == [b"%d" % number for number in range(100)]
        assert consume(broker, "g", "t", 70)[0] == b"30"
        assert consume(broker, "other", "t", 100)[0] == b"0"

    assert state(killed) == before
    again = Broker(kind, killed).start()
    try:
        assert consume(again, "g", "t", 70)[0] == b"30"
    finally:
        again.close()


def test_what_would_write_is_refused_at_once(kind: Kind, kafka: Path, tmp_path: Path) -> None:
    before = state(kafka)

    with served(kind, kafka, tmp_path) as broker:
        for is_idempotent in (False, True):
            told: list[str] = []
            producer = Producer(
                {"bootstrap.servers": broker.address, "enable.idempotence": is_idempotent, "log_level": 0}
            )
            producer.produce("orders", b"x", on_delivery=lambda error, _message: told.append(error.name()))  # noqa: B023
            assert producer.flush(10) == 0
            assert told == ["POLICY_VIOLATION"]
            with (
                KafkaProducer(bootstrap_servers=broker.address, enable_idempotence=is_idempotent) as other,
                pytest.raises(PolicyViolationError, match="read-only"),
            ):
                other.send("orders", b"x").get(10)
        transactional = Producer({"bootstrap.servers": broker.address, "transactional.id": "x", "log_level": 0})
        with pytest.raises(KafkaException, match="TRANSACTIONAL_ID_AUTHORIZATION_FAILED"):
            transactional.init_transactions(10)
        admin = AdminClient({"bootstrap.servers": broker.address, "log_level": 0})
        with pytest.raises(KafkaException, match="read-only"):
            admin.create_topics([NewTopic("new", 1, 1)])["new"].result(10)
        with pytest.raises(KafkaException, match="POLICY_VIOLATION"):
            admin.delete_topics(["orders"])["orders"].result(10)

    assert state(kafka) == before


def test_nobody_reads_what_a_broker_is_writing(kind: Kind, start_broker: Callable[..., Broker], tmp_path: Path) -> None:
    running = start_broker()
    command = ReadOnly(kind, running.data_dir).command

    ended = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False, cwd=tmp_path)

    assert (1, "") == (ended.returncode, ended.stdout)
    assert "another process is writing to" in ended.stderr.splitlines()[-1]
