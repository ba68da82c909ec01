"""All of a consumer group at once: members come, go, stall, forget; topics change; the broker restarts.

Each member remembers what it was told to have, as a client does. Never do two members believe to own one partition
while both are members, and once nobody changes anything the group comes to rest with all partitions read.
"""

from __future__ import annotations

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from pykbroker.coordinator.groups.config import GroupConfig
from pykbroker.coordinator.groups.consumer.config import Bounded, ConsumerGroupDefaults
from pykbroker.coordinator.groups.consumer.group import ConsumerGroup, ConsumerGroupState
from pykbroker.coordinator.groups.consumer.testing import OneConsumerShard, given
from pykbroker.errors import BrokerError
from wire.errors import ErrorCode

SUBSCRIPTIONS = st.sampled_from([("t",), ("u",), ("t", "u"), ("none",), ()])
INSTANCES = st.sampled_from([None, None, "i", "j"])
MEMBERS = st.sampled_from(["a", "b", "c", "d"])

FATAL = {
    ErrorCode.FENCED_INSTANCE_ID,
    ErrorCode.FENCED_MEMBER_EPOCH,
    ErrorCode.GROUP_ID_NOT_FOUND,
    ErrorCode.UNKNOWN_MEMBER_ID,
    ErrorCode.UNRELEASED_INSTANCE_ID,
}


class Client:
    """What a member remembers between heartbeats."""

    def __init__(self, member_id: str, instance: str | None) -> None:
        self.member_id = member_id
        self.instance = instance
        self.epoch = 0
        self.has: dict[str, list[int]] = {}
        self.owns: dict[str, list[int]] = {}  # what it has not given up yet


