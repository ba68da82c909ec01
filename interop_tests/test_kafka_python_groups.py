"""kafka-python 3: consumer groups as members come, go, stay silent and come back."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator

import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient, NewTopic
from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor
from kafka.coordinator.assignors.range import RangePartitionAssignor
from kafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from kafka.errors import CommitFailedError, FencedInstanceIdError
from kafka.structs import OffsetAndMetadata

from interop_tests.harness import Broker, wait_until

PARTITIONS = 6
# kafka-python 3.0 forgets that it joined a group, and never sends a heartbeat, when the broker's answer arrives in the
# very moment that its poll gives up. So this is no divisor of the heartbeats' interval; and on a busy machine, where
# the moment is longer, a group that never settles gets a second chance.
POLL_MS = 500
pytestmark = pytest.mark.flaky(reruns=1, only_rerun="not within")


class Member:
    """A consumer that polls in a thread of its own until told to leave."""

    def __init__(self, broker: Broker, topic: str, group: str, **config: object) -> None:
        settings = {
            "bootstrap_servers": broker.address,
            "group_id": group,
            "auto_offset_reset": "earliest",
            "heartbeat_interval_ms": 370,
            "auto_commit_interval_ms": 500,
            "session_timeout_ms": 10_000,
        } | config
        self.received: list[bytes] = []
        self.assigned: set[int] = set()
        self.generation = -1
        self.failure: BaseException | None = None
        self._consumer = KafkaConsumer(topic, **settings)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                for records in self._consumer.poll(POLL_MS).values():
                    self.received += [record.value for record in records]
                self.assigned = {p.partition for p in self._consumer.assignment()}
                self.generation = self._consumer.group_metadata().generation_id
            self._consumer.close()
        except BaseException as failure:
            self.failure = failure

    def stop(self) -> None:
        self._stop.set()

    def leave(self) -> None:
        self.stop()
        self._thread.join(20)
        assert not self._thread.is_alive()
        if self.failure is not None:
            raise self.failure


@pytest.fixture
def admin(broker: Broker) -> Iterator[KafkaAdminClient]:
    with KafkaAdminClient(bootstrap_servers=broker.address) as client:
        yield client


@pytest.fixture
def topic(admin: KafkaAdminClient, name: str) -> str:
    admin.create_topics([NewTopic(name, PARTITIONS, 1)])
    return name


@pytest.fixture
def join(broker: Broker, topic: str) -> Iterator[Callable[..., Member]]:
    members: list[Member] = []

    def join_group(group: str = topic, **config: object) -> Member:
        members.append(Member(broker, topic, group, **config))
        return members[-1]

    yield join_group
    for member in members:
        member.stop()
    for member in members:
        member.leave()


def wait_balanced(*members: Member) -> None:
    """Until the members share all partitions evenly, each partition once, in one generation."""

    def is_balanced() -> bool:
        for member in members:
            if member.failure is not None:
                raise member.failure
        sizes = [len(member.assigned) for member in members]
        together = Counter(index for member in members for index in member.assigned)
        return (
            set(together) == set(range(PARTITIONS))
            and set(together.values()) == {1}
            and max(sizes) - min(sizes) <= 1
            and len({member.generation for member in members}) == 1
        )

    wait_until(is_balanced, timeout_s=30, what=lambda: f"balance: {[(m.assigned, m.generation) for m in members]}")


def send(broker: Broker, topic: str, values: range) -> None:
    with KafkaProducer(bootstrap_servers=broker.address) as producer:
        for i in values:
            producer.send(topic, b"%d" % i, partition=i % PARTITIONS)


@pytest.mark.parametrize("count", [1, 2, 5])
@pytest.mark.parametrize("assignor", [RangePartitionAssignor, RoundRobinPartitionAssignor, CooperativeStickyAssignor])
def test_a_group_shares_the_partitions_and_reads_each_record_once(
    broker: Broker, topic: str, join: Callable[..., Member], count: int, assignor: type
) -> None:
    members = [join(partition_assignment_strategy=(assignor,)) for _ in range(count)]
    wait_balanced(*members)
    send(broker, topic, range(300))

    wait_until(lambda: sum(len(m.received) for m in members) >= 300)

    assert sorted(range(300)) == sorted(int(value) for m in members for value in m.received)


@pytest.mark.parametrize("assignor", [RangePartitionAssignor, CooperativeStickyAssignor])
def test_members_that_come_and_go_lose_no_record(
    broker: Broker, topic: str, join: Callable[..., Member], assignor: type
) -> None:
    first = join(partition_assignment_strategy=(assignor,))
    wait_balanced(first)
    send(broker, topic, range(100))
    second, third = (join(partition_assignment_strategy=(assignor,)) for _ in range(2))
    wait_balanced(first, second, third)
    send(broker, topic, range(100, 200))
    first.leave()
    wait_balanced(second, third)
    send(broker, topic, range(200, 300))

    members = (first, second, third)
    wait_until(lambda: {int(value) for m in members for value in m.received} == set(range(300)))


def test_the_partitions_of_a_silent_member_go_to_the_others(join: Callable[..., Member]) -> None:
    """The silent one's heartbeats end with its process; here, because it says it sends them rarely."""
    alive = join()
    silent = join(session_timeout_ms=6000, heartbeat_interval_ms=5999, max_poll_interval_ms=6000)
    wait_balanced(alive, silent)
    silent._consumer.poll = lambda _: threading.Event().wait(0.1) or {}  # keeps its connection, never polls again

    wait_until(lambda: len(alive.assigned) == PARTITIONS, timeout_s=30)


