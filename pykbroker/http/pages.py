"""What may be asked over HTTP, and the pages that answer it: the one table of paths."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus

from pykbroker import __version__
from pykbroker.broker import Broker
from pykbroker.dispatch import Dispatcher
from pykbroker.metrics.exposition import CONTENT_TYPE, exposed
from pykbroker.metrics.sources import sources

TEXT = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Page:
    body: str | bytes
    content_type: str = TEXT
    status: HTTPStatus = HTTPStatus.OK
    headers: tuple[tuple[str, str], ...] = ()


class Pages:
    def __init__(self, broker: Broker, dispatcher: Dispatcher) -> None:
        self._broker = broker
        self._dispatcher = dispatcher
        self._paths: dict[str, Callable[[], Awaitable[Page]]] = {
            "/": self._index,
            "/metrics": self._metrics,
            "/healthz": self._health,
        }

    async def answer(self, method: str, target: str) -> Page:
        if method not in ("GET", "HEAD"):
            allowed = (("Allow", "GET, HEAD"),)
            return Page("only GET and HEAD\n", status=HTTPStatus.METHOD_NOT_ALLOWED, headers=allowed)
        found = self._paths.get(target.partition("?")[0])
        if found is None:
            return Page("not found; / lists what there is\n", status=HTTPStatus.NOT_FOUND)
        return await found()

    async def _index(self) -> Page:
        return Page(f"pykbroker {__version__}\n\n" + "".join(f"{path}\n" for path in self._paths))

    async def _metrics(self) -> Page:
        return Page(await exposed(sources(self._broker, self._dispatcher)), CONTENT_TYPE)

    async def _health(self) -> Page:
        """For a container's probe: whether requests are served. A directory that failed is for `/metrics` to tell."""
        if self._broker.is_stopping:
            return Page("stopping\n", status=HTTPStatus.SERVICE_UNAVAILABLE)
        return Page("ok\n")
