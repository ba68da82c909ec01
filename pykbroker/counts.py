"""What is counted while the broker serves, for `/metrics`: only what nothing else can tell afterwards.

Plain numbers, changed in the event loop; whoever asks reads them. What there is already (offsets, sizes, states) is
not counted but looked at when asked: see `metrics/`.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from wire.registry import ApiKey

Topic = tuple[str, bytes]  # name and id, one of which may be empty: as the request had it


@dataclass(slots=True)
class Cleanings:
    """What compaction did."""

    rounds: int = 0
    bytes_read: int = 0
    bytes_written: int = 0
    seconds: float = 0.0
    longest_seconds: float = 0.0


@dataclass(slots=True)
class Counts:
    """One per broker, since its start."""

    connections_opened: Counter[str] = field(default_factory=Counter)  # by listener
    connections_closed: Counter[str] = field(default_factory=Counter)
    bytes_out: Counter[Topic] = field(default_factory=Counter)
    partition_errors: Counter[tuple[ApiKey, int]] = field(default_factory=Counter)  # of Produce and Fetch
    cleanings: Cleanings = field(default_factory=Cleanings)
    # Of topics that are gone, so that the sums over all topics never fall.
    gone_bytes_out: int = 0

    def forget_topic(self, name: str, topic_id: bytes) -> None:
        for known in [topic for topic in self.bytes_out if name == topic[0] or topic_id == topic[1]]:
            self.gone_bytes_out += self.bytes_out.pop(known)
