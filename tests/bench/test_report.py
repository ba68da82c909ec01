"""The table's cells."""

from __future__ import annotations

import pytest

from bench.method import FULL, Row
from bench.report import BY_HAND, amount, line, page, shortfalls


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (0.0123, "0.012 s"),
        (0.85, "0.850 s"),
        (3.854, "3.85 s"),
        (13.34, "13.3 s"),
        (404.4, "404 s"),
        (17081.0, "17,081 s"),
    ],
)
def test_amounts_have_three_digits_or_none_behind_the_point(value: float | None, text: str) -> None:
    assert text == amount(value, "s")


def test_a_line_compares_medians() -> None:
    row = Row("r", "title", "s", "less", times_kafka=0.8)

    measured = line(row, {"r": {"pykbroker": [9.0, 1.0, 2.0], "Kafka": [4.0, 5.0, 3.0]}})

    assert measured.cells() == ("title", "2.00 s", "4.00 s", "0.50", "≤ 0.8 x Kafka", "yes")


def test_a_line_without_kafka_has_no_ratio() -> None:
    row = Row("r", "title", "s", "less", limit=1)

    assert line(row, {"r": {"pykbroker": [2.0]}}).cells() == ("title", "2.00 s", "", "", "≤ 1 s", "**no**")


def test_the_page_says_why_a_row_is_not_reached_and_one_reason_once() -> None:
    rows = [
        Row("a", "first", "s", "less", limit=1, shortfall="so it is"),
        Row("b", "second", "s", "less", limit=1, shortfall="so it is"),
        Row("c", "third", "s", "less", limit=3, shortfall="never told"),
    ]

    told = shortfalls([line(row, {row.key: {"pykbroker": [2.0]}}) for row in rows])

    assert "- first; second: so it is\n" in told
    assert "third" not in told


def test_what_was_measured_by_hand_stays_on_the_page() -> None:
    before = f"# Performance\n\nold table\n\n{BY_HAND}\n\nA paragraph.\n"

    written = page([], FULL, None, before)

    assert "old table" not in written
    assert written.endswith(f"{BY_HAND}\n\nA paragraph.\n")
    assert written == page([], FULL, None, written)
    assert BY_HAND not in page([], FULL, None, "")
