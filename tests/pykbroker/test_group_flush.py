"""Appends that wait for the disk: flush.messages and `--durability fsync`, on a disk that loses its power."""

from __future__ import annotations

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from pykbroker.errors import BrokerError
from pykbroker.handlers import produce
from pykbroker.partition import Partition
from pykbroker.purgatory import Waiter, standing_at
from pykbroker.testing import NOW_MS, InMemoryBroker, in_memory_broker
from storage.config import LogConfig
from storage.log_manager import LogManager
from storage.log_testing import read_values
from storage.testing import MemoryFiles
from wire.api.produce import ProduceRequest
from wire.errors import ErrorCode
from wire.record_batch import Record, RecordBatch, build

POWER_CUTS = 20
PARTITIONS = 3


def batch(*values: bytes) -> bytes:
    return build([Record(timestamp_ms=NOW_MS, value=value) for value in values])


def request(*values: bytes, acks: int) -> ProduceRequest:
    """The same to each partition."""
    data = ProduceRequest.TopicProduceData
    partitions = [data.PartitionProduceData(index=index, records=batch(*values)) for index in range(PARTITIONS)]
    return ProduceRequest(acks=acks, timeout_ms=0, topic_data=[data(name="t", partition_data=partitions)])


def append(partition: Partition, *values: bytes) -> int:
    data = RecordBatch(memoryview(bytearray(batch(*values))))
    return partition.append_as_leader([data], now_ms=NOW_MS).next_offset


async def partition_of(broker: InMemoryBroker, **configs: str) -> Partition:
    await broker.create("t", configs={name.replace("_", "."): text for name, text in configs.items()})
    return broker.broker.replicas.leader("t", 0)


def left_after_a_power_cut(files: MemoryFiles, seed: int) -> list[list[bytes]]:
    manager = LogManager.open(
        files.after_restart(seed), ["/data"], node_id=1, config_for=lambda _: LogConfig(), now_ms=NOW_MS
    )
    logs = [manager.logs.get(("t", index)) for index in range(PARTITIONS)]
    return [[] if log is None else list(read_values(log).values()) for log in logs]


@pytest.mark.parametrize("acks", [1, -1])
async def test_with_fsync_a_power_cut_after_the_answer_loses_nothing(acks: int) -> None:
    files = MemoryFiles()
    async with in_memory_broker(files=files, fsync=True) as broker:
        await broker.create("t", PARTITIONS)
        expected: list[bytes] = []
        for number in range(3):
            response = await broker.ask(request(b"a%d" % number, b"b%d" % number, acks=acks), 12)
            expected += [b"a%d" % number, b"b%d" % number]
            results = response.responses[0].partition_responses
            assert [0] * PARTITIONS == [result.error_code for result in results]
            for seed in range(POWER_CUTS):
                assert [expected] * PARTITIONS == left_after_a_power_cut(files, seed)


async def test_without_it_a_power_cut_may_lose_what_was_answered() -> None:
    files = MemoryFiles()
    async with in_memory_broker(files=files) as broker:
        await broker.create("t", PARTITIONS)
        await broker.ask(request(b"a", acks=-1), 12)

        left = [left_after_a_power_cut(files, seed) for seed in range(POWER_CUTS)]
        assert any([[b"a"]] * PARTITIONS != each for each in left)


async def test_without_acks_nothing_is_waited_for_but_it_is_flushed() -> None:
    async with in_memory_broker(fsync=True) as broker:
        await broker.create("t", PARTITIONS)
        partition = broker.broker.replicas.leader("t", 0)
        broker.context.api_version = 9

        sent = request(b"a", acks=0)
        for data in sent.topic_data[0].partition_data:
            data.records = memoryview(bytearray(data.records))  # type: ignore[arg-type] # as from a connection
        assert produce.handle(sent, broker.context) is None
        assert 0 == partition.high_watermark

        await partition.wait_committed(1, timeout_ms=10_000)
        assert 1 == partition.log.synced_offset


