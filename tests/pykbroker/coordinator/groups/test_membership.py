"""SyncGroup, Heartbeat, LeaveGroup, and the timeouts of members that say nothing."""

from __future__ import annotations

from typing import Any

import pytest

from pykbroker.coordinator.groups.classic import GroupState
from pykbroker.coordinator.groups.config import GroupConfig
from pykbroker.coordinator.groups.history import Kind
from pykbroker.coordinator.groups.testing import REBALANCE_MS, SESSION_MS, OneShard
from pykbroker.errors import BrokerError
from wire.errors import ErrorCode


def two_members(it: OneShard) -> tuple[str, str]:
    """Leader and follower, both told generation 1."""
    waiting: list[Any] = [it.join(version=3) for _ in range(2)]
    it.pass_time(2_000)
    leader_id, follower_id = (each.result().member_id for each in waiting)
    return leader_id, follower_id


@pytest.fixture
def it() -> OneShard:
    return OneShard(GroupConfig(initial_rebalance_delay_ms=1_000))


def test_followers_wait_for_the_leader_who_assigns(it: OneShard) -> None:
    leader_id, follower_id = two_members(it)

    waiting = it.sync(follower_id, 1)
    led = it.sync(leader_id, 1, {leader_id: b"L", follower_id: b"F", "nobody": b"?"})

    assert (b"L", b"F") == (led.assignment, waiting.result().assignment)
    assert ("consumer", "range") == (led.protocol_type, led.protocol_name)
    assert b"F" == it.sync(follower_id, 1).assignment


def test_whom_the_leader_forgets_gets_an_empty_assignment(it: OneShard) -> None:
    leader_id, follower_id = two_members(it)

    it.sync(leader_id, 1, {leader_id: b"L"})

    assert b"" == it.sync(follower_id, 1).assignment


def test_assignments_survive_a_restart(it: OneShard) -> None:
    leader_id, follower_id = two_members(it)
    it.sync(leader_id, 1, {leader_id: b"L", follower_id: b"F"})

    it.restart()

    assert b"F" == it.sync(follower_id, 1).assignment
    assert ErrorCode.NONE == it.heartbeat(leader_id, 1)


def test_assignments_that_could_not_be_stored_are_not_handed_out(it: OneShard) -> None:
    leader_id, follower_id = two_members(it)
    waiting = it.sync(follower_id, 1)
    it.broken = True

    refused = it.sync(leader_id, 1, {follower_id: b"F"})

    assert [ErrorCode.NOT_COORDINATOR] * 2 == [refused.error_code, waiting.result().error_code]
    assert ErrorCode.REBALANCE_IN_PROGRESS == it.heartbeat(leader_id, 1)


@pytest.mark.parametrize(
    ("member", "generation_id", "expected"),
    [("who", 1, ErrorCode.UNKNOWN_MEMBER_ID), (None, 0, ErrorCode.ILLEGAL_GENERATION)],
)
def test_a_sync_of_another_member_or_time_is_refused(
    it: OneShard, member: str | None, generation_id: int, expected: ErrorCode
) -> None:
    leader_id, _ = two_members(it)

    with pytest.raises(BrokerError) as refused:
        it.sync(member or leader_id, generation_id)

    assert expected == refused.value.code


def test_who_waits_to_sync_is_sent_to_join_when_another_comes(it: OneShard) -> None:
    _, follower_id = two_members(it)
    waiting = it.sync(follower_id, 1)

    it.join(version=3)

    assert ErrorCode.REBALANCE_IN_PROGRESS == waiting.result().error_code


