"""A member's life: joining, being given and giving up tasks, leaving, being fenced: what Kafka 4.3 answers."""

from __future__ import annotations

from typing import Any

import pytest

from pykbroker.coordinator.groups.config import GroupConfig
from pykbroker.coordinator.groups.consumer.config import Bounded
from pykbroker.coordinator.groups.history import Kind
from pykbroker.coordinator.groups.streams.config import StreamsGroupDefaults
from pykbroker.coordinator.groups.streams.configuring import StatusCode
from pykbroker.coordinator.groups.streams.describing import described
from pykbroker.coordinator.groups.streams.group import StreamsGroupState
from pykbroker.coordinator.groups.streams.testing import (
    SESSION_MS,
    WORD_COUNT,
    OneStreamsShard,
    active,
    standby,
    statuses,
    subtopology,
    topic,
    topology,
    with_standbys,
)
from pykbroker.coordinator.groups.testing import REBALANCE_MS
from pykbroker.errors import BrokerError
from wire.api.streams_group_heartbeat import KeyValue, StreamsGroupHeartbeatRequest, TaskOffset
from wire.errors import ErrorCode

ALL = {"0": [0, 1, 2, 3], "1": [0, 1, 2, 3]}

Endpoint = StreamsGroupHeartbeatRequest.Endpoint


@pytest.fixture
def it() -> OneStreamsShard:
    return OneStreamsShard()


def test_the_first_member_brings_the_topology_and_has_its_internal_topics_made(it: OneStreamsShard) -> None:
    told = it.beat("a")

    assert (told.member_id, told.member_epoch, told.heartbeat_interval_ms) == ("a", 2, 5_000)
    assert (active(told), standby(told)) == ({}, {})
    assert statuses(told) == [StatusCode.MISSING_INTERNAL_TOPICS]
    assert told.status is not None
    assert "Internal topics are missing: words, counts" == told.status[0].status_detail
    assert {name: len(each.partitions) for name, each in it.image.topics.items()} == {"t": 4, "words": 4, "counts": 4}
    assert it.group().state is StreamsGroupState.NOT_READY


def test_with_the_topics_there_it_gets_all_tasks(it: OneStreamsShard) -> None:
    it.ready("a")

    told = it.beat("a", 2)

    assert (told.member_epoch, active(told), statuses(told)) == (3, ALL, [])
    assert it.group().state is StreamsGroupState.STABLE
    assert active(it.beat("a", 3, has=ALL)) is None, "it has been told"


def test_a_task_goes_to_another_only_once_it_was_given_up(it: OneStreamsShard) -> None:
    it.ready("a")
    it.beat("a", 2)
    assert active(it.beat("b")) == {}

    told = it.beat("a", 3, has=ALL)
    kept = active(told)
    assert kept is not None
    assert (told.member_epoch, sum(map(len, kept.values()))) == (3, 4), "it has first to give up"
    assert active(it.beat("b", 4)) is None

    assert it.beat("a", 3, has=kept).member_epoch == 4
    got = active(it.beat("b", 4))
    assert got is not None
    assert {key: sorted([*kept.get(key, []), *got.get(key, [])]) for key in ALL} == ALL
    assert it.group().state is StreamsGroupState.STABLE


def test_members_of_a_new_group_are_waited_for() -> None:
    streams = StreamsGroupDefaults(assignment_interval=Bounded(0, 0, 15_000))
    it = OneStreamsShard(GroupConfig(streams=streams))
    it.set_topics(words=4, counts=4)
    told = it.beat("a")
    assert (told.member_epoch, active(told), statuses(told)) == (1, {}, [StatusCode.ASSIGNMENT_DELAYED])
    it.beat("b")
    it.pass_time(2_999)
    assert it.beat("a", 1).member_epoch == 1

    it.pass_time(1)

    assert [{"0": [0, 2], "1": [0, 2]}, {"0": [1, 3], "1": [1, 3]}] == [active(it.beat(each, 1)) for each in "ab"]


