"""Our own commands, on whatever broker: what they do and what they print."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from typing import Any

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.structs import OffsetAndMetadata

from interop_tests.harness import Broker, clean_environment, free_port, wait_until


def run(broker: Broker, *arguments: str) -> tuple[int, str]:
    """Exit status, and what was printed."""
    command = [sys.executable, "-P", "-m", "pykbroker", *arguments, "--bootstrap-server", broker.address]
    done = subprocess.run(
        command, text=True, timeout=30, env=clean_environment(), check=False,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    return done.returncode, done.stdout


def told(broker: Broker, *arguments: str) -> Any:
    status, printed = run(broker, *arguments, "--json")
    assert 0 == status, printed
    return json.loads(printed)


def test_topics_are_created_described_altered_and_deleted(broker: Broker, name: str) -> None:
    create = ["topics", "--create", "--topic", name, "--partitions", "2", "--config", "retention.ms=60000"]
    assert (0, f"Created topic {name}.\n") == run(broker, *create)
    wait_until(lambda: len(told(broker, "topics", "--describe", "--topic", name)) == 2)
    assert (1, f"pykbroker: cannot create topic {name}: Topic '{name}' already exists.\n") == run(broker, *create)
    assert (0, "") == run(broker, *create, "--if-not-exists")
    assert (0, "") == run(broker, "topics", "--alter", "--topic", name, "--partitions", "3")
    wait_until(lambda: len(told(broker, "topics", "--describe", "--topic", name)) == 3)

    [first, *_] = told(broker, "topics", "--describe", "--topic", name)
    assert {"topic": name, "partition": 0, "leader": 1, "replicas": [1], "isr": [1]} == first
    assert {"topic": name} in told(broker, "topics", "--list")
    assert (0, "") == run(broker, "topics", "--delete", "--topic", name)
    wait_until(lambda: {"topic": name} not in told(broker, "topics", "--list"))
    missing = f"pykbroker: Topic '{name}' does not exist as expected\n"
    assert (1, missing) == run(broker, "topics", "--delete", "--topic", name)


def test_settings_are_shown_and_changed(broker: Broker, name: str) -> None:
    run(broker, "topics", "--create", "--topic", name)
    entity = ["--entity-type", "topics", "--entity-name", name]
    change = ["--add-config", "retention.ms=60000", "--add-config", "cleanup.policy=compact,delete"]
    assert (0, "") == run(broker, "configs", "--alter", *entity, *change)
    assert (0, "") == run(broker, "configs", "--alter", *entity, "--delete-config", "retention.ms")

    expected = [{"name": "cleanup.policy", "value": "compact,delete", "source": "topic"}]
    wait_until(
        lambda: (
            expected == [each for each in told(broker, "configs", "--describe", *entity) if each["source"] == "topic"]
        )
    )
    refused = run(broker, "configs", "--alter", *entity, "--add-config", "no.such=1")
    assert (1, f"pykbroker: cannot alter topics {name}: Unknown topic config name: no.such\n") == refused


def test_offsets_and_groups_are_shown(broker: Broker, name: str) -> None:
    run(broker, "topics", "--create", "--topic", name)
    with KafkaProducer(bootstrap_servers=broker.address) as producer:
        for _ in range(5):
            producer.send(name, b"x", partition=0)
    with KafkaConsumer(bootstrap_servers=broker.address, group_id=name) as consumer:
        consumer.commit({TopicPartition(name, 0): OffsetAndMetadata(3, "", -1)})

    assert [{"topic": name, "partition": 0, "offset": 5}] == told(broker, "offsets", "--topic", name)
    assert [{"topic": name, "partition": 0, "offset": 0}] == told(
        broker, "offsets", "--topic", name, "--time", "earliest"
    )
    [group] = told(broker, "groups", "--describe", "--group", name)
    assert (3, 5, 2) == (group["current_offset"], group["log_end_offset"], group["lag"])
    assert "Empty" == next(each["state"] for each in told(broker, "groups", "--list") if each["group"] == name)
    assert (0, "") == run(broker, "groups", "--delete", "--group", name)
    assert 1 == run(broker, "groups", "--delete", "--group", name)[0]


def test_ping_says_when_a_broker_answers_and_when_none_does(broker: Broker) -> None:
    status, printed = run(broker, "ping")
    assert 0 == status
    assert f"{broker.address} is ready" in printed

    started = time.monotonic()
    nobody = f"127.0.0.1:{free_port()}"
    command = [sys.executable, "-P", "-m", "pykbroker", "ping", "--bootstrap-server", nobody, "--timeout", "0.5"]
    done = subprocess.run(command, capture_output=True, text=True, env=clean_environment(), check=False, timeout=30)
    assert (1, f"pykbroker: cannot connect to {nobody}: Connection refused\n") == (done.returncode, done.stderr)
    assert 0.5 < time.monotonic() - started < 10
