"""The runtime: nothing is answered that could be lost, what waits is let go, and a restart finds all of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from pykbroker.broker import Broker
from pykbroker.config.settings import Settings
from pykbroker.config.topics import log_config
from pykbroker.controller import Controller
from pykbroker.coordinator.decision import Decision, nothing
from pykbroker.coordinator.groups.testing import subscription
from pykbroker.metadata.sqlite import SqliteStore
from pykbroker.testing import NODE, InMemoryBroker
from storage.log_manager import LogManager
from storage.testing import MemoryFiles
from wire.api.delete_topics import DeleteTopicsRequest
from wire.api.describe_groups import DescribeGroupsRequest
from wire.api.find_coordinator import FindCoordinatorRequest
from wire.api.heartbeat import HeartbeatRequest
from wire.api.join_group import JoinGroupRequest
from wire.api.list_groups import ListGroupsRequest
from wire.api.offset_commit import OffsetCommitRequest
from wire.api.offset_fetch import OffsetFetchRequest
from wire.api.sync_group import SyncGroupRequest
from wire.errors import ErrorCode

START_MS = 1_700_000_000_000
SESSION_MS = 10_000

Topic = OffsetCommitRequest.OffsetCommitRequestTopic


class Machine:
    """A disk and a store that outlive the brokers that run on them, and a clock that runs with the event loop's."""

    def __init__(self, settings: Mapping[str, str] | None = None) -> None:
        self.files = MemoryFiles()
        self.store = SqliteStore.open(None)
        self.settings = Settings.of({"node.id": "1", "offsets.topic.num.partitions": "2", **(settings or {})})

    @asynccontextmanager
    async def broker(self, *, clean_stop: bool = True, wait_loaded: bool = True) -> AsyncIterator[InMemoryBroker]:
        controller = await Controller.open(self.store, self.settings)
        logs = LogManager.open(
            self.files,
            ["/data"],
            node_id=1,
            config_for=lambda topic: log_config(self.settings, controller.image, topic),
            now_ms=now_ms(),
        )
        broker = Broker(self.settings, controller, logs, clock_ms=now_ms)
        broker.replicas.start(controller.image, now_ms=now_ms())
        await controller.register_node(NODE)
        async with trio.open_nursery() as nursery:
            await nursery.start(broker.groups.run)
            if wait_loaded:
                await trio.testing.wait_all_tasks_blocked()
            yield InMemoryBroker(broker)
            nursery.cancel_scope.cancel()
        if clean_stop:
            logs.close()
        else:
            self.files = self.files.after_kill()


def now_ms() -> int:
    return START_MS + int(trio.current_time() * 1000)


@pytest.fixture
def machine(autojump_clock: trio.testing.MockClock) -> Iterator[Machine]:  # time must not really pass
    it = Machine()
    yield it
    it.store.close()


async def prepared(it: InMemoryBroker) -> None:
    """A topic, and one for the offsets."""
    await it.create("t", 2)
    await it.ask(FindCoordinatorRequest(key="g"), 1)


def joining(member_id: str = "", *, group_id: str = "g", session_ms: int = SESSION_MS) -> JoinGroupRequest:
    return JoinGroupRequest(
        group_id=group_id,
        session_timeout_ms=session_ms,
        rebalance_timeout_ms=20_000,
        member_id=member_id,
        protocol_type="consumer",
        protocols=[JoinGroupRequest.JoinGroupRequestProtocol(name="range", metadata=subscription("t"))],
    )


async def stable(it: InMemoryBroker) -> str:
    joined = await it.ask(joining(), 3)
    assignment = SyncGroupRequest.SyncGroupRequestAssignment(member_id=joined.member_id, assignment=b"all")
    synced = await it.ask(
        SyncGroupRequest(
            group_id="g", generation_id=joined.generation_id, member_id=joined.member_id, assignments=[assignment]
        ),
        3,
    )
    assert b"all" == synced.assignment
    member_id: str = joined.member_id
    return member_id


async def commit(it: InMemoryBroker, offset: int, *, group_id: str = "g", **who: Any) -> int:
    partition = Topic.OffsetCommitRequestPartition(partition_index=0, committed_offset=offset, committed_metadata="m")
    request = OffsetCommitRequest(group_id=group_id, topics=[Topic(name="t", partitions=[partition])], **who)
    response = await it.ask(request, 9)
    code: int = response.topics[0].partitions[0].error_code
    return code


