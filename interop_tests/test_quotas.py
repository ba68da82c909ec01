"""Quotas, held: measured from outside, with clients that know nothing of them and with clients that are told.

How fast is measured over one span of the windows (`quota.window.num` times `quota.window.size.seconds`): what Kafka
lets pass at once at the start of a span is made up for by its end. The spans here are short; `slow` is Kafka's own.
"""

from __future__ import annotations

import contextlib
import json
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from kafka import KafkaConsumer, KafkaProducer
from kafka.protocol.admin import (
    AlterClientQuotasRequest,
    CreatePartitionsRequest,
    CreateTopicsRequest,
    DeleteTopicsRequest,
    DescribeClientQuotasRequest,
)
from kafka.protocol.api_message import ApiMessage
from kafka.protocol.consumer import FetchRequest
from kafka.protocol.metadata import ApiVersionsRequest, MetadataRequest
from kafka.structs import TopicPartition as KafkaPythonPartition

from interop_tests.harness import Broker, Kind, answers, in_background, wait_until
from interop_tests.raw import Connection, batch, create_topic, produce_request
from interop_tests.tools import Java

SPAN_S = 4
QUOTA = 250_000  # bytes a second: a span's worth is sent and read in no time
THROTTLING_QUOTA_EXCEEDED = 89
Entity = dict[str, str | None]


