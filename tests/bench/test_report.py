"""The table's cells."""

from __future__ import annotations

import pytest

from bench.method import Row
from bench.report import amount, line


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
