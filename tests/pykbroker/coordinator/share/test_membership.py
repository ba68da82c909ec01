"""Members of a share group, by the clock: when assignments are made, and what a log that is replayed gives."""

from __future__ import annotations

from typing import Any

import pytest

from pykbroker.coordinator.groups.config import GroupConfig
from pykbroker.coordinator.groups.history import Kind
from pykbroker.coordinator.groups.shard import GroupShard
from pykbroker.coordinator.share import membership
from pykbroker.coordinator.share.config import ShareGroupConfig
from pykbroker.coordinator.share.group import ShareGroup
from pykbroker.coordinator.share.membership import Caller, Heartbeat
from pykbroker.errors import BrokerError
from pykbroker.metadata.image import MetadataImage, PartitionImage, TopicImage
from wire.api.share_group_heartbeat import ShareGroupHeartbeatRequest
from wire.errors import ErrorCode

TOPIC_ID = b"t" * 16
CONFIG = ShareGroupConfig(assignment_interval_ms=1_000)
IMAGE = MetadataImage(1, "c", 1).with_topics(
    [TopicImage("t", TOPIC_ID, tuple(PartitionImage(index, 1, 0, (1,), (1,)) for index in range(2)))]
)


class Members:
    """Of group "g", whose partitions are initialized."""

    def __init__(self) -> None:
        self.log: list[tuple[Any, Any]] = []
        self.shard = self.replayed()
        self.now_ms = 10_000
        self.heartbeat("a")
        self.do(membership.initialized(self.shard, "g", {TOPIC_ID: (0, 1)}, IMAGE, self.now_ms))

    def replayed(self) -> GroupShard:
        shard = GroupShard(GroupConfig())
        for offset, (key, value) in enumerate(self.log):
            shard.replay(key, value, record_offset=offset)
        shard.finish_loading()
        return shard

    def do(self, decision: Any) -> Any:
        for key, value in decision.records:
            self.log.append((key, value))
            self.shard.replay(key, value, record_offset=len(self.log))
        if decision.committed is not None:
            decision.committed(self.now_ms)
        return decision.response

    def heartbeat(self, member_id: str, epoch: int = 0) -> Heartbeat:
        request = ShareGroupHeartbeatRequest(
            group_id="g",
            member_id=member_id,
            member_epoch=epoch,
            subscribed_topic_names=None if epoch else ["t"],
        )
        caller = Caller("client", "/127.0.0.1")
        decision = membership.heartbeat(self.shard, request, caller, image=IMAGE, config=CONFIG, now_ms=self.now_ms)
        told: Heartbeat = self.do(decision)
        return told

    @property
    def group(self) -> ShareGroup:
        return self.shard.share_groups["g"]


def read_by(members: Members, member_id: str) -> tuple[int, ...]:
    return tuple(members.group.members[member_id].assigned.get(TOPIC_ID, ()))


def test_partitions_that_were_never_read_are_to_be_initialized_first() -> None:
    members = Members()
    members.log.clear()
    members.shard = members.replayed()

    told = members.heartbeat("a")

    assert {TOPIC_ID: (0, 1)} == told.to_initialize
    assert told.group_epoch == members.group.epoch
    assert () == read_by(members, "a")


def test_assignments_are_not_made_more_often_than_may_be() -> None:
    """group.share.assignment.interval.ms: as in Kafka, who comes too soon is told by a later heartbeat."""
    members = Members()
    members.heartbeat("a")
    assert (0, 1) == read_by(members, "a")

    epoch = members.heartbeat("b").response.member_epoch
    members.now_ms += 999
    members.heartbeat("b", epoch)
    assert () == read_by(members, "b")
    members.now_ms += 1
    members.heartbeat("b", epoch)

    assert (1,) == read_by(members, "b")
    assert (0, 1) == read_by(members, "a"), "until it asks"


def test_a_clock_that_is_set_back_does_not_hold_up_assignments() -> None:
    members = Members()
    members.heartbeat("a")

    members.now_ms -= 5_000
    members.heartbeat("b")

    assert (1,) == read_by(members, "b")


def test_the_epoch_before_is_still_good() -> None:
    """The answer may have been lost."""
    members = Members()
    first = members.heartbeat("a").response.member_epoch
    members.now_ms += 1_000
    members.heartbeat("b")
    members.heartbeat("a", first)
    assert members.group.members["a"].epoch > first

    members.heartbeat("a", first)
    with pytest.raises(BrokerError) as refused:
        members.heartbeat("a", first - 1)

    assert ErrorCode.FENCED_MEMBER_EPOCH == refused.value.code


def test_members_leave_when_their_time_is_over() -> None:
    members = Members()
    members.heartbeat("a")
    members.now_ms += 20_000
    members.heartbeat("b")

    for decision in members.shard.timers.due(10_000 + CONFIG.session_timeout_ms):
        members.do(decision)

    assert ["b"] == list(members.group.members)


def test_replaying_the_log_gives_the_group() -> None:
    members = Members()
    members.heartbeat("a")
    members.now_ms += 1_000
    members.heartbeat("b")

    again = members.replayed().share_groups["g"]

    group = members.group
    assert (group.members, group.target, group.initialized) == (again.members, again.target, again.initialized)
    assert (group.epoch, group.assignment_epoch, group.assigned_at_ms) == (
        again.epoch,
        again.assignment_epoch,
        again.assigned_at_ms,
    )


def test_a_group_without_records_is_not_there() -> None:
    members = Members()
    for key in {type(key): key for key, _ in members.log}.values():
        members.shard.replay(key, None, record_offset=0)

    assert {} == members.shard.share_groups


def happened(members: Members, kind: Kind) -> list[tuple[str, str]]:
    return [(each.member_id, each.text) for each in members.shard.histories.of("g") if each.kind is kind]


def test_the_history_tells_who_came_and_what_it_was_given() -> None:
    members = Members()
    members.heartbeat("a")

    assert [("a", "joined, reads t")] == happened(members, Kind.JOINED)
    assert [
        ("", "epoch 2 begins: a joined, reads t"),
        ("", "epoch 3 begins: 2 partitions are to be read for the first time"),
    ] == happened(members, Kind.GENERATION)
    (assigned,) = [each for each in members.shard.histories.of("g") if each.kind is Kind.ASSIGNED]
    assert (("t", 0, "", "a"), ("t", 1, "", "a")) == assigned.moves


def test_the_history_tells_who_was_not_heard_of_and_who_left() -> None:
    members = Members()
    members.heartbeat("a")
    members.now_ms += CONFIG.session_timeout_ms + 5
    for decision in members.shard.timers.due(members.now_ms):
        members.do(decision)

    timeout_ms = CONFIG.session_timeout_ms
    assert [("a", f"not heard of for {timeout_ms + 5} ms; its session timeout is {timeout_ms} ms")] == happened(
        members, Kind.TIMED_OUT
    )

    members.heartbeat("b")
    members.heartbeat("b", -1)
    assert [("b", "left")] == happened(members, Kind.LEFT)


def test_the_history_tells_what_went_from_whom_to_whom() -> None:
    members = Members()
    members.heartbeat("a")
    members.now_ms += CONFIG.assignment_interval_ms
    members.heartbeat("b")

    assigned = [each for each in members.shard.histories.of("g") if each.kind is Kind.ASSIGNED][-1]
    assert (("t", 1, "a", "b"),) == assigned.moves