@pytest.fixture(scope="module")
def own_broker(kind: Kind, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """With short windows, and for quotas that hold for everybody."""
    settings = {"quota_window_num": SPAN_S, "controller_quota_window_num": SPAN_S}
    own = Broker(kind, tmp_path_factory.mktemp("quotas") / "data", **settings)
    try:
        yield own.start()
    finally:
        own.close()


@contextlib.contextmanager
def quota(broker: Broker, entity: Entity, **values: float) -> Iterator[None]:
    alter(broker, entity, **values)
    try:
        yield
    finally:
        alter(broker, entity, **dict.fromkeys(values))


def alter(broker: Broker, entity: Entity, **values: float | None) -> None:
    """Returns when it holds; None removes a quota."""
    entry = AlterClientQuotasRequest.EntryData
    named = [entry.EntityData(entity_type=kind, entity_name=name) for kind, name in entity.items()]
    ops = [entry.OpData(key=key, value=value or 0.0, remove=value is None) for key, value in values.items()]
    request = AlterClientQuotasRequest(entries=[entry(entity=named, ops=ops)], validate_only=False)
    with Connection(broker) as connection:
        [altered] = connection.ask(request, 1).entries
    assert altered.error_code == 0, altered
    expected = {key: value for key, value in values.items() if value is not None}
    wait_until(lambda: expected == described(broker, entity), what="the quota")
    time.sleep(0.2 if broker.kind.name == "kafka" else 0)  # it is told of before it holds


def described(broker: Broker, entity: Entity) -> dict[str, float]:
    component = DescribeClientQuotasRequest.ComponentData
    components = [component(entity_type=kind, match_type=0 if name else 1, match=name) for kind, name in entity.items()]
    with Connection(broker) as connection:
        answer = connection.ask(DescribeClientQuotasRequest(components=components, strict=True), 1)
    return {value.key: value.value for entry in answer.entries or () for value in entry.values}


# --- rates, as clients see them


class Produced:
    """What librdkafka could produce in so many seconds, and the longest throttle time in its statistics."""

    def __init__(self, broker: Broker, topic: str, client_id: str, *, seconds: float) -> None:
        self._acknowledged: list[tuple[float, int]] = []
        self.throttle_ms = 0
        producer = Producer(
            {
                "bootstrap.servers": broker.address,
                "client.id": client_id,
                "batch.num.messages": 10,
                "statistics.interval.ms": 200,
                "stats_cb": self._look,
                "log_level": 0,
            }
        )
        self._started = time.monotonic()
        while time.monotonic() < self._started + seconds:
            try:
                producer.produce(topic, bytes(1000), on_delivery=self._delivered)
                producer.poll(0)
            except BufferError:
                producer.poll(0.02)
        self.bytes_per_second = sum(size for at, size in self._acknowledged if at <= seconds) / seconds
        producer.purge()
        producer.flush(10)

    def _delivered(self, error: object, message: Any) -> None:
        if error is None:
            self._acknowledged.append((time.monotonic() - self._started, len(message)))

    def _look(self, statistics: str) -> None:
        brokers = json.loads(statistics)["brokers"].values()
        self.throttle_ms = max(self.throttle_ms, *(each["throttle"]["max"] for each in brokers), 0)


def test_a_producer_gets_its_rate_and_those_beside_it_all_there_is(own_broker: Broker, name: str) -> None:
    create_topic(own_broker, name)
    fast: list[Produced] = []
    with (
        quota(own_broker, {"client-id": f"{name}-slow"}, producer_byte_rate=QUOTA),
        in_background(lambda _: fast.append(Produced(own_broker, name, f"{name}-fast", seconds=SPAN_S / 2))),
    ):
        slow = Produced(own_broker, name, f"{name}-slow", seconds=SPAN_S)

    assert slow.bytes_per_second == pytest.approx(QUOTA, rel=0.1)
    assert slow.throttle_ms > 0
    assert fast[0].bytes_per_second > 4 * QUOTA
    assert fast[0].throttle_ms == 0


@pytest.mark.slow
def test_a_producer_gets_its_rate_over_the_windows_that_are_kafkas_own(broker: Broker, name: str) -> None:
    create_topic(broker, name)
    with quota(broker, {"user": "ANONYMOUS", "client-id": name}, producer_byte_rate=QUOTA):
        produced = Produced(broker, name, name, seconds=11)

    assert produced.bytes_per_second == pytest.approx(QUOTA, rel=0.1)


def fill(broker: Broker, topic: str, *, size_bytes: int) -> int:
    """The size of a batch: whoever asks for a multiple of it is not sent a part of one, which it could not use."""
    create_topic(broker, topic)
    records = batch([bytes(1000)] * 10)
    with Connection(broker) as connection:
        for _ in range(size_bytes // len(records)):
            connection.ask(produce_request(topic, records), 9)
    return len(records)


@pytest.mark.parametrize("seconds", [SPAN_S, pytest.param(11, marks=pytest.mark.slow)])
def test_a_consumer_gets_its_rate(own_broker: Broker, broker: Broker, name: str, seconds: int) -> None:
    asked = own_broker if seconds == SPAN_S else broker
    batch_bytes = fill(asked, name, size_bytes=2 * QUOTA * seconds)
    throttle_ms, passed = [0], 0
    consumer = Consumer(
        {
            "bootstrap.servers": asked.address,
            "client.id": name,
            "group.id": name,
            "fetch.message.max.bytes": 2 * batch_bytes,
            "throttle_cb": lambda event: throttle_ms.append(event.throttle_time * 1000),
            "log_level": 0,
        }
    )
    with quota(asked, {"client-id": name}, consumer_byte_rate=QUOTA), contextlib.closing(consumer):
        consumer.assign([TopicPartition(name, 0, 0)])
        message = consumer.poll(20)
        started = time.monotonic()
        while time.monotonic() < started + seconds:
            passed += 0 if message is None else len(message)
            message = consumer.poll(0.01)

    assert passed / seconds == pytest.approx(QUOTA, rel=0.1)
    assert max(throttle_ms) > 0


def test_kafka_python_is_told_how_long_it_was_throttled(own_broker: Broker, name: str) -> None:
    create_topic(own_broker, name)
    own = {"bootstrap_servers": own_broker.address, "client_id": name}
    with quota(own_broker, {"client-id": name}, producer_byte_rate=20_000, consumer_byte_rate=20_000):
        producer = KafkaProducer(**own, batch_size=10_000)
        for _ in range(8):
            producer.send(name, bytes(10_000)).get(20)
        assert throttle_time_ms(producer.metrics()) > 0
        producer.close()

        consumer = KafkaConsumer(**own, fetch_max_bytes=20_000)
        consumer.assign([KafkaPythonPartition(name, 0)])
        consumer.seek_to_beginning()
        wait_until(lambda: consumer.poll(100) is not None and throttle_time_ms(consumer.metrics()) > 0)
        consumer.close()


def throttle_time_ms(metrics: dict[str, dict[str, float]]) -> float:
    return max(group.get("throttle-time-avg", 0) for group in metrics.values())


def test_kafkas_own_tool_sets_a_quota_that_counts_at_once(own_broker: Broker, name: str, java: Java) -> None:
    create_topic(own_broker, name)
    to = ["--bootstrap-server", own_broker.address, "--entity-type", "clients", "--entity-name", name]
    with Connection(own_broker, client_id=name) as connection:
        request = produce_request(name, batch([bytes(10_000)]))
        assert connection.ask(request, 9).throttle_time_ms == 0

        java.run("kafka.admin.ConfigCommand", *to, "--alter", "--add-config", "producer_byte_rate=1000")
        wait_until(lambda: connection.ask(request, 9).throttle_time_ms > 0)

        alter(own_broker, {"client-id": name}, producer_byte_rate=None)
        wait_until(lambda: connection.ask(request, 9).throttle_time_ms == 0)


# --- on the wire


def asked(connection: Connection, request: ApiMessage, version: int) -> tuple[Any, float]:
    """The answer, and how many ms it took."""
    started = time.monotonic()
    answer = connection.ask(request, version)
    return answer, 1000 * (time.monotonic() - started)


def fetch(topic: str, offset: int, *, session: tuple[int, int] = (0, -1)) -> FetchRequest:
    wanted = FetchRequest.FetchTopic
    partition = wanted.FetchPartition(
        partition=0, current_leader_epoch=-1, fetch_offset=offset, log_start_offset=-1, partition_max_bytes=1 << 20
    )
    return FetchRequest(
        replica_id=-1, max_wait_ms=0, min_bytes=1, max_bytes=1 << 20, isolation_level=0,
        session_id=session[0], session_epoch=session[1], rack_id="", forgotten_topics_data=[],
        topics=[] if session[1] > 0 else [wanted(topic=topic, partitions=[partition])],
    )  # fmt: skip


def test_an_answer_comes_at_once_and_the_next_request_is_read_after_the_throttle_time(
    own_broker: Broker, name: str
) -> None:
    create_topic(own_broker, name)
    with (
        quota(own_broker, {"client-id": name}, producer_byte_rate=10_000),
        Connection(own_broker, client_id=name) as connection,
    ):
        answer, took_ms = asked(connection, produce_request(name, batch([bytes(59_000)])), 9)
        assert 2000 < answer.throttle_time_ms < 4000
        assert took_ms < 1000

        _, took_ms = asked(connection, ApiVersionsRequest(), 0)
        assert took_ms == pytest.approx(answer.throttle_time_ms, rel=0.1)


def test_a_client_that_is_not_told_is_held_back_as_well(own_broker: Broker, name: str) -> None:
    """acks=0: there is no answer; the bytes count."""
    create_topic(own_broker, name)
    with (
        quota(own_broker, {"client-id": name}, producer_byte_rate=20_000),
        Connection(own_broker, client_id=name) as connection,
    ):
        connection.send(produce_request(name, batch([bytes(80_000)]), acks=0), 9)

        _, took_ms = asked(connection, ApiVersionsRequest(), 0)
        assert 700 < took_ms < 2000


def test_a_throttled_fetch_is_empty_and_its_session_stays_as_it_was(own_broker: Broker, name: str) -> None:
    create_topic(own_broker, name)
    with Connection(own_broker, client_id=name) as connection:
        connection.ask(produce_request(name, batch([bytes(1000)])), 9)
        opened = connection.ask(fetch(name, 1, session=(0, 0)), 11)
        connection.ask(produce_request(name, batch([bytes(1000)])), 9)
        with quota(own_broker, {"client-id": name}, consumer_byte_rate=300):
            throttled = connection.ask(fetch(name, 1, session=(opened.session_id, 1)), 11)
            assert (throttled.error_code, throttled.session_id, throttled.responses) == (0, opened.session_id, [])
            assert 0 < throttled.throttle_time_ms < 2000
            unopened = connection.ask(fetch(name, 0, session=(0, 0)), 11)
            assert (unopened.session_id, unopened.responses) == (0, [])

        news = connection.ask(fetch(name, 1, session=(opened.session_id, 2)), 11)
        assert news.responses[0].partitions[0].high_watermark == 2
        assert news.responses[0].partitions[0].records


def test_time_is_limited_too_and_nobody_is_quiet_for_longer_than_a_window(own_broker: Broker, name: str) -> None:
    with (
        quota(own_broker, {"client-id": name}, request_percentage=0.01),
        Connection(own_broker, client_id=name) as connection,
    ):
        wait_until(lambda: connection.ask(ApiVersionsRequest(), 2).throttle_time_ms > 0)

        _, took_ms = asked(connection, ApiVersionsRequest(), 2)
        assert took_ms < 1500
        assert connection.ask(ApiVersionsRequest(), 2).throttle_time_ms <= 1000


@pytest.mark.parametrize(
    ("entities", "client_id", "is_throttled"),
    [
        ([{"client-id": None}], "c", True),
        ([{"client-id": None}, {"client-id": "c"}], "c", False),
        ([{"client-id": "c"}, {"user": None}], "c", False),
        ([{"user": None}, {"user": None, "client-id": None}], "c", False),
        ([{"user": None, "client-id": "c"}, {"user": "ANONYMOUS"}], "c", False),
        ([{"user": "ANONYMOUS"}, {"user": "ANONYMOUS", "client-id": None}], "c", False),
        ([{"client-id": None}], "", False),
        ([{"user": None, "client-id": None}], "", False),
        ([{"user": None}], "", True),
    ],
    ids=str,
)
def test_the_most_specific_quota_holds(
    own_broker: Broker, name: str, entities: list[Entity], client_id: str, is_throttled: bool
) -> None:
    """The first would hold a client back; one behind it, which is more specific, lets everything pass."""
    create_topic(own_broker, name)
    with contextlib.ExitStack() as quotas:
        for number, entity in enumerate(entities):
            quotas.enter_context(quota(own_broker, entity, producer_byte_rate=10**9 if number else 1000))
        with Connection(own_broker, client_id=client_id) as connection:
            answer = connection.ask(produce_request(name, batch([bytes(3500)])), 9)

        assert (answer.throttle_time_ms > 0) == is_throttled


# --- changes of topics


def new_topics(*topics: tuple[str, int], validate_only: bool = False) -> CreateTopicsRequest:
    wanted = CreateTopicsRequest.CreatableTopic
    return CreateTopicsRequest(
        topics=[
            wanted(name=topic, num_partitions=count, replication_factor=1, assignments=[], configs=[])
            for topic, count in topics
        ],
        timeout_ms=10_000,
        validate_only=validate_only,
    )


def test_topics_are_made_until_the_quota_is_used_up(own_broker: Broker, name: str) -> None:
    """4 windows of 10 partitions a second: 40 at once, then 10 a second. Validations count."""
    with (
        quota(own_broker, {"client-id": name}, controller_mutation_rate=10),
        Connection(own_broker, client_id=name) as connection,
    ):
        answer = connection.ask(new_topics((f"{name}-a", 1), (f"{name}-b", 49), validate_only=True), 7)
        assert ([each.error_code for each in answer.topics], answer.throttle_time_ms) == ([0, 0], 0)

        refused, took_ms = asked(connection, new_topics((f"{name}-c", 1)), 6)
        assert [(each.error_code, each.error_message) for each in refused.topics] == [(THROTTLING_QUOTA_EXCEEDED, None)]
        assert 500 < refused.throttle_time_ms <= 1000
        assert took_ms < 500

        made, took_ms = asked(connection, new_topics((f"{name}-c", 3)), 5)
        assert ([each.error_code for each in made.topics], made.throttle_time_ms // 100) == ([0], 2)
        assert took_ms == pytest.approx(refused.throttle_time_ms, abs=200)


def test_topics_do_not_grow_or_go_when_the_quota_is_used_up(own_broker: Broker, name: str) -> None:
    topic_id = create_topic(own_broker, name)
    grow = CreatePartitionsRequest.CreatePartitionsTopic(name=name, count=2, assignments=None)
    drop = DeleteTopicsRequest.DeleteTopicState(name=name, topic_id=None)
    with (
        quota(own_broker, {"client-id": name}, controller_mutation_rate=10),
        Connection(own_broker, client_id=name) as one,
        Connection(own_broker, client_id=name) as other,
        Connection(own_broker, client_id=name) as third,
    ):
        one.ask(new_topics((f"{name}-b", 60), validate_only=True), 7)

        grown = one.ask(CreatePartitionsRequest(topics=[grow], timeout_ms=10_000, validate_only=False), 3)
        [dropped] = other.ask(DeleteTopicsRequest(topics=[drop], timeout_ms=10_000), 6).responses
        assert [(each.error_code, each.error_message) for each in grown.results] == [(THROTTLING_QUOTA_EXCEEDED, None)]
        assert 1000 < grown.throttle_time_ms <= 2000
        assert (dropped.name, dropped.topic_id, dropped.error_code) == (name, topic_id, THROTTLING_QUOTA_EXCEEDED)
        assert dropped.error_message is None

        unmade = MetadataRequest.MetadataRequestTopic(name=f"{name}-by-itself", topic_id=None)
        request = MetadataRequest(
            topics=[unmade], allow_auto_topic_creation=True, include_topic_authorized_operations=False
        )
        answer = third.ask(request, 9)
        assert (answer.topics[0].error_code, answer.throttle_time_ms) == (3, 0)


# --- connections

ADDRESS = "127.0.0.9"  # of nobody else


def try_to_connect(broker: Broker, source: str) -> bool:
    """Whether the broker answers, or closes the connection after a while."""
    try:
        with socket.create_connection((broker.host, broker.port), timeout=10, source_address=(source, 0)) as connection:
            connection.sendall(b"\x00\x00\x00\x0a\x00\x12\x00\x00\x00\x00\x00\x07\x00\x00")
            return bool(connection.recv(4))
    except ConnectionError:
        return False


def test_an_address_gets_so_many_connections_a_second(own_broker: Broker) -> None:
    with quota(own_broker, {"ip": ADDRESS}, connection_creation_rate=5):
        welcome = [try_to_connect(own_broker, ADDRESS) for _ in range(18)]
        assert welcome[:14] == [True] * 14  # 3 windows at once, or 4 where one begins
        assert not all(welcome)
        assert all(try_to_connect(own_broker, "127.0.0.8") for _ in range(18))

        started, count = time.monotonic(), 0
        while time.monotonic() < started + SPAN_S:
            count += try_to_connect(own_broker, ADDRESS)
    assert 0 < count <= 5 * SPAN_S * 1.1
    assert try_to_connect(own_broker, ADDRESS)


def test_a_listener_takes_so_many_connections_a_second(start_broker: Callable[..., Broker]) -> None:
    broker = start_broker(quota_window_num=2, max_connection_creation_rate=10)
    time.sleep(2)  # what it took to start is forgotten
    started = time.monotonic()
    for _ in range(40):
        assert answers(broker.host, broker.port, timeout_s=5)

    assert 2 < time.monotonic() - started < 5
