"""Settings reach those who act on them, under Kafka's names and in their units.

That they then act is for the tests of those parts; here are also the few that act in no part of their own.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

import pytest
import trio
import trio.testing

from pykbroker.cleaning import current_limits
from pykbroker.config.settings import Settings
from pykbroker.config.topics import log_config
from pykbroker.connection_quotas import ConnectionQuotas
from pykbroker.coordinator.groups.config import GroupConfig
from pykbroker.coordinator.groups.consumer.config import Bounded
from pykbroker.coordinator.groups.shard import GroupShard
from pykbroker.coordinator.share.config import READ_COMMITTED, ShareConfigs
from pykbroker.coordinator.transactions.config import TransactionConfig
from pykbroker.dispatch import Dispatcher
from pykbroker.endpoints import Listener
from pykbroker.errors import BrokerError
from pykbroker.listener import ListenerTask, bind
from pykbroker.maintenance import maintain
from pykbroker.metadata.image import MetadataImage
from pykbroker.server import node_of
from pykbroker.testing import NOW_MS, InMemoryBroker, in_memory_broker
from storage.cleaner import CleanerLimits
from wire.api.fetch import FetchRequest
from wire.compression import Codec
from wire.errors import ErrorCode
from wire.record_batch import Record, RecordBatch, build

NO_TOPICS = MetadataImage(1, "cluster", 1)


def groups(settings: Settings) -> GroupConfig:
    return GroupConfig.of(settings)


def share_delivery(settings: Settings) -> object:
    return ShareConfigs(settings).delivery(NO_TOPICS, "g")


def share_group(settings: Settings) -> object:
    return ShareConfigs(settings).group(NO_TOPICS, "g")


def logs(settings: Settings) -> object:
    return log_config(settings, NO_TOPICS, "t")


@pytest.mark.parametrize(
    ("part", "name", "text", "field", "value"),
    [
        (groups, "group.min.session.timeout.ms", "7", "min_session_timeout_ms", 7),
        (groups, "group.max.session.timeout.ms", "7", "max_session_timeout_ms", 7),
        (groups, "group.max.size", "7", "max_size", 7),
        (groups, "group.consumer.max.size", "7", "consumer_max_size", 7),
        (groups, "group.consumer.assignors", "range", "consumer_assignors", ("range",)),
        (groups, "group.consumer.migration.policy", "Disabled", "migration_policy", "disabled"),
        (groups, "offsets.retention.minutes", "7", "offsets_retention_ms", 420_000),
        (groups, "offsets.retention.check.interval.ms", "7", "offsets_retention_check_interval_ms", 7),
        (groups, "offsets.commit.timeout.ms", "7", "commit_timeout_ms", 7),
        (groups, "offsets.topic.compression.codec", "3", "compression", Codec.LZ4),
        (share_delivery, "group.share.delivery.count.limit", "7", "delivery_count_limit", 7),
        (share_delivery, "group.share.partition.max.record.locks", "777", "max_record_locks", 777),
        (share_delivery, "group.share.record.lock.duration.ms", "17000", "record_lock_duration_ms", 17_000),
        (share_group, "group.share.heartbeat.interval.ms", "7000", "heartbeat_interval_ms", 7_000),
        (share_group, "group.share.session.timeout.ms", "47000", "session_timeout_ms", 47_000),
        (TransactionConfig.of, "transaction.max.timeout.ms", "7", "max_timeout_ms", 7),
        (TransactionConfig.of, "transactional.id.expiration.ms", "7", "expiration_ms", 7),
        (
            TransactionConfig.of,
            "transaction.remove.expired.transaction.cleanup.interval.ms",
            "7",
            "expiration_interval_ms",
            7,
        ),
        (logs, "log.message.timestamp.after.max.ms", "7", "message_timestamp_after_max_ms", 7),
        (logs, "compression.zstd.level", "7", "compression_zstd_level", 7),
    ],
)
def test_a_setting_is_what_its_part_goes_by(
    part: Callable[[Settings], object], name: str, text: str, field: str, value: object
) -> None:
    assert value == getattr(part(Settings.of({name: text})), field)


@pytest.mark.parametrize(
    ("least", "default", "most", "field"),
    [
        (
            "group.consumer.min.session.timeout.ms",
            "group.consumer.session.timeout.ms",
            "group.consumer.max.session.timeout.ms",
            "session_timeout",
        ),
        (
            "group.consumer.min.heartbeat.interval.ms",
            "group.consumer.heartbeat.interval.ms",
            "group.consumer.max.heartbeat.interval.ms",
            "heartbeat_interval",
        ),
        (
            "group.consumer.min.assignment.interval.ms",
            "group.consumer.assignment.interval.ms",
            "group.consumer.max.assignment.interval.ms",
            "assignment_interval",
        ),
    ],
)
def test_consumer_groups_have_bounds(least: str, default: str, most: str, field: str) -> None:
    settings = Settings.of({least: "5", default: "6", most: "7"})

    found = getattr(GroupConfig.of(settings).consumer, field)

    assert Bounded(6, 5, 7) == found
    assert [5, 6, 6, 7] == [found.of(own) for own in ("4", "6", None, "8")]


@pytest.mark.parametrize(
    ("part", "own", "least", "most", "field"),
    [
        (
            *("group", "share.assignment.interval.ms"),
            *("group.share.min.assignment.interval.ms", "group.share.max.assignment.interval.ms"),
            "assignment_interval_ms",
        ),
        (
            *("group", "share.heartbeat.interval.ms"),
            *("group.share.min.heartbeat.interval.ms", "group.share.max.heartbeat.interval.ms"),
            "heartbeat_interval_ms",
        ),
        (
            *("group", "share.session.timeout.ms"),
            *("group.share.min.session.timeout.ms", "group.share.max.session.timeout.ms"),
            "session_timeout_ms",
        ),
        (
            *("delivery", "share.delivery.count.limit"),
            *("group.share.min.delivery.count.limit", "group.share.max.delivery.count.limit"),
            "delivery_count_limit",
        ),
        (
            *("delivery", "share.record.lock.duration.ms"),
            *("group.share.min.record.lock.duration.ms", "group.share.max.record.lock.duration.ms"),
            "record_lock_duration_ms",
        ),
        (
            *("delivery", "share.partition.max.record.locks"),
            *("group.share.min.partition.max.record.locks", "group.share.max.partition.max.record.locks"),
            "max_record_locks",
        ),
    ],
)
def test_what_a_share_group_sets_keeps_within_the_brokers_bounds(
    part: str, own: str, least: str, most: str, field: str
) -> None:
    bounds = {"delivery_count_limit": ("3", "9"), "record_lock_duration_ms": ("3000", "3600000")}
    low, high = bounds.get(field, ("300", "9000"))
    shares = ShareConfigs(Settings.of({least: low, most: high}))

    def held(text: str) -> Any:
        return getattr(getattr(shares, part)(NO_TOPICS.with_group_configs({"g": {own: text}}), "g"), field)

    assert [int(low), int(low) + 1, int(high)] == [held(text) for text in ("1", str(int(low) + 1), "999999999")]


def test_a_share_group_chooses_its_isolation_level() -> None:
    image = NO_TOPICS.with_group_configs({"g": {"share.isolation.level": "read_committed"}})

    assert READ_COMMITTED == ShareConfigs(Settings.of({})).delivery(image, "g").isolation_level


def test_assignment_intervals_change_for_all_groups_while_the_broker_runs() -> None:
    image = NO_TOPICS.with_broker_configs(
        {"": {"group.consumer.assignment.interval.ms": "7", "group.share.assignment.interval.ms": "8"}}
    ).with_group_configs({"own": {"consumer.assignment.interval.ms": "9", "share.assignment.interval.ms": "10"}})
    shard = GroupShard(GroupConfig.of(Settings.of({})), lambda: image)
    shares = ShareConfigs(Settings.of({}))

    assert [7, 9] == [shard.consumer_config(group).assignment_interval_ms for group in ("g", "own")]
    assert [8, 10] == [shares.group(image, group).assignment_interval_ms for group in ("g", "own")]


@pytest.mark.parametrize(
    ("topic", "count", "segment_bytes", "min_isr"),
    [
        ("__consumer_offsets", "offsets.topic.num.partitions", "offsets.topic.segment.bytes", None),
        (
            "__transaction_state",
            "transaction.state.log.num.partitions",
            "transaction.state.log.segment.bytes",
            "transaction.state.log.min.isr",
        ),
        (
            "__share_group_state",
            "share.coordinator.state.topic.num.partitions",
            "share.coordinator.state.topic.segment.bytes",
            "share.coordinator.state.topic.min.isr",
        ),
    ],
)
async def test_an_internal_topic_is_made_as_its_settings_say(
    topic: str, count: str, segment_bytes: str, min_isr: str | None
) -> None:
    settings = {count: "3", segment_bytes: "2000000"} | ({} if min_isr is None else {min_isr: "2"})
    async with in_memory_broker(settings) as it:
        made = await it.broker.controller.create_topic(topic)

        assert 3 == len(made.partitions)
        assert "2000000" == it.broker.image.topic_configs[topic]["segment.bytes"]
        assert (None if min_isr is None else "2") == it.broker.image.topic_configs[topic].get("min.insync.replicas")


@pytest.mark.parametrize(
    ("name", "topic"),
    [
        ("default.replication.factor", "t"),
        ("offsets.topic.replication.factor", "__consumer_offsets"),
        ("transaction.state.log.replication.factor", "__transaction_state"),
        ("share.coordinator.state.topic.replication.factor", "__share_group_state"),
    ],
)
async def test_more_replicas_than_nodes_are_refused(name: str, topic: str) -> None:
    async with in_memory_broker({name: "2"}) as it:
        with pytest.raises(BrokerError) as refused:
            await it.broker.controller.create_topic(topic)

    assert ErrorCode.INVALID_REPLICATION_FACTOR == refused.value.code


async def test_share_coordination_has_a_write_timeout_and_a_codec() -> None:
    """What it writes is in the codec, and it waits for so long that the write is replicated."""
    settings = {
        "share.coordinator.write.timeout.ms": "7",
        "share.coordinator.state.topic.compression.codec": "1",
    }
    async with in_memory_broker(settings) as it:
        state_log = it.broker.share_state._state_log

        assert (7, Codec.GZIP) == (state_log.commit_timeout_ms, state_log.compression)


async def test_a_round_of_compaction_goes_by_the_limits_of_now() -> None:
    async with in_memory_broker({"log.cleaner.dedupe.buffer.size": "2000000"}) as it:
        await it.broker.controller.set_broker_configs(
            1, {"log.cleaner.io.buffer.load.factor": "0.5", "log.cleaner.io.max.bytes.per.second": "7"}
        )

        assert (CleanerLimits(2_000_000, 0.5), 7) == current_limits(it.broker)


async def test_the_place_for_fetch_sessions_is_limited() -> None:
    async with in_memory_broker({"max.incremental.fetch.session.cache.slots": "0"}) as it:
        response = await it.ask(FetchRequest(max_wait_ms=0, min_bytes=0, session_epoch=0, topics=[]), 12)

        assert 0 == response.session_id


@pytest.mark.parametrize(("interval_ms", "is_removed"), [("1000", True), ("600000", False)])
async def test_retention_is_looked_after_at_its_interval(
    interval_ms: str, is_removed: bool, autojump_clock: trio.testing.MockClock
) -> None:
    async with in_memory_broker({"log.retention.check.interval.ms": interval_ms}) as it:
        await it.create("t", configs={"retention.ms": "1"})
        log = it.append("t", 0, [NOW_MS - 10]).log
        log.roll(NOW_MS)

        await maintained(it, lambda: log.log_start_offset > 0)

        assert int(is_removed) == log.log_start_offset


@pytest.mark.parametrize(("expiration_ms", "is_forgotten"), [("1", True), ("600000", False)])
async def test_idle_producers_are_forgotten_after_what_is_set_now(
    expiration_ms: str, is_forgotten: bool, autojump_clock: trio.testing.MockClock
) -> None:
    async with in_memory_broker({"producer.id.expiration.check.interval.ms": "1000"}) as it:
        await it.create("t")
        partition = it.broker.replicas.leader("t", 0)
        record = Record(timestamp_ms=NOW_MS - 10, key=None, value=b"v")
        data = build([record], producer_id=1, producer_epoch=0, base_sequence=0)
        partition.append_as_leader([RecordBatch(memoryview(bytearray(data)))], now_ms=NOW_MS - 10)
        await it.broker.controller.set_broker_configs(None, {"producer.id.expiration.ms": expiration_ms})

        await maintained(it, lambda: not partition.log.producers.by_id)

        assert is_forgotten == (not partition.log.producers.by_id)


async def maintained(it: InMemoryBroker, is_done: Callable[[], bool]) -> None:
    """A minute of background work; less if it is done sooner. (The clock jumps while threads work.)"""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(maintain, it.broker)
        for _ in range(600):
            await trio.sleep(0.1)
            if is_done():
                break
        nursery.cancel_scope.cancel()


def test_the_rack_is_told_to_clients() -> None:
    assert "r7" == node_of(Settings.of({"broker.rack": "r7"}), []).rack


class Listening(socket.socket):
    """Remembers how long its queue of connections is."""

    backlog = -1

    def listen(self, backlog: int = -1, /) -> None:
        self.backlog = backlog
        super().listen(backlog)


async def test_sockets_are_set_up_as_told() -> None:
    settings = {
        "socket.listen.backlog.size": "7",
        "socket.receive.buffer.bytes": "30000",
        "socket.send.buffer.bytes": "20000",
    }
    listener = Listener("PLAINTEXT", "PLAINTEXT", "127.0.0.1", 0)
    async with in_memory_broker(settings) as it, trio.open_nursery() as nursery:
        with Listening(fileno=bind(listener, it.broker.settings).detach()) as sock:
            sock.setblocking(False)
            task = ListenerTask(it.broker, Dispatcher(), ConnectionQuotas(it.broker), listener, sock)
            nursery.start_soon(task.run, nursery)
            await trio.testing.wait_all_tasks_blocked()
            async with await trio.open_tcp_stream(*sock.getsockname()):
                await trio.testing.wait_all_tasks_blocked()
                (transport,) = task._connections
                sent = transport._socket.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)
            received = sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)
            nursery.cancel_scope.cancel()

    # Linux gives twice what is asked for.
    assert (7, True, True) == (sock.backlog, received in (30_000, 60_000), sent in (20_000, 40_000))
