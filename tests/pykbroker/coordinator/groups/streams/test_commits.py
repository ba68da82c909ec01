"""Offsets of a streams group: who may commit and fetch them, and when they are forgotten."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest

from pykbroker.coordinator.groups.commits import check_fetch, delete, fetch
from pykbroker.coordinator.groups.listing import delete_group, described, listed
from pykbroker.coordinator.groups.streams.testing import AT_ONCE, OneStreamsShard
from pykbroker.coordinator.groups.transactional import TransactionalCommit, commit_in_transaction
from pykbroker.errors import BrokerError
from wire.api.offset_delete import OffsetDeleteRequest
from wire.api.txn_offset_commit import TxnOffsetCommitRequest, TxnOffsetCommitResponse
from wire.errors import ErrorCode

DeleteTopic = OffsetDeleteRequest.OffsetDeleteRequestTopic
TxnTopic = TxnOffsetCommitRequest.TxnOffsetCommitRequestTopic
TxnResult = TxnOffsetCommitResponse.TxnOffsetCommitResponseTopic.TxnOffsetCommitResponsePartition

ALL = {"0": [0, 1, 2, 3], "1": [0, 1, 2, 3]}


@pytest.fixture
def it() -> OneStreamsShard:
    """A member "a" has all tasks, in epoch 3, since when they were assigned."""
    it = OneStreamsShard()
    it.ready("a")
    it.beat("a", 2)
    return it


def code_of(act: Callable[[], object]) -> ErrorCode:
    try:
        act()
    except BrokerError as error:
        return error.code
    return ErrorCode.NONE


def commit_in_epoch(it: OneStreamsShard, epoch: int, topic: str = "t", member_id: str = "a", version: int = 9) -> int:
    return it.commit(topic, 0, 7, member_id=member_id, generation_id=epoch, version=version)


def test_a_member_commits_in_its_epoch(it: OneStreamsShard) -> None:
    assert commit_in_epoch(it, 3) == ErrorCode.NONE
    assert commit_in_epoch(it, 4) == ErrorCode.STALE_MEMBER_EPOCH
    assert commit_in_epoch(it, 3, member_id="b") == ErrorCode.UNKNOWN_MEMBER_ID
    assert commit_in_epoch(it, -1, member_id="") == ErrorCode.UNKNOWN_MEMBER_ID
    assert commit_in_epoch(it, 3, version=8) == ErrorCode.UNSUPPORTED_VERSION
    [topic] = fetch(it.shard, "g", None, require_stable=False)
    assert ("t", [7]) == (topic.name, [each.committed_offset for each in topic.partitions])


def test_a_commit_of_before_counts_for_tasks_that_the_member_has_had_since(it: OneStreamsShard) -> None:
    assert commit_in_epoch(it, 2) == ErrorCode.STALE_MEMBER_EPOCH, "the task was assigned in epoch 3"
    it.beat("b")
    told = it.beat("a", 3, has=ALL)
    kept = {each.subtopology_id: list(each.partitions) for each in told.active_tasks or ()}
    it.beat("a", 3, has=kept)
    assert 4 == it.group().members["a"].epoch

    codes = {
        partition: it.commit("t", partition, 7, member_id="a", generation_id=3, version=9) for partition in range(4)
    }

    assert {p: ErrorCode.NONE if p in kept["0"] else ErrorCode.STALE_MEMBER_EPOCH for p in range(4)} == codes
    assert commit_in_epoch(it, 3, topic="counts") == ErrorCode.STALE_MEMBER_EPOCH, "nobody reads it as a source"


def test_an_administrator_commits_when_nobody_is_there(it: OneStreamsShard) -> None:
    it.beat("a", -1)

    assert commit_in_epoch(it, -1, member_id="") == ErrorCode.NONE


@pytest.mark.parametrize(
    ("member_id", "epoch", "code"),
    [
        ("a", 3, ErrorCode.NONE),
        ("", -1, ErrorCode.NONE),  # of a producer that does not say
        ("a", 2, ErrorCode.ILLEGAL_GENERATION),
        ("a", 4, ErrorCode.ILLEGAL_GENERATION),
        ("b", 3, ErrorCode.UNKNOWN_MEMBER_ID),
    ],
)
def test_a_transaction_commits_for_a_member(it: OneStreamsShard, member_id: str, epoch: int, code: ErrorCode) -> None:
    partition = TxnTopic.TxnOffsetCommitRequestPartition(
        partition_index=0, committed_offset=7, committed_leader_epoch=-1, committed_metadata=""
    )
    request = TxnOffsetCommitRequest(
        transactional_id="x",
        group_id="g",
        producer_id=1,
        producer_epoch=0,
        generation_id=epoch,
        member_id=member_id,
        topics=[TxnTopic(name="t", partitions=[partition])],
    )
    commits = [TransactionalCommit("t", partition, TxnResult(partition_index=0))]

    assert code == code_of(lambda: commit_in_transaction(it.shard, request, commits, it.now_ms))


def test_a_member_fetches_in_its_epoch(it: OneStreamsShard) -> None:
    assert [
        ErrorCode.NONE,
        ErrorCode.NONE,
        ErrorCode.STALE_MEMBER_EPOCH,
        ErrorCode.UNKNOWN_MEMBER_ID,
    ] == [
        code_of(partial(check_fetch, it.shard, "g", member_id, epoch))
        for member_id, epoch in (("a", 3), (None, -1), ("a", 2), ("b", 3))
    ]


def test_offsets_of_topics_that_are_read_stay(it: OneStreamsShard) -> None:
    commit_in_epoch(it, 3)
    commit_in_epoch(it, 3, topic="words")
    topics = [
        DeleteTopic(name=name, partitions=[DeleteTopic.OffsetDeleteRequestPartition(partition_index=0)])
        for name in ("t", "words", "counts")
    ]

    codes = [each.partitions[0].error_code for each in delete(it.shard, "g", topics).response]  # type: ignore[union-attr]

    read = ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC
    assert [read, read, ErrorCode.NONE] == codes


def test_offsets_expire_when_nobody_is_there_and_the_group_with_them(it: OneStreamsShard) -> None:
    commit_in_epoch(it, 3)
    it.pass_time(1_000)
    it.beat("a", 3)
    it.beat("a", -1)
    it.pass_time(AT_ONCE.offsets_retention_ms - 60_000)
    assert "g" in it.shard.streams_groups

    it.pass_time(2 * AT_ONCE.offsets_retention_check_interval_ms)

    assert ("g" in it.shard.streams_groups, it.shard.offsets.get("g", "t", 0)) == (False, None)
    assert {} == it.replayed().streams_groups


def test_a_group_is_deleted_with_its_offsets_once_nobody_is_there(it: OneStreamsShard) -> None:
    commit_in_epoch(it, 3)
    assert it.do(delete_group(it.shard, "g")).error_code == ErrorCode.NON_EMPTY_GROUP  # type: ignore[union-attr]
    it.beat("a", -1)

    assert it.do(delete_group(it.shard, "g")).error_code == ErrorCode.NONE  # type: ignore[union-attr]

    assert (False, None) == (it.shard.has_group("g"), it.shard.offsets.get("g", "t", 0))
    assert not it.replayed().has_group("g")


def test_groups_are_listed_by_state_and_type(it: OneStreamsShard) -> None:
    def found(states: list[str], types: list[str]) -> list[tuple[str, str]]:
        return [(group.group_type, group.group_state) for group in listed(it.shard, states, types)]

    stable = [("streams", "Stable")]
    assert [stable, stable, stable, [], []] == [
        found([], []), found(["stable"], []), found([], ["Streams"]), found(["Empty"], []), found([], ["consumer"]),
    ]  # fmt: skip
    it.image = it.image.without_topics(["t"])
    it.beat("a", 3)
    assert [("streams", "NotReady")] == found([], []) == found(["not_ready"], [])
    assert [] == found(["NotReady"], []), "nor does Kafka find it by its name"


def test_it_is_no_classic_group(it: OneStreamsShard) -> None:
    told = described(it.shard, "g", api_version=6)

    assert (ErrorCode.GROUP_ID_NOT_FOUND, "Group g is not a classic group.") == (told.error_code, told.error_message)
