"""Connections: many, slow, idle, pipelined, on several listeners, and what becomes of them when the broker stops."""

from __future__ import annotations

import contextlib
import resource
import socket
import struct
import threading
import time
from collections.abc import Callable

import pytest
from kafka.protocol.consumer import FetchRequest
from kafka.protocol.metadata import ApiVersionsRequest, MetadataRequest

from interop_tests.harness import API_VERSIONS_V0, Broker, free_port, wait_until
from interop_tests.raw import Closed, Connection, batch, create_topic, next_offset, produce_request

FETCH_V = 11


def fetch(topic: str, offset: int, *, max_wait_ms: int = 0, min_bytes: int = 1) -> FetchRequest:
    wanted = FetchRequest.FetchTopic
    partition = wanted.FetchPartition(
        partition=0, current_leader_epoch=-1, fetch_offset=offset, log_start_offset=-1, partition_max_bytes=50 << 20
    )
    return FetchRequest(
        replica_id=-1, max_wait_ms=max_wait_ms, min_bytes=min_bytes, max_bytes=50 << 20, isolation_level=0,
        session_id=0, session_epoch=-1, topics=[wanted(topic=topic, partitions=[partition])], rack_id="",
    )  # fmt: skip


def produce_base_offset(connection: Connection) -> int:
    [answer] = connection.receive().responses[0].partition_responses
    assert answer.error_code == 0
    return answer.base_offset


def test_a_thousand_connections_are_served(start_broker: Callable[..., Broker], name: str) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 4096)), hard))
    broker = start_broker()
    create_topic(broker, name)
    with contextlib.ExitStack() as stack:
        connections = [stack.enter_context(Connection(broker)) for _ in range(1000)]
        for connection in connections:
            connection.send(produce_request(name, batch([b"x"])), 9)

        assert list(range(1000)) == sorted(produce_base_offset(connection) for connection in connections)
        if broker.kind.name == "pykbroker":
            assert broker.resident_bytes() < 200 << 20


def test_pipelined_requests_are_answered_in_order(broker: Broker, name: str) -> None:
    create_topic(broker, name)
    with Connection(broker) as connection:
        for _ in range(200):
            connection.send(produce_request(name, batch([b"x"])), 9)
            connection.send(ApiVersionsRequest(), 0)
            connection.send(fetch(name, 0), FETCH_V)

        for i in range(200):
            assert produce_base_offset(connection) == i
            connection.receive()
            [fetched] = connection.receive().responses[0].partitions
            assert fetched.high_watermark >= i + 1


def test_a_request_behind_one_that_waits_is_answered_after_it(broker: Broker, name: str) -> None:
    create_topic(broker, name)
    with Connection(broker) as waiting, Connection(broker) as other:
        waiting.send(fetch(name, 0, max_wait_ms=20_000), FETCH_V)
        waiting.send(ApiVersionsRequest(), 0)
        sent_s = time.monotonic()
        other.ask(produce_request(name, batch([b"x"])), 9)

        [fetched] = waiting.receive().responses[0].partitions
        assert fetched.high_watermark == 1
        assert waiting.receive().error_code == 0
        assert time.monotonic() - sent_s < 5


def test_a_fetch_that_waits_gives_up_at_its_time(broker: Broker, name: str) -> None:
    create_topic(broker, name)
    with Connection(broker) as connection:
        sent_s = time.monotonic()
        [fetched] = connection.ask(fetch(name, 0, max_wait_ms=700), FETCH_V).responses[0].partitions

        assert (0, 0) == (fetched.error_code, len(fetched.records or b""))
        assert 0.6 < time.monotonic() - sent_s < 3


def test_what_was_asked_before_the_peer_shut_its_side_is_answered(broker: Broker) -> None:
    with Connection(broker) as connection:
        connection.send(ApiVersionsRequest(), 0)
        connection._socket.shutdown(socket.SHUT_WR)

        assert connection.receive().error_code == 0
        assert connection.is_closed_by_peer()


