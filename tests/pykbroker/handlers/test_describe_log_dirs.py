"""DescribeLogDirs: which replicas lie where, and their sizes."""

from __future__ import annotations

import pytest

from pykbroker.testing import InMemoryBroker
from wire.api.describe_log_dirs import DescribeLogDirsRequest, DescribeLogDirsResponse

Asked = DescribeLogDirsRequest.DescribableLogDirTopic


@pytest.mark.parametrize("version", range(6))
async def test_what_was_asked_for_and_is_there_is_told(broker: InMemoryBroker, version: int) -> None:
    await broker.create("t", 2)
    partition = broker.append("t", 1, [1, 2, 3])
    topics = [Asked(topic="t", partitions=[1, 1, 9]), Asked(topic="missing", partitions=[0])]

    response = await broker.ask(DescribeLogDirsRequest(topics=topics), version)

    (found,) = response.results
    ((topic,),) = [found.topics]
    (only,) = topic.partitions
    assert ("/data", "t") == (found.log_dir, topic.name)
    assert (1, partition.log.size_bytes, 0, False) == (
        only.partition_index,
        only.partition_size,
        only.offset_lag,
        only.is_future_key,
    )
    assert only.partition_size > 0


async def test_null_is_all_and_nothing_is_nothing(broker: InMemoryBroker) -> None:
    await broker.create("t", 2)
    await broker.create("u")

    async def told(topics: list[Asked] | None) -> dict[str, int]:
        response: DescribeLogDirsResponse = await broker.ask(DescribeLogDirsRequest(topics=topics), 4)
        return {topic.name: len(topic.partitions) for topic in response.results[0].topics}

    assert {"t": 2, "u": 1} == await told(None)
    assert {} == await told([])


async def test_a_cordoned_directory_is_told(broker: InMemoryBroker) -> None:
    await broker.broker.controller.set_broker_configs(1, {"cordoned.log.dirs": "*"})

    (found,) = (await broker.ask(DescribeLogDirsRequest(topics=[]), 5)).results

    assert found.is_cordoned
