"""OffsetDelete over the wire."""

from __future__ import annotations

from typing import Any

import pytest

from pykbroker.coordinator.testing import coordinating_broker, stable_member
from wire.api.offset_commit import OffsetCommitRequest
from wire.api.offset_delete import OffsetDeleteRequest
from wire.api.offset_fetch import OffsetFetchRequest
from wire.errors import ErrorCode

Topic = OffsetDeleteRequest.OffsetDeleteRequestTopic
CommitTopic = OffsetCommitRequest.OffsetCommitRequestTopic


def request(group_id: str, **topics: list[int]) -> OffsetDeleteRequest:
    return OffsetDeleteRequest(
        group_id=group_id,
        topics=[
            Topic(
                name=name,
                partitions=[Topic.OffsetDeleteRequestPartition(partition_index=index) for index in indexes],
            )
            for name, indexes in topics.items()
        ],
    )


def codes(response: Any) -> dict[tuple[str, int], int]:
    return {
        (topic.name, each.partition_index): each.error_code for topic in response.topics for each in topic.partitions
    }


async def test_only_what_nobody_reads_is_forgotten() -> None:
    async with coordinating_broker() as it:
        member_id = await stable_member(it)
        partition = CommitTopic.OffsetCommitRequestPartition(
            partition_index=0, committed_offset=5, committed_metadata=None
        )
        topics = [CommitTopic(name=name, partitions=[partition]) for name in ("t", "u")]
        await it.ask(
            OffsetCommitRequest(group_id="g", generation_id_or_member_epoch=1, member_id=member_id, topics=topics),
            9,
        )

        response = await it.ask(request("g", t=[0, 9], u=[0, 1], nope=[0]), 0)

        left = await it.ask(OffsetFetchRequest(group_id="g", topics=None), 5)
    assert ErrorCode.NONE == response.error_code
    assert {
        ("t", 0): ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC,
        ("t", 9): ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
        ("u", 0): ErrorCode.NONE,
        ("u", 1): ErrorCode.NONE,
        ("nope", 0): ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
    } == codes(response)
    assert ["t"] == [topic.name for topic in left.topics]


@pytest.mark.parametrize(
    ("group_id", "expected"), [("", ErrorCode.INVALID_GROUP_ID), ("nobody", ErrorCode.GROUP_ID_NOT_FOUND)]
)
async def test_what_is_refused(group_id: str, expected: ErrorCode) -> None:
    async with coordinating_broker() as it:
        response = await it.ask(request(group_id, t=[0]), 0)

    assert (expected, []) == (response.error_code, response.topics)


async def test_a_group_of_another_protocol_type_must_be_empty() -> None:
    async with coordinating_broker() as it:
        await stable_member(it, protocol_type="connect")

        response = await it.ask(request("g", t=[0]), 0)

    assert ErrorCode.NON_EMPTY_GROUP == response.error_code
