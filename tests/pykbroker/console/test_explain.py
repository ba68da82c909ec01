"""`pykbroker explain`: a history for eyes."""

from __future__ import annotations

import socket
import threading
from typing import Any

import pytest

from pykbroker.console.client import CommandError
from pykbroker.console.explain import asked, explained

AT_MS = 1_700_000_000_123

GROUP: dict[str, Any] = {
    "group": "orders",
    "type": "classic",
    "state": "Stable",
    "generation": 4,
    "members": [{"member_id": "c-1", "client_id": "c", "host": "10.0.0.1"}],
    "events": [
        {
            "at_ms": AT_MS,
            "kind": "timed out",
            "text": "not heard of for 45007 ms; its session timeout is 45000 ms",
            "member_id": "d-1",
            "client_id": "d",
            "host": "10.0.0.2",
            "times": 2,
        },
        {
            "at_ms": AT_MS + 1_000,
            "kind": "assigned",
            "text": "generation 4 is stable: 501 partitions move",
            "generation": 4,
            "moves": [
                {"topic": "t", "partition": 0, "from": "d-1", "to": "c-1"},
                {"topic": "t", "partition": 1, "from": "d-1", "to": None},
            ],
            "move_count": 501,
        },
    ],
}


def test_a_history_for_eyes() -> None:
    lines = list(explained(GROUP))

    assert "classic group orders: Stable, generation 4, 1 member" == lines[0]
    assert "  c-1 (c at 10.0.0.1)" == lines[1]
    late, assigned, *moves = lines[4:]
    assert late.endswith(
        "timed out   d-1 (d at 10.0.0.2): not heard of for 45007 ms; its session timeout is 45000 ms (2 times)"
    )
    assert assigned.endswith(".123  assigned    generation 4 is stable: 501 partitions move")
    assert ["t-0: d-1 -> c-1", "t-1: d-1 -> nobody", "and 499 more"] == [move.strip() for move in moves]


def test_each_day_is_said_once() -> None:
    event = {"at_ms": AT_MS, "kind": "left", "text": "left"}
    later = {**event, "at_ms": AT_MS + 86_400_000}

    lines = list(explained({**GROUP, "events": [event, event, later]}))

    assert 2 == sum(line.startswith("2023-11-1") for line in lines)


def test_a_group_without_events_and_one_that_is_gone() -> None:
    assert "nothing has happened since the broker was started" == list(explained({**GROUP, "events": []}))[-1]
    assert "group orders is not there any more" == next(explained({**GROUP, "type": None}))


def test_a_broker_that_speaks_no_http_is_said() -> None:
    """As Apache Kafka, which closes such a connection."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=lambda: server.accept()[0].close()).start()

        with pytest.raises(CommandError, match="keeps no history"):
            asked(*server.getsockname(), "g")
