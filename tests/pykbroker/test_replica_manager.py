"""ReplicaManager: partitions follow the metadata, on disk and for those who wait at them."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from pykbroker.errors import BrokerError
from pykbroker.testing import NOW_MS, InMemoryBroker, in_memory_broker
from wire.errors import ErrorCode


@pytest.fixture
async def broker() -> AsyncIterator[InMemoryBroker]:
    async with in_memory_broker() as opened:
        yield opened


async def test_a_new_topic_has_its_logs_before_anybody_is_told(broker: InMemoryBroker) -> None:
    topic = await broker.create("t", 3)

    logs = broker.broker.replicas.logs
    assert {("t", 0), ("t", 1), ("t", 2)} == logs.logs.keys()
    assert topic.id == logs.topic_id("t", 2)


async def test_a_deleted_topic_is_nowhere(broker: InMemoryBroker) -> None:
    await broker.create("t", 2)
    partition = broker.broker.replicas.replica("t", 0)

    await broker.broker.controller.delete_topics(["t"])

    assert {} == broker.broker.replicas.partitions == broker.broker.replicas.logs.logs
    with pytest.raises(BrokerError) as told:
        partition.check_leader()
    assert ErrorCode.NOT_LEADER_OR_FOLLOWER == told.value.code


async def test_a_topic_made_anew_has_none_of_the_old_records(broker: InMemoryBroker) -> None:
    first = await broker.create("t")
    broker.append("t", 0, [NOW_MS] * 5)
    await broker.broker.controller.delete_topics(["t"])

    second = await broker.create("t")

    assert first.id != second.id
    assert 0 == broker.broker.replicas.leader("t", 0).log.next_offset


async def test_settings_of_a_topic_reach_its_logs(broker: InMemoryBroker) -> None:
    await broker.create("t", configs={"segment.bytes": "1048576", "min.insync.replicas": "2"})

    partition = broker.broker.replicas.leader("t", 0)

    assert (1048576, 2) == (partition.log.config.segment_bytes, partition.min_insync_replicas)


async def test_settings_of_a_topic_hold_for_its_first_segment(broker: InMemoryBroker) -> None:
    await broker.create("t", configs={"segment.index.bytes": "12", "index.interval.bytes": "0"})

    for _ in range(3):
        broker.append("t", 0, [NOW_MS])

    log = broker.broker.replicas.leader("t", 0).log
    assert [0, 1, 2] == [segment.base_offset for segment in log.segments]


async def test_what_is_not_there_is_told(broker: InMemoryBroker) -> None:
    with pytest.raises(BrokerError) as told:
        broker.broker.replicas.replica("t", 0)

    assert ErrorCode.UNKNOWN_TOPIC_OR_PARTITION == told.value.code
