"""Exposition: the text is what prometheus_client makes of the families, and others run while it is made."""

from __future__ import annotations

from functools import partial

import pytest
import trio
from prometheus_client import CollectorRegistry, Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from pykbroker.metrics.exposition import SAMPLES_AT_ONCE, exposed
from pykbroker.metrics.families import counters, gauge, gauges, summaries, untyped


class Registry(CollectorRegistry):
    def __init__(self, families: list[Metric]) -> None:
        self._families = families

    def collect(self) -> list[Metric]:
        return self._families


def families(samples: int) -> list[Metric]:
    return [
        gauge("a", "A gauge.", 1),
        gauges("b", "Many.", ("x", "y"), {(str(number), 'quo"te\n\\'): number for number in range(samples)}),
        counters("c_total", "Without and with a label.", ("x",), {(): 3, ("one",): 1, ("two",): 2}),
        summaries("d", "Times.", "x", {"one": (3, 4.5)}),
        untyped("e_count", "Kafka's name.", 5),
    ]


@pytest.mark.parametrize("samples", [0, 1, SAMPLES_AT_ONCE, SAMPLES_AT_ONCE + 1, 3 * SAMPLES_AT_ONCE])
async def test_families_of_any_size_are_written_as_in_one_go(samples: int) -> None:
    whole = generate_latest(Registry(families(samples)))

    assert whole == await exposed([partial(families, samples)])


async def test_others_run_between_the_slices_of_a_large_family() -> None:
    turns = 0

    async def count_turns() -> None:
        nonlocal turns
        while True:
            await trio.lowlevel.checkpoint()
            turns += 1

    async with trio.open_nursery() as nursery:
        nursery.start_soon(count_turns)
        await exposed([partial(families, 20 * SAMPLES_AT_ONCE)])
        nursery.cancel_scope.cancel()

    assert turns >= 20


async def test_a_source_may_have_nothing_yet() -> None:
    assert await exposed([lambda: [gauge("a", "A.", 1)]]) == await exposed([lambda: [None, gauge("a", "A.", 1), None]])


async def test_the_text_is_read_back_with_names_types_and_values() -> None:
    text = (await exposed([partial(families, 1)])).decode()

    read = {family.name: family for family in text_string_to_metric_families(text)}
    assert {"a": "gauge", "b": "gauge", "c": "counter", "d": "summary", "e_count": "unknown"} == {
        name: family.type for name, family in read.items()
    }
    assert [({}, 3.0), ({"x": "one"}, 1.0), ({"x": "two"}, 2.0)] == [
        (sample.labels, sample.value) for sample in read["c"].samples
    ]
