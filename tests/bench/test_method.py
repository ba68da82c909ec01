"""What counts as reached, and in which order brokers are measured."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bench.brokers import Broker
from bench.method import Benchmark, Effort, Row, compare


class NamedBroker(Broker):
    """A broker that is never started."""

    def __init__(self, name: str, directory: Path) -> None:
        self.name = name
        self.directory = directory


ONCE = Effort(rounds=3, seconds=0, max_bytes=0, warm_up_s=0, scale=1)


def test_a_multiple_of_kafka_is_reached_at_that_multiple() -> None:
    faster = Row("r", "", "req/s", "more", times_kafka=1.2)
    quicker = Row("r", "", "s", "less", times_kafka=0.8)

    assert (faster.is_reached(120, 100), faster.is_reached(119, 100)) == (True, False)
    assert (quicker.is_reached(0.8, 1.0), quicker.is_reached(0.81, 1.0)) == (True, False)


def test_of_a_figure_and_a_multiple_both_must_be_reached() -> None:
    row = Row("r", "", "GB/s", "more", times_kafka=1.0, limit=3)

    assert (row.is_reached(3.5, 4), row.is_reached(2.5, 2), row.is_reached(3, 2)) == (False, False, True)


def test_without_kafka_a_multiple_of_it_is_not_judged() -> None:
    assert Row("r", "", "req/s", "more", times_kafka=1.2).is_reached(1e9, None) is None
    assert Row("r", "", "s", "less", limit=0.5).is_reached(0.6, None) is False


def test_a_row_that_asks_for_nothing_is_not_judged() -> None:
    assert Row("r", "", "s", "less").is_reached(1, 1) is None


def test_the_order_of_brokers_alternates_and_figures_stay_apart(tmp_path: Path) -> None:
    order = []

    def measure(broker: Broker, _: Effort) -> Sequence[float]:
        order.append(broker.name)
        return [len(order)]

    figures = compare(
        Benchmark([Row("r", "", "", "more")], measure), [NamedBroker(name, tmp_path) for name in "ab"], ONCE
    )

    assert order == ["a", "b", "b", "a", "a", "b"]
    assert figures == {"r": {"a": [1, 4, 5], "b": [2, 3, 6]}}
