"""From metric families to Prometheus' text format, a slice at a time, so that others run in between."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import trio
from prometheus_client import CollectorRegistry, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4 as CONTENT_TYPE
from prometheus_client.exposition import generate_latest

__all__ = ["CONTENT_TYPE", "Source", "exposed"]

Source = Callable[[], Iterable[Metric | None]]  # None: nothing yet, but others may run

SAMPLES_AT_ONCE = 100  # some hundred microseconds
HEAD_LINES = 2  # HELP and TYPE


async def exposed(sources: Iterable[Source]) -> bytes:
    """The state may change between two families: a source works out a family as a whole, then yields it."""
    text = bytearray()
    for source in sources:
        for family in source():
            for part in () if family is None else _rendered(family):
                text += part
                await trio.lowlevel.checkpoint()
            await trio.lowlevel.checkpoint()
    return bytes(text)


def _rendered(family: Metric) -> Iterator[bytes]:
    samples = family.samples
    for start in range(0, len(samples) or 1, SAMPLES_AT_ONCE):
        family.samples = samples[start : start + SAMPLES_AT_ONCE]
        part = generate_latest(_OneFamily(family))
        yield part.split(b"\n", HEAD_LINES)[HEAD_LINES] if start else part


class _OneFamily(CollectorRegistry):
    def __init__(self, family: Metric) -> None:
        self._family = family

    def collect(self) -> Iterable[Metric]:
        return (self._family,)