def test_a_static_member_that_returns_in_time_gets_its_partitions_back_without_a_rebalance(
    join: Callable[..., Member],
) -> None:
    stays = join(group_instance_id="stays", session_timeout_ms=20_000)
    leaves = join(group_instance_id="leaves", session_timeout_ms=20_000)
    wait_balanced(stays, leaves)
    generation, had = stays.generation, leaves.assigned
    leaves.leave()

    returned = join(group_instance_id="leaves", session_timeout_ms=20_000)
    wait_until(lambda: returned.assigned)

    assert had == returned.assigned
    assert (generation, generation) == (stays.generation, returned.generation)


def test_of_two_static_members_with_one_name_the_older_is_fenced(join: Callable[..., Member]) -> None:
    older = join(group_instance_id="twin")
    wait_balanced(older)
    newer = join(group_instance_id="twin")
    wait_balanced(newer)

    wait_until(lambda: older.failure is not None)
    with pytest.raises(FencedInstanceIdError):
        older.leave()
    older.failure = None


def test_a_commit_carries_metadata_and_is_seen_by_others(broker: Broker, topic: str, admin: KafkaAdminClient) -> None:
    partition = TopicPartition(topic, 2)
    with KafkaConsumer(bootstrap_servers=broker.address, group_id=topic, enable_auto_commit=False) as reader:
        reader.assign([partition])
        reader.commit({partition: OffsetAndMetadata(7, "as far as seven", -1)})

        assert 7 == reader.committed(partition)
        assert None is reader.committed(TopicPartition(topic, 3))
    stored = admin.list_group_offsets([topic])[topic]
    assert {partition: OffsetAndMetadata(7, "as far as seven", -1)} == stored


def test_a_group_goes_on_where_it_committed(broker: Broker, topic: str) -> None:
    send(broker, topic, range(60))
    config = {"group_id": topic, "auto_offset_reset": "earliest", "enable_auto_commit": False}
    with KafkaConsumer(topic, bootstrap_servers=broker.address, max_poll_records=25, **config) as reader:
        first = [record.value for _, record in zip(range(25), reader, strict=False)]
        reader.commit()
    with KafkaConsumer(topic, bootstrap_servers=broker.address, **config) as reader:
        rest = [record.value for _, record in zip(range(35), reader, strict=False)]

    assert list(range(60)) == sorted(int(value) for value in first + rest)


def test_a_member_that_lost_its_place_cannot_commit(broker: Broker, topic: str, join: Callable[..., Member]) -> None:
    config = {"max_poll_interval_ms": 1000, "session_timeout_ms": 6000, "heartbeat_interval_ms": 300}
    with KafkaConsumer(
        topic, bootstrap_servers=broker.address, group_id=topic, enable_auto_commit=False, **config
    ) as late:
        wait_until(lambda: late.poll(2_000) is not None and late.assignment())
        other = join()
        wait_until(lambda: len(other.assigned) == PARTITIONS)

        with pytest.raises(CommitFailedError):
            late.commit({TopicPartition(topic, 0): OffsetAndMetadata(1, "", -1)})


def test_groups_are_back_after_a_restart(start_broker: Callable[..., Broker], name: str) -> None:
    broker = start_broker(num_partitions=PARTITIONS)
    members = [Member(broker, name, name, allow_auto_create_topics=True) for _ in range(2)]
    wait_balanced(*members)
    send(broker, name, range(60))
    wait_until(lambda: sum(len(m.received) for m in members) == 60)

    broker.terminate()
    broker.start()
    send(broker, name, range(60, 120))

    wait_until(lambda: sum(len(m.received) for m in members) >= 120, timeout_s=30)
    wait_balanced(*members)
    for member in members:
        member.leave()
    with KafkaAdminClient(bootstrap_servers=broker.address) as admin:
        stored = admin.list_group_offsets([name])[name]
    assert {TopicPartition(name, p): 20 for p in range(PARTITIONS)} == {p: o.offset for p, o in stored.items()}