def test_the_target_waits_for_the_assignment_interval() -> None:
    streams = StreamsGroupDefaults(initial_rebalance_delay=Bounded(0, 0, 15_000))
    it = OneStreamsShard(GroupConfig(streams=streams))
    it.set_topics(words=4, counts=4)
    assert active(it.beat("a")) == ALL

    told = it.beat("b")

    assert (told.member_epoch, statuses(told)) == (2, [StatusCode.ASSIGNMENT_DELAYED])
    it.pass_time(1_000)
    assert it.beat("b", 2).member_epoch == 3


def test_standbys_are_in_other_processes(it: OneStreamsShard) -> None:
    it = OneStreamsShard(with_standbys(1))
    it.ready("a", "b")

    for _ in range(3):
        for member_id in ("a", "b"):
            member = it.group().members[member_id]
            has = {key: [t.partition for t in member.assigned.active if t.subtopology_id == key] for key in ALL}
            spare = {"1": [t.partition for t in member.assigned.standby]}
            it.beat(member_id, member.epoch, has=has, standby=spare)

    one, other = (it.group().members[member_id].assigned for member_id in "ab")
    stateful = {task for task in one.active | other.active if task.subtopology_id == "1"}
    assert one.standby == stateful & other.active
    assert other.standby == stateful & one.active
    assert it.group().state is StreamsGroupState.STABLE


def test_a_standby_becomes_active_only_once_it_is_given_up_as_such(it: OneStreamsShard) -> None:
    """The process has one directory for both."""
    it = OneStreamsShard(with_standbys(1))
    it.set_topics(words=4, counts=4)
    it.beat("a")
    it.beat("b")
    for _ in range(4):
        for member_id in ("a", "b"):
            member = it.group().members[member_id]
            tasks = [
                {key: [t.partition for t in kind if t.subtopology_id == key] for key in ALL}
                for kind in (member.assigned.active, member.assigned.standby)
            ]
            it.beat(member_id, member.epoch, has=tasks[0], standby=tasks[1])
    before = it.group().members["b"].assigned
    it.beat("a", -1)

    told = it.beat("b", it.group().members["b"].epoch)

    assert standby(told) == {}
    assert it.group().members["b"].revoking.standby == before.standby
    assert it.group().members["b"].assigned.active == before.active
    kept = {key: [t.partition for t in before.active if t.subtopology_id == key] for key in ALL}
    epoch = it.group().members["b"].epoch
    it.beat("b", epoch, has=kept, standby={})
    assert active(it.beat("b", it.group().members["b"].epoch, has=kept, standby={})) == ALL


def test_who_is_not_heard_of_is_removed_and_its_tasks_go_to_others(it: OneStreamsShard) -> None:
    it.ready("a", "b")
    it.beat("a", 2)
    it.beat("b", 3)
    it.pass_time(SESSION_MS - 1)
    it.beat("b", it.group().members["b"].epoch)

    it.pass_time(1)

    assert list(it.group().members) == ["b"]
    assert it.refusal("a", 3) == ErrorCode.UNKNOWN_MEMBER_ID
    assert active(it.beat("b", it.group().members["b"].epoch)) == ALL
    told = [(event.kind, event.text) for event in it.shard.histories.of("g")]
    assert (Kind.TIMED_OUT, "not heard of for 45000 ms; its session timeout is 45000 ms") in told
    assert (Kind.ASSIGNED, "epoch 4 is assigned: 4 active tasks to move") in told
    assert (Kind.STABLE, "all members are in epoch 4, and have what they should") == told[-1]