async def committed(it: InMemoryBroker, *, group_id: str = "g") -> Any:
    """The offset, or the group's error code."""
    topic = OffsetFetchRequest.OffsetFetchRequestTopic(name="t", partition_indexes=[0])
    response = await it.ask(OffsetFetchRequest(group_id=group_id, topics=[topic]), 5)
    if response.error_code:
        return ErrorCode(response.error_code)  # type: ignore[call-arg] # the enum's lookup takes a code alone
    return response.topics[0].partitions[0].committed_offset


async def state(it: InMemoryBroker) -> str:
    response = await it.ask(DescribeGroupsRequest(groups=["g"]), 5)
    text: str = response.groups[0].group_state
    return text


async def test_whoever_looks_for_a_group_first_makes_the_topic(machine: Machine) -> None:
    async with machine.broker() as it:
        found = await it.ask(FindCoordinatorRequest(coordinator_keys=["g", "h"]), 4)

        assert [("g", 1, 0), ("h", 1, 0)] == [(each.key, each.node_id, each.error_code) for each in found.coordinators]
        topic = it.broker.image.topic("__consumer_offsets")
        assert topic is not None
        assert 2 == len(topic.partitions)


@pytest.mark.parametrize("clean_stop", [True, False])
async def test_groups_and_offsets_are_back_after_a_restart(machine: Machine, clean_stop: bool) -> None:
    async with machine.broker(clean_stop=clean_stop) as it:
        await prepared(it)
        member_id = await stable(it)
        assert ErrorCode.NONE == await commit(it, 5, generation_id_or_member_epoch=1, member_id=member_id)
        assert ErrorCode.NONE == await commit(it, 6, group_id="h")

    async with machine.broker() as it:
        assert (5, 6) == (await committed(it), await committed(it, group_id="h"))
        alive = await it.ask(HeartbeatRequest(group_id="g", generation_id=1, member_id=member_id), 3)
        assert ("Stable", ErrorCode.NONE) == (await state(it), alive.error_code)


async def test_a_session_ends_by_the_clock(
    machine: Machine,
    autojump_clock: MockClock,  # runs the event loop
) -> None:
    async with machine.broker() as it:
        await prepared(it)
        await stable(it)

        await trio.sleep((SESSION_MS - 1) / 1000)
        assert "Stable" == await state(it)
        await trio.sleep(0.002)

        assert "Empty" == await state(it)


async def test_what_comes_due_while_others_are_run_is_run_as_well(machine: Machine) -> None:
    """Then its deadline is in the past when it is waited for."""
    async with machine.broker() as it:
        await prepared(it)
        groups = it.broker.groups
        first, *_, last = groups._shards.values()
        ran = trio.Event()

        def late(_now_ms: int) -> Decision[None]:
            ran.set()
            return nothing()

        def slow(now_ms: int) -> Decision[None]:
            first.shard.timers.schedule("late", now_ms - 1, late)
            return nothing()

        last.shard.timers.schedule("slow", groups._now_ms() + 10, slow)
        groups._look_at_timers(last)

        with trio.fail_after(1):
            await ran.wait()


async def test_setting_the_clock_ends_no_session(
    machine: Machine,
    monkeypatch: pytest.MonkeyPatch,
    autojump_clock: MockClock,  # runs the event loop
) -> None:
    async with machine.broker() as it:
        await prepared(it)
        joined = await it.ask(joining(session_ms=100_000), 3)
        request = SyncGroupRequest(group_id="g", generation_id=1, member_id=joined.member_id, assignments=[])
        await it.ask(request, 3)

        true_clock = it.broker.groups._clock_ms
        monkeypatch.setattr(it.broker.groups, "_clock_ms", lambda: true_clock() + 3_600_000)
        await trio.sleep(99)
        assert "Stable" == await state(it)
        await trio.sleep(2)

        assert "Empty" == await state(it)


async def test_members_wait_for_each_other_over_their_connections(machine: Machine) -> None:
    async with machine.broker() as it:
        await prepared(it)
        first = await stable(it)
        answers: list[Any] = []

        async def join(member_id: str) -> None:
            answers.append(await it.ask(joining(member_id), 3))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(join, "")
            await trio.testing.wait_all_tasks_blocked()
            assert [] == answers
            nursery.start_soon(join, first)

        assert [2, 2] == [answer.generation_id for answer in answers]
        assert [0, 2] == sorted(len(answer.members) for answer in answers)


async def test_a_client_that_hangs_up_stays_a_member_until_its_session_ends(
    machine: Machine,
    autojump_clock: MockClock,  # runs the event loop
) -> None:
    async with machine.broker() as it:
        await prepared(it)
        first = await stable(it)
        with trio.move_on_after(1):
            await it.ask(joining(), 3)

        joined = await it.ask(joining(first), 3)

        assert 2 == len(joined.members)


