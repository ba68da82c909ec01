"""Share groups over a restart: members, what was delivered, and what was being delivered."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio
from trio.testing import MockClock

from pykbroker.broker import Broker
from pykbroker.config.settings import Settings
from pykbroker.config.topics import log_config
from pykbroker.controller import Controller
from pykbroker.coordinator.share.share_partition import Acquired
from pykbroker.coordinator.share.state_shard import Place
from pykbroker.coordinator.share_coordinator import key_of
from pykbroker.coordinator.share_testing import GROUP, TOPIC, ShareMember, produce, reading_member
from pykbroker.metadata.sqlite import SqliteStore
from pykbroker.testing import NODE, NOW_MS, InMemoryBroker
from storage.log_manager import LogManager
from storage.testing import MemoryFiles
from wire.api.share_group_describe import ShareGroupDescribeRequest

ACCEPT, RELEASE, REJECT = 1, 2, 3


@asynccontextmanager
async def started(files: MemoryFiles, store: SqliteStore, snapshot_after: int) -> AsyncIterator[InMemoryBroker]:
    settings = Settings.of(
        {
            "node.id": "1",
            "offsets.topic.num.partitions": "2",
            "share.coordinator.snapshot.update.records.per.snapshot": str(snapshot_after),
        }
    )
    controller = await Controller.open(store, settings)
    logs = LogManager.open(
        files,
        ["/data"],
        node_id=1,
        config_for=lambda topic: log_config(settings, controller.image, topic),
        now_ms=NOW_MS,
    )
    broker = Broker(settings, controller, logs, clock_ms=lambda: NOW_MS + int(trio.current_time() * 1000))
    broker.replicas.start(controller.image, now_ms=NOW_MS)
    await controller.register_node(NODE)
    async with trio.open_nursery() as nursery:
        await nursery.start(broker.groups.run)
        await nursery.start(broker.share_state.run)
        await nursery.start(broker.shares.run)
        await trio.testing.wait_all_tasks_blocked()
        yield InMemoryBroker(broker)
        nursery.cancel_scope.cancel()
    logs.close()


@pytest.mark.parametrize("snapshot_after", [0, 2, 500])
async def test_a_restart_forgets_only_who_had_what(autojump_clock: MockClock, snapshot_after: int) -> None:
    files, store = MemoryFiles(), SqliteStore.open(None)
    async with started(files, store, snapshot_after) as it:
        await it.create(TOPIC)
        await it.broker.groups.create_topic()
        await it.broker.share_state.create_topic()
        member = await reading_member(it)
        produce(it, 10)
        await member.fetch()
        await member.acknowledge((0, 1, [ACCEPT]))
        await member.acknowledge((4, 4, [ACCEPT]))
        await member.acknowledge((5, 6, [RELEASE]))
        await member.acknowledge((9, 9, [REJECT]))

    async with started(files, store, snapshot_after) as it:
        again = ShareMember(it)
        again.epoch = member.epoch
        stays = await again.heartbeat()
        described = await it.ask(ShareGroupDescribeRequest(group_ids=[GROUP], include_authorized_operations=False), 1)
        acquired = await again.acquire()

    store.close()
    assert (0, None) == (stays.error_code, stays.assignment), "it is a member as before"
    assert "Stable" == described.groups[0].group_state
    assert [Acquired(2, 3, 1), Acquired(5, 6, 2), Acquired(7, 8, 1)] == acquired


async def test_members_that_do_not_come_back_after_a_restart_are_gone(autojump_clock: MockClock) -> None:
    files, store = MemoryFiles(), SqliteStore.open(None)
    async with started(files, store, 500) as it:
        await it.create(TOPIC)
        await it.broker.groups.create_topic()
        await it.broker.share_state.create_topic()
        await reading_member(it)

    async with started(files, store, 500) as it:
        await trio.sleep(50)
        described = await it.ask(ShareGroupDescribeRequest(group_ids=[GROUP], include_authorized_operations=False), 1)

    store.close()
    assert "Empty" == described.groups[0].group_state


def test_where_state_is_kept_is_as_in_kafka() -> None:
    place = Place("g", bytes.fromhex("a1fd7798af164228a90cafbe06fe88ce"), 3)

    assert "g:of13mK8WQiipDK--Bv6Izg:3" == key_of(place)