class Groups(RuleBasedStateMachine):
    @initialize(interval_ms=st.sampled_from([0, 1_000]))
    def begin(self, interval_ms: int) -> None:
        defaults = ConsumerGroupDefaults(assignment_interval=Bounded(interval_ms, 0, 15_000))
        self.it = OneConsumerShard(GroupConfig(initial_rebalance_delay_ms=0, consumer=defaults))
        self.clients: dict[str, Client] = {}
        self.partition_count = 4

    def tell(self, client: Client, **how: Any) -> None:
        """A heartbeat, and what the client makes of the answer."""
        try:
            told = self.it.beat(client.member_id, client.epoch, instance=client.instance, **how)
        except BrokerError as error:
            if error.code not in FATAL:
                raise
            del self.clients[client.member_id]
            return
        client.epoch = told.member_epoch
        assignment = given(told)
        if assignment is not None:
            client.has = assignment
            for topic, partitions in assignment.items():
                client.owns[topic] = sorted({*client.owns.get(topic, ()), *partitions})

    @rule(member_id=MEMBERS, instance=INSTANCES, topics=SUBSCRIPTIONS)
    def come(self, member_id: str, instance: str | None, topics: tuple[str, ...]) -> None:
        known = self.clients.get(member_id)
        client = self.clients[member_id] = Client(member_id, instance if known is None else known.instance)
        self.tell(client, topics=topics)

    @rule(member_id=MEMBERS, regex=st.sampled_from(["t|v.*", ".*", "u"]))
    def come_with_regex(self, member_id: str, regex: str) -> None:
        if member_id not in self.clients:
            client = self.clients[member_id] = Client(member_id, None)
            self.tell(client, regex=regex, topics=[])

    @rule(member_id=MEMBERS, says=st.booleans())
    def beat(self, member_id: str, says: bool) -> None:
        if client := self.clients.get(member_id):
            self.tell(client, has=client.owns if says else None)

    @rule(member_id=MEMBERS)
    def give_up(self, member_id: str) -> None:
        """The client stops reading what it should not have, and says so."""
        if client := self.clients.get(member_id):
            client.owns = {topic: list(partitions) for topic, partitions in client.has.items()}
            self.tell(client, has=client.owns)

    @rule(member_id=MEMBERS)
    def miss_an_answer(self, member_id: str) -> None:
        client = self.clients.get(member_id)
        if client is not None and client.epoch > 0:
            self.it.refusal(member_id, client.epoch, instance=client.instance, has=client.owns)

    @rule(member_id=MEMBERS, topics=SUBSCRIPTIONS)
    def change(self, member_id: str, topics: tuple[str, ...]) -> None:
        client = self.clients.get(member_id)
        if client is not None and client.epoch > 0:
            self.tell(client, topics=topics, regex="")

    @rule(member_id=MEMBERS, away=st.booleans())
    def go(self, member_id: str, away: bool) -> None:
        if client := self.clients.pop(member_id, None):
            self.it.refusal(member_id, -2 if away and client.instance else -1, instance=client.instance)

    @rule(partition_count=st.integers(1, 6))
    def grow(self, partition_count: int) -> None:
        self.partition_count = max(self.partition_count, partition_count)
        self.it.set_topics(t=self.partition_count)

    @rule(name=st.sampled_from(["u", "v1"]))
    def make_or_delete(self, name: str) -> None:
        if name in self.it.image.topics:
            self.it.image = self.it.image.without_topics([name])
        else:
            self.it.set_topics(**{name: 2})

    @rule(duration_ms=st.sampled_from([1, 1_000, 20_000, 45_000]))
    def wait(self, duration_ms: int) -> None:
        self.it.pass_time(duration_ms)

    @rule()
    def restart(self) -> None:
        self.it.restart()

    @property
    def group(self) -> ConsumerGroup | None:
        return self.it.shard.consumer_groups.get("g")

    @precondition(lambda self: self.group is not None and self.group.members)
    @rule()
    def come_to_rest(self) -> None:
        """Whoever is there goes on as it should; whoever is not is removed. That takes a few heartbeats of each."""
        for _ in range(8):
            self.it.pass_time(5_000)
            for member_id in list(self.clients):
                if member_id in self.clients:
                    self.give_up(member_id)
        for _ in range(8):
            self.it.pass_time(8_000)
            for member_id in list(self.clients):
                if member_id in self.clients:
                    self.give_up(member_id)
        group = self.group
        if group is None or not group.members:
            return
        assert group.state is ConsumerGroupState.STABLE
        for member_id, member in group.members.items():
            assert {t: frozenset(p) for t, p in member.assigned.items()} == dict(group.target_of(member_id))
        read = frozenset[str]().union(*(group.topics_of(member) for member in group.members.values()))
        topics = [self.it.image.topics[name] for name in read if name in self.it.image.topics]
        assert set(group.owners) == {(topic.id, p.index) for topic in topics for p in topic.partitions}

    @invariant()
    def no_partition_has_two_owners(self) -> None:
        group = self.group
        if group is None:
            return
        owned = [place for member in group.members.values() for place in member.owns()]
        assert len(owned) == len(set(owned))
        assert set(owned) == set(group.owners)
        believed = [
            (topic, partition)
            for client in self.clients.values()
            if client.member_id in group.members
            for topic, partitions in client.owns.items()
            for partition in partitions
            if client.epoch > 0
        ]
        assert len(believed) == len(set(believed))

    @invariant()
    def epochs_are_in_order(self) -> None:
        group = self.group
        if group is not None and group.members:
            assert group.assignment_epoch <= group.epoch
            assert all(member.epoch <= group.assignment_epoch for member in group.members.values())

    @invariant()
    def a_restart_would_find_the_same(self) -> None:
        after = self.it.replayed().consumer_groups
        for group_id, group in self.it.shard.consumer_groups.items():
            found = after[group_id]
            assert (found.epoch, found.assignment_epoch) == (group.epoch, group.assignment_epoch)
            assert (found.members, found.targets, found.regexes) == (group.members, group.targets, group.regexes)
            assert (found.owners, found.static_members) == (group.owners, group.static_members)
        assert after.keys() == self.it.shard.consumer_groups.keys()


TestGroups = Groups.TestCase
TestGroups.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
