"""Who may commit offsets, and when: as Kafka 4.3 answers."""

from __future__ import annotations

import pytest

from pykbroker.coordinator.groups.commits import check_fetch
from pykbroker.coordinator.groups.consumer.testing import OneConsumerShard, topic_image
from pykbroker.coordinator.groups.listing import delete_group
from pykbroker.errors import BrokerError
from wire.errors import ErrorCode

DAY_MS = 24 * 60 * 60_000
STALE, UNKNOWN = ErrorCode.STALE_MEMBER_EPOCH, ErrorCode.UNKNOWN_MEMBER_ID


@pytest.fixture
def it() -> OneConsumerShard:
    """A group of "a", in epoch 3 with partitions 0 and 1 since epoch 2, and "b"."""
    it = OneConsumerShard()
    it.beat("a")
    it.beat("b")
    it.beat("a", 2)
    it.beat("a", 2, has={"t": [0, 1]})
    return it


def commit(it: OneConsumerShard, member_id: str, epoch: int, partition: int = 0, *, version: int = 9) -> int:
    return it.commit(
        "t", partition, 5, member_id=member_id, generation_id=epoch, version=version, topic_id=topic_image("t", 0).id
    )


@pytest.mark.parametrize(
    ("member_id", "epoch", "partition", "code"),
    [
        ("a", 3, 0, ErrorCode.NONE),
        ("a", 3, 3, ErrorCode.NONE),
        ("a", 2, 0, ErrorCode.NONE),  # has had it since
        ("a", 2, 3, STALE),
        ("a", 1, 0, STALE),
        ("a", 4, 0, STALE),
        ("a", -1, 0, STALE),
        ("nobody", 3, 0, UNKNOWN),
        ("", -1, 0, UNKNOWN),
    ],
)
def test_a_commit_is_of_a_member_and_an_epoch_in_which_it_had_the_partition(
    it: OneConsumerShard, member_id: str, epoch: int, partition: int, code: ErrorCode
) -> None:
    assert commit(it, member_id, epoch, partition) == code


def test_too_much_metadata_is_told_before_an_old_epoch(it: OneConsumerShard) -> None:
    place = topic_image("t", 0).id

    told = it.commit("t", 3, 5, member_id="a", generation_id=2, metadata="x" * 5000, topic_id=place)

    assert told == ErrorCode.OFFSET_METADATA_TOO_LARGE


def test_versions_that_know_no_member_epochs_are_refused(it: OneConsumerShard) -> None:
    assert commit(it, "a", 3, version=8) == ErrorCode.UNSUPPORTED_VERSION


def test_in_an_empty_group_anybody_may_commit(it: OneConsumerShard) -> None:
    it.beat("a", -1)
    it.beat("b", -1)

    assert commit(it, "", -1) == ErrorCode.NONE


@pytest.mark.parametrize(
    ("member_id", "epoch", "code"), [("a", 2, STALE), ("a", 4, STALE), ("nobody", 3, UNKNOWN), ("", -1, UNKNOWN)]
)
def test_whoever_fetches_as_a_member_must_be_one(
    it: OneConsumerShard, member_id: str, epoch: int, code: ErrorCode
) -> None:
    with pytest.raises(BrokerError) as refused:
        check_fetch(it.shard, "g", member_id, epoch)
    assert refused.value.code == code

    check_fetch(it.shard, "g", "a", 3)
    check_fetch(it.shard, "g", None, -1)


def test_offsets_expire_when_the_topic_is_not_read_any_more_and_the_empty_group_with_them(it: OneConsumerShard) -> None:
    commit(it, "a", 3)
    it.beat("b", -1)
    for _ in range(8 * 24 * 60 * 2):
        it.pass_time(30_000)
        it.beat("a", it.group().members["a"].epoch)
    assert it.shard.offsets.get("g", "t", 0), "it is read"

    it.beat("a", -1)
    it.pass_time(DAY_MS)

    assert not it.shard.offsets.of_group("g")
    assert "g" not in it.shard.consumer_groups
    assert "g" not in it.replayed().consumer_groups


def test_only_an_empty_group_is_deleted(it: OneConsumerShard) -> None:
    assert it.do(delete_group(it.shard, "g")).error_code == ErrorCode.NON_EMPTY_GROUP  # type: ignore[union-attr]
    it.beat("a", -1)
    it.beat("b", -1)
    commit(it, "", -1)

    assert it.do(delete_group(it.shard, "g")).error_code == ErrorCode.NONE  # type: ignore[union-attr]

    assert not it.replayed().consumer_groups
    assert not it.replayed().offsets.of_group("g")
