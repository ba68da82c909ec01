"""Receiver: the latest of every series, sums added up, bounded, and gone with the client."""

from __future__ import annotations

import pytest

from pykbroker.telemetry import receiver
from pykbroker.telemetry.instances import EXPIRY_MS, ClientInstance
from pykbroker.telemetry.receiver import Kind, Point, Pushed, Receiver


def instance(name: str, interval_ms: int = 1_000) -> ClientInstance:
    configs = {"s": {"metrics": "*", "interval.ms": str(interval_ms)}}
    return ClientInstance(name.encode().ljust(16), {"client_id": name}, configs)


def point(name: str, value: float, kind: Kind = Kind.GAUGE) -> Point:
    return Point(name, (), kind, value)


def values(it: Receiver, now_ms: int = 0) -> dict[str, dict[str, float]]:
    return {
        client.attributes["client_id"]: {
            name: value for (name, _), value in {**client.gauges, **client.counters}.items()
        }
        for client in it.clients(now_ms)
    }


def push(it: Receiver, name: str, *points: Point, now_ms: int = 0, interval_ms: int = 1_000) -> None:
    it.receive(instance(name, interval_ms), Pushed((), list(points)), now_ms)


def test_the_latest_value_counts_and_what_is_not_said_any_more_is_gone() -> None:
    it = Receiver()
    push(it, "a", point("x", 1), point("y", 1))
    push(it, "b", point("x", 5))
    push(it, "a", point("x", 2))

    assert {"a": {"x": 2}, "b": {"x": 5}} == values(it)


def test_what_was_counted_since_the_last_push_is_added_up() -> None:
    it = Receiver()
    for value in (1, 2, 4):
        push(it, "a", point("d", value, Kind.DELTA), point("t", value, Kind.TOTAL))
    assert {"a": {"d": 7, "t": 4}} == values(it)

    push(it, "a")

    assert {"a": {"d": 7, "t": 4}} == values(it), "a sum does not fall because there was nothing to add"


def test_a_client_that_falls_silent_is_forgotten() -> None:
    it = Receiver()
    push(it, "quick", point("x", 1))
    push(it, "slow", point("x", 1), interval_ms=100_000)

    assert {"quick", "slow"} == values(it, EXPIRY_MS - 1).keys()
    assert {"slow"} == values(it, EXPIRY_MS).keys()
    assert {"slow"} == values(it, 299_999).keys()
    assert {} == values(it, 300_000)


def test_all_together_have_no_more_series_than_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receiver, "MAX_SERIES", 10)
    it = Receiver()
    for name in "abc":
        push(it, name, *(point(f"x{number}", number) for number in range(4)))

    assert {"b", "c"} == values(it).keys()
    push(it, "b", point("x", 1))
    push(it, "d", *(point(f"x{number}", number) for number in range(9)))
    assert {"b", "d"} == values(it).keys()


def test_a_client_that_names_ever_new_sums_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receiver, "MAX_SERIES_OF_CLIENT", 3)
    it = Receiver()
    for number in range(10):
        push(it, "a", point(f"d{number}", 1, Kind.DELTA))

    assert 3 == len(values(it)["a"])
