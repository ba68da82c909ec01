"""One member of a consumer group: what it reads, and what it has been given.

A member never changes; a record that is replayed puts another in its place.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import IntEnum

JOINING, LEAVING, LEAVING_STATIC = 0, -1, -2  # of member epochs, in requests; a static member that is away keeps -2

Partitions = Mapping[bytes, frozenset[int]]  # by topic id
Owned = Mapping[bytes, Mapping[int, int]]  # topic id -> partition -> the epoch in which it was assigned

NOTHING: Partitions = {}


class MemberState(IntEnum):
    """As the records have it."""

    STABLE = 0  # has what it should have, as of its epoch
    UNREVOKED_PARTITIONS = 1  # is to give partitions up, and has not said yet that it did
    UNRELEASED_PARTITIONS = 2  # is to get partitions that others still own


@dataclass(frozen=True, slots=True)
class ClassicMetadata:
    """Of a member that speaks the classic protocol."""

    session_timeout_ms: int
    protocols: tuple[tuple[str, bytes], ...]


@dataclass(frozen=True, slots=True)
class ConsumerMember:
    member_id: str
    instance_id: str | None = None
    rack_id: str | None = None
    client_id: str = ""
    client_host: str = ""
    rebalance_timeout_ms: int = -1
    topic_names: frozenset[str] = frozenset()
    topic_regex: str = ""
    server_assignor: str | None = None
    classic: ClassicMetadata | None = None
    epoch: int = 0
    previous_epoch: int = -1
    state: MemberState = MemberState.STABLE
    assigned: Owned = field(default_factory=dict)
    revoking: Owned = field(default_factory=dict)

    @property
    def uses_classic_protocol(self) -> bool:
        return self.classic is not None

    def is_reconciled_to(self, epoch: int) -> bool:
        return self.state is MemberState.STABLE and self.epoch == epoch

    def has_same_subscription(self, other: ConsumerMember) -> bool:
        return self.topic_names == other.topic_names and self.topic_regex == other.topic_regex

    def has_same_metadata(self, other: ConsumerMember) -> bool:
        """Whether the two differ in nothing but what they have been given."""
        same = replace(
            other,
            epoch=self.epoch,
            previous_epoch=self.previous_epoch,
            state=self.state,
            assigned=self.assigned,
            revoking=self.revoking,
        )
        return self == same

    def assigned_epoch(self, topic_id: bytes, partition: int) -> int | None:
        return self.assigned.get(topic_id, {}).get(partition)

    def owns(self) -> Iterator[tuple[bytes, int]]:
        """Every partition that no other may have: those to be given up included."""
        for owned in (self.assigned, self.revoking):
            for topic_id, partitions in owned.items():
                for partition in partitions:
                    yield topic_id, partition


def partitions_of(pairs: Iterable[tuple[bytes, Iterable[int]]]) -> Partitions:
    """Of (topic id, partitions); what is empty leaves."""
    found: dict[bytes, frozenset[int]] = {}
    for topic_id, partitions in pairs:
        if indexes := frozenset(partitions):
            found[topic_id] = found.get(topic_id, frozenset()) | indexes
    return found


def merged(one: Owned, other: Owned) -> Owned:
    topic_ids = {*one, *other}
    return {topic_id: {**one.get(topic_id, {}), **other.get(topic_id, {})} for topic_id in topic_ids}
