"""ErrorCode: complete, and as Kafka has it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from wire.errors import CorruptBatch, ErrorCode, ProtocolError

FACTS = json.loads((Path(__file__).parent.parent / "facts" / "kafka-configs.json").read_text())["errors"]


def test_every_code_has_kafkas_number_name_and_retriability() -> None:
    declared = [(error.value, error.name, error.retriable) for error in ErrorCode]

    assert declared == [(fact["code"], fact["name"], fact["retriable"]) for fact in FACTS]


def test_a_code_is_found_by_its_number_and_is_a_plain_int_on_the_wire() -> None:
    assert ErrorCode.REBALANCE_IN_PROGRESS is ErrorCode(27)
    assert ErrorCode.REBALANCE_IN_PROGRESS == 27
    assert ErrorCode.NONE == 0


@pytest.mark.parametrize("error", [error for error in ErrorCode if error is not ErrorCode.NONE])
def test_every_error_says_something_short_and_its_own(error: ErrorCode) -> None:
    assert error.message.endswith(".")
    assert 10 < len(error.message) < 200
    assert [error] == [other for other in ErrorCode if other.message == error.message]


def test_a_corrupt_batch_is_the_peers_fault() -> None:
    assert issubclass(CorruptBatch, ProtocolError)
