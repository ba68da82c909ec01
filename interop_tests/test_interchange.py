"""What one broker wrote, the other serves: data directories go both ways between pykbroker and Apache Kafka."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from confluent_kafka import Producer

from interop_tests.harness import KINDS, Broker, wait_until
from interop_tests.raw import create_topic
from interop_tests.reading import read
from interop_tests.streams_member import StreamsMember
from interop_tests.test_compaction import SETTINGS, produce
from interop_tests.tools import Java

CODECS = ["none", "gzip", "snappy", "lz4", "zstd"]
PAIRS = [(b"key %d" % number, b"value %d" % number * 20) for number in range(500)]


def fill(broker: Broker, topic: str) -> None:
    for codec in CODECS:
        produce(broker, topic, PAIRS, **{"compression.type": codec, "enable.idempotence": True})
    client = Producer({"bootstrap.servers": broker.address, "transactional.id": "tx", "log_level": 0})
    client.init_transactions()
    for value in (b"aborted", b"committed"):
        client.begin_transaction()
        client.produce(topic, value, b"key", partition=0)
        client.flush()
        if value == b"aborted":
            client.abort_transaction()
        else:
            client.commit_transaction()


@pytest.fixture
def kafka(tmp_path: Path, java: Java) -> Broker:  # without Java there is no Kafka
    return Broker(KINDS["kafka"], tmp_path / "kafka", log_segment_bytes=1 << 20)


@pytest.mark.only_pykbroker
def test_kafka_serves_what_pykbroker_wrote(start_broker: Callable[..., Broker], kafka: Broker) -> None:
    ours = start_broker(log_segment_bytes=1 << 20, **SETTINGS)
    create_topic(ours, "t", **{"segment.bytes": "1048576"})
    for _ in range(4):
        fill(ours, "t")
    written = {isolation: read(ours, "t", isolation) for isolation in ("read_committed", "read_uncommitted")}
    ours.terminate()
    try:
        create_topic(kafka.start(), "t")
        kafka.terminate()
        replace_log(ours.data_dir / "t-0", kafka.data_dir / "t-0")
        kafka.start()

        assert {isolation: read(kafka, "t", isolation) for isolation in written} == written
        # Not an idempotent one: this Kafka gives out producer ids that it finds in the log, from the one before.
        produce(kafka, "t", [(b"key", b"Kafka's own")])
        assert read(kafka, "t")[-1][2] == b"Kafka's own"
    finally:
        kafka.close()


def replace_log(source: Path, target: Path) -> None:
    """The topic's id there is the one that its controller knows."""
    topic_id = (target / "partition.metadata").read_bytes()
    shutil.rmtree(target)
    shutil.copytree(source, target)
    (target / "partition.metadata").write_bytes(topic_id)


@pytest.mark.only_pykbroker
def test_pykbroker_serves_what_kafka_wrote(kafka: Broker) -> None:
    try:
        create_topic(kafka.start(), "t", **{"segment.bytes": "1048576", "retention.ms": "-1"})
        for _ in range(4):
            fill(kafka, "t")
        written = {isolation: read(kafka, "t", isolation) for isolation in ("read_committed", "read_uncommitted")}
        kafka.terminate()
        ours = Broker(KINDS["pykbroker"], kafka.data_dir, node_id=1)
        try:
            ours.start()
            assert {isolation: read(ours, "t", isolation) for isolation in written} == written
            fill(ours, "t")
            assert len(read(ours, "t")) == len(written["read_uncommitted"]) + len(CODECS) * len(PAIRS) + 2
        finally:
            ours.close()
    finally:
        kafka.close()


@pytest.mark.only_pykbroker
def test_pykbroker_serves_what_a_killed_kafka_left(kafka: Broker) -> None:
    try:
        create_topic(kafka.start(), "t", **{"segment.bytes": "1048576"})
        fill(kafka, "t")
        written = read(kafka, "t")
        kafka.kill()
        ours = Broker(KINDS["pykbroker"], kafka.data_dir, node_id=1)
        try:
            assert read(ours.start(), "t") == written
        finally:
            ours.close()
    finally:
        kafka.close()


@pytest.mark.only_pykbroker
@pytest.mark.slow
def test_a_member_of_a_streams_group_stays_one_when_its_coordinator_is_another_broker(
    start_broker: Callable[..., Broker], kafka: Broker, tmp_path: Path
) -> None:
    """From Kafka to pykbroker, which takes its directory over; and from pykbroker's log of groups to Kafka."""
    ours = start_broker(**SETTINGS)
    taking_over = Broker(KINDS["pykbroker"], kafka.data_dir, node_id=1)
    try:
        for broker in (kafka.start(), ours):
            create_topic(broker, "t", partitions=2)
            create_topic(broker, "g-words-repartition", partitions=2)
            create_topic(broker, "g-counts-changelog", partitions=2, cleanup_policy="compact")
        members = {broker: StreamsMember(broker, "g", "t") for broker in (kafka, ours)}
        for each in members.values():
            wait_until(each.can_beat)
            wait_until(lambda each=each: each.can_beat() and bool(each.active))
        kafka.terminate()
        ours.terminate()
        logs = shutil.copytree(kafka.data_dir, tmp_path / "kafka-logs")

        members[kafka].go_to(taking_over.start())
        wait_until(members[kafka].can_beat)
        taking_over.terminate()

        shutil.rmtree(kafka.data_dir)
        shutil.move(logs, kafka.data_dir)
        for log in ours.data_dir.glob("__consumer_offsets-*"):
            replace_log(log, kafka.data_dir / log.name)
        members[ours].go_to(kafka.start())
        wait_until(members[ours].can_beat)
    finally:
        kafka.close()
        taking_over.close()
