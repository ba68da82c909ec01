"""Client telemetry (KIP-714): the broker's answers, and real clients that push on their own.

The answers are those of Apache Kafka, which gives them without a receiver of metrics too, but then tells clients
nothing of telemetry: what clients push on their own is tried with pykbroker alone.
"""

from __future__ import annotations

import http.client
import socket
import struct
import subprocess
import time
import uuid
from collections.abc import Iterator
from typing import NamedTuple

import pytest
from confluent_kafka import Producer
from kafka.protocol.admin import IncrementalAlterConfigsRequest
from prometheus_client.parser import text_string_to_metric_families

from interop_tests import raw
from interop_tests.harness import Broker, Kind, clean_environment, wait_until
from interop_tests.tools import Java

NONE, INVALID_REQUEST, THROTTLED, UNKNOWN_SUBSCRIPTION, TOO_LARGE = 0, 42, 89, 117, 118
UNSUPPORTED_COMPRESSION, INVALID_RECORD = 76, 87
API_VERSIONS, GET_SUBSCRIPTIONS, PUSH = 18, 71, 72
CLIENT_METRICS = 16
INTERVAL_MS = 400
NO_METRICS = b""


class Told(NamedTuple):
    error_code: int
    instance_id: bytes
    subscription_id: int
    codecs: list[int]
    interval_ms: int
    max_bytes: int
    is_delta: bool
    metrics: list[str]


class Client:
    """One connection of a client that names its software."""

    def __init__(self, broker: Broker, client_id: str, software: str = "tests") -> None:
        self._socket = socket.create_connection((broker.host, broker.port), timeout=20)
        self._client_id = client_id.encode()
        name, version = (bytes([len(word) + 1]) + word.encode() for word in (software, "1.0"))
        self._ask(API_VERSIONS, 3, name + version + b"\0")

    def close(self) -> None:
        self._socket.close()

    def get(self, instance_id: bytes = bytes(16)) -> Told:
        answer = self._ask(GET_SUBSCRIPTIONS, 0, instance_id + b"\0")
        code, found_id, subscription_id = struct.unpack_from(">h16si", answer, 4)
        position = 26
        codecs, position = list(answer[position + 1 : position + answer[position]]), position + answer[position]
        interval_ms, max_bytes, is_delta = struct.unpack_from(">ii?", answer, position)
        position += 9
        metrics, count = [], answer[position] - 1
        position += 1
        for _ in range(count):
            metrics.append(answer[position + 1 : position + answer[position]].decode())
            position += answer[position]
        return Told(code, found_id, subscription_id, codecs, interval_ms, max_bytes, is_delta, metrics)

    def push(
        self, told: Told, *, wrong: int = 0, terminating: bool = False, codec: int = 0, metrics: bytes = NO_METRICS
    ) -> int:
        """The error code."""
        head = struct.pack(">16si?b", told.instance_id, told.subscription_id + wrong, terminating, codec)
        answer = self._ask(PUSH, 0, head + varint(len(metrics) + 1) + metrics + b"\0")
        return int(struct.unpack_from(">h", answer, 4)[0])

    def _ask(self, key: int, version: int, body: bytes) -> bytes:
        header = struct.pack(">hhih", key, version, 1, len(self._client_id)) + self._client_id + b"\0"
        self._socket.sendall(struct.pack(">i", len(header) + len(body)) + header + body)
        data = b""
        while len(data) < 4 or len(data) < 4 + struct.unpack(">i", data[:4])[0]:
            received = self._socket.recv(1 << 20)
            assert received, "the broker closed the connection"
            data += received
        return data[8:] if key == API_VERSIONS else data[9:]


def varint(number: int) -> bytes:
    encoded = b""
    while number > 0x7F:
        encoded, number = encoded + bytes([number & 0x7F | 0x80]), number >> 7
    return encoded + bytes([number])


