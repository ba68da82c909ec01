"""`serve --read-only`: what is read, what is refused, and that nothing in the directory changes."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pykbroker.config.settings import Settings
from pykbroker.errors import StartupError
from pykbroker.handlers import APIS
from pykbroker.read_only import REFUSED, settings_for
from pykbroker.server import opened
from pykbroker.testing import NODE, NOW_MS, InMemoryBroker
from storage.log_testing import make_batch, read_values
from wire.api.init_producer_id import InitProducerIdRequest
from wire.api.offset_commit import OffsetCommitRequest
from wire.api.offset_fetch import OffsetFetchRequest
from wire.api.produce import ProduceRequest
from wire.errors import ErrorCode
from wire.fields import zeros_of
from wire.registry import ApiKey, request_class

KAFKA = Path(__file__).parent.parent / "data" / "kafka-4.3"
ALLOWED = {
    ApiKey.ADD_RAFT_VOTER,
    ApiKey.API_VERSIONS,
    ApiKey.CONSUMER_GROUP_DESCRIBE,
    ApiKey.CONSUMER_GROUP_HEARTBEAT,
    ApiKey.EXPIRE_DELEGATION_TOKEN,
    ApiKey.FETCH,
    ApiKey.FIND_COORDINATOR,
    ApiKey.GET_TELEMETRY_SUBSCRIPTIONS,
    ApiKey.HEARTBEAT,
    ApiKey.INIT_PRODUCER_ID,
    ApiKey.JOIN_GROUP,
    ApiKey.LEAVE_GROUP,
    ApiKey.METADATA,
    ApiKey.OFFSET_COMMIT,
    ApiKey.OFFSET_FETCH,
    ApiKey.OFFSET_FOR_LEADER_EPOCH,
    ApiKey.PUSH_TELEMETRY,
    ApiKey.READ_SHARE_GROUP_STATE,
    ApiKey.READ_SHARE_GROUP_STATE_SUMMARY,
    ApiKey.REMOVE_RAFT_VOTER,
    ApiKey.RENEW_DELEGATION_TOKEN,
    ApiKey.SASL_AUTHENTICATE,
    ApiKey.SASL_HANDSHAKE,
    ApiKey.SHARE_ACKNOWLEDGE,
    ApiKey.SHARE_FETCH,
    ApiKey.SHARE_GROUP_DESCRIBE,
    ApiKey.SHARE_GROUP_HEARTBEAT,
    ApiKey.STREAMS_GROUP_DESCRIBE,
    ApiKey.STREAMS_GROUP_HEARTBEAT,
    ApiKey.SYNC_GROUP,
    ApiKey.UNREGISTER_BROKER,
}


def state(directory: Path) -> dict[str, tuple[int, int, str]]:
    """Of every file and directory: when it was changed, its mode, what is in it."""
    found = {}
    for path in (directory, *directory.rglob("*")):
        content = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
        found[str(path)] = path.stat().st_mtime_ns, path.stat().st_mode, content
    return found


@asynccontextmanager
async def read_only(directory: Path) -> AsyncIterator[InMemoryBroker]:
    before = state(directory)
    settings = Settings.of(settings_for([directory]))
    async with opened(settings, [str(directory)], clock_ms=lambda: NOW_MS, read_only=True) as broker:
        await broker.controller.register_node(NODE)
        yield InMemoryBroker(broker)
    assert state(directory) == before


def values(broker: InMemoryBroker, topic: str, index: int = 0) -> list[bytes | None]:
    return list(read_values(broker.broker.replicas.leader(topic, index).log).values())


@pytest.fixture
def kafka(tmp_path: Path) -> Path:
    return Path(shutil.copytree(KAFKA, tmp_path / "kafka"))


@pytest.fixture
async def ours(tmp_path: Path) -> Path:
    """Of a broker of ours that was killed, and its last append torn."""
    running, killed = tmp_path / "running", tmp_path / "killed"
    running.mkdir()
    settings = Settings.of({"log.dirs": str(running), "node.id": "7"})
    async with opened(settings, [str(running)], clock_ms=lambda: NOW_MS) as broker:
        it = InMemoryBroker(broker)
        await broker.controller.register_node(replace(NODE, id=7))
        await it.create("t")
        for number in range(20):
            partition = broker.replicas.leader("t", 0)
            partition.append_as_leader([make_batch(b"%d" % number)], now_ms=NOW_MS)
        shutil.copytree(running, killed)
    with (killed / "t-0" / f"{0:020}.log").open("ab") as log:
        log.write(bytes(make_batch(b"torn").data)[:-1])
    return killed


async def test_a_directory_of_kafkas_is_read(kafka: Path) -> None:
    async with read_only(kafka) as broker:
        assert 42 == broker.broker.replicas.leader("orders", 0).log.next_offset
        assert len(values(broker, "orders", 1)) == 60


async def test_one_that_was_not_closed_is_recovered_in_memory(kafka: Path) -> None:
    (kafka / ".kafka_cleanshutdown").unlink()
    log = kafka / "orders-1" / f"{0:020}.log"
    log.write_bytes(log.read_bytes()[:-5])

    async with read_only(kafka) as broker:
        assert 0 < len(values(broker, "orders", 1)) < 60


async def test_a_directory_of_ours_is_read_with_its_metadata(ours: Path) -> None:
    async with read_only(ours) as broker:
        assert 7 == broker.broker.node_id
        assert values(broker, "t") == [b"%d" % number for number in range(20)]


async def test_commits_are_kept_in_memory(kafka: Path) -> None:
    topic = OffsetCommitRequest.OffsetCommitRequestTopic
    partition = topic.OffsetCommitRequestPartition(partition_index=0, committed_offset=33, committed_metadata=None)
    wanted = OffsetFetchRequest.OffsetFetchRequestTopic(name="orders", partition_indexes=[0])

    async with read_only(kafka) as broker:

        async def committed() -> int:
            request = OffsetFetchRequest(group_id="readers", topics=[wanted])
            return int((await broker.ask(request, 7)).topics[0].partitions[0].committed_offset)

        assert 7 == await committed()
        request = OffsetCommitRequest(group_id="readers", topics=[topic(name="orders", partitions=[partition])])
        assert 0 == (await broker.ask(request, 8)).topics[0].partitions[0].error_code
        assert 33 == await committed()

    async with read_only(kafka) as broker:
        assert 7 == await committed()


async def test_what_would_change_the_directory_is_refused(kafka: Path) -> None:
    async with read_only(kafka) as broker:
        data = ProduceRequest.TopicProduceData
        partitions = [data.PartitionProduceData(index=0, records=bytes(make_batch(b"x").data))]
        request = ProduceRequest(acks=-1, timeout_ms=0, topic_data=[data(name="orders", partition_data=partitions)])
        told = (await broker.ask(request, 9)).responses[0].partition_responses[0]

        assert ErrorCode.POLICY_VIOLATION == told.error_code
        assert "read-only" in told.error_message
        for key in sorted(REFUSED - {ApiKey.PRODUCE}):
            kind: Any = request_class(key)
            await broker.ask(kind(**zeros_of(kind)), APIS[key].last)
        assert 42 == broker.broker.replicas.leader("orders", 0).log.next_offset
        assert {"orders", "latest"} <= broker.broker.image.topics.keys()


async def test_producer_ids_are_given_to_no_transactions(kafka: Path) -> None:
    async with read_only(kafka) as broker:
        plain = await broker.ask(InitProducerIdRequest(transactional_id=None, transaction_timeout_ms=0), 4)
        transactional = await broker.ask(InitProducerIdRequest(transactional_id="x", transaction_timeout_ms=1000), 4)

    assert (0, ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED) == (plain.error_code, transactional.error_code)


def test_every_api_is_known_to_write_or_not() -> None:
    reads = {key for key in APIS if key.name.startswith(("DESCRIBE_", "LIST_"))}

    assert APIS.keys() == REFUSED | ALLOWED | reads
    assert not REFUSED & (ALLOWED | reads)


def test_a_directory_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StartupError, match="no data directory"):
        settings_for([tmp_path / "none"])
    with pytest.raises(StartupError, match=r"meta\.properties"):
        settings_for([tmp_path])
