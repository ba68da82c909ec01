"""Pages: which there are, and what is answered where there is none."""

from __future__ import annotations

from http import HTTPStatus

import pytest

from pykbroker.dispatch import Dispatcher
from pykbroker.http.page import Page
from pykbroker.http.pages import Pages
from pykbroker.testing import InMemoryBroker


async def page(broker: InMemoryBroker, target: str, method: str = "GET") -> Page:
    return await Pages(broker.broker, Dispatcher()).answer(method, target)


async def test_the_first_page_names_all_others(broker: InMemoryBroker) -> None:
    listed = str((await page(broker, "/")).body).splitlines()

    paths = [line for line in listed if line.startswith("/")]
    assert "/metrics" in paths
    assert "/healthz" in paths
    assert "/groups/NAME/events" in paths
    for path in paths[:-1]:
        assert HTTPStatus.OK == (await page(broker, path)).status


async def test_a_query_does_not_matter(broker: InMemoryBroker) -> None:
    assert HTTPStatus.OK == (await page(broker, "/metrics?name[]=x")).status


@pytest.mark.parametrize("target", ["/nothing", "", "*", "//", "/metrics/", "http://[", "/\N{SNOWMAN}"])
async def test_what_is_not_there_is_not_found(broker: InMemoryBroker, target: str) -> None:
    assert HTTPStatus.NOT_FOUND == (await page(broker, target)).status


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "get"])
async def test_nothing_but_get_and_head_is_allowed(broker: InMemoryBroker, method: str) -> None:
    refused = await page(broker, "/metrics", method)

    assert HTTPStatus.METHOD_NOT_ALLOWED == refused.status
    assert (("Allow", "GET, HEAD"),) == refused.headers


async def test_a_broker_that_stops_is_not_healthy(broker: InMemoryBroker) -> None:
    assert HTTPStatus.OK == (await page(broker, "/healthz")).status

    broker.broker.stop()

    assert HTTPStatus.SERVICE_UNAVAILABLE == (await page(broker, "/healthz")).status
