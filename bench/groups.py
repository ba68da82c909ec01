"""Groups, in broker time alone: a group of 200 members rebalances; 10,000 groups with offsets are found at a restart.

    python -P -m bench.groups

No network and no clients, whose time would be most of it: requests go into the dispatcher of a broker in memory.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

import trio

from pykbroker.coordinator.group_coordinator import GroupCoordinator
from pykbroker.coordinator.groups.testing import subscription
from pykbroker.errors import BrokerError
from pykbroker.testing import InMemoryBroker, in_memory_broker
from wire.api.consumer_group_heartbeat import ConsumerGroupHeartbeatRequest
from wire.api.join_group import JoinGroupRequest
from wire.api.offset_commit import OffsetCommitRequest
from wire.api.sync_group import SyncGroupRequest

MEMBERS, PARTITIONS = 200, 1000
GROUPS, OFFSETS_EACH = 10_000, 10

CommitTopic = OffsetCommitRequest.OffsetCommitRequestTopic
HeartbeatPartitions = ConsumerGroupHeartbeatRequest.TopicPartitions


def main() -> None:
    for name, measure in (
        (f"classic group, {MEMBERS} members join and sync", rebalance_classic),
        (f"consumer group, {MEMBERS} members come at once and settle", settle_consumer_group),
        (f"load {GROUPS} groups with {OFFSETS_EACH} offsets each", load_groups),
    ):
        print(f"{name}: {trio.run(measure) * 1000:.0f} ms")


async def _with_groups(measure: Callable[[InMemoryBroker], Awaitable[float]]) -> float:
    async with in_memory_broker({"group.initial.rebalance.delay.ms": "500"}) as it, trio.open_nursery() as nursery:
        await nursery.start(it.broker.groups.run)
        await it.create("t", PARTITIONS)
        await it.broker.groups.create_topic()
        took = await measure(it)
        nursery.cancel_scope.cancel()
    return took


async def rebalance_classic() -> float:
    return await _with_groups(_rebalance_classic)


async def _rebalance_classic(it: InMemoryBroker) -> float:
    """Processor time from the first JoinGroup to the last SyncGroup's answer: waiting is not the broker's."""
    answers = []

    def request(member_id: str = "") -> JoinGroupRequest:
        protocol = JoinGroupRequest.JoinGroupRequestProtocol(name="range", metadata=subscription("t"))
        return JoinGroupRequest(
            group_id="g",
            session_timeout_ms=60_000,
            rebalance_timeout_ms=60_000,
            member_id=member_id,
            protocol_type="consumer",
            protocols=[protocol],
        )

    async def join() -> None:
        member_id = (await it.ask(request(), 9)).member_id
        answers.append(await it.ask(request(member_id), 9))

    began = time.process_time()
    async with trio.open_nursery() as nursery:
        for _ in range(MEMBERS):
            nursery.start_soon(join)
    generation_id, leader = answers[0].generation_id, answers[0].leader
    assert len(answers) == MEMBERS
    assert {answer.generation_id for answer in answers} == {generation_id}

    async def sync(member_id: str) -> None:
        assignments = [
            SyncGroupRequest.SyncGroupRequestAssignment(member_id=answer.member_id, assignment=b"x" * 100)
            for answer in answers
        ]
        asked = SyncGroupRequest(
            group_id="g",
            generation_id=generation_id,
            member_id=member_id,
            protocol_type="consumer",
            protocol_name="range",
            assignments=assignments if member_id == leader else [],
        )
        assert (await it.ask(asked, 5)).error_code == 0

    async with trio.open_nursery() as nursery:
        for answer in answers:
            nursery.start_soon(sync, answer.member_id)
    return time.process_time() - began


async def settle_consumer_group() -> float:
    return await _with_groups(_settle_consumer_group)


async def _settle_consumer_group(it: InMemoryBroker) -> float:
    """Processor time of all heartbeats from the first member's first until every member has its part."""
    epochs = dict.fromkeys((f"member-{index}" for index in range(MEMBERS)), 0)
    owned: dict[str, list[HeartbeatPartitions]] = {member_id: [] for member_id in epochs}
    began = time.process_time()
    rounds = 0
    while rounds < 3 or sum(len(each.partitions) for parts in owned.values() for each in parts) < PARTITIONS:
        for member_id, epoch in epochs.items():
            request = ConsumerGroupHeartbeatRequest(
                group_id="g",
                member_id=member_id,
                member_epoch=epoch,
                rebalance_timeout_ms=60_000,
                subscribed_topic_names=["t"],
                topic_partitions=owned[member_id],
            )
            told = await it.ask(request, 1)
            assert told.error_code == 0, told
            epochs[member_id] = told.member_epoch
            if told.assignment is not None:
                owned[member_id] = [
                    HeartbeatPartitions(topic_id=each.topic_id, partitions=each.partitions)
                    for each in told.assignment.topic_partitions
                ]
        rounds += 1
        await trio.sleep(1)  # the interval between assignments
    return time.process_time() - began


async def load_groups() -> float:
    return await _with_groups(_load_groups)


async def _load_groups(it: InMemoryBroker) -> float:
    """A second coordinator, as after a restart, on the log that the first has written."""
    for index in range(GROUPS):
        partitions = [
            CommitTopic.OffsetCommitRequestPartition(partition_index=each, committed_offset=each, committed_metadata="")
            for each in range(OFFSETS_EACH)
        ]
        request = OffsetCommitRequest(group_id=f"group-{index}", topics=[CommitTopic(name="t", partitions=partitions)])
        told = await it.ask(request, 9)
        assert told.topics[0].partitions[0].error_code == 0
    again = GroupCoordinator(
        settings=it.broker.settings,
        controller=it.broker.controller,
        replicas=it.broker.replicas,
        clock_ms=it.broker.clock_ms,
    )
    began = time.process_time()
    async with trio.open_nursery() as nursery:
        await nursery.start(again.run)
        while (found := _known_groups(again)) is None:
            await trio.sleep(0.01)
        took = time.process_time() - began
        assert found == GROUPS
        nursery.cancel_scope.cancel()
    return took


def _known_groups(coordinator: GroupCoordinator) -> int | None:
    """None while it loads."""
    try:
        return len(coordinator.read_all(lambda shard: list(shard.groups)))
    except BrokerError:
        return None


if __name__ == "__main__":
    main()
