"""One consumer group: its members, its epochs, and who owns what.

Invariants
  Changed by `replay` alone, but for what is not persistent: which topics were looked at, and what was assigned last.
  assignment_epoch <= epoch; a member's epoch is not above the assignment epoch.
  `owners` has every partition that a member was given and has not given up: each has one owner.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from enum import Enum
from typing import NamedTuple

from pykbroker.coordinator.groups.consumer.assignors import ASSIGNORS
from pykbroker.coordinator.groups.consumer.member import NOTHING, ConsumerMember, Partitions
from pykbroker.errors import BrokerError
from pykbroker.metadata.image import TopicImage
from wire.errors import ErrorCode

FIRST_EPOCH = 1


class ConsumerGroupState(Enum):
    EMPTY = "Empty"
    ASSIGNING = "Assigning"  # the target assignment is behind the group's epoch
    RECONCILING = "Reconciling"  # members are on their way to it
    STABLE = "Stable"


class ResolvedRegex(NamedTuple):
    """What a regular expression matches."""

    topics: frozenset[str]
    version: int  # of the metadata image
    timestamp_ms: int


class ConsumerGroup:
    def __init__(self, group_id: str) -> None:
        self.group_id = group_id
        self.epoch = 0
        self.metadata_hash = 0
        self.assignment_epoch = 0
        self.assigned_at_ms = 0
        self.members: dict[str, ConsumerMember] = {}
        self.static_members: dict[str, str] = {}
        self.targets: dict[str, Partitions] = {}
        self.owners: dict[tuple[bytes, int], str] = {}
        self.regexes: dict[str, ResolvedRegex] = {}
        self.has_partition_metadata = False  # a record of Kafka before 4.1
        self.last_targets: Mapping[str, Partitions] = {}  # also of members who have left since
        self.topics_seen: Mapping[str, TopicImage] | None = None  # when the metadata hash was last worked out

    @property
    def state(self) -> ConsumerGroupState:
        if not self.members:
            return ConsumerGroupState.EMPTY
        if self.epoch > self.assignment_epoch:
            return ConsumerGroupState.ASSIGNING
        if all(member.is_reconciled_to(self.assignment_epoch) for member in self.members.values()):
            return ConsumerGroupState.STABLE
        return ConsumerGroupState.RECONCILING

    # --- asking

    def member(self, member_id: str) -> ConsumerMember:
        """Raises BrokerError."""
        member = self.members.get(member_id)
        if member is None:
            message = f"Member {member_id} is not a member of group {self.group_id}."
            raise BrokerError(ErrorCode.UNKNOWN_MEMBER_ID, message)
        return member

    def static_member(self, instance_id: str, member_id: str) -> ConsumerMember:
        """The member of that instance id, if it is this one. Raises BrokerError."""
        owner = self.static_members.get(instance_id)
        if owner is None:
            raise BrokerError(ErrorCode.UNKNOWN_MEMBER_ID, f"Instance id {instance_id} is unknown.")
        member = self.member(owner)  # who came under another instance id since, and went, is not there
        if owner != member_id:
            raise BrokerError(
                ErrorCode.FENCED_INSTANCE_ID,
                f"Static member {member_id} with instance id {instance_id} was fenced by member {owner}.",
            )
        return member

    def member_of(self, member_id: str, instance_id: str | None) -> ConsumerMember:
        return self.member(member_id) if instance_id is None else self.static_member(instance_id, member_id)

    def is_owned(self, topic_id: bytes, partition: int) -> bool:
        return (topic_id, partition) in self.owners

    def target_of(self, member_id: str) -> Partitions:
        return self.targets.get(member_id, NOTHING)

    def topics_of(self, member: ConsumerMember) -> frozenset[str]:
        """The names that the member reads, as far as its regular expression was resolved."""
        resolved = self.regexes.get(member.topic_regex)
        return member.topic_names if resolved is None else member.topic_names | resolved.topics

    def is_subscribed_to(self, topic: str) -> bool:
        return any(topic in self.topics_of(member) for member in self.members.values())

    def uses_only_classic_protocol_without(self, member_ids: Iterable[str]) -> bool:
        left = self.members.keys() - set(member_ids)
        return all(self.members[member_id].uses_classic_protocol for member_id in left)

    @staticmethod
    def preferred_assignor_of(members: Iterable[ConsumerMember], default: str) -> str:
        votes = Counter(m.server_assignor for m in members if m.server_assignor is not None)
        # Of two with as many votes the one that comes first in the table, which is Kafka's choice too.
        return max(ASSIGNORS, key=votes.__getitem__) if votes else default

    def supports_classic_protocols(self, names: Iterable[str]) -> bool:
        """Whether every classic member speaks one of them."""
        classic = [member.classic for member in self.members.values() if member.classic is not None]
        spoken = Counter(name for metadata in classic for name, _ in metadata.protocols)
        return any(spoken[name] == len(classic) for name in names)

    # --- for replay

    def put_member(self, member: ConsumerMember) -> None:
        self._forget_ownership(member.member_id)
        self.members[member.member_id] = member
        for place in member.owns():
            self.owners[place] = member.member_id
        if member.instance_id is not None:
            self.static_members[member.instance_id] = member.member_id

    def remove_member(self, member_id: str) -> None:
        self._forget_ownership(member_id)
        member = self.members.pop(member_id, None)
        if member is not None and self.static_members.get(member.instance_id or "") == member_id:
            del self.static_members[member.instance_id or ""]

    def _forget_ownership(self, member_id: str) -> None:
        former = self.members.get(member_id)
        for place in () if former is None else former.owns():
            if self.owners.get(place) == member_id:
                del self.owners[place]
