"""Groups: a rebalance of 200 members, 10,000 groups to find again after `kill -9`, and 100 that commit all the time.

Of a rebalance only the broker's processor time is measured: with 200 members in one process the client would be most of
any other time, and the waiting is the protocol's.
"""

from __future__ import annotations

import contextlib
import select
import time
from collections.abc import Iterator, Sequence

from bench.brokers import Broker
from bench.client import Client, check
from bench.commits import committing, offset_commit
from bench.compaction import latencies_s, p99_ms
from bench.method import Benchmark, Effort, Row
from bench.scale import allow_open_files
from wire.api.consumer_group_heartbeat import ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse
from wire.api.find_coordinator import FindCoordinatorRequest, FindCoordinatorResponse
from wire.api.heartbeat import HeartbeatRequest, HeartbeatResponse
from wire.api.join_group import JoinGroupRequest, JoinGroupResponse
from wire.api.list_groups import ListGroupsRequest, ListGroupsResponse
from wire.api.offset_commit import OffsetCommitResponse
from wire.api.sync_group import SyncGroupRequest, SyncGroupResponse
from wire.errors import ErrorCode

MEMBERS, PARTITIONS = 200, 1000
GROUPS, OFFSETS_EACH, CONNECTIONS = 10_000, 10, 100
SAMPLE = 500  # of groups: each partition of __consumer_offsets has some of them
COMMITTING_GROUPS, COMMITS_PER_S = 100, 100
COMMIT_VERSION, JOIN_VERSION, SYNC_VERSION, HEARTBEAT_VERSION, LIST_VERSION, FIND_VERSION, BEAT_VERSION = (
    7,
    5,
    3,
    1,
    3,
    1,
    3,
)
MEMBER_TIMEOUT_MS = 120_000
QUIET_S = 0.2
ASSIGNMENT_INTERVAL_S = 1.0  # both brokers' default
TIMEOUT_S = 120

SHORTFALL = (
    "a commit takes some 38 us in its handler (6 to build the batch, 3 to encode key and value, 3 to write it, 2 "
    "to decide) and nearly as much again to be received and answered by itself: 10,000 a second take most of a "
    "processor, and who produces stands in line with them."
)

HeartbeatPartitions = ConsumerGroupHeartbeatRequest.TopicPartitions


# --- a classic group


def measure_classic(broker: Broker, effort: Effort) -> list[float]:
    """From the leader's JoinGroup to the last answer to SyncGroup, of members that were all there before."""
    topic = group = f"classic-{time.time_ns()}"
    with contextlib.ExitStack() as stack:
        count = int(MEMBERS * effort.scale)
        members = [Member(stack.enter_context(Client(broker)), group, topic) for _ in range(count)]
        members[0].client.create_topic(topic)
        await_coordinators(members[0].client, [group])
        leader = gather(members)
        synchronize(members, leader)
        before_s = broker.cpu_s()
        leader.join()
        time.sleep(QUIET_S)  # the leader comes first: only it can ask for a rebalance without a change
        for member in members:
            if member is not leader:
                member.join()
        for member in members:
            member.joined()
        assert len({member.generation_id for member in members}) == 1
        synchronize(members, next(member for member in members if member.is_leader))
        elapsed = broker.cpu_s() - before_s
        members[0].client.delete_topic(topic)
    return [elapsed]


class Member:
    def __init__(self, client: Client, group: str, topic: str) -> None:
        self.client = client
        self.group = group
        self.topic = topic
        self.member_id = ""
        self.generation_id = -1
        self.members: Sequence[str] = ()  # as the leader is told
        self.is_waiting = False

    @property
    def is_leader(self) -> bool:
        return bool(self.members)

    def join(self) -> None:
        protocol = JoinGroupRequest.JoinGroupRequestProtocol(name="range", metadata=subscription(self.topic))
        request = JoinGroupRequest(
            group_id=self.group,
            session_timeout_ms=MEMBER_TIMEOUT_MS,
            rebalance_timeout_ms=MEMBER_TIMEOUT_MS,
            member_id=self.member_id,
            protocol_type="consumer",
            protocols=[protocol],
        )
        self.client.send(request, JOIN_VERSION)
        self.is_waiting = True

    def joined(self) -> None:
        """Take the answer; the first one only gives a member id, with which to ask again (KIP-394)."""
        response = self.client.answer(JOIN_VERSION, JoinGroupResponse)
        self.is_waiting = False
        self.member_id = response.member_id
        if response.error_code == ErrorCode.MEMBER_ID_REQUIRED:
            self.join()
            return
        check([response.error_code])
        self.generation_id = response.generation_id
        self.members = [each.member_id for each in response.members]


