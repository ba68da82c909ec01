"""OffsetFetch over the wire, version by version."""

from __future__ import annotations

from typing import Any

import pytest

from pykbroker.coordinator.testing import coordinating_broker
from pykbroker.testing import InMemoryBroker
from wire.api.offset_commit import OffsetCommitRequest
from wire.api.offset_fetch import OffsetFetchRequest
from wire.errors import ErrorCode

Group = OffsetFetchRequest.OffsetFetchRequestGroup
Topics = Group.OffsetFetchRequestTopics
Topic = OffsetFetchRequest.OffsetFetchRequestTopic
CommitTopic = OffsetCommitRequest.OffsetCommitRequestTopic


async def commit(it: InMemoryBroker, group_id: str, topic: str, offset: int) -> None:
    partition = CommitTopic.OffsetCommitRequestPartition(
        partition_index=0, committed_offset=offset, committed_leader_epoch=2, committed_metadata="m"
    )
    await it.ask(OffsetCommitRequest(group_id=group_id, topics=[CommitTopic(name=topic, partitions=[partition])]), 9)


def found(topics: Any) -> list[tuple[Any, int, int, int]]:
    return [
        (topic.name, each.partition_index, each.committed_offset, each.error_code)
        for topic in topics
        for each in topic.partitions
    ]


@pytest.mark.parametrize("version", range(8))
async def test_old_clients_ask_for_one_group(version: int) -> None:
    async with coordinating_broker() as it:
        await commit(it, "g", "t", 5)
        topics = [Topic(name="t", partition_indexes=[0, 1]), Topic(name="nope", partition_indexes=[0])]

        response = await it.ask(OffsetFetchRequest(group_id="g", topics=topics), version)

    assert [("t", 0, 5, 0), ("t", 1, -1, 0), ("nope", 0, -1, 0)] == found(response.topics)
    assert "m" == response.topics[0].partitions[0].metadata
    assert (2 if version >= 5 else -1) == response.topics[0].partitions[0].committed_leader_epoch


@pytest.mark.parametrize("version", range(2, 8))
async def test_null_asks_for_all_topics(version: int) -> None:
    async with coordinating_broker() as it:
        await commit(it, "g", "t", 5)
        await commit(it, "g", "u", 6)

        response = await it.ask(OffsetFetchRequest(group_id="g", topics=None), version)

    assert [("t", 0, 5, 0), ("u", 0, 6, 0)] == found(response.topics)


@pytest.mark.parametrize("version", [8, 9])
async def test_new_clients_ask_for_many_groups(version: int) -> None:
    async with coordinating_broker() as it:
        await commit(it, "g", "t", 5)
        groups = [
            Group(group_id="g", topics=[Topics(name="t", partition_indexes=[0])]),
            Group(group_id="g", topics=None),
            Group(group_id="nobody", topics=[Topics(name="t", partition_indexes=[0])]),
            Group(group_id="nobody", topics=None),
        ]

        response = await it.ask(OffsetFetchRequest(groups=groups, require_stable=True), version)

    assert ["g", "g", "nobody", "nobody"] == [group.group_id for group in response.groups]
    assert [[("t", 0, 5, 0)], [("t", 0, 5, 0)], [("t", 0, -1, 0)], []] == [found(g.topics) for g in response.groups]


async def test_newest_clients_name_topics_by_id() -> None:
    async with coordinating_broker() as it:
        await commit(it, "g", "t", 5)
        known = it.broker.image.topics["t"].id
        asked = [Topics(topic_id=topic_id, partition_indexes=[0]) for topic_id in (known, b"?" * 16)]

        response = await it.ask(
            OffsetFetchRequest(groups=[Group(group_id="g", topics=asked), Group(group_id="g", topics=None)]), 10
        )

    some, everything = response.groups
    assert [known, b"?" * 16] == [topic.topic_id for topic in some.topics]
    assert [("", 0, 5, 0), ("", 0, -1, ErrorCode.UNKNOWN_TOPIC_ID)] == found(some.topics)
    assert [known] == [topic.topic_id for topic in everything.topics]


@pytest.mark.parametrize("version", range(2, 11))
async def test_a_broker_that_does_not_coordinate_the_group_says_so(broker: InMemoryBroker, version: int) -> None:
    groups = [Group(group_id="g", topics=None)]
    request = OffsetFetchRequest(groups=groups) if version >= 8 else OffsetFetchRequest(group_id="g", topics=None)

    response = await broker.ask(request, version)

    code = response.groups[0].error_code if version >= 8 else response.error_code
    assert ErrorCode.NOT_COORDINATOR == code


@pytest.mark.parametrize("version", [0, 1])
async def test_the_oldest_clients_find_the_error_at_each_partition(broker: InMemoryBroker, version: int) -> None:
    topics = [Topic(name="t", partition_indexes=[0, 1])]

    response = await broker.ask(OffsetFetchRequest(group_id="g", topics=topics), version)

    code = ErrorCode.NOT_COORDINATOR
    assert [("t", 0, -1, code), ("t", 1, -1, code)] == found(response.topics)