def test_a_reader_that_does_not_read_costs_little_memory(start_broker: Callable[..., Broker], name: str) -> None:
    broker = start_broker(num_partitions=1)
    create_topic(broker, name)
    with Connection(broker) as connection:
        for _ in range(20):
            connection.ask(produce_request(name, batch([b"x" * 1_000_000])), 9)
    before = broker.resident_bytes()
    with contextlib.ExitStack() as stack:
        slow = [stack.enter_context(Connection(broker, receive_buffer_bytes=4096)) for _ in range(20)]
        for connection in slow:
            connection.send(fetch(name, 0), FETCH_V)
            connection.send(fetch(name, 0), FETCH_V)
        with Connection(broker) as other:
            for _ in range(50):
                other.ask(produce_request(name, batch([b"y"])), 9)

        if broker.kind.name == "pykbroker":
            assert broker.resident_bytes() - before < 64 << 20
        for connection in slow[:3]:
            for _ in range(2):
                [fetched] = connection.receive().responses[0].partitions
                assert len(fetched.records) >= 20_000_000


def test_a_peer_that_only_sends_is_slowed_down_not_buffered(start_broker: Callable[..., Broker]) -> None:
    """It asks without end and reads no answer: at some point the broker stops reading too."""
    broker = start_broker()
    with Connection(broker, timeout_s=3, receive_buffer_bytes=4096) as connection:
        frame = connection.encode(ApiVersionsRequest(), 0)
        before = broker.resident_bytes()
        with pytest.raises(TimeoutError):
            connection.send_bytes(frame * 2_000_000)

        if broker.kind.name == "pykbroker":
            assert broker.resident_bytes() - before < 32 << 20
        assert next_answer(broker)


def next_answer(broker: Broker) -> bool:
    with Connection(broker) as connection:
        return connection.ask(ApiVersionsRequest(), 0).error_code == 0


def test_an_idle_connection_is_closed_and_a_busy_one_is_not(start_broker: Callable[..., Broker], name: str) -> None:
    broker = start_broker(connections_max_idle_ms=1500)
    create_topic(broker, name)
    with Connection(broker) as idle, Connection(broker) as busy:
        idle.ask(ApiVersionsRequest(), 0)
        stop = threading.Event()
        failures: list[BaseException] = []

        def keep_busy() -> None:
            try:
                while not stop.wait(0.2):
                    busy.ask(ApiVersionsRequest(), 0)
            except Exception as failure:
                failures.append(failure)

        thread = threading.Thread(target=keep_busy)
        thread.start()
        assert idle.is_closed_by_peer()
        stop.set()
        thread.join()

        assert failures == []
        assert busy.ask(ApiVersionsRequest(), 0).error_code == 0


@pytest.mark.only_pykbroker
def test_sigterm_answers_what_is_in_flight_and_ends_within_two_seconds(
    start_broker: Callable[..., Broker], name: str
) -> None:
    broker = start_broker()
    create_topic(broker, name)
    with Connection(broker) as producing, Connection(broker) as waiting, Connection(broker):
        waiting.send(fetch(name, 0, max_wait_ms=30_000), FETCH_V)
        for _ in range(100):
            producing.send(produce_request(name, batch([b"x" * 1000])), 9)
        acknowledged = [produce_base_offset(producing) for _ in range(50)]
        stopped_s = time.monotonic()
        status = broker.terminate(timeout_s=5)

        assert status == 0
        assert time.monotonic() - stopped_s < 2
        with contextlib.suppress(Closed):
            acknowledged += [produce_base_offset(producing) for _ in range(50)]
    assert "Traceback" not in broker.log
    assert (broker.data_dir / ".kafka_cleanshutdown").exists()
    broker.start()
    assert next_offset(broker, name) >= len(acknowledged)


