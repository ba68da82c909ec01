"""Apache Kafka's own tools and its Java producer, about transactions; and what Kafka reads in the files they leave."""

from __future__ import annotations

import random
import re
import shutil
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from interop_tests.harness import KINDS, Broker, clean_environment, in_background, wait_until
from interop_tests.raw import create_topic
from interop_tests.test_transactions import Confluent, read, read_with_confluent
from interop_tests.test_transactions_protocol import Session
from interop_tests.tools import Java

TOOLS = "org.apache.kafka.tools"
COUNT = 300


def transactions(java: Java, broker: Broker, *arguments: str) -> str:
    return java.run(f"{TOOLS}.TransactionsCommand", "--bootstrap-server", broker.address, *arguments)


def test_the_copier_copies_in_transactions(each_java: Java, broker: Broker, name: str) -> None:
    """Consume, produce and commit offsets, a third of the transactions aborted and done again, in the Java client."""
    create_topic(broker, f"{name}-in", partitions=1)
    create_topic(broker, f"{name}-out", partitions=2)
    producer = Confluent(broker, name)
    producer.begin()
    for number in range(COUNT):
        producer.send(f"{name}-in", 0, b"%d" % number)
    producer.commit()

    told = each_java.run(
        f"{TOOLS}.TransactionalMessageCopier", "--broker-list", broker.address, "--transactional-id", f"{name}-copier",
        "--consumer-group", name, "--input-topic", f"{name}-in", "--input-partition", "0",
        "--output-topic", f"{name}-out", "--max-messages", str(COUNT), "--transaction-size", "20",
        "--enable-random-aborts",
    )  # fmt: skip

    assert '"remaining":"0"' in told.replace(" ", "").replace(":0", ':"0"')
    copied = read(broker, f"{name}-out")
    assert list(range(COUNT)) == sorted(int(value) for values in copied.values() for value in values)


def test_the_command_shows_and_aborts_transactions(java: Java, broker: Broker, name: str) -> None:
    session = Session(broker, name)
    producer_id, epoch = producer = session.start()
    session.add(producer, 0)
    session.produce(producer, 0)

    listed = transactions(java, broker, "list")
    described = transactions(java, broker, "describe", "--transactional-id", name)
    producers = transactions(java, broker, "describe-producers", "--topic", name, "--partition", "0")
    aborted = transactions(
        java, broker, "abort", "--topic", name, "--partition", "0", "--start-offset", "0"
    )  # fmt: skip

    assert re.search(rf"{name}\s+\d+\s+{producer_id}\s+Ongoing", listed), listed
    assert re.search(rf"{name}\s+{producer_id}\s+{epoch}\s+Ongoing\s+60000.*{name}-0", described), described
    assert re.search(rf"{producer_id}\s+{epoch}\s+-1\s+0\s+\d+\s+0", producers), producers
    assert "rror" not in aborted, aborted
    assert (2, 2) == (session.latest(0), session.latest(1))


def filled(start_broker: Callable[..., Broker], name: str) -> Broker:
    """A broker with a committed, an aborted and an open transaction, stopped."""
    broker = start_broker(log_segment_bytes=1 << 20)
    create_topic(broker, name, partitions=1)
    for number, ends in enumerate(["commit", "abort", None]):
        producer = Confluent(broker, f"{name}-{number}")
        producer.begin()
        for _ in range(5):
            producer.send(name, 0, ends.encode() if ends else b"open")
        producer.flush()
        if ends == "commit":
            producer.commit()
        elif ends == "abort":
            producer.abort()
        else:
            broker.terminate()
    return broker


