"""Histories: bounded in each group and in total, and telling of each group what happened to whom."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pykbroker.coordinator.decision import Pending
from pykbroker.coordinator.groups.classic import ClassicGroup
from pykbroker.coordinator.groups.config import GroupConfig
from pykbroker.coordinator.groups.history import (
    MAX_EVENTS,
    MAX_MOVES,
    MAX_WEIGHT,
    Event,
    Histories,
    Kind,
    Move,
    Named,
    difference,
    moves_between,
    told,
)
from pykbroker.coordinator.groups.testing import NO_DELAY, REBALANCE_MS, SESSION_MS, OneShard, subscription
from wire.state_records import ConsumerProtocolAssignment
from wire.state_records.prefixed import encode_value


def test_events_come_back_in_their_order() -> None:
    histories = Histories()
    histories.note("g", 1, Kind.JOINED, "joined", Named("a", "client", "/10.0.0.1"))
    histories.note("h", 2, Kind.JOINED, "joined", Named("b"))
    histories.note("g", 3, Kind.GENERATION, "generation 1", generation=1)

    assert [(1, "joined", "a", "client", "10.0.0.1", None), (3, "generation 1", "", "", "", 1)] == [
        (each.at_ms, each.text, each.member_id, each.client_id, each.client_host, each.generation)
        for each in histories.of("g")
    ]
    assert [] == histories.of("unknown")


def test_what_is_repeated_is_one_event() -> None:
    histories = Histories()
    for at_ms in (1, 2, 3):
        histories.note("g", at_ms, Kind.FENCED, "refused", Named("a"))
    histories.note("g", 4, Kind.FENCED, "refused", Named("b"))

    assert [(3, "a", 3), (4, "b", 1)] == [(each.at_ms, each.member_id, each.times) for each in histories.of("g")]


def test_of_a_group_the_oldest_events_go_first() -> None:
    histories = Histories()
    for number in range(MAX_EVENTS + 5):
        histories.note("g", number, Kind.JOINED, "joined")
        histories.note("g", number, Kind.LEFT, "left")

    assert MAX_EVENTS == len(histories.of("g"))
    assert MAX_EVENTS + 4 == histories.of("g")[-1].at_ms


def test_groups_in_which_nothing_happens_go_first() -> None:
    histories = Histories()
    histories.note("quiet", 0, Kind.JOINED, "joined")
    for number in range(MAX_WEIGHT):
        histories.note(f"g{number % 1000}", number, Kind.JOINED, f"joined {number}")

    assert [] == histories.of("quiet")
    assert [] != histories.of("g999")


def test_of_very_many_moves_some_are_told_and_all_are_counted() -> None:
    histories = Histories()
    moves = [Move("t", index, "", "a") for index in range(MAX_MOVES + 7)]

    histories.note("g", 1, Kind.ASSIGNED, "assigned", moves=moves)

    (event,) = histories.of("g")
    assert (MAX_MOVES, MAX_MOVES + 7) == (len(event.moves), event.move_count)


@given(
    st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(0, 3), st.sampled_from([0, 1, MAX_MOVES])), max_size=300)
)
def test_the_bound_over_all_holds_whatever_happens(happened: list[tuple[str, int, int]]) -> None:
    histories = Histories()
    for at_ms, (group_id, text, moves) in enumerate(happened * 3):
        histories.note(group_id, at_ms, Kind.ASSIGNED, str(text), moves=[Move("t", 0, "", "a")] * moves)

    kept = [event for group_id in "abcdef" for event in histories.of(group_id)]
    assert histories._weight == sum(event.weight for event in kept) <= MAX_WEIGHT
    assert max((len(histories.of(group_id)) for group_id in "abcdef"), default=0) <= MAX_EVENTS


def test_moves_are_what_changed_hands() -> None:
    before = {("t", 0): "a", ("t", 1): "a", ("u", 0): "b"}
    after = {("t", 0): "a", ("t", 1): "b", ("v", 0): "b"}

    assert [("t", 1, "a", "b"), ("u", 0, "b", ""), ("v", 0, "", "b")] == moves_between(before, after)


def test_names_and_differences_in_words() -> None:
    assert "a, b" == told("ba")
    assert "0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 2 more" == told([*"0123456789", "98", "99"])
    assert "reads b too, reads a no more" == difference("a", "b")
    assert "" == difference("ab", "ba")


# --- classic groups


@pytest.fixture
def it() -> OneShard:
    return OneShard(NO_DELAY)


def happened(it: OneShard, group_id: str = "g") -> list[Event]:
    return it.shard.histories.of(group_id)


def kinds(it: OneShard) -> list[tuple[str, str]]:
    return [(each.kind.value, each.member_id) for each in happened(it)]


def assignment(**topics: list[int]) -> bytes:
    named = [ConsumerProtocolAssignment.TopicPartition(topic=name, partitions=each) for name, each in topics.items()]
    return encode_value(ConsumerProtocolAssignment(assigned_partitions=named), 0)


def joined(it: OneShard, **how: Any) -> Any:
    """What a member is told that joins, and waits for nobody."""
    waiting = it.join(**how)
    it.pass_time(0)
    return waiting.result() if isinstance(waiting, Pending) else waiting


def test_the_first_generation_of_a_group(it: OneShard) -> None:
    member_id = joined(it, version=3).member_id
    it.sync(member_id, 1, {member_id: assignment(t=[0, 1])})

    assert [
        ("joined", member_id, "joined, reads t; client reason: not provided"),
        ("rebalance", "", f"begins: {member_id} joined"),
        ("generation", "", f"generation 1 begins, after 0 ms, with 1 member, range, led by {member_id}"),
        ("assigned", "", "generation 1 is stable: 2 partitions move"),
    ] == [(each.kind.value, each.member_id, each.text) for each in happened(it)]
    assert (("t", 0, "", member_id), ("t", 1, "", member_id)) == happened(it)[-1].moves


def test_a_generation_of_nobody_has_no_leader(it: OneShard) -> None:
    it.leave(joined(it, version=3).member_id)

    assert "generation 2 begins, after 0 ms, with no members" == happened(it)[-1].text


def test_a_member_that_dies_loses_what_it_had_to_the_others(it: OneShard) -> None:
    waiting = [it.join(version=3), it.join(version=3)]
    it.pass_time(0)
    alive, dead = (each.result().member_id for each in waiting)
    it.sync(alive, 1, {alive: assignment(t=[0]), dead: assignment(t=[1])})
    it.sync(dead, 1)
    it.pass_time(SESSION_MS - 1)
    it.heartbeat(alive, 1)
    it.pass_time(1)
    generation_id = it.join(member_id=alive).generation_id
    it.sync(alive, generation_id, {alive: assignment(t=[0, 1])})

    late, rebalance, _, assigned = happened(it)[-4:]
    assert (Kind.TIMED_OUT, dead) == (late.kind, late.member_id)
    assert f"not heard of for {SESSION_MS} ms; its session timeout is {SESSION_MS} ms" == late.text
    assert f"begins after generation 1: {dead} timed out" == rebalance.text
    assert (("t", 1, dead, alive),) == assigned.moves


def test_a_member_that_does_not_join_again_in_time(it: OneShard) -> None:
    waiting = [it.join(version=3), it.join(version=3)]
    it.pass_time(0)
    quick, slow = (each.result().member_id for each in waiting)
    it.sync(quick, 1, {})
    it.join(version=3)
    it.join(member_id=quick, version=3)
    for _ in range(3):
        it.pass_time(REBALANCE_MS // 3)
        it.heartbeat(slow, 1)  # alive, but too busy to join
    it.pass_time(3)

    (late,) = [each for each in happened(it) if each.kind is Kind.TIMED_OUT]
    assert (slow, f"did not join again within {REBALANCE_MS} ms, the rebalance timeout") == (late.member_id, late.text)


def test_a_member_that_leaves_gives_its_reason(it: OneShard) -> None:
    member_id = it.stable()
    it.leave(member_id)

    assert ("left", member_id) in kinds(it)
    assert "left; client reason: not provided" in [each.text for each in happened(it)]


def test_a_member_that_reads_another_topic(it: OneShard) -> None:
    member_id = it.stable()

    it.join(member_id=member_id, protocols={"range": subscription("t", "u")})

    (changed,) = [each for each in happened(it) if each.kind is Kind.CHANGED]
    assert (member_id, "reads u too; client reason: not provided") == (changed.member_id, changed.text)
    assert f"begins after generation 1: {member_id} reads u too" in [each.text for each in happened(it)]


def test_a_static_member_that_was_started_again_takes_the_place_of_its_former_self(it: OneShard) -> None:
    first = joined(it, instance="i")
    it.sync(first.member_id, first.generation_id, {first.member_id: assignment(t=[0])})

    second = joined(it, instance="i")

    (replaced,) = [each for each in happened(it) if each.kind is Kind.REPLACED]
    assert second.member_id == replaced.member_id
    assert f"takes the place of {first.member_id}" in replaced.text


def test_groups_of_other_protocols_move_nothing_that_we_could_read(it: OneShard) -> None:
    member_id = joined(it, version=3, protocol_type="connect").member_id
    it.sync(member_id, 1, {member_id: b"\xff\xff what connect says"})

    assert "generation 1 is stable: no partitions move" == happened(it)[-1].text


def test_a_restart_is_told_of_groups_with_members(it: OneShard) -> None:
    it.stable()
    it.join("empty", it.new_id("empty"))

    it.restart()

    assert ["found in generation 1 with 1 member"] == [each.text for each in happened(it)]


def test_history_outlives_the_group_but_not_the_memory_of_it() -> None:
    it = OneShard(GroupConfig(initial_rebalance_delay_ms=0))
    member_id = it.stable()
    it.leave(member_id)
    before = happened(it)
    assert isinstance(it.shard.groups.pop("g"), ClassicGroup)

    assert before == happened(it)
