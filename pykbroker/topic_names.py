"""What a topic may be called: Kafka's rules, and Kafka's words for breaking them."""

from __future__ import annotations

import re
from collections.abc import Iterable

from pykbroker.errors import BrokerError
from wire.errors import ErrorCode

MAX_NAME_LENGTH = 249
CLUSTER_METADATA_TOPIC = "__cluster_metadata"  # Kafka's Raft log: never a topic here, and its name is taken
_LEGAL = re.compile(r"[a-zA-Z0-9._-]+")


def check_name(name: str) -> None:
    """Raises BrokerError(INVALID_TOPIC_EXCEPTION)."""
    reason = _invalid(name)
    if reason:
        raise BrokerError(ErrorCode.INVALID_TOPIC_EXCEPTION, f"Topic name is invalid: {reason}")


def is_valid(name: str) -> bool:
    return _invalid(name) is None


def has_collision_characters(name: str) -> bool:
    # Kafka's metric names turn '.' into '_', so that two such topics would share theirs.
    return "." in name or "_" in name


def collisions(names: Iterable[str]) -> dict[str, str]:
    """Of names with a '.' or '_': their common form, and one of them."""
    return {unified(name): name for name in names if has_collision_characters(name)}


def unified(name: str) -> str:
    return name.replace(".", "_")


def _invalid(name: str) -> str | None:
    if not name:
        return "the empty string is not allowed"
    if name in (".", ".."):
        return f"'{name}' is not allowed"
    if len(name) > MAX_NAME_LENGTH:
        return f"the length of '{name}' is longer than the max allowed length {MAX_NAME_LENGTH}"
    if not _LEGAL.fullmatch(name):
        return f"'{name}' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'"
    return None
