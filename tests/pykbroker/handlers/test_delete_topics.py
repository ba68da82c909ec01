"""DeleteTopics: what Apache Kafka 4.3 was seen to answer; v0 as Kafka 3.9 does."""

from __future__ import annotations

import pytest

from pykbroker.testing import InMemoryBroker, in_memory_broker
from wire.api.delete_topics import DeleteTopicsRequest, DeleteTopicsResponse
from wire.errors import ErrorCode
from wire.types import ZERO_UUID

State = DeleteTopicsRequest.DeleteTopicState

INVALID = ErrorCode.INVALID_REQUEST
UNKNOWN = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
UNKNOWN_ID = b"7" * 16


def asking(*states: tuple[str | None, bytes], timeout_ms: int = 5000) -> DeleteTopicsRequest:
    return DeleteTopicsRequest(topics=[State(name=name, topic_id=of) for name, of in states], timeout_ms=timeout_ms)


def told(response: DeleteTopicsResponse) -> list[tuple[str | None, bytes, int, str | None]]:
    """Kafka shuffles them."""
    return sorted(
        [(each.name, each.topic_id, each.error_code, each.error_message) for each in response.responses],
        key=lambda each: (each[0] or "", each[1]),
    )


@pytest.mark.parametrize("version", range(6))
async def test_topics_are_deleted_by_name(broker: InMemoryBroker, version: int) -> None:
    await broker.create("t")

    asked = DeleteTopicsRequest(topic_names=["t", "nope", "a/b"], timeout_ms=5000)
    response = await broker.ask(asked, version)

    assert [("a/b", UNKNOWN), ("nope", UNKNOWN), ("t", 0)] == [(name, code) for name, _, code, _ in told(response)]
    assert [version >= 5, version >= 5, False] == [text is not None for _, _, _, text in told(response)]
    assert not broker.broker.image.topics
    assert not broker.broker.replicas.partitions


async def test_topics_are_deleted_by_name_or_id(broker: InMemoryBroker) -> None:
    a, b, both = [await broker.create(name) for name in ("a", "b", "both")]

    response = await broker.ask(
        asking(("a", ZERO_UUID), (None, b.id), ("both", both.id), (None, ZERO_UUID), (None, UNKNOWN_ID)), 6
    )

    assert [
        (None, ZERO_UUID, INVALID, "Neither topic name nor id were specified."),
        (None, UNKNOWN_ID, ErrorCode.UNKNOWN_TOPIC_ID, ErrorCode.UNKNOWN_TOPIC_ID.message),
        ("a", a.id, 0, None),
        ("b", b.id, 0, None),
        ("both", both.id, INVALID, "You may not specify both topic name and topic id."),
    ] == told(response)
    assert {"both"} == set(broker.broker.image.topics)


async def test_what_is_named_twice_is_left_alone(broker: InMemoryBroker) -> None:
    topic, other = await broker.create("t"), await broker.create("other")
    by_name, by_id = ("t", ZERO_UUID), (None, topic.id)
    twice_named = ("t", ZERO_UUID, INVALID, "Duplicate topic name.")
    twice_identified = (None, topic.id, INVALID, "Duplicate topic id.")
    in_both_ways = ("t", topic.id, INVALID, "The provided topic name maps to an ID that was already supplied.")

    assert [twice_named] == told(await broker.ask(asking(by_name, by_name), 6))
    assert [twice_identified] == told(await broker.ask(asking(by_id, by_id), 6))
    assert [in_both_ways] == told(await broker.ask(asking(by_name, by_id), 6))
    assert [twice_identified, in_both_ways] == told(await broker.ask(asking(by_name, by_id, by_id), 6))
    assert [("other", other.id, 0, None), in_both_ways] == told(
        await broker.ask(asking(by_id, ("other", ZERO_UUID), by_name), 6)
    )
    assert {"t"} == set(broker.broker.image.topics)


async def test_internal_topics_can_be_deleted(broker: InMemoryBroker) -> None:
    topic = await broker.broker.controller.create_topic("__share_group_state")

    response = await broker.ask(asking(("__share_group_state", ZERO_UUID)), 6)

    assert [("__share_group_state", topic.id, 0, None)] == told(response)


async def test_without_time_nothing_is_deleted(broker: InMemoryBroker) -> None:
    await broker.create("t")

    response = await broker.ask(asking(("t", ZERO_UUID), timeout_ms=0), 6)

    assert [("t", ZERO_UUID, ErrorCode.REQUEST_TIMED_OUT, None)] == told(response)
    assert {"t"} == set(broker.broker.image.topics)


@pytest.mark.parametrize(("version", "code"), [(2, INVALID), (3, ErrorCode.TOPIC_DELETION_DISABLED)])
async def test_deletion_can_be_disabled(version: int, code: ErrorCode) -> None:
    async with in_memory_broker({"delete.topic.enable": "false"}) as opened:
        await opened.create("t")

        response = await opened.ask(DeleteTopicsRequest(topic_names=["t"], timeout_ms=5000), version)

        assert [("t", code)] == [(each.name, each.error_code) for each in response.responses]
        assert {"t"} == set(opened.broker.image.topics)
