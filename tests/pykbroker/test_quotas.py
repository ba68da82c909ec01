"""Quotas: who is held to which, and that they hold: bytes, time and changes of topics, on the test's clock."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from typing import Any

import pytest
import trio
import trio.testing
from trio.testing import MockClock

from pykbroker.client_quotas import entity_of
from pykbroker.connection import Connection
from pykbroker.context import ANONYMOUS
from pykbroker.errors import BrokerError
from pykbroker.outbox import Outbox
from pykbroker.quotas import Quotas, limit_of
from pykbroker.testing import CORRELATION_ID, NOW_MS, InMemoryBroker, in_memory_broker
from wire.api.alter_client_quotas import AlterClientQuotasRequest
from wire.api.api_versions import ApiVersionsRequest
from wire.api.create_partitions import CreatePartitionsRequest
from wire.api.create_topics import CreateTopicsRequest
from wire.api.delete_topics import DeleteTopicsRequest
from wire.api.fetch import FetchRequest
from wire.api.metadata import MetadataRequest
from wire.api.produce import ProduceRequest
from wire.errors import ErrorCode
from wire.frame import frame
from wire.record_batch import Record, build
from wire.registry import ApiKey

LEVELS = [  # in Kafka's order, the one that counts first
    ("user-client", {"user": "u", "client-id": "c"}, ("u", "c")),
    ("user-default client", {"user": "u", "client-id": None}, ("u", "c")),
    ("user", {"user": "u"}, ("u", None)),
    ("default user-client", {"user": None, "client-id": "c"}, ("u", "c")),
    ("default user-default client", {"user": None, "client-id": None}, ("u", "c")),
    ("default user", {"user": None}, ("u", None)),
    ("client", {"client-id": "c"}, (None, "c")),
    ("default client", {"client-id": None}, (None, "c")),
]
SECONDS = 11  # a span of windows


@pytest.fixture
async def broker() -> AsyncIterator[InMemoryBroker]:
    async with in_memory_broker() as opened:
        await opened.create("t", 1)
        yield opened


async def alter(broker: InMemoryBroker, whose: dict[str, str | None], **values: float | None) -> None:
    asked = AlterClientQuotasRequest.EntryData
    entry = asked(
        entity=[asked.EntityData(entity_type=kind, entity_name=name) for kind, name in whose.items()],
        ops=[asked.OpData(key=key, value=value or 0, remove=value is None) for key, value in values.items()],
    )
    response = await broker.ask(AlterClientQuotasRequest(entries=[entry], validate_only=False), 1)
    assert response.entries[0].error_code == 0, response


def produce(size_bytes: int, *, acks: int = 1) -> ProduceRequest:
    records = build([Record(offset=0, timestamp_ms=NOW_MS, key=None, value=bytes(size_bytes), headers=())])
    data = ProduceRequest.TopicProduceData
    topics = [data(name="t", partition_data=[data.PartitionProduceData(index=0, records=records)])]
    return ProduceRequest(acks=acks, timeout_ms=1000, topic_data=topics)


def fetch(offset: int, *, max_bytes: int = 1 << 30, session: tuple[int, int] = (0, -1), **fields: Any) -> FetchRequest:
    topic = FetchRequest.FetchTopic
    partition = topic.FetchPartition(partition=0, fetch_offset=offset, partition_max_bytes=max_bytes)
    topics = [] if session[1] > 0 else [topic(topic="t", partitions=[partition])]
    return FetchRequest(
        **{"max_wait_ms": 0, "min_bytes": 1} | fields,
        max_bytes=max_bytes, session_id=session[0], session_epoch=session[1], topics=topics,
    )  # fmt: skip


# --- who is held to what


@pytest.mark.parametrize("first", range(len(LEVELS)), ids=[level[0] for level in LEVELS])
def test_the_most_specific_limit_counts_and_says_who_shares_it(first: int) -> None:
    limits = {entity_of(whose.items()): float(number) for number, (_, whose, _) in enumerate(LEVELS) if number >= first}

    assert limit_of(limits, "u", "c") == (first, LEVELS[first][2])


def test_who_has_no_limit_has_none() -> None:
    others = [{"user": "v"}, {"client-id": "d"}, {"user": "u", "client-id": "d"}, {"user": "v", "client-id": "c"}]

    assert limit_of({entity_of(whose.items()): 1.0 for whose in others}, "u", "c") is None


@pytest.mark.parametrize(("_name", "whose", "_sharers"), LEVELS)
def test_without_a_client_id_only_a_users_limit_counts(
    _name: str, whose: dict[str, str | None], _sharers: object
) -> None:
    found = limit_of({entity_of(whose.items()): 1.0}, "u", "")

    assert found == ((1.0, ("u", None)) if "client-id" not in whose else None)


# --- that it holds


@pytest.mark.parametrize("acks", [0, 1, -1])
@pytest.mark.parametrize("whose", [{"client-id": "test"}, {"user": ANONYMOUS}, {"client-id": None, "user": None}])
async def test_a_producer_gets_its_rate(
    broker: InMemoryBroker, whose: dict[str, str | None], acks: int, autojump_clock: MockClock
) -> None:
    await alter(broker, whose, producer_byte_rate=100_000)
    request, started, passed, throttled_ms = produce(4000, acks=acks), trio.current_time(), 0, 0
    while trio.current_time() < started + SECONDS:
        passed += len(broker.frame(request, 9))
        if acks == 0:
            await broker.tell(request, 9)
        else:
            throttled_ms += (await broker.ask(request, 9)).throttle_time_ms

    assert passed == pytest.approx(100_000 * SECONDS, rel=0.1)
    assert throttled_ms == (0 if acks == 0 else pytest.approx(1000 * SECONDS, rel=0.1))


async def test_a_consumer_gets_its_rate_and_nothing_at_all_above_it(
    broker: InMemoryBroker, autojump_clock: MockClock
) -> None:
    broker.append("t", 0, [NOW_MS] * 10_000)
    await alter(broker, {"client-id": "test"}, consumer_byte_rate=100_000)
    passed, kinds, started = 0, set(), trio.current_time()
    while trio.current_time() < started + SECONDS:
        asked_at = trio.current_time()
        response = await broker.ask(fetch(0, max_bytes=1000), 11)
        size = sum(len(each.records) for topic in response.responses for each in topic.partitions)
        passed += size
        kinds.add((size > 0, response.throttle_time_ms > 0))
        assert trio.current_time() == pytest.approx(asked_at + response.throttle_time_ms / 1000, abs=0.002)

    assert kinds == {(True, False), (False, True)}
    assert passed == pytest.approx(100_000 * SECONDS, rel=0.1)


async def test_a_throttled_fetch_leaves_its_session_as_it_was(
    broker: InMemoryBroker, autojump_clock: MockClock
) -> None:
    broker.append("t", 0, [NOW_MS] * 1000)
    opened = await broker.ask(fetch(1000, session=(0, 0)), 11)
    await alter(broker, {"client-id": "test"}, consumer_byte_rate=1)
    broker.append("t", 0, [NOW_MS] * 1000)

    throttled = await broker.ask(fetch(1000, session=(opened.session_id, 1)), 11)
    assert (throttled.session_id, list(throttled.responses)) == (opened.session_id, [])
    assert throttled.throttle_time_ms > 0
    await alter(broker, {"client-id": "test"}, consumer_byte_rate=None)

    news = await broker.ask(fetch(1000, session=(opened.session_id, 2)), 11)
    assert news.responses[0].partitions[0].records
    assert news.responses[0].partitions[0].high_watermark == 2000


async def test_a_throttled_fetch_opens_no_session(broker: InMemoryBroker, autojump_clock: MockClock) -> None:
    broker.append("t", 0, [NOW_MS] * 1000)
    await alter(broker, {"client-id": "test"}, consumer_byte_rate=1)

    throttled = await broker.ask(fetch(0, session=(0, 0)), 11)

    assert (throttled.session_id, list(throttled.responses)) == (0, [])
    assert not broker.broker.fetch_sessions._sessions


async def test_a_consumer_is_given_no_more_at_once_than_it_may_have(
    broker: InMemoryBroker, autojump_clock: MockClock
) -> None:
    for _ in range(100):
        broker.append("t", 0, [NOW_MS] * 100)
    await alter(broker, {"client-id": "test"}, consumer_byte_rate=2000)

    for _ in range(2):  # what is around the records comes on top of them, and may be too much at first
        response = await broker.ask(fetch(0, min_bytes=1 << 20, max_wait_ms=1000), 11)

    [partition] = response.responses[0].partitions
    assert 10_000 < len(partition.records) <= 20_000
    assert response.throttle_time_ms == 0


async def test_a_client_gets_its_share_of_the_event_loops_time(
    broker: InMemoryBroker, autojump_clock: MockClock
) -> None:
    await alter(broker, {"client-id": "test"}, request_percentage=5)
    clock_ns = itertools.count(0, 1_000_000)  # every look costs a millisecond
    broker.broker.quotas._clock_ns = lambda: next(clock_ns)
    spent_ms, throttle_times_ms, started = 0, [], trio.current_time()
    while trio.current_time() < started + SECONDS:
        spent_ms += 2  # from the beginning to the answer, from there to the end
        throttle_times_ms.append((await broker.ask(ApiVersionsRequest(), 2)).throttle_time_ms)

    assert spent_ms == pytest.approx(0.05 * SECONDS * 1000, rel=0.1)
    assert 0 < max(throttle_times_ms) <= 1000


class Pipe:
    """Gives all that a client has sent at once, then the end of the stream; keeps what it is sent, and when."""

    def __init__(self, data: bytes) -> None:
        self._left = data
        self.sent: list[tuple[float, int]] = []

    async def receive_into(self, buffer: memoryview) -> int:
        taken = min(len(buffer), len(self._left))
        buffer[:taken] = self._left[:taken]
        self._left = self._left[taken:]
        return taken

    async def send(self, outbox: Outbox) -> None:
        if answers := outbox.head.count(CORRELATION_ID.to_bytes(4, "big")):
            self.sent.append((trio.current_time(), answers))
        outbox.head = bytearray()

    async def pause(self, *, until_s: float) -> None:
        await trio.sleep_until(until_s)


async def test_answers_leave_at_once_and_what_was_sent_already_waits(
    broker: InMemoryBroker, autojump_clock: MockClock
) -> None:
    await alter(broker, {"client-id": "test"}, producer_byte_rate=1000)
    sent = b"".join(frame(broker.frame(produce(5_000), 9)) for _ in range(4))
    pipe, started = Pipe(sent), trio.current_time()

    await Connection(pipe, broker.dispatcher, broker.context, max_frame_bytes=1 << 20).serve()

    assert [count for _, count in pipe.sent] == [1, 1, 1, 1]
    times = [at - started for at, _ in pipe.sent]
    assert times[0] == times[1] == 0  # the second is the first that is too much
    assert 0 < times[2] < times[3]


async def test_who_gets_no_answer_has_time_for_free(broker: InMemoryBroker, autojump_clock: MockClock) -> None:
    await alter(broker, {"client-id": "test"}, request_percentage=0.001)
    clock_ns = itertools.count(0, 1_000_000)
    broker.broker.quotas._clock_ns = lambda: next(clock_ns)
    started = trio.current_time()
    for _ in range(50):
        await broker.tell(produce(10, acks=0), 9)

    assert trio.current_time() == started
    assert (await broker.ask(produce(10, acks=1), 9)).throttle_time_ms > 0


async def test_a_throttle_time_beyond_what_can_be_told_is_told_as_the_longest(
    broker: InMemoryBroker, autojump_clock: MockClock
) -> None:
    await alter(broker, {"client-id": "test"}, producer_byte_rate=1)
    usage = broker.broker.quotas.begin("u", "test", 1 << 40)
    assert usage is not None

    assert 2**31 - 1 == broker.broker.quotas.charge(usage, ApiKey.PRODUCE, is_answered=True)


async def test_a_changed_quota_counts_from_the_next_request_on(
    broker: InMemoryBroker, autojump_clock: MockClock
) -> None:
    await alter(broker, {"client-id": "test"}, producer_byte_rate=10_000)
    assert (await broker.ask(produce(50_000), 9)).throttle_time_ms == 0

    await alter(broker, {"client-id": "test"}, producer_byte_rate=1000)
    assert (await broker.ask(produce(1000), 9)).throttle_time_ms > 10_000

    await alter(broker, {"client-id": "test"}, producer_byte_rate=None)
    assert (await broker.ask(produce(50_000), 9)).throttle_time_ms == 0
    assert not broker.broker.quotas.are_enforced


async def test_the_windows_are_those_of_the_settings(autojump_clock: MockClock) -> None:
    settings = {"quota.window.num": "3", "quota.window.size.seconds": "2"}
    settings |= {"controller.quota.window.num": "4", "controller.quota.window.size.seconds": "5"}
    async with in_memory_broker(settings) as opened:
        await opened.create("t", 1)
        await alter(opened, {"client-id": "test"}, producer_byte_rate=1000, controller_mutation_rate=3)
        request = produce(6000 - len(opened.frame(produce(0), 9)) + 400)

        # 6400 bytes in two windows of 2 s are 600 B/s too much, for which to make up takes 2.4 s.
        assert (await opened.ask(request, 9)).throttle_time_ms == pytest.approx(2400, abs=20)

        assert opened.broker.quotas.begin("u", "other", 0) is None
        usage = opened.broker.quotas.begin("u", "test", 0)
        charge = opened.broker.quotas.mutations(usage, is_strict=True)
        charge(4 * 5 * 3 + 1)
        with pytest.raises(BrokerError):
            charge(1)


async def test_others_are_not_held_back(broker: InMemoryBroker, autojump_clock: MockClock) -> None:
    await alter(broker, {"client-id": "test"}, producer_byte_rate=100, request_percentage=0.0001)
    other = InMemoryBroker(broker.broker, client_id="other")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(broker.ask, produce(50_000), 9)
        await trio.testing.wait_all_tasks_blocked()
        started = trio.current_time()
        for _ in range(20):
            assert (await other.ask(produce(50_000), 9)).throttle_time_ms == 0
        assert trio.current_time() == started


async def test_quotas_of_addresses_alone_do_not_concern_requests(
    broker: InMemoryBroker, autojump_clock: MockClock
) -> None:
    await alter(broker, {"ip": "10.0.0.1"}, connection_creation_rate=1)

    assert not broker.broker.quotas.are_enforced


async def test_quotas_that_were_set_before_the_start_hold(broker: InMemoryBroker, autojump_clock: MockClock) -> None:
    await alter(broker, {"client-id": "test"}, producer_byte_rate=1000)

    restarted = Quotas(broker.broker.settings, broker.broker.controller)

    assert restarted.are_enforced
    assert restarted.begin("u", "test", 0) is not None


async def test_old_clients_are_not_told_but_held_back(broker: InMemoryBroker, autojump_clock: MockClock) -> None:
    await alter(broker, {"client-id": "test"}, producer_byte_rate=1000)
    started = trio.current_time()

    for _ in range(2):
        response = await broker.ask(produce(10_000), 0)
        assert response.responses[0].partition_responses[0].error_code in (0, ErrorCode.INVALID_RECORD)

    assert trio.current_time() > started + 5


# --- changes of topics


def new_topic(name: str, partition_count: int, **fields: Any) -> CreateTopicsRequest:
    topic = CreateTopicsRequest.CreatableTopic(
        name=name, num_partitions=partition_count, replication_factor=1, assignments=[], configs=[]
    )
    return CreateTopicsRequest(topics=[topic], timeout_ms=1000, **fields)


async def test_topics_are_made_until_the_bucket_is_overdrawn_and_then_refused(
    broker: InMemoryBroker, autojump_clock: MockClock
) -> None:
    await alter(broker, {"user": None}, controller_mutation_rate=2)
    full = await broker.ask(new_topic("a", 23), 7)
    assert (full.topics[0].error_code, full.throttle_time_ms) == (0, 0)
    started = trio.current_time()

    refused = await broker.ask(new_topic("b", 1), 6)

    assert refused.topics[0].error_code == ErrorCode.THROTTLING_QUOTA_EXCEEDED
    assert refused.topics[0].error_message is None
    assert refused.throttle_time_ms == 500
    assert "b" not in broker.broker.image.topics
    assert trio.current_time() == pytest.approx(started + 0.5, abs=0.002)
    assert (await broker.ask(new_topic("b", 1), 7)).topics[0].error_code == 0


async def test_old_versions_are_never_refused_but_are_quiet_afterwards(
    broker: InMemoryBroker, autojump_clock: MockClock
) -> None:
    await alter(broker, {"user": None}, controller_mutation_rate=2)
    grow, drop = CreatePartitionsRequest.CreatePartitionsTopic(name="t", count=7, assignments=None), ["t"]
    for request, version, partitions in (
        (new_topic("a", 24), 5, 2),
        (CreatePartitionsRequest(topics=[grow], timeout_ms=1000, validate_only=False), 2, 6),
        (DeleteTopicsRequest(topic_names=drop, timeout_ms=1000), 4, 7),
    ):
        started = trio.current_time()
        response = await broker.ask(request, version)

        assert response.throttle_time_ms == pytest.approx(partitions / 2 * 1000, abs=2)
        assert trio.current_time() == pytest.approx(started + partitions / 2, abs=0.002)


async def test_what_is_refused_stays_as_it_was(broker: InMemoryBroker, autojump_clock: MockClock) -> None:
    await broker.create("u", 1)
    await alter(broker, {"user": None}, controller_mutation_rate=2)
    await broker.ask(new_topic("a", 24, validate_only=True), 7)
    other = InMemoryBroker(broker.broker, client_id="other")
    grow = CreatePartitionsRequest.CreatePartitionsTopic(name="t", count=2, assignments=None)
    drop = [DeleteTopicsRequest.DeleteTopicState(name="t", topic_id=bytes(16))]

    dropped = (await broker.ask(DeleteTopicsRequest(topics=drop, timeout_ms=1000), 6)).responses[0]
    await other.ask(new_topic("c", 24, validate_only=True), 7)
    grown = await other.ask(CreatePartitionsRequest(topics=[grow], timeout_ms=1000, validate_only=False), 3)

    topic = broker.broker.image.topics["t"]
    assert (dropped.name, dropped.topic_id, dropped.error_message) == ("t", topic.id, None)
    assert dropped.error_code == grown.results[0].error_code == ErrorCode.THROTTLING_QUOTA_EXCEEDED
    assert len(topic.partitions) == 1


async def test_a_topic_that_is_made_by_itself_counts_too_and_is_unknown_where_it_is_too_much(
    broker: InMemoryBroker, autojump_clock: MockClock
) -> None:
    await alter(broker, {"client-id": "test"}, controller_mutation_rate=2)
    await broker.ask(new_topic("a", 23), 7)
    wanted = MetadataRequest(topics=[MetadataRequest.MetadataRequestTopic(name="by-itself")])

    response = await broker.ask(wanted, 9)
    assert (response.topics[0].error_code, response.throttle_time_ms) == (ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, 0)
    await trio.sleep(0.5)
    assert (await broker.ask(wanted, 9)).topics[0].error_code == 0
