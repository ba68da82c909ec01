"""JoinGroup: who is let in, who waits, who leads."""

from __future__ import annotations

from typing import Any

import pytest

from pykbroker.coordinator.decision import Pending
from pykbroker.coordinator.groups.classic import GroupState
from pykbroker.coordinator.groups.config import GroupConfig
from pykbroker.coordinator.groups.testing import NO_DELAY, SESSION_MS, OneShard, subscription
from wire.errors import ErrorCode


def result(pending: Any) -> Any:
    assert isinstance(pending, Pending)
    return pending.result()


def test_a_new_member_is_told_an_id_and_comes_back_with_it() -> None:
    """KIP-394."""
    it = OneShard()

    member_id = it.new_id()
    waiting = it.join("g", member_id)
    it.pass_time(0)

    joined = result(waiting)
    assert member_id.startswith("client-")
    assert (ErrorCode.NONE, 1, member_id, member_id) == (
        joined.error_code,
        joined.generation_id,
        joined.leader,
        joined.member_id,
    )
    assert [(member_id, subscription("t"))] == [(each.member_id, each.metadata) for each in joined.members]


def test_an_old_client_is_let_in_at_once() -> None:
    it = OneShard()

    waiting = it.join(version=3)
    it.pass_time(0)

    assert 1 == result(waiting).generation_id


def test_an_id_that_nobody_comes_back_with_is_forgotten_with_its_session() -> None:
    it = OneShard()
    member_id = it.new_id()

    it.pass_time(SESSION_MS)

    assert ErrorCode.UNKNOWN_MEMBER_ID == it.join("g", member_id).error_code


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"group_id": ""}, ErrorCode.INVALID_GROUP_ID),
        ({"session_ms": 5_999}, ErrorCode.INVALID_SESSION_TIMEOUT),
        ({"session_ms": 1_800_001}, ErrorCode.INVALID_SESSION_TIMEOUT),
        ({"member_id": "who"}, ErrorCode.UNKNOWN_MEMBER_ID),
        ({"protocols": {}}, ErrorCode.INCONSISTENT_GROUP_PROTOCOL),
        ({"protocol_type": ""}, ErrorCode.INCONSISTENT_GROUP_PROTOCOL),
    ],
)
def test_what_a_new_group_refuses(asked: dict[str, Any], expected: ErrorCode) -> None:
    assert expected == OneShard().join(**asked).error_code


@pytest.mark.parametrize("asked", [{"protocol_type": "connect"}, {"protocols": {"other": b""}}])
def test_who_speaks_another_protocol_than_the_group_is_not_let_in(asked: dict[str, Any]) -> None:
    it = OneShard()
    it.stable()

    assert ErrorCode.INCONSISTENT_GROUP_PROTOCOL == it.join(**asked).error_code


def test_a_new_group_waits_for_more_members_but_no_longer_than_the_rebalance_timeout() -> None:
    it = OneShard(GroupConfig(initial_rebalance_delay_ms=3_000))
    first = it.join(version=3, rebalance_ms=7_000)

    it.pass_time(2_999)
    second = it.join(version=3, rebalance_ms=7_000)
    it.pass_time(2_999)
    third = it.join(version=3, rebalance_ms=7_000)
    it.pass_time(1_001)

    assert not first.is_resolved
    it.pass_time(1)
    assert [3, 0, 0] == [len(result(each).members) for each in (first, second, third)]


def test_a_second_member_has_the_first_join_again() -> None:
    it = OneShard()
    first = it.stable()

    waiting = it.join("g", it.new_id())

    assert ErrorCode.REBALANCE_IN_PROGRESS == it.heartbeat(first, 1)
    again = it.join("g", first)
    assert (2, first, 2) == (again.generation_id, again.leader, len(again.members))
    assert (2, first, 0) == (
        result(waiting).generation_id,
        result(waiting).leader,
        len(result(waiting).members),
    )


def test_who_does_not_join_again_in_time_is_out_and_another_leads() -> None:
    it = OneShard()
    first = it.stable(session_ms=1_000_000, rebalance_ms=5_000)
    second = it.new_id()
    waiting = it.join("g", second, rebalance_ms=5_000)

    it.pass_time(5_000)

    assert second == result(waiting).leader
    assert ErrorCode.UNKNOWN_MEMBER_ID == it.heartbeat(first, 2)


def test_the_protocol_that_most_members_prefer_is_chosen() -> None:
    it = OneShard(GroupConfig(initial_rebalance_delay_ms=1_000))
    offers: list[dict[str, bytes]] = [
        {"a": b"1", "b": b"1"},
        {"b": b"2", "c": b"2", "a": b"2"},
        {"b": b"3", "a": b"3"},
    ]

    waiting = [it.join(version=3, protocols=offer) for offer in offers]
    it.pass_time(2_000)

    assert ["b", "b", "b"] == [result(each).protocol_name for each in waiting]
    assert [b"1", b"2", b"3"] == [member.metadata for member in result(waiting[0]).members]