@pytest.mark.only_pykbroker
def test_a_second_sigterm_or_ctrl_c_is_no_traceback(start_broker: Callable[..., Broker]) -> None:
    broker = start_broker()
    with Connection(broker) as connection:
        connection.ask(ApiVersionsRequest(), 0)
        broker.process.terminate()
        broker.process.terminate()

        assert broker.process.wait(5) == 0
    assert "Traceback" not in broker.log


def ipv6_is_there() -> bool:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


@pytest.mark.skipif(not ipv6_is_there(), reason="this machine has no IPv6")
def test_clients_reach_it_over_ipv6_and_are_told_that_address(start_broker: Callable[..., Broker]) -> None:
    broker = start_broker(listen=f"[::1]:{free_port('::1')}")
    with Connection(broker) as connection:
        [node] = connection.ask(MetadataRequest(topics=[]), 4).brokers

        assert ("::1", broker.port) == (node.host, node.port)


@pytest.mark.only_pykbroker
def test_each_listener_tells_its_own_address(start_broker: Callable[..., Broker]) -> None:
    one, two = free_port(), free_port()
    listeners = f"PLAINTEXT://127.0.0.1:{one},OTHER://127.0.0.1:{two}"
    broker = start_broker(
        listen=f"127.0.0.1:{one}", listeners=listeners,
        listener_security_protocol_map="PLAINTEXT:PLAINTEXT,OTHER:PLAINTEXT",
    )  # fmt: skip
    for port in (one, two):
        broker.port = port
        with Connection(broker) as connection:
            [node] = connection.ask(MetadataRequest(topics=[]), 4).brokers
            assert ("127.0.0.1", port) == (node.host, node.port)


@pytest.mark.only_pykbroker
def test_clients_are_told_the_address_they_came_to(start_broker: Callable[..., Broker]) -> None:
    """advertised.listeners=auto: whoever listens everywhere need not say where."""
    broker = start_broker(listen=f"0.0.0.0:{free_port()}")
    for host in ("127.0.0.1", "127.0.0.2"):
        broker.host = host
        with Connection(broker) as connection:
            [node] = connection.ask(MetadataRequest(topics=[]), 4).brokers
            assert (host, broker.port) == (node.host, node.port)


def test_an_explicit_advertised_listener_wins(start_broker: Callable[..., Broker]) -> None:
    broker = start_broker(**{"advertised.listeners": "PLAINTEXT://some.example:1234"})
    with Connection(broker) as connection:
        [node] = connection.ask(MetadataRequest(topics=[]), 4).brokers

        assert ("some.example", 1234) == (node.host, node.port)


def test_a_frame_above_the_limit_is_refused_by_its_size_alone(start_broker: Callable[..., Broker]) -> None:
    broker = start_broker(socket_request_max_bytes=10_000)
    with Connection(broker) as connection:
        connection.send_bytes(struct.pack(">i", 10_001))

        assert connection.is_closed_by_peer()
    wait_until(lambda: next_answer(broker))


def test_an_address_has_so_many_connections(start_broker: Callable[..., Broker]) -> None:
    broker = start_broker(max_connections_per_ip=3)

    def is_answered(sock: socket.socket) -> bool:
        try:
            sock.sendall(API_VERSIONS_V0)
            return len(sock.recv(4)) == 4
        except OSError:
            return False

    with contextlib.ExitStack() as opened:

        def connect() -> socket.socket:
            return opened.enter_context(socket.create_connection((broker.host, broker.port), timeout=5))

        kept: list[socket.socket] = []
        wait_until(lambda: fill_up(kept, connect, is_answered))
        assert not is_answered(connect())
        kept.pop().close()
        wait_until(lambda: is_answered(connect()))


def fill_up(
    kept: list[socket.socket], connect: Callable[[], socket.socket], is_answered: Callable[[socket.socket], bool]
) -> bool:
    """Until three are there: the one that asked whether the broker is up may not have left yet."""
    sock = connect()
    if is_answered(sock):
        kept.append(sock)
    return len(kept) == 3
