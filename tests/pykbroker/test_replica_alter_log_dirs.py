"""Replicas that are moved between log directories while they are written, read, changed and deleted."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import trio
import trio.testing

from pykbroker.partition import READ_UNCOMMITTED
from pykbroker.replica_alter_log_dirs import PIECE_BYTES
from pykbroker.testing import NOW_MS, InMemoryBroker, in_memory_broker
from storage.log_testing import read_values
from storage.testing import MemoryFiles
from wire.api.alter_replica_log_dirs import AlterReplicaLogDirsRequest
from wire.api.describe_log_dirs import DescribeLogDirsRequest
from wire.errors import ErrorCode

Directory = AlterReplicaLogDirsRequest.AlterReplicaLogDir
KEY = "t", 0
RATE = "replica.alter.log.dirs.io.max.bytes.per.second"


@pytest.fixture
def files() -> MemoryFiles:
    return MemoryFiles()


@pytest.fixture
async def broker(files: MemoryFiles) -> AsyncIterator[InMemoryBroker]:
    """Nothing is copied unless a test runs the task, or `throttled` has it stand still."""
    async with in_memory_broker(files=files, directories=("/a", "/b", "/c")) as opened:
        await opened.create("t")
        yield opened


async def alter(broker: InMemoryBroker, path: str, topic: str = "t") -> int:
    topics = [Directory.AlterReplicaLogDirTopic(name=topic, partitions=[0])]
    response = await broker.ask(AlterReplicaLogDirsRequest(dirs=[Directory(path=path, topics=topics)]), 2)
    return int(response.results[0].partitions[0].error_code)


async def described(broker: InMemoryBroker) -> dict[str, tuple[bool, int]]:
    """Directory -> (is it a future replica there, its lag)."""
    response = await broker.ask(DescribeLogDirsRequest(topics=None), 4)
    return {
        result.log_dir: (partition.is_future_key, partition.offset_lag)
        for result in response.results
        for topic in result.topics
        for partition in topic.partitions
    }


async def settled(broker: InMemoryBroker) -> None:
    """Let the task work until it has nothing to do."""
    logs = broker.broker.replicas.logs
    while logs.futures or logs.replaced:
        await trio.sleep(0.01)


def values(broker: InMemoryBroker) -> int:
    return len(read_values(broker.broker.replicas.logs.logs[KEY]))


async def test_a_replica_moves_while_it_is_written(broker: InMemoryBroker, files: MemoryFiles) -> None:
    for _ in range(50):
        broker.append("t", 0, [NOW_MS])
    assert 0 == await alter(broker, "/b")
    assert {"/a": (False, 0), "/b": (True, 50)} == await described(broker)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(broker.broker.log_dir_moves.run)
        for _ in range(50):
            broker.append("t", 0, [NOW_MS])
            await trio.lowlevel.checkpoint()
        await settled(broker)
        nursery.cancel_scope.cancel()

    assert {"/b": (False, 0)} == await described(broker)
    partition = broker.append("t", 0, [NOW_MS])
    assert (101, 101, 101) == (values(broker), partition.high_watermark, partition.log.next_offset)
    assert partition.read(100, max_bytes=1000, isolation_level=READ_UNCOMMITTED, at_least_one=True)
    assert partition.log.directory == "/b/t-0"


async def test_sent_back_it_stays_and_sent_elsewhere_it_goes_there(broker: InMemoryBroker) -> None:
    broker.append("t", 0, [NOW_MS])
    await alter(broker, "/b")
    await alter(broker, "/b")
    assert {"/a": (False, 0), "/b": (True, 1)} == await described(broker)

    await alter(broker, "/c")
    assert {"/a": (False, 0), "/c": (True, 1)} == await described(broker)

    await alter(broker, "/a")
    assert {"/a": (False, 0)} == await described(broker)


async def test_a_replica_that_is_not_there_yet_is_made_where_it_was_sent(broker: InMemoryBroker) -> None:
    told = await alter(broker, "/a", "u"), await alter(broker, "/c", "u")
    await broker.create("u")

    assert (ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,) * 2 == told
    assert "/c/u-0" == broker.broker.replicas.logs.logs["u", 0].directory


async def test_a_topics_name_may_be_too_long_to_be_moved(broker: InMemoryBroker) -> None:
    assert ErrorCode.INVALID_TOPIC_EXCEPTION == await alter(broker, "/b", "t" * 249)


async def test_a_deleted_topic_is_not_moved_any_more(broker: InMemoryBroker, files: MemoryFiles) -> None:
    broker.append("t", 0, [NOW_MS])
    await alter(broker, "/b")

    await broker.broker.controller.delete_topics(["t"])
    await broker.create("t")

    assert {} == broker.broker.replicas.logs.futures
    names = [entry.name for root in ("/a", "/b") for entry in files.entries(root) if entry.is_directory]
    assert 2 == sum(name.endswith("-delete") for name in names)
    assert 0 == values(broker)


async def test_a_changed_setting_counts_for_the_copy_too(broker: InMemoryBroker) -> None:
    await alter(broker, "/b")

    controller = broker.broker.controller
    await controller.change(lambda image: image.with_topic_configs({"t": {"segment.ms": "77"}}))

    assert 77 == broker.broker.replicas.logs.futures[KEY].config.segment_ms


async def test_no_faster_than_the_rate(files: MemoryFiles, autojump_clock: trio.testing.MockClock) -> None:
    async with in_memory_broker({RATE: "1000"}, files=files, directories=("/a", "/b")) as broker:
        await broker.create("t")
        for _ in range(100):
            size = broker.append("t", 0, [NOW_MS]).log.size_bytes
        await alter(broker, "/b")
        started = trio.current_time()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(broker.broker.log_dir_moves.run)
            await settled(broker)
            nursery.cancel_scope.cancel()

        assert size / 1000 <= trio.current_time() - started
        assert size < PIECE_BYTES


@pytest.mark.parametrize("wait", ["space", "disk"])
async def test_the_log_goes_on_where_the_copy_cannot(
    broker: InMemoryBroker,
    files: MemoryFiles,
    wait: str,
    autojump_clock: trio.testing.MockClock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    broker.append("t", 0, [NOW_MS])
    await alter(broker, "/b")
    files.space_bytes, files.broken = (0, None) if wait == "space" else (None, "/b")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(broker.broker.log_dir_moves.run)
        while "could not be moved yet" not in caplog.text:
            await trio.sleep(0.01)
        files.space_bytes = files.broken = None
        broker.append("t", 0, [NOW_MS])
        if wait == "space":
            await settled(broker)
        nursery.cancel_scope.cancel()

    assert ({"/b": (False, 0)} if wait == "space" else {"/a": (False, 0)}) == await described(broker)
    assert 2 == values(broker)
    if wait == "disk":
        assert ErrorCode.KAFKA_STORAGE_ERROR == await alter(broker, "/b")
        assert ErrorCode.KAFKA_STORAGE_ERROR == await alter(broker, "/c")


async def test_a_current_directory_that_fails_ends_the_move(broker: InMemoryBroker, files: MemoryFiles) -> None:
    broker.append("t", 0, [NOW_MS])
    await alter(broker, "/b")
    files.broken = "/a"
    with pytest.raises(Exception, match="Input/output"):
        broker.append("t", 0, [NOW_MS])

    files.broken = None

    assert {} == broker.broker.replicas.logs.futures
    assert ErrorCode.KAFKA_STORAGE_ERROR == await alter(broker, "/b")


async def test_who_waits_for_the_disk_waits_for_the_other_one(files: MemoryFiles) -> None:
    async with in_memory_broker(files=files, directories=("/a", "/b"), fsync=True) as broker:
        await broker.create("t")
        partition = broker.append("t", 0, [NOW_MS])
        await partition.wait_flushed(1)
        await alter(broker, "/b")

        async with trio.open_nursery() as nursery:
            nursery.start_soon(broker.broker.log_dir_moves.run)
            for offset in range(1, 40):
                broker.append("t", 0, [NOW_MS])
                await partition.wait_flushed(offset + 1)
                assert partition.high_watermark == offset + 1
            await settled(broker)
            nursery.cancel_scope.cancel()

        assert partition.log.directory == "/b/t-0"
        assert 40 == values(broker)
