"""`pykbroker explain group NAME`: why a group rebalanced, from the broker that coordinates it."""

from __future__ import annotations

import argparse
import http.client
import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from urllib.parse import quote

from pykbroker.console.client import Client, CommandError, check
from wire.api.find_coordinator import FindCoordinatorRequest

BY_ONE_KEY = 3  # the newest FindCoordinator with a single key
KIND_WIDTH = 11
TIMEOUT_S = 30


def run(options: argparse.Namespace) -> int:
    with Client(options.bootstrap_server) as client:
        found = client.ask(FindCoordinatorRequest(key=options.name), newest=BY_ONE_KEY)
        check(found.error_code, found.error_message, f"cannot find the coordinator of group {options.name}")
    told = asked(found.host, found.port, options.name)
    print(told.strip() if options.json else "\n".join(explained(json.loads(told))))
    return 0


def asked(host: str, port: int, group_id: str) -> str:
    """The history as the broker has it, in JSON. Raises CommandError."""
    connection = http.client.HTTPConnection(host, port, timeout=TIMEOUT_S)
    try:
        connection.request("GET", f"/groups/{quote(group_id, safe='')}/events")
        answer = connection.getresponse()
        text = answer.read().decode()
    except (OSError, http.client.HTTPException) as error:
        message = f"{host}:{port} keeps no history: it is no pykbroker, or was started with --no-http"
        raise CommandError(message) from error
    finally:
        connection.close()
    if answer.status != http.client.OK:
        raise CommandError(text.strip() or f"{host}:{port} answered {answer.status}")
    return text


def explained(told: dict[str, Any]) -> Iterator[str]:
    """Lines for eyes; times are local."""
    if told["type"] is None:
        yield f"group {told['group']} is not there any more"
    else:
        number = "generation" if told["type"] == "classic" else "epoch"
        count = len(told["members"])
        members = f"{count} member{'' if count == 1 else 's'}"
        yield f"{told['type']} group {told['group']}: {told['state']}, {number} {told['generation']}, {members}"
        for member in told["members"]:
            yield f"  {member['member_id']}{_where(member)}"
    yield ""
    if not told["events"]:
        yield "nothing has happened since the broker was started"
    day = ""
    for event in told["events"]:
        at = datetime.fromtimestamp(event["at_ms"] / 1000)
        if day != (day := f"{at:%Y-%m-%d}"):
            yield day
        yield from _line(at, event)


def _line(at: datetime, event: dict[str, Any]) -> Iterator[str]:
    who = f"{event['member_id']}{_where(event)}: " if "member_id" in event else ""
    times = f" ({event['times']} times)" if "times" in event else ""
    yield f"{at:%H:%M:%S}.{at.microsecond // 1000:03}  {event['kind']:{KIND_WIDTH}} {who}{event['text']}{times}"
    moves = event.get("moves", ())
    for move in moves:
        where = f"{move['topic']}-{move['partition']}"
        yield f"{'':{14 + KIND_WIDTH}} {where}: {move['from'] or 'nobody'} -> {move['to'] or 'nobody'}"
    if left_out := event.get("move_count", 0) - len(moves):
        yield f"{'':{14 + KIND_WIDTH}} and {left_out} more"


def _where(member: dict[str, Any]) -> str:
    return f" ({member['client_id']} at {member['host']})" if member["client_id"] or member["host"] else ""