def configure(broker: Broker, subscription: str, **configs: str | None) -> None:
    resource = IncrementalAlterConfigsRequest.AlterConfigsResource
    changes = [
        resource.AlterableConfig(name=key.replace("_", "."), config_operation=0 if value else 1, value=value)
        for key, value in configs.items()
    ]
    asked = resource(resource_type=CLIENT_METRICS, resource_name=subscription, configs=changes)
    with raw.Connection(broker) as connection:
        request = IncrementalAlterConfigsRequest(resources=[asked], validate_only=False)
        [answer] = connection.ask(request, 1).responses
    assert NONE == answer.error_code, answer


@pytest.fixture(scope="module")
def broker(kind: Kind, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """One of their own: a subscription of another test may be for every client."""
    own = Broker(kind, tmp_path_factory.mktemp("telemetry") / "data")
    try:
        yield own.start()
    finally:
        own.close()


@pytest.fixture
def subscription(broker: Broker, name: str) -> Iterator[str]:
    """Its name, and the id of the clients that it is for; there while the test runs."""
    configure(broker, name, match=f"client_id={name}", metrics="a.", interval_ms=str(INTERVAL_MS))
    client = Client(broker, name)
    wait_until(lambda: client.get().metrics == ["a."])  # Kafka takes a moment
    client.close()
    yield name
    configure(broker, name, match=None, metrics=None, interval_ms=None)


@pytest.fixture
def client(broker: Broker, subscription: str) -> Iterator[Client]:
    opened = Client(broker, subscription)
    yield opened
    opened.close()


def wait_for_interval() -> None:
    time.sleep(INTERVAL_MS / 1000 + 0.05)


def test_a_client_for_whom_nothing_is_subscribed(broker: Broker, name: str) -> None:
    told = Client(broker, name).get(b"\1" * 16)

    assert Told(NONE, b"\1" * 16, -725132322, [4, 3, 1, 2], 300_000, 1_048_576, True, []) == told


def test_a_client_asks_then_pushes_once_in_each_interval(client: Client) -> None:
    told = client.get()
    assert (NONE, ["a."], INTERVAL_MS) == (told.error_code, told.metrics, told.interval_ms)
    assert told.instance_id not in (bytes(16), client.get().instance_id)

    again = client.get(told.instance_id)
    assert Told(THROTTLED, bytes(16), 0, [], 0, 0, False, []) == again
    assert [NONE, THROTTLED] == [client.push(told), client.push(told)]
    wait_for_interval()
    assert [NONE, THROTTLED] == [client.push(told), client.get(told.instance_id).error_code]
    wait_for_interval()
    assert [NONE, NONE, THROTTLED] == [
        client.get(told.instance_id).error_code,
        client.push(told),
        client.push(told),
    ]


def test_what_is_wrong_with_a_push(client: Client) -> None:
    told = client.get()
    wait_for_interval()
    assert [UNKNOWN_SUBSCRIPTION, NONE, THROTTLED] == [
        client.push(told, wrong=1),
        client.get(told.instance_id).error_code,
        client.push(told),
    ]
    wait_for_interval()
    assert [UNSUPPORTED_COMPRESSION, NONE] == [
        client.push(told, codec=9),
        client.get(told.instance_id).error_code,
    ]
    wait_for_interval()
    assert TOO_LARGE == client.push(told, metrics=bytes(1_048_577))
    wait_for_interval()
    assert [INVALID_RECORD, THROTTLED] == [
        client.push(told, codec=1, metrics=b"no gzip"),
        client.get(told.instance_id).error_code,
    ]
    assert INVALID_REQUEST == client.push(told._replace(instance_id=bytes(16)))


def test_the_last_push(client: Client) -> None:
    told = client.get()
    client.push(told)

    assert [NONE, INVALID_REQUEST, NONE] == [
        client.push(told, terminating=True),
        client.push(told),
        client.push(told, terminating=True),
    ]


def test_a_changed_subscription_is_told_at_once(broker: Broker, client: Client, subscription: str) -> None:
    told = client.get()
    configure(broker, subscription, metrics="*,b.", interval_ms="400000")

    wait_until(lambda: (found := client.get(told.instance_id)).error_code == NONE and found.metrics == ["*"])
    assert 300_000 == client.get().interval_ms, "never longer than that"
    assert UNKNOWN_SUBSCRIPTION == client.push(told)


def test_who_is_meant(broker: Broker, subscription: str) -> None:
    for match, software, is_meant in (
        (f"client_id={subscription[:-1]}", "tests", False),
        (f"client_id={subscription[:-1]}.", "tests", True),
        (f"client_id={subscription},client_software_name=tests", "tests", True),
        (f"client_id={subscription},client_software_name=tests", "other", False),
        (rf"client_id={subscription},client_source_address=127\.0\.0\.1", "tests", True),
    ):
        configure(broker, subscription, match=match)

        def asked(software: str = software) -> list[str]:
            client = Client(broker, subscription, software)
            told = client.get()
            client.close()
            return told.metrics

        wait_until(lambda asked=asked, is_meant=is_meant: (asked() == ["a."]) == is_meant)


def test_an_instance_is_forgotten_with_its_connection(broker: Broker, subscription: str) -> None:
    instance_id = uuid.uuid4().bytes
    first, second = Client(broker, subscription), Client(broker, subscription)
    assert [NONE, THROTTLED] == [each.get(instance_id).error_code for each in (first, second)]

    first.close()

    wait_until(lambda: second.get(instance_id).error_code == NONE, timeout_s=INTERVAL_MS / 1000)
    second.close()


# --- clients that push on their own


def scraped(broker: Broker, client_id: str) -> dict[str, float]:
    """The metrics of a client, by name; what it has by node or topic is summed up."""
    connection = http.client.HTTPConnection(broker.host, broker.port, timeout=20)
    connection.request("GET", "/metrics")
    text = connection.getresponse().read().decode()
    connection.close()
    found: dict[str, float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.labels.get("client_id") == client_id:
                found[sample.name] = found.get(sample.name, 0) + sample.value
    return found


def subscribe(broker: Broker, java: Java, name: str, metrics: str) -> None:
    printed = java.run(
        "org.apache.kafka.tools.ClientMetricsCommand", "--bootstrap-server", broker.address, "--alter", "--name", name,
        "--metrics", metrics, "--interval", "500", "--match", f"client_id={name}",
    )  # fmt: skip
    assert f"Altered client metrics config for {name}." in printed


@pytest.mark.only_pykbroker
def test_librdkafka_pushes_and_its_metrics_are_under_metrics(broker: Broker, name: str, java: Java) -> None:
    subscribe(broker, java, name, "org.apache.kafka.producer.")
    producer = Producer({"bootstrap.servers": broker.address, "client.id": name, "log_level": 0})
    for _ in range(3):
        producer.produce(name, b"x")
    assert 0 == producer.flush(20)

    latency = "org_apache_kafka_producer_request_latency_max"
    wait_until(lambda: producer.poll(0) == 0 and scraped(broker, name).get(latency, 0) > 0)

    assert 1 == scraped(broker, name)["kafka_client_info"]
    assert "org_apache_kafka_producer_connection_creation_total" in scraped(broker, name)


@pytest.mark.only_pykbroker
def test_java_pushes_what_was_asked_for_and_its_counters_add_up(broker: Broker, name: str, java: Java) -> None:
    subscribe(broker, java, name, "org.apache.kafka.producer.record.")
    command = java.command(
        "org.apache.kafka.tools.ConsoleProducer", "--bootstrap-server", broker.address, "--topic", name,
        "--command-property", f"client.id={name}",
    )  # fmt: skip
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=clean_environment()
    )
    assert process.stdin is not None
    sent = "org_apache_kafka_producer_record_send_total"
    try:
        for number, so_far in ((2, 2), (3, 5)):
            process.stdin.write(b"x\n" * number)
            process.stdin.flush()
            wait_until(lambda so_far=so_far: scraped(broker, name).get(sent) == so_far)
    finally:
        process.stdin.close()
        process.wait(20)

    assert {"kafka_client_info"} == {each for each in scraped(broker, name) if "_producer_record_" not in each}
