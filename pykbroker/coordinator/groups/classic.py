"""One group of the classic protocol: its members, its generation, and the state it is in.

Invariants
  `leader_id` is a member, or None; `static_members` maps each instance id in the group to its member.
  In COMPLETING_REBALANCE and STABLE all members share `protocol_name`.
  `supported` counts, for each protocol name, the members that can speak it.

Knows no clock, no timers and no records: who moves a group along is `rebalance`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from enum import Enum

from pykbroker.coordinator.decision import Pending
from pykbroker.errors import BrokerError
from wire.api.join_group import JoinGroupResponse
from wire.api.sync_group import SyncGroupResponse
from wire.errors import ErrorCode, ProtocolError
from wire.state_records import ConsumerProtocolSubscription
from wire.state_records.prefixed import split

CONSUMER = "consumer"  # the protocol type whose metadata we understand

Protocols = dict[str, bytes]  # name -> what the member says under it, in the member's order of preference


class GroupState(Enum):
    EMPTY = "Empty"  # no members; perhaps offsets
    PREPARING_REBALANCE = "PreparingRebalance"  # waiting for members to join
    COMPLETING_REBALANCE = "CompletingRebalance"  # waiting for the leader's assignments
    STABLE = "Stable"
    DEAD = "Dead"  # gone from this shard

    # Enum members hash by name, in Python code: slow for what is asked on each request.
    __hash__ = object.__hash__


_MAY_FOLLOW = {
    GroupState.EMPTY: {GroupState.PREPARING_REBALANCE},
    GroupState.PREPARING_REBALANCE: {GroupState.STABLE, GroupState.COMPLETING_REBALANCE, GroupState.EMPTY},
    GroupState.COMPLETING_REBALANCE: {GroupState.PREPARING_REBALANCE},
    GroupState.STABLE: {GroupState.COMPLETING_REBALANCE},
    GroupState.DEAD: set(GroupState),
}


class Member:
    """A member, from its first JoinGroup on until it leaves or is removed."""

    __slots__ = (
        "assignment",
        "awaiting_join",
        "awaiting_sync",
        "client_host",
        "client_id",
        "group_instance_id",
        "is_new",
        "member_id",
        "protocol_type",
        "protocols",
        "rebalance_timeout_ms",
        "session_timeout_ms",
    )

    def __init__(
        self,
        member_id: str,
        *,
        group_instance_id: str | None = None,
        client_id: str,
        client_host: str,
        rebalance_timeout_ms: int,
        session_timeout_ms: int,
        protocol_type: str,
        protocols: Protocols,
        assignment: bytes = b"",
    ) -> None:
        self.member_id = member_id
        self.group_instance_id = group_instance_id
        self.client_id = client_id
        self.client_host = client_host
        self.rebalance_timeout_ms = rebalance_timeout_ms
        self.session_timeout_ms = session_timeout_ms
        self.protocol_type = protocol_type
        self.protocols = protocols
        self.assignment = assignment
        self.is_new = False  # has not been told its first generation
        self.awaiting_join: Pending[JoinGroupResponse] | None = None
        self.awaiting_sync: Pending[SyncGroupResponse] | None = None

    @property
    def has_satisfied_heartbeat(self) -> bool:
        """Whether it need not heartbeat now: its connection is held by a request that we have not answered."""
        return not self.is_new and (self.awaiting_join is not None or self.awaiting_sync is not None)

    def answer_join(self, response: JoinGroupResponse) -> None:
        waiting, self.awaiting_join = self.awaiting_join, None
        if waiting is not None:
            waiting.resolve(response)

    def answer_sync(self, response: SyncGroupResponse) -> bool:
        waiting, self.awaiting_sync = self.awaiting_sync, None
        if waiting is None:
            return False
        waiting.resolve(response)
        return True

    def await_join(self, waiting: Pending[JoinGroupResponse]) -> None:
        """Hold a JoinGroup. An earlier one, by a connection long lost, is let go."""
        self.answer_join(join_error(self.member_id, ErrorCode.REBALANCE_IN_PROGRESS))
        self.awaiting_join = waiting

    def await_sync(self, waiting: Pending[SyncGroupResponse]) -> None:
        self.answer_sync(sync_error(ErrorCode.REBALANCE_IN_PROGRESS))
        self.awaiting_sync = waiting


class ClassicGroup:
    __slots__ = (
        "generation_id",
        "group_id",
        "last_assignments",
        "leader_id",
        "members",
        "new_member_added",
        "pending_join_members",
        "pending_sync_members",
        "previous_state",
        "protocol_name",
        "protocol_type",
        "state",
        "state_since_ms",
        "static_members",
        "subscribed_topics",
        "supported",
    )

    def __init__(self, group_id: str, *, state_since_ms: int | None) -> None:
        self.group_id = group_id
        self.state = GroupState.EMPTY
        self.previous_state = GroupState.DEAD
        self.state_since_ms = state_since_ms  # None: stored by a broker that did not record it
        self.generation_id = 0
        self.protocol_type: str | None = None
        self.protocol_name: str | None = None
        self.leader_id: str | None = None
        self.members: dict[str, Member] = {}
        self.static_members: dict[str, str] = {}
        self.pending_join_members: set[str] = set()  # told their id, expected to join with it (KIP-394)
        self.pending_sync_members: set[str] = set()
        self.supported: Counter[str] = Counter()
        self.subscribed_topics: frozenset[str] | None = None  # None: we cannot know
        self.new_member_added = False  # since the initial rebalance was last put off
        # What members had in the last generation that became stable: those who left since, too.
        self.last_assignments: Mapping[str, bytes] = {}

    @property
    def is_consumer_group(self) -> bool:
        return self.protocol_type == CONSUMER

    @property
    def can_rebalance(self) -> bool:
        return self.state in _MAY_FOLLOW[GroupState.PREPARING_REBALANCE]

    @property
    def rebalance_timeout_ms(self) -> int:
        return max((member.rebalance_timeout_ms for member in self.members.values()), default=0)

    @property
    def awaiting_join_count(self) -> int:
        return sum(member.awaiting_join is not None for member in self.members.values())

    @property
    def has_all_members_joined(self) -> bool:
        return not self.pending_join_members and self.awaiting_join_count == len(self.members)

    def transition_to(self, state: GroupState, now_ms: int) -> None:
        assert self.state in _MAY_FOLLOW[state], (self.group_id, self.state, state)
        self.previous_state, self.state = self.state, state
        self.state_since_ms = now_ms

    def add(self, member: Member) -> None:
        assert member.member_id not in self.members, member.member_id
        if not self.members:
            self.protocol_type = member.protocol_type
        if member.group_instance_id is not None:
            assert member.group_instance_id not in self.static_members, member.group_instance_id
            self.static_members[member.group_instance_id] = member.member_id
        if self.leader_id is None:
            self.leader_id = member.member_id
        self.members[member.member_id] = member
        self.supported.update(member.protocols.keys())
        self.pending_join_members.discard(member.member_id)

    def remove(self, member_id: str) -> None:
        """Let a member go, or one that was only expected to join."""
        member = self.members.pop(member_id, None)
        if member is not None:
            self._unsupport(member.protocols)
            if member.group_instance_id is not None:
                self.static_members.pop(member.group_instance_id, None)
        if self.leader_id == member_id:
            self.leader_id = next(iter(self.members), None)
        self.pending_join_members.discard(member_id)
        self.pending_sync_members.discard(member_id)

    def update(
        self, member: Member, protocols: Protocols, *, rebalance_timeout_ms: int, session_timeout_ms: int
    ) -> None:
        self._unsupport(member.protocols)
        self.supported.update(protocols.keys())
        member.protocols = protocols
        member.rebalance_timeout_ms = rebalance_timeout_ms
        member.session_timeout_ms = session_timeout_ms

    def _unsupport(self, protocols: Protocols) -> None:
        self.supported.subtract(protocols.keys())
        self.supported = +self.supported  # drops those that nobody speaks any more

    def replace_static_member(self, group_instance_id: str, old_id: str, new_id: str) -> Member:
        """Give the member a new id, as its process was started again, and fence whoever uses the old one."""
        old = self.members.pop(old_id)
        old.answer_join(join_error(old_id, ErrorCode.FENCED_INSTANCE_ID))
        old.answer_sync(sync_error(ErrorCode.FENCED_INSTANCE_ID))
        new = self.members[new_id] = Member(
            new_id,
            group_instance_id=group_instance_id,
            client_id=old.client_id,
            client_host=old.client_host,
            rebalance_timeout_ms=old.rebalance_timeout_ms,
            session_timeout_ms=old.session_timeout_ms,
            protocol_type=old.protocol_type,
            protocols=old.protocols,
            assignment=old.assignment,
        )
        if self.leader_id == old_id:
            self.leader_id = new_id
        if old_id in self.pending_sync_members:
            self.pending_sync_members.remove(old_id)
            self.pending_sync_members.add(new_id)
        self.static_members[group_instance_id] = new_id
        return new

    def validate_member(self, member_id: str, group_instance_id: str | None) -> None:
        if group_instance_id is not None:
            existing = self.static_members.get(group_instance_id)
            if existing is not None and existing != member_id:
                raise BrokerError(ErrorCode.FENCED_INSTANCE_ID)
            if existing is None:
                raise BrokerError(ErrorCode.UNKNOWN_MEMBER_ID)
        if member_id not in self.members:
            raise BrokerError(ErrorCode.UNKNOWN_MEMBER_ID)

    def supports(self, protocol_type: str, names: Iterable[str]) -> bool:
        """Whether someone who speaks these protocols may join."""
        if self.state is GroupState.EMPTY:
            return protocol_type != "" and any(True for _ in names)
        return protocol_type == self.protocol_type and any(self.supported[name] == len(self.members) for name in names)

    def select_protocol(self) -> str:
        """The protocol that most members prefer among those which all can speak."""
        candidates = {name for name, count in self.supported.items() if count == len(self.members)}
        votes = Counter(
            next(name for name in member.protocols if name in candidates) for member in self.members.values()
        )
        return votes.most_common(1)[0][0]

    def elect_joined_leader(self) -> bool:
        """Make sure that the leader has joined the coming generation; False where nobody has."""
        if self.leader_id is None:
            return False
        if self.members[self.leader_id].awaiting_join is None:
            joined = next((m.member_id for m in self.members.values() if m.awaiting_join is not None), None)
            if joined is None:
                return False
            self.leader_id = joined
        return True

    def init_next_generation(self, now_ms: int) -> None:
        self.generation_id += 1
        self.protocol_name = self.select_protocol() if self.members else None
        self.subscribed_topics = self.compute_subscribed_topics()
        self.transition_to(GroupState.COMPLETING_REBALANCE if self.members else GroupState.EMPTY, now_ms)
        self.pending_sync_members.clear()

    def compute_subscribed_topics(self) -> frozenset[str] | None:
        """What the members read, as far as their metadata can be understood: of consumer groups alone."""
        if not self.is_consumer_group:
            return None
        if not self.members:
            return frozenset()
        if self.protocol_name is None:
            return None
        try:
            return frozenset(
                topic
                for member in self.members.values()
                for topic in _subscription(member.protocols[self.protocol_name])
            )
        except ProtocolError:
            return None

    def is_subscribed_to(self, topic: str) -> bool:
        if self.subscribed_topics is None:
            return self.is_consumer_group  # not knowing, assume so
        return topic in self.subscribed_topics

    def described_members(self) -> list[JoinGroupResponse.JoinGroupResponseMember]:
        """What the leader must know to assign."""
        assert self.protocol_name is not None
        return [
            JoinGroupResponse.JoinGroupResponseMember(
                member_id=member.member_id,
                group_instance_id=member.group_instance_id,
                metadata=member.protocols[self.protocol_name],
            )
            for member in self.members.values()
        ]


def topics_of(protocol_type: str, protocols: Protocols) -> Sequence[str]:
    """What a consumer says to read, under the protocol that it likes best; nothing where that is not to be known."""
    try:
        return _subscription(next(iter(protocols.values()))) if protocol_type == CONSUMER and protocols else ()
    except ProtocolError:
        return ()


def _subscription(metadata: bytes) -> Sequence[str]:
    """The topics in a consumer's metadata. All versions begin as version 0 does, so newer ones need not be known."""
    _, body = split(metadata)
    subscription: ConsumerProtocolSubscription = ConsumerProtocolSubscription.decoder(0)(body, 0)[0]
    return subscription.topics


def join_error(member_id: str, code: ErrorCode) -> JoinGroupResponse:
    return JoinGroupResponse(error_code=code, protocol_name=None, leader="", member_id=member_id, members=())


def sync_error(code: ErrorCode) -> SyncGroupResponse:
    return SyncGroupResponse(error_code=code, assignment=b"")
