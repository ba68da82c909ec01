"""Why did it rebalance? Real consumers die, leave, are too slow, find new topics; `pykbroker explain` says so."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from confluent_kafka import Consumer, Producer
from kafka import KafkaConsumer

from interop_tests.harness import Broker, clean_environment, in_background, wait_until
from interop_tests.raw import create_topic
from interop_tests.tools import Java

pytestmark = pytest.mark.only_pykbroker

CONSUME = """
import sys
from confluent_kafka import Consumer
consumer = Consumer(dict(pair.split("=", 1) for pair in sys.argv[2:]))
consumer.subscribe([sys.argv[1]])
while True:
    consumer.poll(0.1)
"""
QUICK: dict[str, Any] = {"session.timeout.ms": 1000, "heartbeat.interval.ms": 100, "max.poll.interval.ms": 60_000}


@pytest.fixture(scope="module")
def broker(kind: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    started = Broker(
        kind,
        tmp_path_factory.mktemp("explain") / "data",
        group_min_session_timeout_ms=500,
        group_consumer_min_session_timeout_ms=500,
        group_consumer_session_timeout_ms=1000,
        group_consumer_min_heartbeat_interval_ms=100,
        group_consumer_heartbeat_interval_ms=100,
    )
    try:
        yield started.start()
    finally:
        started.close()


@pytest.fixture(params=["classic", "consumer"])
def protocol(request: pytest.FixtureRequest) -> dict[str, Any]:
    """The settings of a client that speaks it."""
    if request.param == "consumer":
        return {"group.protocol": "consumer"}
    return {"group.protocol": "classic", **QUICK}


def explain(broker: Broker, group: str, *options: str) -> str:
    command = [sys.executable, "-P", "-m", "pykbroker", "explain", "group", group, "--bootstrap-server", broker.address]
    done = subprocess.run([*command, *options], text=True, capture_output=True, check=False, env=clean_environment())
    return done.stdout if done.returncode == 0 else done.stderr


def events(broker: Broker, group: str, kind: str) -> list[dict[str, Any]]:
    told = explain(broker, group, "--json")
    return [each for each in json.loads(told)["events"] if each["kind"] == kind] if told.startswith("{") else []


def moved(broker: Broker, group: str) -> list[tuple[str, int, str | None, str | None]]:
    """By all assignments so far."""
    moves = (move for each in events(broker, group, "assigned") for move in each.get("moves", ()))
    return [(move["topic"], move["partition"], move["from"], move["to"]) for move in moves]


@contextlib.contextmanager
def consuming(broker: Broker, group: str, topic: str, client_id: str, settings: dict[str, Any]) -> Iterator[Consumer]:
    """A consumer that polls, until it leaves."""
    consumer = Consumer(
        {
            "bootstrap.servers": broker.address,
            "group.id": group,
            "client.id": client_id,
            "topic.metadata.refresh.interval.ms": 200,
            **settings,
        }
    )
    consumer.subscribe([topic])

    def poll(stop: threading.Event) -> None:
        while not stop.is_set():
            consumer.poll(0.05)

    with in_background(poll):
        yield consumer
    consumer.close()


def joined(broker: Broker, group: str, client_id: str) -> str:
    """Its member id, once it is in the group and has been given something."""
    wait_until(
        lambda: [
            each
            for each in events(broker, group, "joined")
            if each["client_id"] == client_id and each["member_id"] in {to for *_, to in moved(broker, group)}
        ],
        timeout_s=30,
    )
    return next(each["member_id"] for each in events(broker, group, "joined") if each["client_id"] == client_id)


def test_one_that_is_killed_times_out_and_its_partitions_go_to_the_other(
    broker: Broker, name: str, protocol: dict[str, Any]
) -> None:
    create_topic(broker, name, partitions=2)
    settings = {"bootstrap.servers": broker.address, "group.id": name, "client.id": "doomed", **protocol}
    doomed = subprocess.Popen(
        [sys.executable, "-c", CONSUME, name, *(f"{key}={value}" for key, value in settings.items())],
        env=clean_environment(),
    )
    try:
        dead = joined(broker, name, "doomed")
        with consuming(broker, name, name, "survivor", protocol):
            alive = joined(broker, name, "survivor")
            doomed.kill()
            wait_until(lambda: events(broker, name, "timed out"))
            wait_until(lambda: any((source, to) == (dead, alive) for *_, source, to in moved(broker, name)[-2:]))
    finally:
        doomed.kill()
        doomed.wait()

    (late,) = events(broker, name, "timed out")
    assert (dead, "doomed", "127.0.0.1") == (late["member_id"], late["client_id"], late["host"])
    silent_ms, timeout_ms = (int(word) for word in late["text"].split() if word.isdigit())
    assert 1000 == timeout_ms <= silent_ms < 5000
    assert f"{dead} (doomed at 127.0.0.1): not heard of for {silent_ms} ms" in explain(broker, name)


def test_one_that_leaves_says_so(broker: Broker, name: str, protocol: dict[str, Any]) -> None:
    create_topic(broker, name, partitions=2)
    with consuming(broker, name, name, "stays", protocol):
        stays = joined(broker, name, "stays")
        with consuming(broker, name, name, "goes", protocol):
            goes = joined(broker, name, "goes")
        wait_until(lambda: any((source, to) == (goes, stays) for *_, source, to in moved(broker, name)[-2:]))

    assert [goes, stays] == [each["member_id"] for each in events(broker, name, "left")]
    wait_until(lambda: "Empty" in explain(broker, name).splitlines()[0])


def test_one_that_does_not_poll_leaves(broker: Broker, name: str) -> None:
    """max.poll.interval.ms: it is the client itself that leaves, and kafka-python does not say why."""
    create_topic(broker, name)
    consumer = KafkaConsumer(
        name,
        bootstrap_servers=broker.address,
        group_id=name,
        client_id="slow",
        session_timeout_ms=3000,  # not to time out on a busy machine: it is to leave
        heartbeat_interval_ms=100,
        max_poll_interval_ms=3100,
    )
    try:
        wait_until(lambda: consumer.poll(100) or consumer.assignment())
        wait_until(lambda: events(broker, name, "left"))
    finally:
        consumer.close(autocommit=False)

    left = events(broker, name, "left")[0]
    assert ("slow", "left; client reason: not provided") == (left["client_id"], left["text"])


def test_java_says_that_it_left_because_it_did_not_poll(broker: Broker, name: str, java: Java) -> None:
    """Nobody reads what the console consumer prints, so it hangs while it prints."""
    create_topic(broker, name)
    producer = Producer({"bootstrap.servers": broker.address})
    for _ in range(300):
        producer.produce(name, b"x" * 1000)
    assert 0 == producer.flush(20)
    properties = {"max.poll.interval.ms": 3100, "session.timeout.ms": 3000, "heartbeat.interval.ms": 100}
    options = [part for key, value in properties.items() for part in ("--command-property", f"{key}={value}")]
    reader, writer = os.pipe()
    slow = subprocess.Popen(
        java.command(
            "org.apache.kafka.tools.consumer.ConsoleConsumer", "--bootstrap-server", broker.address, "--topic", name,
            "--group", name, "--from-beginning", *options,
        ),
        stdout=writer, stderr=subprocess.DEVNULL, env=clean_environment(),
    )  # fmt: skip
    try:
        wait_until(lambda: events(broker, name, "left"), timeout_s=60)
    finally:
        slow.kill()
        slow.wait()
        os.close(reader)
        os.close(writer)

    assert "left; client reason: consumer poll timeout has expired." == events(broker, name, "left")[0]["text"]


def test_a_new_topic_that_matches_is_named(broker: Broker, name: str, protocol: dict[str, Any]) -> None:
    create_topic(broker, f"{name}-1")
    with consuming(broker, name, f"^{name}-.*", "reader", protocol):
        reader = joined(broker, name, "reader")
        create_topic(broker, f"{name}-2", partitions=2)
        wait_until(lambda: (f"{name}-2", 1, None, reader) in moved(broker, name), timeout_s=30)

    kind = "changed" if protocol["group.protocol"] == "classic" else "topics"
    assert f"{name}-2 too" in events(broker, name, kind)[0]["text"]
    text = explain(broker, name)
    assert f"{name}-2-1: nobody -> {reader}" in text


def test_what_is_not_known_is_said(broker: Broker, name: str) -> None:
    assert f"pykbroker: group {name} is not known here\n" == explain(broker, name)


def test_a_broker_without_http_keeps_it_to_itself(start_broker: Callable[..., Broker], name: str) -> None:
    silent = start_broker(options=("--no-http",))

    assert "keeps no history" in explain(silent, name)