def test_kafka_reads_indexes_snapshots_and_state(java: Java, start_broker: Callable[..., Broker], name: str) -> None:
    broker = filled(start_broker, name)
    directory = broker.data_dir / f"{name}-0"
    (snapshot,) = sorted(directory.glob("*.snapshot"))[-1:]

    index = java.run(f"{TOOLS}.DumpLogSegments", "--files", str(directory / f"{0:020}.txnindex"))
    producers = java.run(f"{TOOLS}.DumpLogSegments", "--files", str(snapshot))
    state = "".join(
        java.run(f"{TOOLS}.DumpLogSegments", "--transaction-log-decoder", "--files", str(file))
        for file in sorted(broker.data_dir.glob("__transaction_state-*/*.log"))
        if file.stat().st_size
    )

    assert re.search(r"producerId: \d+ firstOffset: 6 lastOffset: 11 lastStableOffset: 12", index), index
    assert re.search(r"producerId: \d+ producerEpoch: 0 .*currentTxnFirstOffset: \D*12", producers), producers
    assert 3 == len(re.findall(r"producerId: \d+ ", producers)), producers
    decoded = re.findall(r'"transactionalId":"[^"]*(\d)"}} payload: .*"transactionStatus":(\d)', state)
    empty, ongoing, commit, abort, committed, aborted = "012345"
    assert [("0", each) for each in (empty, ongoing, commit, committed)] == [d for d in decoded if d[0] == "0"]
    assert [("1", each) for each in (empty, ongoing, abort, aborted)] == [d for d in decoded if d[0] == "1"]
    assert [("2", each) for each in (empty, ongoing)] == [d for d in decoded if d[0] == "2"]


@pytest.mark.only_pykbroker
def test_kafka_serves_what_we_wrote_to_readers_of_committed_records(
    java: Java, start_broker: Callable[..., Broker], name: str, tmp_path: Path
) -> None:
    """From our segments, indexes and snapshot, in the place of its own: it takes them after a clean stop."""
    ours = filled(start_broker, name)
    kafka = Broker(KINDS["kafka"], tmp_path / "kafka")
    try:
        create_topic(kafka.start(), name)
        kafka.terminate()
        directory = kafka.data_dir / f"{name}-0"
        for file in directory.iterdir():
            if file.name != "partition.metadata":
                file.unlink()
        for file in (ours.data_dir / f"{name}-0").iterdir():
            if file.name != "partition.metadata":
                shutil.copy(file, directory)

        kafka.start()

        assert {0: [b"commit"] * 5} == read(kafka, name, 1)
        assert {0: [b"commit"] * 5 + [b"abort"] * 5 + [b"open"] * 5} == read(kafka, name, 1, "read_uncommitted")
    finally:
        kafka.close()


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    "kills", [pytest.param(3, id="3 kills"), pytest.param(20, id="20 kills", marks=pytest.mark.slow)]
)
def test_the_copier_copies_each_message_once_over_kills(
    java: Java, start_broker: Callable[..., Broker], name: str, kills: int
) -> None:
    """The Java client in transaction version 2, in a process that is started again when it gives up."""
    count = 2_000 * kills
    broker = start_broker()
    create_topic(broker, f"{name}-in", partitions=1)
    create_topic(broker, f"{name}-out", partitions=2)
    producer = Confluent(broker, name)
    producer.begin()
    for number in range(count):
        producer.send(f"{name}-in", 0, b"%d" % number)
    producer.commit()
    command = java.command(
        f"{TOOLS}.TransactionalMessageCopier", "--broker-list", broker.address, "--transactional-id", f"{name}-copier",
        "--consumer-group", name, "--input-topic", f"{name}-in", "--input-partition", "0",
        "--output-topic", f"{name}-out", "--transaction-size", "5", "--transaction-timeout", "20000",
    )  # fmt: skip

    def copied() -> int:
        found = read_with_confluent(broker, f"{name}-out", 2, "read_committed")
        return sum(map(len, found.values()))

    def keep_copying(stop: threading.Event) -> None:
        while not stop.is_set():
            process = subprocess.Popen(
                command, env=clean_environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            while process.poll() is None and not stop.wait(0.05):
                pass
            process.kill()
            process.wait()

    moments = random.Random(kills)
    with in_background(keep_copying):
        wait_until(lambda: copied() > 0, timeout_s=60, what="the first copies")
        for _ in range(kills):
            time.sleep(moments.uniform(0.1, 1.5))
            broker.kill()
            broker.start()
        wait_until(lambda: copied() >= count, timeout_s=300, what=lambda: f"{count} copies, there are {copied()}")

    found = read(broker, f"{name}-out")
    assert list(range(count)) == sorted(int(value) for values in found.values() for value in values)
