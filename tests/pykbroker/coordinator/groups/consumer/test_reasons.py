"""What the history tells of a consumer group: why an epoch began, and what its assignment moved."""

from __future__ import annotations

from typing import Any

import pytest

from pykbroker.coordinator.groups.consumer.testing import SESSION_MS, OneConsumerShard
from pykbroker.coordinator.groups.history import Event, Kind
from wire.errors import ErrorCode


@pytest.fixture
def it() -> OneConsumerShard:
    return OneConsumerShard()


def happened(it: OneConsumerShard) -> list[Event]:
    return it.shard.histories.of("g")


def texts(it: OneConsumerShard, kind: Kind) -> list[tuple[str, str]]:
    return [(each.member_id, each.text) for each in happened(it) if each.kind is kind]


def test_the_first_member_joins(it: OneConsumerShard) -> None:
    it.beat("a")

    joined, epoch, assigned, stable = happened(it)
    assert (Kind.JOINED, "a", "joined, reads t") == (joined.kind, joined.member_id, joined.text)
    assert (Kind.GENERATION, 2, "epoch 2 begins: a joined") == (epoch.kind, epoch.generation, epoch.text)
    assert "epoch 2 is assigned (uniform): 4 partitions move" == assigned.text
    assert tuple(("t", index, "", "a") for index in range(4)) == assigned.moves
    assert (Kind.STABLE, 2) == (stable.kind, stable.generation)


def test_a_member_that_dies_loses_what_it_had_to_the_others(it: OneConsumerShard) -> None:
    it.beat("a")
    it.pass_time(SESSION_MS - 1)
    it.beat("b")
    it.pass_time(1)

    epoch = it.group().epoch
    it.beat("b", it.group().members["b"].epoch)

    late = next(each for each in happened(it) if each.kind is Kind.TIMED_OUT)
    assert ("a", f"not heard of for {SESSION_MS} ms; its session timeout is {SESSION_MS} ms") == (
        late.member_id,
        late.text,
    )
    assert ("", f"epoch {epoch} begins: a timed out") in texts(it, Kind.GENERATION)
    assigned = [each for each in happened(it) if each.kind is Kind.ASSIGNED][-1]
    assert {("a", "b")} == {(move.before, move.after) for move in assigned.moves}


def test_nothing_is_told_of_heartbeats_that_change_nothing(it: OneConsumerShard) -> None:
    it.beat("a")
    before = happened(it)

    it.beat("a", 2)

    assert before == happened(it)


def test_a_group_is_stable_when_the_last_member_has_taken_its_step(it: OneConsumerShard) -> None:
    it.beat("a")
    it.beat("b")
    it.beat("a", 2)
    assert 1 == len(texts(it, Kind.STABLE))

    it.beat("a", 2, has={"t": [0, 1]})
    it.beat("b", 3)

    assert ("", "all members are in epoch 3, and have what they should") == texts(it, Kind.STABLE)[-1]


def test_a_topic_that_matches_is_named(it: OneConsumerShard) -> None:
    it.beat("a", regex="t.*")
    it.set_topics(tt=2)
    it.pass_time(1)
    it.beat("a", 2)

    assert ("", "t.* matches tt too") in texts(it, Kind.TOPICS)
    assert ("", "epoch 3 begins: t.* matches tt too") in texts(it, Kind.GENERATION)


def test_a_topic_that_grows_is_named(it: OneConsumerShard) -> None:
    it.beat("a")
    it.set_topics(t=6)

    it.beat("a", 2)

    assert [("", "t has 6 partitions, 4 before")] == texts(it, Kind.TOPICS)


def test_a_member_that_reads_something_else_is_told_with_what(it: OneConsumerShard) -> None:
    it.beat("a")

    it.beat("a", 2, topics=["u"])

    assert [("a", "reads u too, reads t no more")] == texts(it, Kind.CHANGED)


def test_who_is_fenced_is_told(it: OneConsumerShard) -> None:
    it.beat("a")

    assert ErrorCode.FENCED_MEMBER_EPOCH == it.refusal("a", 7)

    ((member_id, text),) = texts(it, Kind.FENCED)
    assert "a" == member_id
    assert "greater member epoch (7)" in text


def test_a_static_member_goes_and_comes_back(it: OneConsumerShard) -> None:
    it.beat("a", instance="i")
    it.beat("a", -2, instance="i")
    it.beat("b", instance="i")

    assert [("a", "static member i is away, and keeps what it has until its session ends")] == texts(it, Kind.LEFT)
    assert [("b", "static member i is back and takes the place of a")] == texts(it, Kind.REPLACED)


def test_history_goes_on_when_the_group_changes_its_protocol(it: OneConsumerShard) -> None:
    waiting: Any = it.join(version=3)
    it.pass_time(0)
    classic = waiting.result()
    it.sync(classic.member_id, classic.generation_id, {classic.member_id: b""})

    it.beat("new")

    assert [classic.member_id, "new"] == [member_id for member_id, _ in texts(it, Kind.JOINED)]
