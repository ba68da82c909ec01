"""For tests: what Apache Kafka answered to administrators, step by step, and what of it is the same on every broker.

A step is an API key, a version, a request and its answer, as plain data; None where the connection was closed. In a
request, `@NAME` is the id of that topic and `@logdir` the log directory.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from wire.types import ZERO_UUID

LOG_DIRECTORY = "@logdir"
OF_TOPIC = 1  # a setting's source
# What differs from broker to broker, or from run to run.
VARYING = {
    *("cluster_id", "host", "log_dir", "port", "total_bytes", "usable_bytes", "leader_epoch", "replica_directory_id"),
    *("last_fetch_timestamp", "last_caught_up_timestamp", "log_end_offset", "high_watermark"),
}


def steps(path: Path) -> Any:
    return json.loads(path.read_text())["steps"]


def names_in(data: Any) -> set[str]:
    """Those that begin with an @."""
    if isinstance(data, dict):
        return set().union(*map(names_in, data.values()))
    if isinstance(data, list):
        return set().union(*map(names_in, data))
    return {data} if isinstance(data, str) and data.startswith("@") else set()


def with_names(data: Any, names: dict[str, str]) -> Any:
    """The request to send: with what these names mean; an unknown topic's id is zero."""
    if isinstance(data, dict):
        return {name: with_names(value, names) for name, value in data.items()}
    if isinstance(data, list):
        return [with_names(item, names) for item in data]
    return names.get(data, ZERO_UUID.hex() if data.startswith("@") else data) if isinstance(data, str) else data


def alike(data: Any, cluster_id: str) -> Any:
    """The answer without what differs from broker to broker; of a new topic's settings only its own."""
    if isinstance(data, list):
        return [alike(item, cluster_id) for item in data if not _is_inherited(item)]
    if isinstance(data, str):
        return data.replace(cluster_id, "CLUSTER")
    if not isinstance(data, dict):
        return data
    if data.get("name") == "log.dirs" and "synonyms" in data:
        data = {**data, "value": "DIR", "synonyms": [{**each, "value": "DIR"} for each in data["synonyms"]]}
    is_acl = "host" in data and "port" not in data  # whose host is a rule's, not a broker's
    return {
        name: value if is_acl and name == "host" else _alike_field(name, value, cluster_id)
        for name, value in data.items()
    }


def _alike_field(name: str, value: Any, cluster_id: str) -> Any:
    if name in VARYING and value != "":
        return "*"
    if name == "topic_id" and value not in ("ID", "ZERO"):
        return "ZERO" if value == ZERO_UUID.hex() else "ID"
    return alike(value, cluster_id)


def _is_inherited(item: Any) -> bool:
    """A setting of a new topic's, as CreateTopics tells it."""
    return isinstance(item, dict) and "synonyms" not in item and item.get("config_source", OF_TOPIC) != OF_TOPIC
