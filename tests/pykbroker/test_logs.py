"""Log lines: one event, one line, for eyes and for machines."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest

from pykbroker import logs


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    before = root.handlers[:], root.level, logging.raiseExceptions
    yield io.StringIO()
    root.handlers[:], logging.raiseExceptions = before[0], before[2]
    root.setLevel(before[1])


def test_a_text_line_has_time_level_words_and_facts(stream: io.StringIO) -> None:
    logs.set_up("text", "info", stream)

    logging.getLogger("pykbroker.x").warning("topic %s", "made", extra={"fields": {"topic": "t", "error": "no room"}})

    time, rest = stream.getvalue().split(" ", 1)
    assert "warning topic made topic=t error='no room'\n" == rest
    assert time.endswith("Z")


def test_a_json_line_is_one_object(stream: io.StringIO) -> None:
    logs.set_up("json", "info", stream)

    logging.getLogger("pykbroker.x").error("topic\nmade", extra={"fields": {"topic": "t", "size": 3, "level": "mine"}})

    event = json.loads(stream.getvalue())
    assert 1 == stream.getvalue().count("\n")
    assert event.pop("time").endswith("Z")
    assert {"level": "error", "logger": "pykbroker.x", "event": "topic\nmade", "topic": "t", "size": 3} == event


@pytest.mark.parametrize("format_name", logs.FORMATS)
def test_a_traceback_stays_with_its_event(format_name: str, stream: io.StringIO) -> None:
    logs.set_up(format_name, "info", stream)

    try:
        raise ValueError("why")
    except ValueError:
        logging.getLogger("pykbroker").exception("failed")

    lines = stream.getvalue().splitlines()
    assert "ValueError: why" in lines[-1]
    assert all(line.startswith("    ") for line in lines[1:])


def test_what_a_peer_sent_does_not_pass_for_a_line_of_ours(stream: io.StringIO) -> None:
    logs.set_up("text", "info", stream)

    logging.getLogger("pykbroker").info("client a\n2026 error\x1b[2J", extra={"fields": {"id": "x\ny"}})

    assert 1 == stream.getvalue().count("\n")
    assert stream.getvalue().endswith("client a\\n2026 error\\x1b[2J id='x\\ny'\n")


def test_below_its_level_nothing_is_written(stream: io.StringIO) -> None:
    logs.set_up("text", "warning", stream)

    logging.getLogger("pykbroker").info("quiet")

    assert "" == stream.getvalue()
