"""Apache Kafka's own tools, of 4.3 and of 3.9: the Java clients, as their authors exercise them.

A JVM takes a second or more to start, so each test makes the most of the few that it has.
"""

from __future__ import annotations

import json
import re
import signal
import subprocess
import threading

from interop_tests.harness import Broker, clean_environment, wait_until
from interop_tests.raw import create_topic, next_offset
from interop_tests.tools import Java

TOOLS = "org.apache.kafka.tools"


def console_producer(java: Java) -> str:
    return f"{TOOLS}.ConsoleProducer" if java.version >= "4" else "kafka.tools.ConsoleProducer"


def test_the_console_consumer_prints_what_the_console_producer_took(each_java: Java, broker: Broker, name: str) -> None:
    create_topic(broker, name)
    lines = [f"key{i}\tvalue {i}" for i in range(100)]
    properties = ["--property", "parse.key=true", "--compression-codec", "zstd"]
    each_java.run(
        console_producer(each_java), "--bootstrap-server", broker.address, "--topic", name, *properties,
        stdin="\n".join(lines) + "\n",
    )  # fmt: skip

    told = each_java.run(
        f"{TOOLS}.consumer.ConsoleConsumer", "--bootstrap-server", broker.address, "--topic", name, "--group", name,
        "--from-beginning", "--max-messages", "100", "--property", "print.key=true", "--timeout-ms", "20000",
    )  # fmt: skip

    assert lines == [line for line in told.splitlines() if line.startswith("key")]


def test_the_verifiable_producer_and_consumer_agree(each_java: Java, broker: Broker, name: str) -> None:
    create_topic(broker, name, partitions=3)
    told = each_java.run(
        f"{TOOLS}.VerifiableProducer", "--bootstrap-server", broker.address, "--topic", name,
        "--max-messages", "5000", "--acks", "-1",
    )  # fmt: skip
    produced = [json.loads(line) for line in told.splitlines() if line.startswith("{")]
    acknowledged = [event for event in produced if event["name"] == "producer_send_success"]
    assert (5000, 0) == (len(acknowledged), sum(event["name"] == "producer_send_error" for event in produced))

    told = each_java.run(
        f"{TOOLS}.VerifiableConsumer", "--bootstrap-server", broker.address, "--topic", name, "--group-id", name,
        "--max-messages", "5000", "--reset-policy", "earliest", "--verbose",
    )  # fmt: skip

    consumed = [json.loads(line) for line in told.splitlines() if line.startswith("{")]
    records = {(e["partition"], e["offset"]): e["value"] for e in consumed if e["name"] == "record_data"}
    assert {(e["partition"], e["offset"]): e["value"] for e in acknowledged} == records
    committed = [event for event in consumed if event["name"] == "offsets_committed"]
    assert all(event["success"] for event in committed)
    ends = {partition: next_offset(broker, name, partition=partition) for partition in range(3)}
    last = {offset["partition"]: offset["offset"] for event in committed for offset in event["offsets"]}
    assert {partition: end for partition, end in ends.items() if end} == last


def test_the_performance_tools_measure(each_java: Java, broker: Broker, name: str) -> None:
    create_topic(broker, name, partitions=2)
    produced = each_java.run(
        f"{TOOLS}.ProducerPerformance", "--topic", name, "--num-records", "50000", "--record-size", "200",
        "--throughput", "-1", "--producer-props", f"bootstrap.servers={broker.address}", "acks=all",
        "compression.type=lz4",
    )  # fmt: skip
    consumed = each_java.run(
        f"{TOOLS}.ConsumerPerformance", "--bootstrap-server", broker.address, "--topic", name, "--group", name,
        "--messages", "50000", "--timeout", "20000", "--hide-header",
    )  # fmt: skip

    assert "50000 records sent" in produced
    assert int(re.findall(r"^\d{4}-.*", consumed, re.MULTILINE)[-1].split(",")[4]) >= 50_000


def test_two_java_members_share_a_group_and_hand_over(java: Java, broker: Broker, name: str) -> None:
    create_topic(broker, name, partitions=4)
    members = [start_member(java, broker, name) for _ in range(2)]
    try:
        wait_until(lambda: [2, 2] == sorted(len(assigned(member)) for member in members), timeout_s=30)
        members[0].process.send_signal(signal.SIGTERM)
        members[0].process.wait(20)
        wait_until(lambda: len(assigned(members[1])) == 4, timeout_s=30)
    finally:
        for member in members:
            member.close()


class Member:
    def __init__(self, command: list[str]) -> None:
        self.events: list[dict[str, object]] = []
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=clean_environment()
        )
        assert self.process.stdout is not None
        self._reader = iter(self.process.stdout.readline, "")
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        for line in self._reader:
            if line.startswith("{"):
                self.events.append(json.loads(line))

    def close(self) -> None:
        self.process.kill()
        self.process.wait()


def start_member(java: Java, broker: Broker, name: str) -> Member:
    return Member(
        java.command(
            f"{TOOLS}.VerifiableConsumer", "--bootstrap-server", broker.address, "--topic", name, "--group-id", name,
            "--assignment-strategy", "org.apache.kafka.clients.consumer.CooperativeStickyAssignor",
        )
    )  # fmt: skip


def assigned(member: Member) -> set[int]:
    """Cooperative members are told of what is added and of what is taken away."""
    partitions: set[int] = set()
    for event in list(member.events):
        if event["name"] in ("partitions_assigned", "partitions_revoked"):
            told = {partition["partition"] for partition in event["partitions"]}
            partitions = partitions | told if event["name"] == "partitions_assigned" else partitions - told
    return partitions


def test_the_command_line_administers_topics_and_groups(java: Java, broker: Broker, name: str) -> None:
    at = ["--bootstrap-server", broker.address]
    java.run(f"{TOOLS}.TopicCommand", *at, "--create", "--topic", name, "--partitions", "3")
    described = java.run(f"{TOOLS}.TopicCommand", *at, "--describe", "--topic", name)
    group = java.run(f"{TOOLS}.consumer.group.ConsumerGroupCommand", *at, "--list")

    assert re.search(rf"Topic: {name}\s+TopicId: \S+\s+PartitionCount: 3\s+ReplicationFactor: 1", described)
    assert len(re.findall(r"Partition: \d\s+Leader: (\d+)\s+Replicas: \1\s+Isr: \1", described)) == 3
    assert "Exception" not in group