async def test_only_the_append_that_reaches_flush_messages_waits(broker: InMemoryBroker, nursery: trio.Nursery) -> None:
    partition = await partition_of(broker, flush_messages="3")

    append(partition, b"a")
    append(partition, b"b")
    assert (2, 0) == (partition.high_watermark, partition.log.synced_offset)
    reached = append(partition, b"c")
    behind = append(partition, b"d")
    assert 2 == partition.high_watermark

    nursery.start_soon(broker.broker.replicas.flushes.run)
    await partition.wait_flushed(reached)
    await partition.wait_flushed(behind)
    assert (4, 4) == (partition.high_watermark, partition.log.synced_offset)
    append(partition, b"e")
    assert (5, 4) == (partition.high_watermark, partition.log.synced_offset)
    nursery.cancel_scope.cancel()


async def test_changed_settings_hold_for_the_next_append(broker: InMemoryBroker) -> None:
    partition = await partition_of(broker, flush_messages="1")
    append(partition, b"a")
    assert 0 == partition.high_watermark

    await broker.broker.controller.set_topic_configs("t", {})

    append(partition, b"b")
    assert (2, 0) == (partition.high_watermark, partition.log.synced_offset)


async def test_many_appends_share_one_sync(nursery: trio.Nursery) -> None:
    files = MemoryFiles()
    async with in_memory_broker(files=files) as broker:
        partition = await partition_of(broker, flush_messages="1")
        flushes = broker.broker.replicas.flushes
        nursery.start_soon(flushes.run)
        await partition.wait_flushed(append(partition, b"first"))  # its file's name is synced, too
        last = [append(partition, b"x") for _ in range(50)][-1]
        before = files.operations

        await partition.wait_flushed(last)

        assert 1 == files.operations - before
        nursery.cancel_scope.cancel()


async def test_readers_are_woken_by_the_flush_and_not_before(broker: InMemoryBroker, nursery: trio.Nursery) -> None:
    partition = await partition_of(broker, flush_messages="1")
    with standing_at([partition], Waiter(missing_bytes=1)) as waiter:
        append(partition, b"a")
        assert 1 == waiter.missing_bytes

        nursery.start_soon(broker.broker.replicas.flushes.run)
        assert await waiter.wait(timeout_ms=10_000)
    assert 1 == partition.high_watermark
    nursery.cancel_scope.cancel()


async def test_a_sync_that_fails_is_told_and_nobody_reads_what_it_was_for(nursery: trio.Nursery) -> None:
    files = MemoryFiles()
    async with in_memory_broker(files=files) as broker:
        partition = await partition_of(broker, flush_messages="1")
        appended = append(partition, b"a")
        files.fail_at = files.operations + 1
        nursery.start_soon(broker.broker.replicas.flushes.run)

        with pytest.raises(BrokerError) as told:
            await partition.wait_flushed(appended)

        assert ErrorCode.KAFKA_STORAGE_ERROR == told.value.code
        assert (0, 0) == (partition.high_watermark, partition.log.synced_offset)
        nursery.cancel_scope.cancel()
        partition.log.has_lost_writes = False  # let it be closed


async def test_a_topic_deleted_meanwhile_ends_the_waiting(broker: InMemoryBroker, nursery: trio.Nursery) -> None:
    partition = await partition_of(broker, flush_messages="1")
    appended = append(partition, b"a")
    told: list[ErrorCode] = []

    async def wait() -> None:
        try:
            await partition.wait_flushed(appended)
        except BrokerError as error:
            told.append(error.code)

    nursery.start_soon(wait)
    await wait_all_tasks_blocked()
    await broker.broker.controller.delete_topics(["t"])
    await wait_all_tasks_blocked()

    assert [ErrorCode.NOT_LEADER_OR_FOLLOWER] == told
