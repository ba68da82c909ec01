"""All of classic groups at once: members come, go, stall and come back in any order, and the broker restarts."""

from __future__ import annotations

from collections import Counter
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, rule

from pykbroker.coordinator.decision import Pending
from pykbroker.coordinator.groups.classic import ClassicGroup, GroupState
from pykbroker.coordinator.groups.config import GroupConfig
from pykbroker.coordinator.groups.shard import restored
from pykbroker.coordinator.groups.testing import REBALANCE_MS, SESSION_MS, OneShard, subscription
from pykbroker.errors import BrokerError
from wire.errors import ErrorCode

GROUPS = st.sampled_from(["g", "h"])
OFFERS = st.sampled_from(
    [
        {"range": subscription("t")},
        {"range": subscription("t", "u"), "sticky": subscription("t")},
        {"sticky": subscription("u"), "range": subscription("u")},
        {"odd": b"\1"},
    ]
)


class Groups(RuleBasedStateMachine):
    members = Bundle("members")  # (group id, member id, instance id)

    @initialize(
        delay_ms=st.sampled_from([0, 3_000]),
        max_size=st.sampled_from([2, 4, 1000]),
    )
    def begin(self, delay_ms: int, max_size: int) -> None:
        self.it = OneShard(GroupConfig(initial_rebalance_delay_ms=delay_ms, max_size=max_size))
        self.waiting: list[Pending[Any]] = []
        self.told: list[Any] = []  # every answer to JoinGroup since the last restart
        self.generations: dict[str, int] = {}
        self.has_failed = False

    def take(self, response: Any) -> None:
        if isinstance(response, Pending):
            self.waiting.append(response)
        else:
            self.told.append(response)

    @rule(target=members, group_id=GROUPS, offer=OFFERS, version=st.sampled_from([0, 3, 4, 9]))
    def come(self, group_id: str, offer: dict[str, bytes], version: int) -> Any:
        try:
            response = self.it.join(group_id, version=version, protocols=offer)
        except BrokerError:
            assert self.it.broken
            return group_id, "nobody", None
        self.take(response)
        if isinstance(response, Pending):
            group = self.it.shard.groups[group_id]
            return group_id, next(m.member_id for m in group.members.values() if m.awaiting_join is response), None
        return group_id, response.member_id or "nobody", None

    @rule(target=members, group_id=GROUPS, instance=st.sampled_from(["i", "j"]), offer=OFFERS)
    def come_as_static(self, group_id: str, instance: str, offer: dict[str, bytes]) -> Any:
        try:
            self.take(self.it.join(group_id, instance=instance, protocols=offer))
        except BrokerError:
            assert self.it.broken
        group = self.it.shard.groups.get(group_id)
        return group_id, group.static_members.get(instance, "nobody") if group else "nobody", instance

    @rule(member=members, offer=OFFERS)
    def come_again(self, member: tuple[str, str, str | None], offer: dict[str, bytes]) -> None:
        group_id, member_id, instance = member
        try:
            self.take(self.it.join(group_id, member_id, instance=instance, protocols=offer))
        except BrokerError:
            assert self.it.broken or instance is not None  # a static member that was only told an id

    @rule(member=members, stale=st.booleans(), assignment=st.binary(max_size=3))
    def sync(self, member: tuple[str, str, str | None], stale: bool, assignment: bytes) -> None:
        group_id, member_id, _ = member
        group = self.it.shard.groups.get(group_id)
        generation_id = 0 if group is None else group.generation_id - stale
        everyone = dict.fromkeys(() if group is None else group.members, assignment)
        try:
            response = self.it.sync(member_id, generation_id, everyone, group_id)
        except BrokerError:
            return
        if isinstance(response, Pending):
            self.waiting.append(response)

    @rule(group_id=GROUPS, assignment=st.binary(max_size=3))
    def settle(self, group_id: str, assignment: bytes) -> None:
        """Those who are expected to join do, and the leader assigns."""
        group = self.it.shard.groups.get(group_id)
        for member in list(group.members.values()) if group else ():
            if member.awaiting_join is None and not self.it.broken:
                self.take(
                    self.it.join(
                        group_id, member.member_id, instance=member.group_instance_id, protocols=dict(member.protocols)
                    )
                )
        self.it.pass_time(0)
        if group is not None and group.leader_id is not None:
            self.sync((group_id, group.leader_id, None), False, assignment)

    @rule(member=members)
    def live(self, member: tuple[str, str, str | None]) -> None:
        group_id, member_id, instance = member
        group = self.it.shard.groups.get(group_id)
        generation_id = 0 if group is None else group.generation_id
        is_there = group is not None and member_id in group.members
        code = self.it.heartbeat(member_id, generation_id, group_id=group_id, instance=instance)
        assert is_there or code in (ErrorCode.UNKNOWN_MEMBER_ID, ErrorCode.FENCED_INSTANCE_ID)

    @rule(member=consumes(members))
    def go(self, member: tuple[str, str, str | None]) -> None:
        group_id, member_id, instance = member
        try:
            self.it.leave(member_id, group_id=group_id, instance=instance)
        except BrokerError:
            assert self.it.broken

    @rule(group_id=GROUPS, partition=st.integers(0, 2), offset=st.integers(0, 99), member=st.none() | members)
    def commit(self, group_id: str, partition: int, offset: int, member: tuple[str, str, str | None] | None) -> None:
        if member is None:
            self.it.commit("t", partition, offset, group_id=group_id)
            return
        group_id, member_id, _ = member
        group = self.it.shard.groups.get(group_id)
        generation_id = 0 if group is None else group.generation_id
        code = self.it.commit(
            "t", partition, offset, group_id=group_id, member_id=member_id, generation_id=generation_id
        )
        if code == ErrorCode.NONE:
            assert offset == self.it.replayed().offsets.groups[group_id]["t"][partition].offset

    @rule(duration_ms=st.sampled_from([0, 1, 2_000, SESSION_MS - 1, SESSION_MS, REBALANCE_MS, 11 * 60_000]))
    def wait(self, duration_ms: int) -> None:
        self.it.pass_time(duration_ms)

    @rule()
    def restart(self) -> None:
        self.it.restart()
        self.waiting = []
        self.told = []
        self.generations = {}

    @rule(is_broken=st.booleans())
    def break_or_mend_the_disk(self, is_broken: bool) -> None:
        self.it.broken = is_broken
        self.has_failed = self.has_failed or is_broken

    @invariant()
    def nobody_waits_forgotten(self) -> None:
        """Whoever waits for an answer is a member that we know to wait."""
        held = {
            id(waiting)
            for group in self.it.shard.groups.values()
            for member in group.members.values()
            for waiting in (member.awaiting_join, member.awaiting_sync)
        }
        for waiting in list(self.waiting):
            if waiting.is_resolved:
                self.waiting.remove(waiting)
                if hasattr(waiting.result(), "leader"):
                    self.told.append(waiting.result())
            else:
                assert id(waiting) in held

    @invariant()
    def groups_are_whole(self) -> None:
        for group in self.it.shard.groups.values():
            check(group)

    @invariant()
    def a_generation_has_one_leader(self) -> None:
        """Of those who are told all members, and so would assign, there is one in each generation."""
        assigning: dict[tuple[str, int], set[str]] = {}
        for answer in self.told:
            if answer.error_code == ErrorCode.NONE and answer.members and not answer.skip_assignment:
                is_static = not answer.leader.startswith("client-")
                if not is_static:
                    members = ",".join(sorted(member.member_id for member in answer.members))
                    assigning.setdefault((members, answer.generation_id), set()).add(answer.member_id)
        assert all(len(leaders) == 1 for leaders in assigning.values())

    @invariant()
    def generations_only_grow(self) -> None:
        for group_id, group in self.it.shard.groups.items():
            known = self.generations.get(group_id, 0)
            assert group.generation_id >= known or group.generation_id == 0
            self.generations[group_id] = group.generation_id

    @invariant()
    def the_log_holds_what_persists(self) -> None:
        """After a restart the metadata and offsets are the same; and so is a group that was at rest."""
        replayed = self.it.replayed()
        shard = self.it.shard
        assert replayed.metadata == shard.metadata
        assert replayed.offsets.groups == shard.offsets.groups
        assert set(replayed.groups) == set(shard.groups)
        for group_id, group in shard.groups.items():
            if group.state is GroupState.STABLE or (
                group.state is GroupState.EMPTY and not self.has_failed and group_id in shard.metadata
            ):
                assert at_rest(restored(group_id, shard.metadata[group_id])) == at_rest(group)

    def teardown(self) -> None:
        """Left alone, every group gets rid of all its members, and everyone has an answer."""
        if not hasattr(self, "it"):
            return
        self.it.broken = False
        self.it.pass_time(60 * 60_000)
        assert all(group.state is GroupState.EMPTY for group in self.it.shard.groups.values())
        assert all(waiting.is_resolved for waiting in self.waiting)
        assert all(not group.pending_join_members for group in self.it.shard.groups.values())


def check(group: ClassicGroup) -> None:
    assert (group.leader_id in group.members) if group.members else group.leader_id is None
    assert Counter(name for m in group.members.values() for name in m.protocols) == group.supported
    assert {m.group_instance_id: i for i, m in group.members.items() if m.group_instance_id} == group.static_members
    assert group.pending_sync_members <= group.members.keys()
    assert not group.pending_join_members & group.members.keys()
    if group.state in (GroupState.COMPLETING_REBALANCE, GroupState.STABLE):
        assert group.members
        assert all(group.protocol_name in member.protocols for member in group.members.values())
        assert all(member.awaiting_join is None for member in group.members.values())
    if group.state is GroupState.EMPTY:
        assert not group.members
    if group.state is not GroupState.COMPLETING_REBALANCE:
        assert all(member.awaiting_sync is None for member in group.members.values())


def at_rest(group: ClassicGroup) -> Any:
    assignments = {
        member.member_id: (member.group_instance_id, member.assignment, member.session_timeout_ms)
        for member in group.members.values()
    }
    return group.state, group.generation_id, group.protocol_name, group.leader_id, assignments


TestGroups = Groups.TestCase
TestGroups.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
