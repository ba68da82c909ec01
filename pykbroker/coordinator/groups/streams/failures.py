"""Internal topics that could not be made: for a while they are not tried again, and members are told why.

Invariant: at most `MAX_TOPICS`; the oldest go first.
"""

from __future__ import annotations

from collections.abc import Iterable

MAX_TOPICS = 1_000


class TopicFailures:
    """Of all streams groups of a node."""

    def __init__(self) -> None:
        self._failures: dict[str, tuple[str, int]] = {}  # topic -> (why, until when)

    def note(self, topic: str, reason: str, until_ms: int) -> None:
        self._failures.pop(topic, None)
        self._failures[topic] = reason, until_ms
        if len(self._failures) > MAX_TOPICS:
            del self._failures[next(iter(self._failures))]

    def of(self, topics: Iterable[str], now_ms: int) -> dict[str, str]:
        """Why each of these that was tried could not be made."""
        known = {topic: self._failures[topic] for topic in topics if topic in self._failures}
        return {topic: reason for topic, (reason, until_ms) in known.items() if now_ms < until_ms}