def test_who_does_not_sync_in_time_is_out(it: OneShard) -> None:
    leader_id, follower_id = two_members(it)
    it.sync(leader_id, 1, {})

    for _ in range(4):
        it.pass_time(REBALANCE_MS // 4)
        it.heartbeat(leader_id, 1)
        it.heartbeat(follower_id, 1)

    assert ErrorCode.REBALANCE_IN_PROGRESS == it.heartbeat(leader_id, 1)
    assert ErrorCode.UNKNOWN_MEMBER_ID == it.heartbeat(follower_id, 1)


def test_a_session_ends_on_time_and_not_before(it: OneShard) -> None:
    member_id = it.stable()
    it.pass_time(SESSION_MS - 1)
    assert ErrorCode.NONE == it.heartbeat(member_id, 1)
    it.pass_time(SESSION_MS - 1)
    assert GroupState.STABLE is it.shard.groups["g"].state

    it.pass_time(1)

    assert ErrorCode.UNKNOWN_MEMBER_ID == it.heartbeat(member_id, 1)
    assert GroupState.EMPTY is it.shard.groups["g"].state


def test_sessions_begin_anew_with_a_restart(it: OneShard) -> None:
    member_id = it.stable()
    it.pass_time(SESSION_MS - 1)
    it.restart()

    it.pass_time(SESSION_MS - 1)
    assert ErrorCode.NONE == it.heartbeat(member_id, 1)
    it.pass_time(SESSION_MS)

    assert ErrorCode.UNKNOWN_MEMBER_ID == it.heartbeat(member_id, 1)


def test_who_waits_for_our_answer_need_not_heartbeat(it: OneShard) -> None:
    leader_id, follower_id = two_members(it)
    waiting = it.sync(follower_id, 1)

    it.pass_time(SESSION_MS - 1)
    it.heartbeat(leader_id, 1)
    it.pass_time(SESSION_MS - 1)
    it.sync(leader_id, 1, {follower_id: b"F"})

    assert b"F" == waiting.result().assignment


def test_a_commit_keeps_the_session_up(it: OneShard) -> None:
    member_id = it.stable()
    it.pass_time(SESSION_MS - 1)
    assert ErrorCode.NONE == it.commit("t", 0, 1, member_id=member_id, generation_id=1)

    it.pass_time(SESSION_MS - 1)

    assert ErrorCode.NONE == it.heartbeat(member_id, 1)


def test_a_new_member_that_hung_up_is_removed_after_five_minutes() -> None:
    it = OneShard(GroupConfig(initial_rebalance_delay_ms=10 * 60_000))
    waiting = it.join(version=3, rebalance_ms=20 * 60_000)

    it.pass_time(5 * 60_000)

    assert ErrorCode.UNKNOWN_MEMBER_ID == waiting.result().error_code
    assert {} == it.shard.groups["g"].members


def test_the_last_to_leave_leaves_an_empty_group(it: OneShard) -> None:
    member_id = it.stable()

    assert [ErrorCode.NONE] == it.leave(member_id)

    group = it.shard.groups["g"]
    assert (GroupState.EMPTY, 2) == (group.state, group.generation_id)
    assert ErrorCode.UNKNOWN_MEMBER_ID == it.heartbeat(member_id, 1)
    it.restart()
    assert (GroupState.EMPTY, 2) == (it.shard.groups["g"].state, it.shard.groups["g"].generation_id)


def test_each_who_leaves_has_a_result_of_its_own(it: OneShard) -> None:
    leader_id, follower_id = two_members(it)
    it.sync(leader_id, 1, {})

    codes = it.leave(follower_id, "who", it.new_id())

    assert [ErrorCode.NONE, ErrorCode.UNKNOWN_MEMBER_ID, ErrorCode.NONE] == codes
    assert ErrorCode.REBALANCE_IN_PROGRESS == it.heartbeat(leader_id, 1)


def test_an_administrator_removes_a_static_member_by_its_name(it: OneShard) -> None:
    it.join(instance="i")
    it.pass_time(1_000)

    assert [ErrorCode.UNKNOWN_MEMBER_ID] == it.leave("", instance="j")
    assert [ErrorCode.FENCED_INSTANCE_ID] == it.leave("wrong", instance="i")
    assert [ErrorCode.NONE] == it.leave("", instance="i")
    assert {} == it.shard.groups["g"].static_members


def test_a_group_tells_why_it_rebalanced(it: OneShard) -> None:
    member_id = it.stable()
    it.pass_time(SESSION_MS)

    told = it.shard.histories.of("g")

    assert (Kind.TIMED_OUT, member_id) in [(event.kind, event.member_id) for event in told]
    text = f"not heard of for {SESSION_MS} ms; its session timeout is {SESSION_MS} ms"
    assert text in [event.text for event in told]
