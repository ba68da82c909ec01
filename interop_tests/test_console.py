"""Our own commands, on whatever broker: what they do and what they print."""

from __future__ import annotations

import contextlib
import io
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.structs import OffsetAndMetadata

from interop_tests.harness import Broker, clean_environment, free_port, wait_until
from pykbroker.cli import main


def run(broker: Broker, *arguments: str) -> tuple[int, str]:
    """Exit status, and what was printed. In this process, for there are many; `ping` is run as a process."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        try:
            status = main([*arguments, "--bootstrap-server", broker.address], {})
        except SystemExit as ended:
            status = int(ended.code or 0)
    return status, printed.getvalue()


def told(broker: Broker, *arguments: str) -> Any:
    status, printed = run(broker, *arguments, "--json")
    assert 0 == status, printed
    return json.loads(printed)


def partition_count(broker: Broker, topic: str) -> int:
    return sum(
        len(each["partitions"]) for each in told(broker, "topics", "--describe", "--topic", topic, "--if-exists")
    )


def test_topics_are_created_described_altered_and_deleted(broker: Broker, name: str) -> None:
    create = ["topics", "--create", "--topic", name, "--partitions", "2", "--config", "retention.ms=60000"]
    assert (0, f"Created topic {name}.\n") == run(broker, *create)
    wait_until(lambda: partition_count(broker, name) == 2)
    assert (1, f"pykbroker: cannot create topic {name}: Topic '{name}' already exists.\n") == run(broker, *create)
    assert (0, "") == run(broker, *create, "--if-not-exists")
    assert (0, "") == run(broker, "topics", "--alter", "--topic", name, "--partitions", "3")
    wait_until(lambda: partition_count(broker, name) == 3)

    [topic] = told(broker, "topics", "--describe", "--topic", name)
    assert (1, "60000") == (topic["replication_factor"], topic["configs"]["retention.ms"])
    assert {"partition": 0, "leader": 1, "replicas": [1], "isr": [1]} == topic["partitions"][0]
    assert [topic] == told(broker, "topics", "--describe", "--topic-id", topic["topic_id"])
    assert {"topic": name} in told(broker, "topics", "--list")
    assert (0, "") == run(broker, "topics", "--delete", "--topic", name)
    wait_until(lambda: {"topic": name} not in told(broker, "topics", "--list"))
    missing = f"pykbroker: Topic '{name}' does not exist as expected\n"
    assert (1, missing) == run(broker, "topics", "--delete", "--topic", name)


def test_partitions_are_described_by_how_they_are(broker: Broker, name: str) -> None:
    described = ["topics", "--describe", "--topic", f"{name}.*"]
    run(broker, "topics", "--create", "--topic", f"{name}-a", "--replica-assignment", "1,1")
    run(broker, "topics", "--create", "--topic", f"{name}-b", "--config", "min.insync.replicas=2")
    wait_until(lambda: {2, 1} == {len(each["partitions"]) for each in told(broker, *described)})

    def of(*filters: str) -> list[str]:
        return [topic["topic"] for topic in told(broker, *described, *filters)]

    assert [f"{name}-a", f"{name}-b"] == of()
    assert [f"{name}-a"] == of("--at-min-isr-partitions")
    assert [f"{name}-b"] == of("--under-min-isr-partitions")
    assert [] == of("--unavailable-partitions") == of("--under-replicated-partitions")
    assert f"{name}-b" in of("--topics-with-overrides")
    assert (0, "") == run(broker, *described, "--unavailable-partitions")


def test_settings_are_shown_and_changed(broker: Broker, name: str, tmp_path: Path) -> None:
    run(broker, "topics", "--create", "--topic", name)
    file = tmp_path / "topic.properties"
    file.write_text("segment.ms = 70000\n")
    change = ["--add-config", "retention.ms=60000,cleanup.policy=[compact,delete]", "--add-config-file", str(file)]
    altered = f"Altered topics {name}.\n"
    assert (0, altered) == run(broker, "configs", "--alter", "--topic", name, *change)
    assert (0, altered) == run(broker, "configs", "--alter", "--topic", name, "--delete-config", "retention.ms")

    def own(*entity: str) -> dict[str, str]:
        described = told(broker, "configs", "--describe", *entity)
        return {each["name"]: each["value"] for each in described if each["source"] == "topic"}

    long = ["--entity-type", "topics", "--entity-name", name]
    wait_until(lambda: {"cleanup.policy": "compact,delete", "segment.ms": "70000"}.items() <= own(*long).items())
    assert "retention.ms" not in own("--topic", name)
    refused = run(broker, "configs", "--alter", *long, "--add-config", "no.such=1")
    assert (1, f"pykbroker: cannot alter topics {name}: Unknown topic config name: no.such\n") == refused
    assert 2 == run(broker, "configs", "--alter", *long, "--add-config", "cleanup.policy=compact,delete")[0]


def test_settings_of_brokers_groups_and_metrics(broker: Broker, name: str) -> None:
    for entity, setting, value in (
        (["--broker-defaults"], "log.cleaner.threads", "2"),
        (["--broker", "1"], "log.cleaner.threads", "2"),
        (["--group", name], "consumer.session.timeout.ms", "50000"),
        (["--client-metrics", name], "interval.ms", "30000"),
        (["--broker-logger", "1"], "root", "INFO"),
    ):
        status, printed = run(broker, "configs", "--alter", *entity, "--add-config", f"{setting}={value}")
        assert 0 == status, printed

        def found(entity: list[str] = entity, setting: str = setting) -> list[str]:
            described = told(broker, "configs", "--describe", *entity)
            return [each["value"] for each in described if each["name"] == setting]

        wait_until(lambda value=value: [value] == found())
        if entity[0] != "--broker-logger":
            run(broker, "configs", "--alter", *entity, "--delete-config", setting)
    assert (1, "pykbroker: there is no broker 77\n") == run(broker, "configs", "--describe", "--broker", "77")


def test_quotas_and_credentials(broker: Broker, name: str) -> None:
    password = "SCRAM-SHA-256=[iterations=8192,password=secret]"
    alter, describe = ["configs", "--alter"], ["configs", "--describe"]
    for words in (
        ["--user", name, "--add-config", f"producer_byte_rate=1000,{password}"],
        ["--user", name, "--client-defaults", "--add-config", "request_percentage=50.5"],
        ["--entity-type", "clients", "--entity-name", name, "--add-config", "consumer_byte_rate=2000"],
        ["--ip", "10.0.0.9", "--add-config", "connection_creation_rate=5"],
    ):
        status, printed = run(broker, *alter, *words)
        assert 0 == status, printed

    def found(*entity: str) -> list[tuple[str, str, str]]:
        described = told(broker, *describe, *entity)
        return [(each["entity_name"], each["name"], each["value"]) for each in described]

    of_user = [(name, "producer_byte_rate", "1000"), (name, "SCRAM-SHA-256", "iterations=8192")]
    wait_until(lambda: of_user == found("--user", name))
    wait_until(
        lambda: [(f"{name},<default>", "request_percentage", "50.5")] == found("--user", name, "--client-defaults")
    )
    wait_until(lambda: (name, "consumer_byte_rate", "2000") in found("--entity-type", "clients"))
    wait_until(lambda: ("10.0.0.9", "connection_creation_rate", "5") in found("--entity-type", "ips"))
    run(broker, *alter, "--user", name, "--delete-config", "producer_byte_rate,SCRAM-SHA-256")
    wait_until(lambda: [] == found("--user", name))
    assert 2 == run(broker, *alter, "--user", name, "--add-config", "producer_byte_rate=much")[0]
    for words in (
        ["--user", name, "--client-defaults", "--delete-config", "request_percentage"],
        ["--client", name, "--delete-config", "consumer_byte_rate"],
        ["--ip", "10.0.0.9", "--delete-config", "connection_creation_rate"],
    ):
        assert 0 == run(broker, *alter, *words)[0]


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


def test_offsets_are_reset_in_all_ways(broker: Broker, name: str, tmp_path: Path) -> None:
    run(broker, "topics", "--create", "--topic", name, "--partitions", "2")
    with KafkaProducer(bootstrap_servers=broker.address) as producer:
        for number in range(20):
            producer.send(name, b"x", partition=number % 2, timestamp_ms=1000 + number // 2)
    with KafkaConsumer(bootstrap_servers=broker.address, group_id=name) as consumer:
        consumer.commit({TopicPartition(name, index): OffsetAndMetadata(3 + index, "", -1) for index in range(2)})
    group = ["groups", "--reset-offsets", "--group", name]

    def reset(*way: str) -> dict[int, int]:
        return {each["partition"]: each["new_offset"] for each in told(broker, *group, *way)}

    def committed() -> dict[int, int]:
        described = told(broker, "groups", "--describe", "--group", name)
        return {each["partition"]: each["current_offset"] for each in described}

    both = ["--topic", name]
    assert {0: 0, 1: 0} == reset(*both, "--to-earliest", "--dry-run")
    assert {0: 3, 1: 4} == committed() == reset("--all-topics", "--to-current", "--execute")
    for expected, way in (
        ({0: 5, 1: 6}, ["--all-topics", "--shift-by", "2"]),
        ({0: 1, 1: 2}, ["--all-topics", "--shift-by", "-4"]),
        ({0: 10, 1: 10}, [*both, "--to-latest"]),
        ({0: 0, 1: 0}, [*both, "--to-earliest"]),
        ({0: 7, 1: 7}, [*both, "--to-offset", "7"]),
        ({0: 4, 1: 4}, [*both, "--to-datetime", "1970-01-01T00:00:01.004"]),
        ({0: 10, 1: 10}, [*both, "--by-duration", "PT1H"]),
    ):
        assert expected == reset(*way, "--execute") == committed(), way
    assert {1: 2} == reset("--topic", f"{name}:1", "--to-offset", "2", "--execute")

    status, exported = run(broker, *group, "--all-topics", "--shift-by", "-1", "--dry-run", "--export")
    assert (0, f"{name},0,9\n{name},1,1\n") == (status, exported)
    file = tmp_path / "offsets.csv"
    file.write_text(exported)
    assert {0: 9, 1: 1} == reset("--from-file", str(file), "--execute") == committed()

    assert (0, 10) == (run(broker, *group, *both, "--to-offset", "99", "--execute")[0], committed()[0])
    for status, words in ((2, both), (2, ["--to-latest"]), (1, ["--topic", f"{name}:7", "--to-latest"])):
        assert status == run(broker, *group, *words)[0]
    deleted = told(broker, "groups", "--delete-offsets", "--group", name, "--topic", f"{name}:0")
    assert [{"topic": name, "partition": 0, "status": "deleted"}] == deleted
    assert {1: 10} == committed()


@pytest.mark.parametrize("protocol", ["classic", "consumer"])
def test_members_of_groups_are_described(broker: Broker, name: str, protocol: str) -> None:
    run(broker, "topics", "--create", "--topic", name, "--partitions", "2")
    settings = {"bootstrap.servers": broker.address, "group.id": name, "client.id": "me", "group.protocol": protocol}
    consumer = Consumer(settings)
    try:
        consumer.subscribe([name])
        wait_until(lambda: consumer.poll(0.1) or len(consumer.assignment()) == 2, timeout_s=30)
        describe = ["groups", "--describe", "--group", name]
        [member] = told(broker, *describe, "--members", "--verbose")
        [state] = told(broker, *describe, "--state", "--verbose")
        offsets = told(broker, *describe)
        refused = run(broker, "groups", "--reset-offsets", "--group", name, "--topic", name, "--to-latest", "--execute")
    finally:
        consumer.close()

    assert ("me", 2, [f"{name}(0,1)"]) == (member["client_id"], member["partitions"], member["assignment"])
    assert ("Stable", 1, broker.address) == (state["state"], state["members"], state["coordinator"])
    assert [(0, "me", None), (1, "me", None)] == [
        (o["partition"], o["client_id"], o["current_offset"]) for o in offsets
    ]
    assert 1 == refused[0]
    assert "can be reset when nobody is in it, and it is Stable" in refused[1]


def test_records_are_deleted_before_an_offset(broker: Broker, name: str, tmp_path: Path) -> None:
    run(broker, "topics", "--create", "--topic", name, "--partitions", "3")
    with KafkaProducer(bootstrap_servers=broker.address) as producer:
        for _ in range(5):
            producer.send(name, b"x", partition=0)
    file = tmp_path / "offsets.json"
    file.write_text(json.dumps({"partitions": [{"topic": name, "partition": 0, "offset": 3}], "version": 1}))
    delete = ["offsets", "--delete-records", "--offset-json-file", str(file)]
    assert [{"topic": name, "partition": 0, "low_watermark": 3, "error": None}] == told(broker, *delete)

    some = told(broker, "offsets", "--topic-partitions", f"{name}:0,{name}:2-", "--time", "earliest")
    assert [(0, 3), (2, 0)] == [(each["partition"], each["offset"]) for each in some]
    assert [1] == [each["partition"] for each in told(broker, "offsets", "--topic", name, "--partitions", "1-2")]
    file.write_text(json.dumps({"partitions": [{"topic": name, "partition": 0, "offset": 99}]}))
    assert 1 == run(broker, *delete)[0]
    file.write_text("not json")
    assert 2 == run(broker, *delete)[0]


def test_ping_says_when_a_broker_answers_and_when_none_does(broker: Broker) -> None:
    command = [sys.executable, "-P", "-m", "pykbroker", "ping", "--bootstrap-server"]
    done = subprocess.run(
        [*command, broker.address], capture_output=True, text=True, env=clean_environment(), check=True, timeout=30
    )
    assert f"{broker.address} is ready" in done.stdout

    started = time.monotonic()
    nobody = f"127.0.0.1:{free_port()}"
    command += [nobody, "--timeout", "0.5"]
    done = subprocess.run(command, capture_output=True, text=True, env=clean_environment(), check=False, timeout=30)
    assert (1, f"pykbroker: cannot connect to {nobody}: Connection refused\n") == (done.returncode, done.stderr)
    assert 0.5 < time.monotonic() - started < 10