async def test_who_waits_when_the_broker_stops_is_sent_elsewhere(machine: Machine) -> None:
    async with machine.broker() as it:
        await prepared(it)
        await stable(it)
        async with trio.open_nursery() as nursery:

            async def join() -> None:
                assert ErrorCode.NOT_COORDINATOR == (await it.ask(joining(), 3)).error_code

            nursery.start_soon(join)
            await trio.testing.wait_all_tasks_blocked()
            it.broker.groups.stop()

        assert ErrorCode.COORDINATOR_NOT_AVAILABLE == await commit(it, 1)


async def test_while_groups_are_loaded_clients_are_told_to_wait(machine: Machine) -> None:
    async with machine.broker() as it:
        await prepared(it)
        member_id = await stable(it)

    async with machine.broker(wait_loaded=False) as it:
        beat = HeartbeatRequest(group_id="g", generation_id=1, member_id=member_id)
        assert ErrorCode.NONE == (await it.ask(beat, 3)).error_code
        assert ErrorCode.COORDINATOR_LOAD_IN_PROGRESS == await commit(it, 1)
        assert ErrorCode.COORDINATOR_LOAD_IN_PROGRESS == await committed(it)
        assert ErrorCode.COORDINATOR_LOAD_IN_PROGRESS == (await it.ask(joining(), 3)).error_code
        assert ErrorCode.COORDINATOR_LOAD_IN_PROGRESS == (await it.ask(ListGroupsRequest(), 2)).error_code
        await trio.testing.wait_all_tasks_blocked()
        assert "Stable" == await state(it)


async def test_a_group_of_another_node_is_not_answered_here(machine: Machine) -> None:
    async with machine.broker() as it:
        await it.create("t")

        assert ErrorCode.NOT_COORDINATOR == await commit(it, 1)


async def test_nothing_is_told_before_it_is_replicated(machine: Machine) -> None:
    async with machine.broker() as it:
        await prepared(it)
        partition = it.broker.replicas.leader("__consumer_offsets", it.broker.groups.partition_of("g"))
        partition.isr = (1, 2)  # the other has not fetched yet
        told: list[int] = []

        async def ask() -> None:
            told.append(await commit(it, 5))

        async def look() -> None:
            told.append(await committed(it))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(ask)
            await trio.testing.wait_all_tasks_blocked()
            nursery.start_soon(look)
            await trio.testing.wait_all_tasks_blocked()
            assert [] == told
            partition.high_watermark = partition.log.next_offset
            partition.wake_waiters()

        assert [0, 5] == sorted(told)


async def test_what_is_not_replicated_in_time_is_not_acknowledged(
    machine: Machine,
    autojump_clock: MockClock,  # runs the event loop
) -> None:
    async with machine.broker() as it:
        await prepared(it)
        partition = it.broker.replicas.leader("__consumer_offsets", it.broker.groups.partition_of("g"))
        partition.isr = (1, 2)

        started_ms = now_ms()

        code = await commit(it, 5)

        assert ErrorCode.COORDINATOR_NOT_AVAILABLE == code
        assert 5_000 <= now_ms() - started_ms < 6_000


async def test_a_deleted_topics_offsets_go_with_it(machine: Machine) -> None:
    async with machine.broker() as it:
        await prepared(it)
        await commit(it, 5)

        await it.ask(DeleteTopicsRequest(topic_names=["t"], timeout_ms=1000), 1)

        assert -1 == await committed(it)


async def test_a_full_disk_refuses_commits_and_keeps_what_was(machine: Machine) -> None:
    async with machine.broker() as it:
        await prepared(it)
        await commit(it, 5)
        machine.files.space_bytes = 0

        assert ErrorCode.NONE != await commit(it, 6)

        machine.files.space_bytes = None
        assert 5 == await committed(it)
        assert ErrorCode.NONE == await commit(it, 7)

    async with machine.broker() as it:
        assert 7 == await committed(it)


async def test_ten_thousand_offsets_load_while_others_run(machine: Machine) -> None:
    async with machine.broker() as it:
        await prepared(it)
        partitions = [
            Topic.OffsetCommitRequestPartition(partition_index=0, committed_offset=n, committed_metadata="m" * 100)
            for n in range(10_000)
        ]
        await it.ask(OffsetCommitRequest(group_id="g", topics=[Topic(name="t", partitions=partitions)]), 9)

    async with machine.broker() as it:
        assert 9_999 == await committed(it)
