"""One streams group: its members, its epochs, its topology, and who should have what.

Invariants
  Changed by `replay` alone, but for what is not persistent: the configured topology, the epoch of endpoints, a request
  to shut down, the last targets.
  assignment_epoch <= epoch.
  A task that a member has as active, or is to give up as active, no other has as active.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import Enum

from pykbroker.coordinator.groups.streams.configuring import ConfiguredTopology, configure
from pykbroker.coordinator.groups.streams.member import NO_TASKS, StreamsMember, Tasks, TaskSet
from pykbroker.coordinator.groups.streams.topology import Topology, subtopologies_by_source
from pykbroker.errors import BrokerError
from pykbroker.metadata.image import TopicImage
from wire.errors import ErrorCode

FIRST_EPOCH = 1


class StreamsGroupState(Enum):
    EMPTY = "Empty"
    NOT_READY = "NotReady"  # topics are missing, or do not fit the topology
    ASSIGNING = "Assigning"  # the target assignment is behind the group's epoch
    RECONCILING = "Reconciling"  # members are on their way to it
    STABLE = "Stable"


class StreamsGroup:
    def __init__(self, group_id: str) -> None:
        self.group_id = group_id
        self.epoch = FIRST_EPOCH
        self.metadata_hash = 0  # of the topics that the topology needs
        self.validated_topology_epoch = 0
        self.assignment_configs: Mapping[str, str] = {}  # as of the group's epoch
        self.assignment_epoch = FIRST_EPOCH
        self.assigned_at_ms = 0
        self.topology: Topology | None = None
        self.members: dict[str, StreamsMember] = {}
        self.targets: dict[str, Tasks] = {}
        self.endpoint_epoch = 0
        self.shutdown_requested_by: str | None = None
        self.last_targets: dict[str, Tasks] = {}  # of the last assignment, members that have left included
        self._configured: ConfiguredTopology | None = None

    @property
    def state(self) -> StreamsGroupState:
        if not self.members:
            return StreamsGroupState.EMPTY
        if self.topology is None or self.topology.epoch != self.validated_topology_epoch:
            return StreamsGroupState.NOT_READY
        if self.epoch > self.assignment_epoch:
            return StreamsGroupState.ASSIGNING
        if all(member.is_reconciled_to(self.assignment_epoch) for member in self.members.values()):
            return StreamsGroupState.STABLE
        return StreamsGroupState.RECONCILING

    # --- asking

    def member(self, member_id: str) -> StreamsMember:
        """Raises BrokerError."""
        member = self.members.get(member_id)
        if member is None:
            message = f"Member {member_id} is not a member of group {self.group_id}."
            raise BrokerError(ErrorCode.UNKNOWN_MEMBER_ID, message)
        return member

    def target_of(self, member_id: str) -> Tasks:
        return self.targets.get(member_id, NO_TASKS)

    def is_subscribed_to(self, topic: str) -> bool:
        if not self.members or self.topology is None:
            return False
        return topic in subtopologies_by_source(self.topology)

    @property
    def active_tasks(self) -> TaskSet:
        """Those that some member has as active."""
        return _union(member.holds_active for member in self.members.values())

    def tasks_of_process(self, process_id: str) -> TaskSet:
        """Those that members of the process have, as what ever."""
        return _union(member.holds for member in self.members.values() if member.process_id == process_id)

    # --- not persistent

    @property
    def configured(self) -> ConfiguredTopology | None:
        """As it was last worked out."""
        return self._configured

    def configure(self, topology: Topology, topics: Mapping[str, TopicImage]) -> ConfiguredTopology:
        """What `topology` makes of these topics; worked out anew if either has changed. Raises BrokerError."""
        known = self._configured
        if known is None or known.topology is not topology or known.topics is not topics:
            self._configured = known = configure(topology, topics)
        return known

    # --- for replay

    def put_member(self, member: StreamsMember) -> None:
        self.members[member.member_id] = member

    def remove_member(self, member_id: str) -> None:
        self.members.pop(member_id, None)
        if not self.members:
            self.shutdown_requested_by = None


def _union(sets: Iterable[TaskSet]) -> TaskSet:
    return TaskSet().union(*sets)
