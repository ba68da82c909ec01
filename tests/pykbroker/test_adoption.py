"""A data directory that Apache Kafka wrote is taken over with all that is in it."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio

from pykbroker.adoption import ClusterMetadata
from pykbroker.config.settings import Settings
from pykbroker.server import opened
from pykbroker.testing import NODE, InMemoryBroker
from storage.checkpoints import parse_uuid
from storage.files import RealFiles
from wire.api.fetch import FetchRequest
from wire.api.offset_fetch import OffsetFetchRequest
from wire.record_batch import Record, RecordBatch, batches, build

KAFKAS = Path(__file__).parent.parent / "data" / "kafka-4.3"


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return Path(shutil.copytree(KAFKAS, tmp_path / "data"))


@asynccontextmanager
async def broker_on(directory: Path) -> AsyncIterator[InMemoryBroker]:
    settings = Settings.of({"node.id": "1"})
    async with opened(settings, [str(directory)]) as broker:
        await broker.controller.register_node(NODE)
        yield InMemoryBroker(broker)


async def fetch(it: InMemoryBroker, topic: str, index: int) -> list[Record]:
    Topic = FetchRequest.FetchTopic  # noqa: N806
    wanted = Topic.FetchPartition(partition=index, fetch_offset=0, partition_max_bytes=1 << 20)
    found: list[Record] = []
    while True:
        wanted.fetch_offset = found[-1].offset + 1 if found else 0
        request = FetchRequest(max_wait_ms=0, min_bytes=0, topics=[Topic(topic=topic, partitions=[wanted])])
        (answer,) = (await it.ask(request, 12)).responses[0].partitions
        assert answer.error_code == 0
        read = [r for b in batches(memoryview(bytes(answer.records))) if not b.is_control for r in b.records()]
        if not read:
            return found
        found += [record for record in read if record.offset >= wanted.fetch_offset]


async def test_topics_have_their_names_ids_partitions_and_settings(directory: Path) -> None:
    text = (directory / "orders-0" / "partition.metadata").read_text()
    async with broker_on(directory) as it:
        image = it.broker.image

    assert sorted(image.topics) == ["__consumer_offsets", "__transaction_state", "latest", "orders"]
    assert image.topics["orders"].id == parse_uuid(text.split("topic_id: ")[1].strip())
    assert len(image.topics["orders"].partitions) == 2
    assert image.topic_configs["orders"] == {"retention.ms": "-1"}
    assert image.topic_configs["latest"] == {"cleanup.policy": "compact", "min.cleanable.dirty.ratio": "0.9"}
    assert image.topic_configs["__consumer_offsets"]["cleanup.policy"] == "compact"


async def test_every_record_is_there_with_its_offset_and_timestamp(directory: Path) -> None:
    async with broker_on(directory) as it:
        first, second = await fetch(it, "orders", 0), await fetch(it, "orders", 1)
        latest = await fetch(it, "latest", 0)

    assert [record.offset for record in first] == list(range(41))
    assert [record.offset for record in second] == list(range(60))
    for records, codecs in ((first, (b"none", b"gzip")), (second, (b"zstd", b"lz4", b"snappy"))):
        wanted = [(b"key%d" % n, b"%s value %d" % (codec, n), 1700000000000 + n) for codec in codecs for n in range(20)]
        assert [(r.key, r.value, r.timestamp_ms) for r in records[: len(wanted)]] == wanted
    assert (first[40].key, first[40].timestamp_ms) == (b"tx", 1700000002001)
    assert [record.value for record in latest] == [b"state %d" % number for number in range(10)]


async def test_groups_have_their_offsets(directory: Path) -> None:
    Group = OffsetFetchRequest.OffsetFetchRequestGroup  # noqa: N806
    async with broker_on(directory) as it:
        with trio.fail_after(10):
            while True:
                answer = await it.ask(OffsetFetchRequest(groups=[Group(group_id="readers", topics=None)]), 8)
                if answer.groups[0].error_code == 0:
                    break
                await trio.sleep(0.01)

    (topic,) = answer.groups[0].topics
    told = {p.partition_index: (p.committed_offset, p.metadata) for p in topic.partitions}
    assert (topic.name, told) == ("orders", {0: (7, "seven\0"), 1: (10, "")})


async def test_it_goes_on_from_there(directory: Path) -> None:
    data = build([Record(timestamp_ms=1700000005000, key=b"k", value=b"more")])
    async with broker_on(directory) as it:
        partition = it.broker.replicas.leader("orders", 0)
        before = partition.log.leader_epochs.latest
        appended = partition.append_as_leader([RecordBatch(memoryview(bytearray(data)))], now_ms=1700000005000)
    async with broker_on(directory) as it:
        found = await fetch(it, "orders", 0)
        after = it.broker.replicas.leader("orders", 0).log.leader_epochs.latest

    assert appended.base_offset == 42
    assert (found[-1].offset, found[-1].value) == (42, b"more")
    assert after > before


async def test_a_topic_that_is_deleted_then_does_not_come_back(directory: Path) -> None:
    async with broker_on(directory) as it:
        await it.broker.controller.delete_topics(["orders"])
    shutil.copytree(KAFKAS / "orders-0", directory / "orders-0", dirs_exist_ok=True)  # as if the files had stayed
    async with broker_on(directory) as it:
        assert "orders" not in it.broker.image.topics


async def test_producer_ids_are_not_given_out_again(directory: Path) -> None:
    kafkas = ClusterMetadata.read(RealFiles(), str(directory / "__cluster_metadata-0")).next_producer_id
    async with broker_on(directory) as it:
        assert await it.broker.producer_ids.allocate() >= kafkas >= 1000


async def test_nor_without_kafkas_metadata(directory: Path) -> None:
    shutil.rmtree(directory / "__cluster_metadata-0")
    async with broker_on(directory) as it:
        used = max(it.broker.replicas.leader("orders", 0).log.producers.by_id)
        assert await it.broker.producer_ids.allocate() > used
        assert it.broker.image.topic_configs.keys() == {"__consumer_offsets", "__transaction_state"}
