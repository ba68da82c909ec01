"""Rates and token buckets: Apache Kafka's own numbers, and what they are for: that limits hold."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pykbroker.rates import Rate, TokenBucket, Windows

FACTS = json.loads((Path(__file__).parent.parent / "facts" / "quota-rates.json").read_text())
DEFAULT = Windows(count=11, size_ms=1000)


@pytest.mark.parametrize("case", FACTS["rate"], ids=lambda case: f"{case['count']}x{case['size_ms']}")
def test_a_rate_measures_and_throttles_as_kafkas_does(case: dict[str, Any]) -> None:
    start_ms = case["steps"][0][0]
    rate = Rate(Windows(case["count"], case["size_ms"]), case["limit"], start_ms)
    for at_ms, value, measured, throttle_ms in case["steps"]:
        rate.record(value, at_ms)

        assert rate.per_second(at_ms) == pytest.approx(measured, rel=1e-9, abs=1e-9)
        assert rate.throttle_ms(at_ms) == throttle_ms


@pytest.mark.parametrize("case", FACTS["token_bucket"], ids=lambda case: f"{case['count']}x{case['size_ms']}")
def test_a_token_bucket_throttles_as_kafkas_does(case: dict[str, Any]) -> None:
    bucket = TokenBucket(Windows(case["count"], case["size_ms"]), case["limit"], 0)
    for at_ms, value, _, throttle_ms in case["steps"]:
        bucket.spend(value, at_ms)

        assert bucket.throttle_ms(at_ms) == throttle_ms


@given(limit=st.integers(1_000, 10**9), parts=st.lists(st.floats(0.01, 0.1), min_size=1, max_size=20))
def test_who_waits_as_told_gets_the_limit_within_ten_percent(limit: int, parts: list[float]) -> None:
    """Over whole spans of windows, for what passes at once at the start of one is made up for in the rest."""
    rate = Rate(DEFAULT, limit, 0)
    now_ms, passed, sizes = 0, 0.0, itertools.cycle(parts)
    while now_ms < 3 * DEFAULT.span_ms:
        size = limit * next(sizes)
        rate.record(size, now_ms)
        passed += size
        now_ms += max(1, rate.throttle_ms(now_ms))

    assert passed == pytest.approx(limit * 3 * DEFAULT.span_ms / 1000, rel=0.1)


@given(st.lists(st.tuples(st.integers(0, 3000), st.floats(0, 1e9)), min_size=1), st.floats(0, 1e9))
def test_what_is_taken_back_does_not_count(steps: list[tuple[int, float]], value: float) -> None:
    rate, now_ms = Rate(DEFAULT, 1.0, 0), 0
    for later_ms, recorded in steps:
        now_ms += later_ms
        rate.record(recorded, now_ms)
    before = rate.per_second(now_ms)

    rate.record(value, now_ms)
    rate.record(-value, now_ms)

    assert rate.per_second(now_ms) == pytest.approx(before, abs=1e-3)


def test_a_changed_limit_counts_for_what_has_passed_already() -> None:
    rate = Rate(DEFAULT, 1000.0, 0)
    rate.record(9_000, 0)
    assert rate.throttle_ms(0) == 0

    rate.limit = 300.0

    assert rate.throttle_ms(0) == 20_000


def test_a_limit_of_nothing_lets_nobody_pass() -> None:
    rate = Rate(DEFAULT, 0.0, 0)
    assert rate.throttle_ms(0) == 0
    rate.record(1, 0)

    assert rate.throttle_ms(0) == 2**31 - 1


def test_what_is_idle_is_as_good_as_new() -> None:
    rate = Rate(DEFAULT, 10.0, 0)
    rate.record(1e6, 500)
    assert not rate.is_idle(11_499)
    assert rate.is_idle(11_500)
    assert rate.throttle_ms(11_500) == 0

    bucket = TokenBucket(DEFAULT, 10.0, 0)
    assert bucket.is_idle(0)
    bucket.spend(160, 0)
    assert bucket.throttle_ms(0) == 5000
    assert bucket.throttle_ms(5000) == 0
    assert not bucket.is_idle(15_999)
    assert bucket.is_idle(16_000)


@given(st.floats(0.5, 100), st.lists(st.tuples(st.integers(0, 5000), st.integers(1, 500)), max_size=50))
def test_a_bucket_gives_no_more_than_its_burst_its_refill_and_one_overdraft(
    limit: float, steps: list[tuple[int, int]]
) -> None:
    bucket, now_ms, spent = TokenBucket(DEFAULT, limit, 0), 0, 0
    for later_ms, tokens in steps:
        now_ms += later_ms
        if bucket.throttle_ms(now_ms) == 0:
            bucket.spend(tokens, now_ms)
            spent += tokens

    assert spent <= limit * (DEFAULT.span_ms + now_ms) / 1000 + 500.001
