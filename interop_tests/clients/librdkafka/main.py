"""The scenarios of test_foreign_clients.py, with librdkafka, through confluent-kafka.

A line of input is a scenario: its name, where the broker is, and a topic of its own. A line of output is what happened,
or why it failed. What should have happened is known to the test alone.
"""

from __future__ import annotations

import json
import sys
import traceback
from typing import Any

import administration
import groups
import produce
from common import Asked

SCENARIOS = {
    "codecs": produce.codecs,
    "keys": produce.keys,
    "records": produce.records,
    "acks": produce.acks,
    "idempotent": produce.idempotent,
    "too large": produce.too_large,
    "transactions": produce.transactions,
    "group": groups.group,
    "resume": groups.resume,
    "static members": groups.static_members,
    "share group": groups.share_group,
    "offsets": administration.offsets,
    "topics": administration.topics,
    "groups": administration.groups,
}


def play(line: str) -> dict[str, Any]:
    wanted = json.loads(line)
    try:
        asked = Asked(wanted["broker"], wanted["topic"], wanted["protocol"])
        return {"told": SCENARIOS[wanted["scenario"]](asked)}
    except Exception:
        return {"failed": traceback.format_exc()}


for line in sys.stdin:
    print(json.dumps(play(line)), flush=True)