def gather(members: Sequence[Member]) -> Member:
    """Have all of them in one generation; returns its leader.

    Whoever is answered early, without the others, joins again once nothing more comes.
    """
    for member in members:
        member.join()
    deadline = time.perf_counter() + TIMEOUT_S
    while True:
        waiting = {member.client.socket: member for member in members if member.is_waiting}
        readable = select.select(list(waiting), [], [], QUIET_S)[0] if waiting else []
        for connection in readable:
            waiting[connection].joined()
        leader = max(members, key=lambda member: (member.generation_id, len(member.members)))
        if len(leader.members) == len(members) and not any(member.is_waiting for member in members):
            return leader
        assert time.perf_counter() < deadline, "the group does not come together"
        if not readable:
            for member in members:
                if not member.is_waiting:
                    member.join()


def synchronize(members: Sequence[Member], leader: Member) -> None:
    assigned = [
        SyncGroupRequest.SyncGroupRequestAssignment(member_id=member_id, assignment=b"x" * 100)
        for member_id in leader.members
    ]
    for member in members:
        request = SyncGroupRequest(
            group_id=member.group,
            generation_id=member.generation_id,
            member_id=member.member_id,
            assignments=assigned if member is leader else (),
        )
        member.client.send(request, SYNC_VERSION)
    for member in members:
        check([member.client.answer(SYNC_VERSION, SyncGroupResponse).error_code])


def subscription(topic: str) -> bytes:
    """A consumer's metadata, version 0."""
    return b"\0\0" + (1).to_bytes(4) + len(topic).to_bytes(2) + topic.encode() + b"\xff\xff\xff\xff"


def await_coordinators(client: Client, groups: Sequence[str]) -> None:
    """Until each group's is there: with the first group, `__consumer_offsets` is created."""
    deadline = time.perf_counter() + TIMEOUT_S
    for group in groups:
        request = HeartbeatRequest(group_id=group, generation_id=0, member_id="nobody")
        while True:
            client.ask(FindCoordinatorRequest(key=group), FIND_VERSION, FindCoordinatorResponse)
            code = client.ask(request, BEAT_VERSION, HeartbeatResponse).error_code
            if code == ErrorCode.UNKNOWN_MEMBER_ID:
                break
            assert time.perf_counter() < deadline, f"the coordinator of {group} answers {code}"
            time.sleep(0.05)


# --- a group of the new protocol


def measure_consumer_group(broker: Broker, effort: Effort) -> list[float]:
    """Heartbeats of all members, from the first one's first until each has its part."""
    topic = group = f"consumer-{time.time_ns()}"
    members, partitions = int(MEMBERS * effort.scale), int(PARTITIONS * effort.scale)
    with Client(broker) as client:
        client.create_topic(topic, partitions)
        await_coordinators(client, [group])
        before_s = broker.cpu_s()
        settle(client, group, topic, [f"member-{index}" for index in range(members)], partitions)
        elapsed = broker.cpu_s() - before_s
        client.delete_topic(topic)
    return [elapsed]


def settle(client: Client, group: str, topic: str, members: Sequence[str], partitions: int) -> None:
    epochs = dict.fromkeys(members, 0)
    owned: dict[str, list[HeartbeatPartitions]] = {member_id: [] for member_id in members}
    deadline = time.perf_counter() + TIMEOUT_S
    rounds = 0
    while rounds < 3 or sum(len(each.partitions) for parts in owned.values() for each in parts) < partitions:
        for member_id, epoch in epochs.items():
            request = ConsumerGroupHeartbeatRequest(
                group_id=group,
                member_id=member_id,
                member_epoch=epoch,
                rebalance_timeout_ms=MEMBER_TIMEOUT_MS,
                subscribed_topic_names=[topic],
                topic_partitions=owned[member_id],
            )
            told = client.ask(request, HEARTBEAT_VERSION, ConsumerGroupHeartbeatResponse)
            check([told.error_code])
            epochs[member_id] = told.member_epoch
            if told.assignment is not None:
                owned[member_id] = [
                    HeartbeatPartitions(topic_id=each.topic_id, partitions=each.partitions)
                    for each in told.assignment.topic_partitions
                ]
        rounds += 1
        assert time.perf_counter() < deadline, "the group does not settle"
        time.sleep(ASSIGNMENT_INTERVAL_S)


