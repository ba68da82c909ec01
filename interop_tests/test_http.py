"""HTTP on the broker's port: metrics and health, beside Kafka's clients, and what a hostile peer can do with it."""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping

import pytest
from confluent_kafka import Consumer, Producer
from prometheus_client.parser import text_string_to_metric_families

from interop_tests.harness import Broker, clean_environment, wait_until
from interop_tests.raw import Connection, create_topic

REQUEST = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"
MB = 1024 * 1024


@pytest.fixture
def peer(broker: Broker) -> Iterator[http.client.HTTPConnection]:
    connection = http.client.HTTPConnection(broker.host, broker.port, timeout=20)
    yield connection
    connection.close()


def ask(
    peer: http.client.HTTPConnection, path: str, method: str = "GET", body: bytes | None = None
) -> tuple[int, str, str]:
    """Status, content type, page."""
    peer.request(method, path, body=body)
    answer = peer.getresponse()
    return answer.status, answer.headers.get("Content-Type", ""), answer.read().decode()


def scrape(broker: Broker) -> Mapping[tuple[str, frozenset[tuple[str, str]]], float]:
    peer = http.client.HTTPConnection(broker.host, broker.port, timeout=20)
    try:
        status, content_type, text = ask(peer, "/metrics")
    finally:
        peer.close()
    assert (200, "text/plain; version=0.0.4; charset=utf-8") == (status, content_type)
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return {(sample.name, frozenset(sample.labels.items())): sample.value for sample in samples}


def value(broker: Broker, name: str, **labels: str) -> float:
    return scrape(broker).get((name, frozenset(labels.items())), 0.0)


@pytest.mark.only_pykbroker
def test_what_clients_do_is_in_the_metrics(broker: Broker, name: str) -> None:
    producer = Producer({"bootstrap.servers": broker.address})
    for number in range(10):
        producer.produce(name, b"value %d" % number)
    assert 0 == producer.flush(20)
    consumer = Consumer({"bootstrap.servers": broker.address, "group.id": name, "auto.offset.reset": "earliest"})
    consumer.subscribe([name])
    assert 10 == len(consumer.consume(10, timeout=20))
    consumer.commit(asynchronous=False)
    producer.produce(name, b"one more")
    assert 0 == producer.flush(20)

    topic = "kafka_server_brokertopicmetrics_"
    assert 11 == value(broker, topic + "messagesin_total", topic=name)
    assert 0 < value(broker, topic + "bytesin_total", topic=name) <= value(broker, topic + "bytesin_total")
    assert 0 < value(broker, topic + "bytesout_total", topic=name) <= value(broker, topic + "bytesout_total")
    assert 11 == value(broker, "kafka_log_log_logendoffset", topic=name, partition="0")
    assert 1 == value(broker, "kafka_consumergroup_lag", consumergroup=name, topic=name, partition="0")
    assert 2 <= value(broker, "kafka_server_socket_server_metrics_connection_count", listener="PLAINTEXT")
    assert 0 < sum(
        count
        for (found, labels), count in scrape(broker).items()
        if found == "kafka_network_requestmetrics_requests_total" and ("request", "Produce") in labels
    )
    consumer.close()


@pytest.mark.only_pykbroker
def test_one_connection_serves_many_requests(peer: http.client.HTTPConnection) -> None:
    asked = [
        ask(peer, path, method)[::2] for path, method in [("/healthz", "GET"), ("/x", "GET"), ("/healthz", "HEAD")]
    ]

    assert [(200, "ok\n"), (404, "not found; / lists what there is\n"), (200, "")] == asked


@pytest.mark.only_pykbroker
def test_other_methods_are_not_allowed_and_their_answer_arrives_though_the_body_was_not_read(broker: Broker) -> None:
    for _ in range(20):
        peer = http.client.HTTPConnection(broker.host, broker.port, timeout=20)
        assert 405 == ask(peer, "/metrics", "POST", body=bytes(100_000))[0]
        peer.close()


@pytest.mark.only_pykbroker
def test_urllib_understands_it(broker: Broker) -> None:
    program = f"import urllib.request as u; print(u.urlopen('http://{broker.address}/healthz').read().decode())"

    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=clean_environment()
    )

    assert "ok\n\n" == done.stdout


@pytest.mark.parametrize("request_line", [b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"HEAD /metrics HTTP/1.0\r\n\r\n"])
def test_without_http_such_a_connection_is_closed_as_kafka_does(
    start_broker: Callable[..., Broker], request_line: bytes
) -> None:
    broker = start_broker(options=("--no-http",))

    with Connection(broker) as connection:
        connection.send_bytes(request_line)

        assert connection.is_closed_by_peer()


@pytest.mark.only_pykbroker
def test_a_kafka_connection_does_not_turn_into_http(broker: Broker) -> None:
    from kafka.protocol.metadata import MetadataRequest

    with Connection(broker) as connection:
        connection.ask(MetadataRequest(topics=[]), 4)
        connection.send_bytes(REQUEST)

        assert connection.is_closed_by_peer()


@pytest.mark.only_pykbroker
def test_hostile_peers_take_little_memory_and_disturb_nobody(start_broker: Callable[..., Broker], name: str) -> None:
    broker = start_broker()
    create_topic(broker, name)
    assert 200 == status_of(broker, REQUEST)  # what is imported for it is imported
    before = broker.resident_bytes()
    held = [socket.create_connection((broker.host, broker.port)) for _ in range(200)]
    for number, each in enumerate(held):
        each.settimeout(0.2)
        if number % 4 == 0:
            each.sendall(b"GET ")  # and never more
        elif number % 4 == 1:
            each.sendall(b"GET / HTTP/1.1\r\nHost: " + os.urandom(4096).hex().encode())
        elif number % 4 == 2:
            each.sendall(REQUEST * 50)  # and reads none of the answers
        else:
            flood(each)

    producer = Producer({"bootstrap.servers": broker.address})
    for _ in range(100):
        producer.produce(name, b"x" * 1000)
    assert 0 == producer.flush(20)
    assert 200 == status_of(broker, REQUEST)
    assert broker.resident_bytes() < before + 60 * MB

    for each in held:
        each.close()
    wait_until(lambda: value(broker, "kafka_server_socket_server_metrics_connection_count", listener="PLAINTEXT") < 10)
    assert "Traceback" not in broker.log


def flood(sock: socket.socket) -> None:
    """A head without end, until nobody takes it."""
    try:
        for _ in range(100):
            sock.sendall(b"GET " + b"x" * 65536)
    except OSError:
        pass


def status_of(broker: Broker, request: bytes) -> int:
    with socket.create_connection((broker.host, broker.port), timeout=20) as connection:
        connection.sendall(request)
        return int(connection.recv(100).split()[1])


@pytest.mark.only_pykbroker
def test_scraping_without_pause_leaves_clients_their_turn(start_broker: Callable[..., Broker], name: str) -> None:
    broker = start_broker()
    create_topic(broker, name, partitions=500)
    stop = threading.Event()

    def scrape_on() -> None:
        while not stop.is_set():
            status_of(broker, REQUEST.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))

    threads = [threading.Thread(target=scrape_on) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        producer = Producer({"bootstrap.servers": broker.address, "linger.ms": 0})
        for _ in range(50):
            producer.produce(name, b"x", partition=0)
            assert 0 == producer.flush(5)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
