"""/groups/NAME/events: what the coordinator remembers, as JSON."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import pytest
import trio

from pykbroker.coordinator.groups.history import Kind, Move, Named
from pykbroker.dispatch import Dispatcher
from pykbroker.http.page import Page
from pykbroker.http.pages import Pages
from pykbroker.testing import InMemoryBroker
from wire.api.consumer_group_heartbeat import ConsumerGroupHeartbeatRequest


@pytest.fixture
async def coordinating(broker: InMemoryBroker) -> AsyncIterator[InMemoryBroker]:
    async with trio.open_nursery() as nursery:
        await nursery.start(broker.broker.groups.run)
        await broker.broker.groups.create_topic()
        yield broker
        nursery.cancel_scope.cancel()


async def page(broker: InMemoryBroker, group_id: str) -> Page:
    return await Pages(broker.broker, Dispatcher()).answer("GET", f"/groups/{quote(group_id, safe='')}/events")


async def told(broker: InMemoryBroker, group_id: str) -> Any:
    found = await page(broker, group_id)
    assert (HTTPStatus.OK, "application/json") == (found.status, found.content_type)
    return json.loads(found.body)


@pytest.mark.parametrize("group_id", ["g", "a/b", "a b%", "\N{SNOWMAN}", "..", "?"])
async def test_a_group_of_any_name_tells_what_happened(coordinating: InMemoryBroker, group_id: str) -> None:
    await coordinating.create("t", 2)
    request = ConsumerGroupHeartbeatRequest(
        group_id=group_id, member_id="m", member_epoch=0, rebalance_timeout_ms=1000, subscribed_topic_names=["t"],
        topic_partitions=[],
    )  # fmt: skip
    assert 0 == (await coordinating.ask(request, 1)).error_code

    found = await told(coordinating, group_id)

    assert (group_id, "consumer", "Stable", 2) == (found["group"], found["type"], found["state"], found["generation"])
    assert [{"member_id": "m", "client_id": "test", "host": "127.0.0.1"}] == found["members"]
    assert ["joined", "generation", "assigned", "stable"] == [event["kind"] for event in found["events"]]
    assert {"topic": "t", "partition": 1, "from": None, "to": "m"} in found["events"][2]["moves"]
    assert 2 == found["events"][2]["move_count"]


async def test_of_a_group_that_is_gone_the_history_is_still_there(coordinating: InMemoryBroker) -> None:
    histories = coordinating.broker.groups.histories
    histories.note("gone", 7, Kind.LEFT, "left", Named("m"), moves=[Move("t", 0, "m", "")])
    histories.note("gone", 8, Kind.LEFT, "left", Named("m"), moves=[Move("t", 0, "m", "")])

    found = await told(coordinating, "gone")

    assert (None, None, []) == (found["type"], found["state"], found["members"])
    assert [(8, 2)] == [(event["at_ms"], event["times"]) for event in found["events"]]


async def test_an_unknown_group_is_not_found(coordinating: InMemoryBroker) -> None:
    assert HTTPStatus.NOT_FOUND == (await page(coordinating, "who")).status


async def test_a_broker_that_does_not_coordinate_says_so(broker: InMemoryBroker) -> None:
    assert HTTPStatus.SERVICE_UNAVAILABLE == (await page(broker, "g")).status
