"""All of a streams group at once: members come, go, stall, forget; topics change; the broker restarts.

Each member remembers what it was told to have, as a client does. Never do two members believe to have one task as
active, never has a process a task twice, and once nobody changes anything the group comes to rest with all tasks run.
"""

from __future__ import annotations

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from pykbroker.coordinator.groups.config import GroupConfig
from pykbroker.coordinator.groups.consumer.config import Bounded
from pykbroker.coordinator.groups.streams.config import StreamsGroupDefaults
from pykbroker.coordinator.groups.streams.group import StreamsGroup, StreamsGroupState
from pykbroker.coordinator.groups.streams.member import NO_TASKS, Task, Tasks
from pykbroker.coordinator.groups.streams.testing import OneStreamsShard
from pykbroker.errors import BrokerError
from wire.api.streams_group_heartbeat import TaskIds
from wire.errors import ErrorCode

PROCESSES = {"a": "p", "b": "p", "c": "q", "d": "r"}
MEMBERS = st.sampled_from(sorted(PROCESSES))

FATAL = {
    ErrorCode.FENCED_MEMBER_EPOCH,
    ErrorCode.GROUP_ID_NOT_FOUND,
    ErrorCode.INVALID_REQUEST,  # a task of a topic that has fewer partitions than it had
    ErrorCode.UNKNOWN_MEMBER_ID,
}


class Client:
    """What a member remembers between heartbeats."""

    def __init__(self, member_id: str) -> None:
        self.member_id = member_id
        self.epoch = 0
        self.has = NO_TASKS
        self.owns = NO_TASKS  # and what it has not given up yet


