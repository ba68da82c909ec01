"""OffsetCommit over the wire, version by version."""

from __future__ import annotations

from typing import Any

import pytest

from pykbroker.coordinator.testing import coordinating_broker, stable_member
from pykbroker.testing import InMemoryBroker
from wire.api.offset_commit import OffsetCommitRequest
from wire.api.offset_fetch import OffsetFetchRequest
from wire.errors import ErrorCode

Topic = OffsetCommitRequest.OffsetCommitRequestTopic
Partition = Topic.OffsetCommitRequestPartition


def request(*topics: Topic, **fields: Any) -> OffsetCommitRequest:
    return OffsetCommitRequest(group_id=fields.pop("group_id", "g"), topics=topics, **fields)


def partition(index: int, offset: int = 5, **fields: Any) -> Partition:
    return Partition(partition_index=index, committed_offset=offset, committed_metadata="m", **fields)


def codes(response: Any) -> list[list[int]]:
    return [[each.error_code for each in topic.partitions] for topic in response.topics]


async def stored(it: InMemoryBroker) -> Any:
    response = await it.ask(OffsetFetchRequest(group_id="g", topics=None), 5)
    return {
        (topic.name, each.partition_index): (each.committed_offset, each.committed_leader_epoch, each.metadata)
        for topic in response.topics
        for each in topic.partitions
    }


@pytest.mark.parametrize("version", range(11))
async def test_what_exists_is_stored_and_what_does_not_is_refused_for_itself(version: int) -> None:
    async with coordinating_broker() as it:
        known, unknown = it.broker.image.topics["t"].id, b"?" * 16
        epoch = {"committed_leader_epoch": 3} if version >= 6 else {}
        partitions = [partition(0, **epoch), partition(9)]
        topics = [
            Topic(topic_id=topic_id, partitions=partitions)
            if version == 10
            else Topic(name=name, partitions=partitions)
            for name, topic_id in (("t", known), ("nope", unknown))
        ]

        response = await it.ask(request(*topics), version)

        missing = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
        absent = ErrorCode.UNKNOWN_TOPIC_ID if version == 10 else missing
        assert [[ErrorCode.NONE, missing], [absent, absent]] == codes(response)
        assert {("t", 0): (5, 3 if version >= 6 else -1, "m")} == await stored(it)


async def test_an_error_of_the_group_leaves_the_errors_of_topics_as_they_are() -> None:
    async with coordinating_broker() as it:
        await stable_member(it)

        response = await it.ask(request(Topic(name="t", partitions=[partition(0), partition(9)])), 9)

    assert [[ErrorCode.UNKNOWN_MEMBER_ID, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION]] == codes(response)


async def test_metadata_that_is_too_large_is_refused_for_itself() -> None:
    async with coordinating_broker({"offset.metadata.max.bytes": "3"}) as it:
        large = Partition(partition_index=1, committed_offset=5, committed_metadata="four")

        response = await it.ask(request(Topic(name="t", partitions=[partition(0), large])), 9)

        assert [[ErrorCode.NONE, ErrorCode.OFFSET_METADATA_TOO_LARGE]] == codes(response)
        assert {("t", 0): (5, -1, "m")} == await stored(it)


@pytest.mark.parametrize(
    ("version", "expected"), [(8, ErrorCode.ILLEGAL_GENERATION), (9, ErrorCode.GROUP_ID_NOT_FOUND)]
)
async def test_a_member_of_a_group_that_is_not_there(version: int, expected: ErrorCode) -> None:
    async with coordinating_broker() as it:
        asked = request(Topic(name="t", partitions=[partition(0)]), generation_id_or_member_epoch=3, member_id="x")

        response = await it.ask(asked, version)

    assert [[expected]] == codes(response)


async def test_nothing_to_commit_is_no_error() -> None:
    async with coordinating_broker() as it:
        assert [] == codes(await it.ask(request(group_id=""), 9))


async def test_a_broker_that_does_not_coordinate_the_group_says_so(broker: InMemoryBroker) -> None:
    await broker.create("t")

    response = await broker.ask(request(Topic(name="t", partitions=[partition(0)])), 9)

    assert [[ErrorCode.NOT_COORDINATOR]] == codes(response)