def test_a_follower_that_joins_again_unchanged_disturbs_nobody() -> None:
    it = OneShard(GroupConfig(initial_rebalance_delay_ms=1_000))
    leader, follower = (it.join(version=3) for _ in range(2))
    it.pass_time(2_000)
    leader_id, follower_id = result(leader).member_id, result(follower).member_id
    it.sync(leader_id, 1, {})

    again = it.join("g", follower_id)

    assert (1, leader_id, []) == (again.generation_id, again.leader, list(again.members))
    assert ErrorCode.NONE == it.heartbeat(leader_id, 1)


def test_a_follower_with_new_metadata_brings_a_rebalance() -> None:
    it = OneShard(GroupConfig(initial_rebalance_delay_ms=1_000))
    leader, follower = (it.join(version=3) for _ in range(2))
    it.pass_time(2_000)
    it.sync(result(leader).member_id, 1, {})

    it.join("g", result(follower).member_id, protocols={"range": subscription("u")})

    assert ErrorCode.REBALANCE_IN_PROGRESS == it.heartbeat(result(leader).member_id, 1)


def test_a_group_has_no_more_members_than_it_may() -> None:
    it = OneShard(GroupConfig(initial_rebalance_delay_ms=1_000, max_size=2))

    waiting = [it.join(version=3) for _ in range(3)]

    assert [True, True, False] == [isinstance(each, Pending) for each in waiting]
    assert ErrorCode.GROUP_MAX_SIZE_REACHED == waiting[2].error_code


def test_a_static_member_that_returns_goes_on_with_its_assignment() -> None:
    """KIP-345; with KIP-814 the leader is told not to assign."""
    it = OneShard()
    before = it.join(instance="i")
    it.pass_time(0)
    old_id = result(before).member_id
    it.sync(old_id, 1, {old_id: b"mine"})

    returned = it.join(instance="i")

    assert (1, True, returned.member_id) == (returned.generation_id, returned.skip_assignment, returned.leader)
    assert b"mine" == it.sync(returned.member_id, 1).assignment
    assert ErrorCode.FENCED_INSTANCE_ID == it.heartbeat(old_id, 1, instance="i")
    it.restart()
    assert ErrorCode.NONE == it.heartbeat(returned.member_id, 1, instance="i")


def test_a_static_leader_that_knows_nothing_of_skipping_is_told_that_another_leads() -> None:
    it = OneShard()
    before = it.join(instance="i", version=5)
    it.pass_time(0)
    old_id = result(before).member_id
    it.sync(old_id, 1, {old_id: b"mine"})

    returned = it.join(instance="i", version=8)

    assert (old_id, False, []) == (returned.leader, returned.skip_assignment, list(returned.members))


def test_the_static_member_before_is_fenced_while_it_waits() -> None:
    it = OneShard(GroupConfig(initial_rebalance_delay_ms=1_000))
    older = it.join(instance="i")

    newer = it.join(instance="i")
    it.pass_time(3_000)

    assert ErrorCode.FENCED_INSTANCE_ID == result(older).error_code
    assert 1 == result(newer).generation_id


def test_a_static_member_keeps_its_place_through_a_rebalance_that_it_misses() -> None:
    it = OneShard()
    static = it.join(instance="i", session_ms=100_000, rebalance_ms=5_000)
    it.pass_time(0)
    static_id = result(static).member_id
    it.sync(static_id, 1, {})

    waiting = it.join("g", it.new_id(), rebalance_ms=5_000)
    it.pass_time(5_000)

    assert {static_id, result(waiting).member_id} == {each.member_id for each in result(waiting).members}


def test_a_join_that_could_not_be_stored_leaves_no_group_behind() -> None:
    it = OneShard(NO_DELAY)
    it.broken = True

    refused = it.join(version=3)

    assert ErrorCode.NOT_COORDINATOR == refused.error_code
    assert {} == it.shard.groups


def test_a_static_replacement_that_could_not_be_stored_never_was() -> None:
    it = OneShard()
    before = it.join(instance="i")
    it.pass_time(0)
    old_id = result(before).member_id
    it.sync(old_id, 1, {old_id: b"mine"})
    it.broken = True

    refused = it.join(instance="i")

    assert ErrorCode.NOT_COORDINATOR == refused.error_code
    assert ErrorCode.NONE == it.heartbeat(old_id, 1, instance="i")
    assert b"mine" == it.sync(old_id, 1).assignment


def test_a_join_sent_again_over_another_connection_lets_the_first_go() -> None:
    it = OneShard(GroupConfig(initial_rebalance_delay_ms=1_000))
    member_id = it.new_id()
    first = it.join("g", member_id)

    second = it.join("g", member_id)
    it.pass_time(1_000)

    assert ErrorCode.REBALANCE_IN_PROGRESS == result(first).error_code
    assert 1 == result(second).generation_id
    assert GroupState.COMPLETING_REBALANCE is it.shard.groups["g"].state
