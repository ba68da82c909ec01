"""Log directories that fail while the broker runs: their partitions go offline, and no others."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import trio

from pykbroker.errors import BrokerError
from pykbroker.partition import Partition
from pykbroker.testing import NODE, NOW_MS, InMemoryBroker, in_memory_broker
from storage.errors import StorageFailure
from storage.testing import MemoryFiles
from wire.api.describe_log_dirs import DescribeLogDirsRequest
from wire.api.metadata import MetadataRequest
from wire.errors import ErrorCode

BAD, GOOD = "/bad", "/good"


@pytest.fixture
def files() -> MemoryFiles:
    return MemoryFiles()


@pytest.fixture
async def broker(files: MemoryFiles) -> AsyncIterator[InMemoryBroker]:
    async with in_memory_broker(files=files, directories=(BAD, GOOD)) as opened:
        await opened.create("t", 2)  # one in each
        yield opened
        files.broken = None


def partitions(broker: InMemoryBroker) -> tuple[Partition, Partition]:
    """In the directory that will fail, and in the other."""
    both = [broker.broker.replicas.replica("t", index) for index in range(2)]
    bad, good = sorted(both, key=lambda each: each.log.directory)
    assert bad.log.directory.startswith(BAD)
    assert good.log.directory.startswith(GOOD)
    return bad, good


def append_error(broker: InMemoryBroker, partition: Partition) -> ErrorCode | None:
    try:
        broker.append("t", partition.index, [NOW_MS])
    except BrokerError as error:
        return error.code
    return None


async def test_an_append_that_fails_takes_its_directory_offline(broker: InMemoryBroker, files: MemoryFiles) -> None:
    bad, good = partitions(broker)
    files.broken = BAD

    assert ErrorCode.KAFKA_STORAGE_ERROR == append_error(broker, bad)
    files.broken = None

    assert (True, False) == (bad.is_offline, good.is_offline)
    assert (ErrorCode.KAFKA_STORAGE_ERROR, None) == (append_error(broker, bad), append_error(broker, good))
    assert 0 == bad.log.next_offset


@pytest.mark.parametrize("what", ["flush", "checkpoint", "flush that is waited for"])
async def test_so_does_what_else_writes(broker: InMemoryBroker, files: MemoryFiles, what: str) -> None:
    replicas = broker.broker.replicas
    bad, good = partitions(broker)
    for partition in (bad, good):
        partition.flush_messages = 1 if what == "flush that is waited for" else 0
        broker.append("t", partition.index, [NOW_MS])
    files.broken = BAD

    if what == "flush that is waited for":
        async with trio.open_nursery() as nursery:
            nursery.start_soon(replicas.flushes.run)
            await good.wait_flushed(1)
            with pytest.raises(BrokerError) as told:
                await bad.wait_flushed(1)
            assert ErrorCode.KAFKA_STORAGE_ERROR == told.value.code
            nursery.cancel_scope.cancel()
    else:
        with pytest.raises(StorageFailure):
            (replicas.logs.flush_all if what == "flush" else replicas.logs.write_checkpoints)()
        replicas.follow_failures()

    assert (True, False) == (bad.is_offline, good.is_offline)
    replicas.logs.flush_all()  # of what is left
    assert 1 == good.log.recovery_point


async def test_a_full_disk_is_no_failed_one(
    broker: InMemoryBroker, files: MemoryFiles, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    bad, _ = partitions(broker)
    files.space_bytes = 0

    assert [ErrorCode.KAFKA_STORAGE_ERROR] * 3 == [append_error(broker, bad) for _ in range(3)]
    assert 1 == caplog.text.count("a log directory is full")
    files.space_bytes = None

    assert not bad.is_offline
    assert append_error(broker, bad) is None
    broker.broker.replicas.note_space()
    broker.broker.replicas.note_space()
    assert 1 == caplog.text.count("has space again")


async def test_clients_are_told(broker: InMemoryBroker, files: MemoryFiles) -> None:
    bad, good = partitions(broker)
    files.broken = BAD
    append_error(broker, bad)

    metadata = await broker.ask(MetadataRequest(topics=None), 12)
    described = {each.partition_index: each for each in metadata.topics[0].partitions}
    lost, kept = described[bad.index], described[good.index]
    assert (ErrorCode.LEADER_NOT_AVAILABLE, -1, [NODE.id]) == (lost.error_code, lost.leader_id, lost.offline_replicas)
    assert (0, NODE.id, []) == (kept.error_code, kept.leader_id, kept.offline_replicas)

    dirs = {each.log_dir: each for each in (await broker.ask(DescribeLogDirsRequest(topics=None), 4)).results}
    assert (ErrorCode.KAFKA_STORAGE_ERROR, []) == (dirs[BAD].error_code, dirs[BAD].topics)
    assert (0, [good.index]) == (
        dirs[GOOD].error_code,
        [each.partition_index for each in dirs[GOOD].topics[0].partitions],
    )


async def test_new_partitions_go_elsewhere_and_deleted_ones_are_let_go(
    broker: InMemoryBroker, files: MemoryFiles
) -> None:
    bad, _ = partitions(broker)
    files.broken = BAD
    append_error(broker, bad)

    await broker.create("u", 2)
    await broker.broker.controller.delete_topics(["t"])

    replicas = broker.broker.replicas
    assert {("u", 0), ("u", 1)} == replicas.logs.logs.keys()
    assert all(log.directory.startswith(GOOD) for log in replicas.logs.logs.values())
    assert set() == replicas.offline


async def test_the_last_one_ends_the_broker(broker: InMemoryBroker, files: MemoryFiles) -> None:
    bad, good = partitions(broker)
    replicas = broker.broker.replicas
    files.broken = BAD
    append_error(broker, bad)
    assert not replicas.all_directories_failed.is_set()

    files.broken = GOOD
    append_error(broker, good)

    assert replicas.all_directories_failed.is_set()


async def test_the_next_start_checks_all_of_a_failed_directory(broker: InMemoryBroker, files: MemoryFiles) -> None:
    bad, _ = partitions(broker)
    files.fail_at = files.operations + 1

    append_error(broker, bad)

    assert files.read_bytes(f"{BAD}/.boot-id") is None
    assert files.read_bytes(f"{GOOD}/.boot-id") is not None
