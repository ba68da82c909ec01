"""One share group: its members, its epochs, who is to read what, and which partitions have a start.

Invariants
  All of it is changed by `replay` alone, but for what is not persistent: the last target.
  assignment_epoch <= epoch; a member's epoch is the assignment epoch of when it was last told.
  A partition is assigned only once it is initialized: the share coordinator has its state.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum

from pykbroker.errors import BrokerError
from wire.errors import ErrorCode

Assignment = Mapping[bytes, tuple[int, ...]]  # partitions by topic id

FIRST_EPOCH = 1


class ShareGroupState(Enum):
    EMPTY = "Empty"
    STABLE = "Stable"
    DEAD = "Dead"


@dataclass(slots=True)
class ShareMember:
    member_id: str
    rack_id: str | None = None
    client_id: str = ""
    client_host: str = ""
    subscribed_topics: tuple[str, ...] = ()
    epoch: int = 0
    previous_epoch: int = 0
    assigned: Assignment = field(default_factory=dict)


@dataclass(slots=True)
class Initialized:
    """Partitions of a topic whose state the share coordinator has."""

    topic_name: str
    partitions: frozenset[int]


class ShareGroup:
    def __init__(self, group_id: str) -> None:
        self.group_id = group_id
        self.epoch = FIRST_EPOCH
        self.metadata_hash = 0  # of the topics subscribed to, when the epoch was last raised
        self.assignment_epoch = 0
        self.assigned_at_ms = -1
        self.members: dict[str, ShareMember] = {}
        self.target: dict[str, Assignment] = {}
        self.last_target: Mapping[str, Assignment] = {}  # as assigned last: also of members who have left since
        self.initialized: dict[bytes, Initialized] = {}

    @property
    def state(self) -> ShareGroupState:
        return ShareGroupState.STABLE if self.members else ShareGroupState.EMPTY

    @property
    def subscribed_topics(self) -> set[str]:
        return {topic for member in self.members.values() for topic in member.subscribed_topics}

    def target_of(self, member_id: str) -> Assignment:
        return self.target.get(member_id, {})

    def is_initialized(self, topic_id: bytes, partition: int) -> bool:
        found = self.initialized.get(topic_id)
        return found is not None and partition in found.partitions

    def member(self, member_id: str) -> ShareMember:
        """Raises BrokerError."""
        found = self.members.get(member_id)
        if found is None:
            message = f"Member {member_id} is not a member of group {self.group_id}."
            raise BrokerError(ErrorCode.UNKNOWN_MEMBER_ID, message)
        return found

    def check_empty(self) -> None:
        """Raises BrokerError."""
        if self.members:
            raise BrokerError(ErrorCode.NON_EMPTY_GROUP)


def check_epoch(member: ShareMember, received_epoch: int) -> None:
    """Raises BrokerError. The epoch before is good as well: its answer may have been lost."""
    if received_epoch > member.epoch:
        word = "greater"
    elif received_epoch < member.epoch and received_epoch != member.previous_epoch:
        word = "smaller"
    else:
        return
    message = (
        f"The share group member has a {word} member epoch ({received_epoch}) than the one known by the group "
        f"coordinator ({member.epoch}). The member must abandon all its partitions and rejoin."
    )
    raise BrokerError(ErrorCode.FENCED_MEMBER_EPOCH, message)


def with_partitions(initialized: Initialized | None, topic_name: str, partitions: Iterable[int]) -> Initialized:
    known = frozenset() if initialized is None else initialized.partitions
    return Initialized(topic_name, known | frozenset(partitions))
