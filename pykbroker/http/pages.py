"""What may be asked over HTTP: the one table of paths."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from urllib.parse import unquote

from pykbroker import __version__
from pykbroker.broker import Broker
from pykbroker.dispatch import Dispatcher
from pykbroker.http import groups
from pykbroker.http.page import Page
from pykbroker.metrics.exposition import CONTENT_TYPE, exposed
from pykbroker.metrics.sources import sources


class Pages:
    def __init__(self, broker: Broker, dispatcher: Dispatcher) -> None:
        self._broker = broker
        self._dispatcher = dispatcher
        self._paths: dict[str, Callable[..., Awaitable[Page]]] = {
            "/": self._index,
            "/metrics": self._metrics,
            "/healthz": self._health,
            "/groups/NAME/events": self._group_events,
        }

    async def answer(self, method: str, target: str) -> Page:
        if method not in ("GET", "HEAD"):
            allowed = (("Allow", "GET, HEAD"),)
            return Page("only GET and HEAD\n", status=HTTPStatus.METHOD_NOT_ALLOWED, headers=allowed)
        path = target.partition("?")[0]
        for pattern, page in self._paths.items():
            found = re.fullmatch(pattern.replace("NAME", "([^/]+)"), path)
            if found is not None:
                return await page(*map(unquote, found.groups()))
        return Page("not found; / lists what there is\n", status=HTTPStatus.NOT_FOUND)

    async def _index(self) -> Page:
        return Page(f"pykbroker {__version__}\n\n" + "".join(f"{path}\n" for path in self._paths))

    async def _metrics(self) -> Page:
        return Page(await exposed(sources(self._broker, self._dispatcher)), CONTENT_TYPE)

    async def _health(self) -> Page:
        """For a container's probe: whether requests are served. A directory that failed is for `/metrics` to tell."""
        if self._broker.is_stopping:
            return Page("stopping\n", status=HTTPStatus.SERVICE_UNAVAILABLE)
        return Page("ok\n")

    async def _group_events(self, group_id: str) -> Page:
        return await groups.events(self._broker, group_id)
