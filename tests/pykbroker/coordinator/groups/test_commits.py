"""Committed offsets: who may commit, what is found, what expires."""

from __future__ import annotations

from pykbroker.coordinator.groups.commits import Asked, DeleteTopic, delete, fetch, forget_topics
from pykbroker.coordinator.groups.config import MINUTE_MS, GroupConfig
from pykbroker.coordinator.groups.listing import delete_group
from pykbroker.coordinator.groups.testing import OneShard
from wire.errors import ErrorCode
from wire.state_records import OffsetCommitKey, OffsetCommitValue

DAY_MS = 24 * 60 * MINUTE_MS
RETENTION_MS = 7 * DAY_MS


def offsets(it: OneShard, group_id: str = "g") -> dict[tuple[str, int], int]:
    return {
        (topic.name, partition.partition_index): partition.committed_offset
        for topic in fetch(it.shard, group_id, None, require_stable=False)
        for partition in topic.partitions
    }


def keep_alive(it: OneShard, member_id: str, duration_ms: int) -> None:
    for _ in range(duration_ms // MINUTE_MS):
        it.pass_time(MINUTE_MS)
        assert ErrorCode.NONE == it.heartbeat(member_id, 1)


def test_a_consumer_without_a_group_of_its_own_stores_offsets_all_the_same() -> None:
    it = OneShard()

    assert ErrorCode.NONE == it.commit("t", 0, 5, metadata=None)

    it.restart()
    assert {("t", 0): 5} == offsets(it)
    assert "" == fetch(it.shard, "g", None, require_stable=False)[0].partitions[0].metadata


def test_the_last_commit_counts() -> None:
    it = OneShard()

    for offset in (5, 9, 3):
        it.commit("t", 0, offset)

    it.restart()
    assert {("t", 0): 3} == offsets(it)


def test_who_may_commit() -> None:
    it = OneShard()
    member_id = it.stable()

    def code(member: str, generation_id: int, version: int = 9, group_id: str = "g") -> int:
        return it.commit("t", 0, 1, member_id=member, generation_id=generation_id, version=version, group_id=group_id)

    assert ErrorCode.NONE == code(member_id, 1)
    assert ErrorCode.ILLEGAL_GENERATION == code(member_id, 0)
    assert ErrorCode.UNKNOWN_MEMBER_ID == code("who", 1)
    assert ErrorCode.UNKNOWN_MEMBER_ID == code("", -1)
    assert ErrorCode.GROUP_ID_NOT_FOUND == code("", 1, group_id="new")
    assert ErrorCode.ILLEGAL_GENERATION == code("", 1, group_id="new", version=8)
    waiting = it.join("g", it.new_id())
    assert ErrorCode.NONE == code(member_id, 1)  # while members join, the others may finish
    it.join("g", member_id)
    assert waiting.is_resolved
    assert ErrorCode.REBALANCE_IN_PROGRESS == code(member_id, 2)


def test_metadata_may_have_as_many_utf_16_units_as_the_setting_says() -> None:
    it = OneShard(GroupConfig(offset_metadata_max_length=4))

    assert ErrorCode.NONE == it.commit("t", 0, 1, metadata="\U0001f600\U0001f600")
    assert ErrorCode.OFFSET_METADATA_TOO_LARGE == it.commit("t", 1, 1, metadata="\U0001f600\U0001f600.")
    assert {("t", 0): 1} == offsets(it)


def test_an_offset_of_an_earlier_topic_of_the_name_is_none() -> None:
    it = OneShard()
    it.commit("t", 0, 5, topic_id=b"1" * 16)

    def found(topic_id: bytes) -> int:
        return (
            fetch(it.shard, "g", [Asked("t", topic_id, (0,))], require_stable=False)[0].partitions[0].committed_offset
        )

    assert (5, -1, 5) == (found(b"1" * 16), found(b"2" * 16), found(bytes(16)))


def test_an_offset_in_an_open_transaction_is_not_stable_and_counts_only_once_committed() -> None:
    it = OneShard()
    key = OffsetCommitKey(group="g", topic="t", partition=0)
    for producer_id, offset in ((7, 10), (8, 20)):
        value = OffsetCommitValue(offset=offset, metadata="", commit_timestamp=it.now_ms)
        it.shard.replay(key, value, record_offset=offset, producer_id=producer_id)

    (topic,) = fetch(it.shard, "g", [Asked("t", bytes(16), (0,))], require_stable=True)
    assert ErrorCode.UNSTABLE_OFFSET_COMMIT == topic.partitions[0].error_code
    assert {} == offsets(it)
    it.shard.replay_end_transaction(7, committed=True)
    it.shard.replay_end_transaction(8, committed=False)
    (topic,) = fetch(it.shard, "g", [Asked("t", bytes(16), (0,))], require_stable=True)
    assert (ErrorCode.NONE, 10) == (topic.partitions[0].error_code, topic.partitions[0].committed_offset)


def test_a_simple_consumers_offset_expires_by_its_commit_and_the_group_with_it() -> None:
    it = OneShard()
    it.commit("t", 0, 5)
    it.pass_time(DAY_MS)
    it.commit("t", 1, 6)

    it.pass_time(RETENTION_MS - 11 * MINUTE_MS)
    assert {("t", 1): 6} == offsets(it)
    it.pass_time(DAY_MS)

    assert {} == it.shard.groups
    assert {} == it.replayed().groups


def test_offsets_of_a_group_expire_after_its_last_member_left() -> None:
    it = OneShard()
    member_id = it.stable(session_ms=2 * MINUTE_MS)
    it.commit("t", 0, 5, member_id=member_id, generation_id=1)
    keep_alive(it, member_id, 2 * DAY_MS)
    it.leave(member_id)

    it.pass_time(RETENTION_MS - 11 * MINUTE_MS)
    assert {("t", 0): 5} == offsets(it)
    it.pass_time(30 * MINUTE_MS)

    assert {} == it.shard.groups


def test_of_a_group_at_work_only_topics_that_it_no_longer_reads_expire() -> None:
    it = OneShard(GroupConfig(initial_rebalance_delay_ms=0, offsets_retention_ms=60 * MINUTE_MS))
    member_id = it.stable(session_ms=2 * MINUTE_MS)
    it.commit("t", 0, 5, member_id=member_id, generation_id=1)
    it.commit("other", 0, 6, member_id=member_id, generation_id=1)

    keep_alive(it, member_id, 80 * MINUTE_MS)

    assert {("t", 0): 5} == offsets(it)


def test_an_old_client_says_itself_how_long_an_offset_is_kept() -> None:
    it = OneShard()
    it.commit("t", 0, 5, retention_ms=DAY_MS, version=3)
    it.restart()

    it.pass_time(DAY_MS - 11 * MINUTE_MS)
    assert {("t", 0): 5} == offsets(it)
    it.pass_time(30 * MINUTE_MS)

    assert {} == offsets(it)


def test_a_deleted_topics_offsets_are_forgotten() -> None:
    it = OneShard()
    it.commit("t", 0, 5)
    it.commit("u", 0, 6, group_id="h")

    it.do(forget_topics(it.shard, {"t"}))

    it.restart()
    assert ({}, {("u", 0): 6}) == (offsets(it), offsets(it, "h"))


def test_only_offsets_of_topics_that_nobody_reads_can_be_deleted() -> None:
    it = OneShard()
    member_id = it.stable()
    for topic in ("t", "other"):
        it.commit(topic, 0, 5, member_id=member_id, generation_id=1)
    partition = DeleteTopic.OffsetDeleteRequestPartition(partition_index=0)
    topics = [DeleteTopic(name=name, partitions=[partition]) for name in ("t", "other")]

    results = it.do(delete(it.shard, "g", topics))

    assert isinstance(results, list)
    assert [ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC, ErrorCode.NONE] == [
        topic.partitions[0].error_code for topic in results
    ]
    assert {("t", 0): 5} == offsets(it)


def test_a_group_is_deleted_with_its_offsets_once_it_is_empty() -> None:
    it = OneShard()
    member_id = it.stable()
    it.commit("t", 0, 5, member_id=member_id, generation_id=1)

    def deleted() -> int:
        result = it.do(delete_group(it.shard, "g"))
        return result.error_code  # type: ignore[union-attr, return-value] # it is never pending

    assert ErrorCode.NON_EMPTY_GROUP == deleted()
    it.leave(member_id)
    assert ErrorCode.NONE == deleted()
    assert ErrorCode.GROUP_ID_NOT_FOUND == deleted()
    it.restart()
    assert ({}, {}) == (it.shard.groups, it.shard.offsets.groups)
