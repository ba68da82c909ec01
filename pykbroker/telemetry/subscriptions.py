"""What the subscriptions (resources of the type client-metrics) ask of one client."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from pykbroker.metadata.image import Configs

ALL = "*"
DEFAULT_INTERVAL_MS = 300_000


@dataclass(frozen=True, slots=True)
class Subscription:
    """All subscriptions that match a client, as one."""

    metrics: tuple[str, ...]  # prefixes of names
    interval_ms: int
    id: int


def subscription_for(client: Mapping[str, str], instance_id: bytes, subscriptions: Iterable[Configs]) -> Subscription:
    """`client`: what a subscription's `match` may look at, by name."""
    metrics: set[str] = set()
    interval_ms = DEFAULT_INTERVAL_MS
    for configs in subscriptions:
        if _matches(configs.get("match", ""), client):
            metrics.update(_items(configs.get("metrics", "")))
            interval_ms = min(interval_ms, int(configs.get("interval.ms", DEFAULT_INTERVAL_MS)))
    names = (ALL,) if ALL in metrics else tuple(sorted(metrics))
    return Subscription(names, interval_ms, _subscription_id(names, interval_ms, instance_id))


def _subscription_id(metrics: tuple[str, ...], interval_ms: int, instance_id: bytes) -> int:
    """As Kafka's: of what is asked, and of whom, so that a client notices a change."""
    import crc32c  # costs a start its milliseconds, and is there when the first client asks

    code = crc32c.crc32c(f"[{', '.join(metrics)}]{interval_ms}".encode())
    for start in range(0, len(instance_id), 4):  # Java's hash code of a UUID
        code ^= int.from_bytes(instance_id[start : start + 4], "big")
    return code - (1 << 32) if code >> 31 else code


def _items(text: str) -> list[str]:
    return [item for item in (part.strip() for part in text.split(",")) if item]


def _matches(text: str, client: Mapping[str, str]) -> bool:
    return all(pattern.fullmatch(client[name]) for name, pattern in _patterns(text).items())


@lru_cache(maxsize=256)
def _patterns(text: str) -> dict[str, re.Pattern[str]]:
    """By what they look at; of two for the same the last counts. They were checked when they were set."""
    pairs = (item.partition("=") for item in _items(text))
    return {name.strip(): re.compile(expression.strip()) for name, _, expression in pairs}