class Groups(RuleBasedStateMachine):
    @initialize(
        interval_ms=st.sampled_from([0, 1_000]),
        delay_ms=st.sampled_from([0, 3_000]),
        standby_count=st.integers(0, 2),
    )
    def begin(self, interval_ms: int, delay_ms: int, standby_count: int) -> None:
        streams = StreamsGroupDefaults(
            assignment_interval=Bounded(interval_ms, 0, 15_000),
            initial_rebalance_delay=Bounded(delay_ms, 0, 15_000),
            standby_count=Bounded(standby_count, 0, 2),
        )
        self.it = OneStreamsShard(GroupConfig(initial_rebalance_delay_ms=0, streams=streams))
        self.clients: dict[str, Client] = {}
        self.standby_count = standby_count

    def tell(self, client: Client, says: Tasks | None = None) -> None:
        """A heartbeat, and what the client makes of the answer."""
        how: dict[str, Any] = {"process": PROCESSES[client.member_id]}
        if says is not None:
            how |= {"has": partitions(says.active), "standby": partitions(says.standby)}
        try:
            told = self.it.beat(client.member_id, client.epoch, **how)
        except BrokerError as error:
            if error.code not in FATAL:
                raise
            del self.clients[client.member_id]
            return
        client.epoch = told.member_epoch
        if told.active_tasks is not None and told.standby_tasks is not None:
            client.has = Tasks(tasks(told.active_tasks), tasks(told.standby_tasks))
            client.owns |= client.has

    @rule(member_id=MEMBERS)
    def come(self, member_id: str) -> None:
        client = self.clients[member_id] = Client(member_id)
        self.tell(client)

    @rule(member_id=MEMBERS, says=st.booleans())
    def beat(self, member_id: str, says: bool) -> None:
        client = self.clients.get(member_id)
        if client is not None and client.epoch > 0:
            self.tell(client, client.owns if says else None)

    @rule(member_id=MEMBERS)
    def give_up(self, member_id: str) -> None:
        """The client closes the tasks that it should not have, and says so."""
        client = self.clients.get(member_id)
        if client is not None and client.epoch > 0:
            client.owns = client.has
            self.tell(client, client.owns)

    @rule(member_id=MEMBERS)
    def miss_an_answer(self, member_id: str) -> None:
        client = self.clients.get(member_id)
        if client is not None and client.epoch > 0:
            has = {"has": partitions(client.owns.active), "standby": partitions(client.owns.standby)}
            self.it.refusal(member_id, client.epoch, **has)

    @rule(member_id=MEMBERS)
    def go(self, member_id: str) -> None:
        if self.clients.pop(member_id, None):
            self.it.refusal(member_id, -1)

    @rule(count=st.sampled_from([4, 5]))
    def grow(self, count: int) -> None:
        """The repartition topic does not, so the topology is not ready until it is deleted and made anew."""
        self.it.set_topics(t=count)

    @rule(name=st.sampled_from(["t", "words", "counts"]))
    def make_or_delete(self, name: str) -> None:
        if name in self.it.image.topics:
            self.it.image = self.it.image.without_topics([name])
        elif name == "t":
            self.it.set_topics(t=4)

    @rule(count=st.integers(0, 2))
    def set_standbys(self, count: int) -> None:
        self.standby_count = count
        self.it.image = self.it.image.with_group_configs({"g": {"streams.num.standby.replicas": str(count)}})

    @rule(duration_ms=st.sampled_from([1, 1_000, 20_000, 45_000]))
    def wait(self, duration_ms: int) -> None:
        self.it.pass_time(duration_ms)

    @rule()
    def restart(self) -> None:
        self.it.restart()

    @property
    def group(self) -> StreamsGroup | None:
        return self.it.shard.streams_groups.get("g")

    @precondition(lambda self: self.group is not None and self.group.members)
    @rule()
    def come_to_rest(self) -> None:
        """Whoever is there goes on as it should; whoever is not is removed. That takes a few heartbeats of each."""
        for _ in range(20):
            self.it.pass_time(5_000)
            for member_id in list(self.clients):
                if member_id in self.clients:
                    self.give_up(member_id)
        group = self.group
        if group is None or not group.members:
            return
        assert all(member.is_reconciled_to(group.epoch) for member in group.members.values())
        assert {each: member.assigned for each, member in group.members.items()} == {
            each: group.target_of(each) for each in group.members
        }
        configured = group.configured
        assert configured is not None
        if not configured.is_ready:
            assert (StreamsGroupState.NOT_READY, frozenset()) == (group.state, group.active_tasks)
            return
        assert group.state is StreamsGroupState.STABLE
        count = len(self.it.image.topics["t"].partitions)
        assert group.active_tasks == {Task(each, partition) for each in "01" for partition in range(count)}
        process_count = len({PROCESSES[member_id] for member_id in group.members})
        standbys = [task for member in group.members.values() for task in member.assigned.standby]
        assert len(standbys) == count * min(self.standby_count, process_count - 1)
        assert all(task.subtopology_id == "1" for task in standbys), "the other one has no state"

    @invariant()
    def no_task_has_two_active_owners(self) -> None:
        group = self.group
        if group is None:
            return
        held = [task for member in group.members.values() for task in member.holds_active]
        assert len(held) == len(set(held))
        believed = [
            task
            for client in self.clients.values()
            if client.member_id in group.members and client.epoch > 0
            for task in client.owns.active
        ]
        assert len(believed) == len(set(believed))

    @invariant()
    def no_process_has_a_task_twice(self) -> None:
        group = self.group
        for process in {*PROCESSES.values()} if group is not None else ():
            members = [member for member in group.members.values() if member.process_id == process]
            held = [task for member in members for task in member.holds]
            assert len(held) == len(set(held))
            clients = [self.clients[each.member_id] for each in members if each.member_id in self.clients]
            believed = [task for client in clients for task in (*client.owns.active, *client.owns.standby)]
            assert len(believed) == len(set(believed))

    @invariant()
    def epochs_are_in_order(self) -> None:
        group = self.group
        if group is not None and group.members:
            assert group.assignment_epoch <= group.epoch
            assert all(member.epoch <= group.assignment_epoch for member in group.members.values())

    @invariant()
    def epochs_of_active_tasks_are_known(self) -> None:
        group = self.group
        for member in group.members.values() if group is not None else ():
            assert member.assigned_in.keys() == member.holds_active

    @invariant()
    def a_restart_would_find_the_same(self) -> None:
        after = self.it.replayed().streams_groups
        for group_id, group in self.it.shard.streams_groups.items():
            found = after[group_id]
            assert (found.epoch, found.assignment_epoch) == (group.epoch, group.assignment_epoch)
            assert (found.members, found.targets, found.topology) == (group.members, group.targets, group.topology)
            assert found.validated_topology_epoch == group.validated_topology_epoch
            assert (found.metadata_hash, found.assignment_configs) == (group.metadata_hash, group.assignment_configs)
        assert after.keys() == self.it.shard.streams_groups.keys()


def partitions(held: frozenset[Task]) -> dict[str, list[int]]:
    return {each: [task.partition for task in held if task.subtopology_id == each] for each in "01"}


def tasks(told: Any) -> frozenset[Task]:
    told_tasks: list[TaskIds] = told
    return frozenset(Task(each.subtopology_id, partition) for each in told_tasks for partition in each.partitions)


TestGroups = Groups.TestCase
TestGroups.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