def test_who_does_not_give_up_what_it_should_is_removed(it: OneStreamsShard) -> None:
    it.ready("a")
    it.beat("a", 2)
    it.beat("b")
    it.beat("a", 3, has=ALL)

    for _ in range(3):
        it.pass_time(REBALANCE_MS // 3 + 1)
        if "a" in it.group().members:
            it.beat("a", 3, has=ALL)

    assert list(it.group().members) == ["b"]


def test_the_epoch_before_is_taken_from_whom_the_answer_did_not_reach(it: OneStreamsShard) -> None:
    it.ready("a")
    it.beat("a", 2)

    assert it.refusal("a", 2) == ErrorCode.FENCED_MEMBER_EPOCH, "it does not say what it has"
    assert it.refusal("a", 2, has={}) == ErrorCode.NONE
    assert it.refusal("a", 4) == ErrorCode.FENCED_MEMBER_EPOCH
    assert it.refusal("a", 1, has={}) == ErrorCode.FENCED_MEMBER_EPOCH


def test_a_restart_changes_nothing(it: OneStreamsShard) -> None:
    it.ready("a", "b")
    it.beat("a", 2)
    it.beat("b", 3)
    before = persistent(it)

    it.restart()

    assert before == persistent(it)
    written = len(it.log)
    it.beat("a", it.group().members["a"].epoch)
    assert len(it.log) == written, "nor does the first heartbeat after it"


def persistent(it: OneStreamsShard) -> dict[str, Any]:
    return {name: value for name, value in vars(it.group()).items() if name not in ("_configured", "last_targets")}


def test_missing_source_topics_are_told_and_waited_for(it: OneStreamsShard) -> None:
    asked = topology(subtopology("0", "t", "later", "never"))
    told = it.beat("a", topology=asked)
    assert told.status is not None
    assert (StatusCode.MISSING_SOURCE_TOPICS, "Source topics later, never are missing.") == (
        told.status[0].status_code, told.status[0].status_detail,
    )  # fmt: skip
    assert it.group().state is StreamsGroupState.NOT_READY

    it.set_topics(later=6, never=1)

    assert active(it.beat("a", 2)) == {"0": [0, 1, 2, 3, 4, 5]}


def test_partitions_that_are_added_become_tasks(it: OneStreamsShard) -> None:
    asked = topology(subtopology("0", "t"))
    assert active(it.beat("a", topology=asked)) == {"0": [0, 1, 2, 3]}

    it.set_topics(t=5)

    assert active(it.beat("a", 2)) == {"0": [0, 1, 2, 3, 4]}


def test_a_topology_does_not_change(it: OneStreamsShard) -> None:
    it.ready("a")
    another = topology(subtopology("0", "t"))

    assert it.refusal("b", topology=another) == ErrorCode.INVALID_REQUEST
    assert it.refusal("b", topology=topology(*reversed(WORD_COUNT.subtopologies))) == ErrorCode.NONE


def test_a_member_of_an_older_topology_is_told_so(it: OneStreamsShard) -> None:
    newer = topology(*WORD_COUNT.subtopologies, epoch=2)
    it.beat("a", topology=newer)

    assert statuses(it.beat("b", topology=topology(subtopology("0", "t"), epoch=1))) == [StatusCode.STALE_TOPOLOGY]


def test_a_shutdown_is_told_to_all_until_the_last_has_left(it: OneStreamsShard) -> None:
    it.ready("a", "b")
    it.beat("a", 2, shutdown=True)

    assert StatusCode.SHUTDOWN_APPLICATION in statuses(it.beat("b", 3))
    it.beat("a", -1)
    assert StatusCode.SHUTDOWN_APPLICATION in statuses(it.beat("b", 3))
    it.beat("b", -1)
    assert StatusCode.SHUTDOWN_APPLICATION not in statuses(it.beat("c"))


def test_endpoints_are_told_when_they_have_changed(it: OneStreamsShard) -> None:
    it.set_topics(words=4, counts=4)
    it.beat("a", user_endpoint=Endpoint(host="h", port=1))
    told = it.beat("b", user_endpoint=Endpoint(host="h", port=2))
    assert told.endpoint_information_epoch == 1

    found = told.partitions_by_user_endpoint

    assert found is not None
    assert [
        (each.user_endpoint.port, [(p.topic, list(p.partitions)) for p in each.active_partitions]) for each in found
    ] == [
        (1, [("t", [0, 1, 2, 3]), ("words", [0, 1, 2, 3])]),
        (2, []),
    ]
    assert it.beat("b", told.member_epoch, endpoint_epoch=1).partitions_by_user_endpoint is None


def test_more_standbys_begin_a_new_epoch(it: OneStreamsShard) -> None:
    it.ready("a", "b")
    it.beat("a", 2)
    epoch = it.group().epoch

    it.image = it.image.with_group_configs({"g": {"streams.num.standby.replicas": "1"}})
    it.beat("a", it.group().members["a"].epoch)

    assert (epoch + 1, {"num.standby.replicas": "1"}) == (it.group().epoch, it.group().assignment_configs)


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ({"member_id": " "}, "MemberId can't be empty."),
        ({"group_id": ""}, "GroupId can't be empty."),
        ({"rack_id": ""}, "RackId can't be empty."),
        ({"instance_id": "i"}, "Static membership is not yet supported."),
        (
            {"task_offsets": [TaskOffset(subtopology_id="0", partition=0, offset=0)]},
            "TaskOffsets are not supported yet.",
        ),
        ({"has": {"0": [0]}}, "ActiveTasks must be empty when (re-)joining."),
        ({"standby": {"0": [0]}}, "StandbyTasks must be empty when (re-)joining."),
        ({"topology": None}, "Topology must be non-null when (re-)joining."),
        ({"epoch": -2}, "InstanceId can't be null."),
        ({"epoch": -3}, "MemberEpoch is -3, but must be greater than or equal to -2."),
    ],
)
def test_an_invalid_request_is_refused_in_kafkas_words(it: OneStreamsShard, how: dict[str, Any], reason: str) -> None:
    with pytest.raises(BrokerError) as refused:
        it.beat(how.pop("member_id", "a"), how.pop("epoch", 0), **how)

    assert (ErrorCode.INVALID_REQUEST, reason) == (refused.value.code, refused.value.message)