# --- many groups at a restart


def measure_load(broker: Broker, effort: Effort) -> list[float]:
    """From the start of the process until all groups are listed."""
    broker.start()
    groups = [f"group-{index}" for index in range(int(GROUPS * effort.scale))]
    with connected(broker, CONNECTIONS) as clients:
        clients[0].create_topic("t", OFFSETS_EACH)
        await_coordinators(clients[0], groups[:SAMPLE])
        for start in range(0, len(groups), CONNECTIONS):  # a broker may take its time for each, but not for all
            busy = list(zip(clients, groups[start : start + CONNECTIONS], strict=False))
            for client, group in busy:
                client.send(offset_commit(group, "t", OFFSETS_EACH), COMMIT_VERSION)
            for client, _ in busy:
                response = client.answer(COMMIT_VERSION, OffsetCommitResponse)
                check(each.error_code for topic in response.topics for each in topic.partitions)
    broker.kill()
    begin = time.perf_counter()
    broker.start()
    with Client(broker) as client:
        while (found := groups_listed(client)) < len(groups):
            assert time.perf_counter() - begin < TIMEOUT_S, f"{found} groups"
            time.sleep(0.01)
    return [time.perf_counter() - begin]


def groups_listed(client: Client) -> int:
    response = client.ask(ListGroupsRequest(), LIST_VERSION, ListGroupsResponse)
    return 0 if response.error_code else len(response.groups)


@contextlib.contextmanager
def connected(broker: Broker, count: int) -> Iterator[list[Client]]:
    allow_open_files(2 * count + 100)
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(Client(broker)) for _ in range(count)]


# --- groups that commit


def measure_commits(broker: Broker, effort: Effort) -> list[float]:
    topic = f"commits-{time.time_ns()}"
    with Client(broker) as client:
        client.create_topic(topic)
        groups = [f"{topic}-{index}" for index in range(COMMITTING_GROUPS)]
        await_coordinators(client, groups)
        idle_ms = p99_over(client, topic, effort.seconds)
        with committing(broker, groups, topic, COMMITS_PER_S) as commits:
            before, begin = commits.count, time.perf_counter()
            busy_ms = p99_over(client, topic, effort.seconds)
            rate = (commits.count - before) / (time.perf_counter() - begin)
        client.delete_topic(topic)
    return [busy_ms / idle_ms, busy_ms, rate]


def p99_over(client: Client, topic: str, seconds: float) -> float:
    end = time.perf_counter() + seconds
    return p99_ms(latencies_s(client, topic, lambda: time.perf_counter() > end))


BENCHMARKS = [
    Benchmark(
        [Row("group-classic", "classic group of 200 rebalances, broker CPU", "s", "less", limit=2)],
        measure_classic,
        max_rounds=3,
    ),
    Benchmark(
        [Row("group-consumer", "consumer group of 200 settles on 1,000 partitions, broker CPU", "s", "less", limit=2)],
        measure_consumer_group,
        max_rounds=2,
    ),
    Benchmark(
        [Row("group-load", "10,000 groups with 10 offsets each, there again after kill -9", "s", "less", limit=5)],
        measure_load,
        starts_broker=True,
        max_rounds=1,
    ),
    Benchmark(
        [
            Row(
                "commits-effect",
                "100 groups commit 100 times/s: p99 of Produce to that before",
                "x",
                "less",
                limit=2,
                shortfall=SHORTFALL,
            ),
            Row("commits-p99", "p99 of Produce 1 x 100 B meanwhile", "ms", "less"),
            Row("commits", "what they get committed", "commits/s", "more"),
        ],
        measure_commits,
        max_rounds=3,
    ),
]
