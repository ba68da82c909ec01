"""Topic names: Kafka's rules in Kafka's words."""

from __future__ import annotations

import pytest

from pykbroker.errors import BrokerError
from pykbroker.topic_names import check_name, collisions
from wire.errors import ErrorCode


@pytest.mark.parametrize("name", ["a", "A-z.0_9", "x" * 249, "...", "__consumer_offsets"])
def test_legal_names(name: str) -> None:
    check_name(name)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("", "the empty string is not allowed"),
        (".", "'.' is not allowed"),
        ("..", "'..' is not allowed"),
        ("x" * 250, f"the length of '{'x' * 250}' is longer than the max allowed length 249"),
        ("a/b", "'a/b' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'"),
        ("ü", "'ü' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'"),
        ("a\n", "'a\n' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'"),
    ],
)
def test_others_are_refused(name: str, why: str) -> None:
    with pytest.raises(BrokerError) as refused:
        check_name(name)

    assert (ErrorCode.INVALID_TOPIC_EXCEPTION, f"Topic name is invalid: {why}") == (
        refused.value.code,
        refused.value.message,
    )


def test_names_that_differ_in_dots_and_underscores_only_collide() -> None:
    assert {"a_b", "c_d"} == collisions(["a.b", "c_d", "plain"]).keys()