def test_a_task_that_is_not_of_the_topology_is_refused(it: OneStreamsShard) -> None:
    it.ready("a")
    it.beat("a", 2)

    assert it.refusal("a", 3, has={"2": [0]}) == ErrorCode.INVALID_REQUEST
    assert it.refusal("a", 3, has={"1": [4]}) == ErrorCode.INVALID_REQUEST


def test_internal_and_impossible_topics_are_refused(it: OneStreamsShard) -> None:
    for asked in (
        topology(subtopology("0", "__consumer_offsets")),
        topology(subtopology("0", "t", sinks=["a b"])),
        topology(subtopology("0", "t", changelogs=[topic("counts", 4)])),
    ):
        assert it.refusal("a", topology=asked) == ErrorCode.STREAMS_INVALID_TOPOLOGY


def test_other_kinds_of_groups_are_told_apart(it: OneStreamsShard) -> None:
    it.stable("classic")
    it.ready("a")

    assert it.refusal("a", group_id="classic") == ErrorCode.GROUP_ID_NOT_FOUND
    assert it.refusal("a", 1, group_id="none") == ErrorCode.GROUP_ID_NOT_FOUND
    assert it.join("g").error_code == ErrorCode.INCONSISTENT_GROUP_PROTOCOL
    assert described(it.shard, "classic").error_code == ErrorCode.GROUP_ID_NOT_FOUND


def test_an_empty_group_may_become_one_of_another_kind(it: OneStreamsShard) -> None:
    it.leave(it.stable("g"))
    it.beat("a")
    assert ("g" in it.shard.groups, "g" in it.shard.streams_groups) == (False, True)

    it.beat("a", -1)
    it.stable("g")

    assert ("g" in it.shard.groups, "g" in it.shard.streams_groups) == (True, False)
    it.restart()
    assert ("g" in it.shard.groups, "g" in it.shard.streams_groups) == (True, False)


def test_no_more_members_than_allowed() -> None:
    it = OneStreamsShard(GroupConfig(streams=StreamsGroupDefaults(max_size=1)))
    it.beat("a")

    assert it.refusal("b") == ErrorCode.GROUP_MAX_SIZE_REACHED


def test_a_description_tells_what_was_decided(it: OneStreamsShard) -> None:
    it.ready("a")
    declared = described(it.shard, "g").topology
    assert declared is not None
    assert declared.subtopologies is not None
    assert [0] == [each.partitions for each in declared.subtopologies[1].state_changelog_topics]
    it.beat("a", 2, client_tags=[KeyValue(key="zone", value="z")])

    group = described(it.shard, "g")

    assert (group.group_state, group.group_epoch, group.assignment_epoch) == ("Stable", 3, 3)
    assert group.topology is not None
    assert group.topology.subtopologies is not None
    assert [4] == [each.partitions for each in group.topology.subtopologies[1].state_changelog_topics]
    (member,) = group.members
    assert [(each.subtopology_id, list(each.partitions)) for each in member.assignment.active_tasks] == list(
        ALL.items()
    )
    assert member.assignment == member.target_assignment
