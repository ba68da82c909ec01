"""ShareGroupHeartbeat: members come, stay and go. What Kafka 4.3 answered is what is expected."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from trio.testing import MockClock

from pykbroker.coordinator.share_testing import GROUP, TOPIC, ShareMember, configure, reading_member
from pykbroker.coordinator.testing import coordinating_broker, join_request
from wire.api.create_partitions import CreatePartitionsRequest
from wire.api.delete_groups import DeleteGroupsRequest
from wire.api.describe_groups import DescribeGroupsRequest
from wire.api.list_groups import ListGroupsRequest
from wire.api.offset_commit import OffsetCommitRequest
from wire.api.share_group_describe import ShareGroupDescribeRequest
from wire.errors import ErrorCode

Topic = OffsetCommitRequest.OffsetCommitRequestTopic

AT_ONCE = {"group.share.assignment.interval.ms": "0"}


def told(response: Any) -> list[tuple[bytes, list[int]]] | None:
    """The assignment; None where there is none in the answer."""
    if response.assignment is None:
        return None
    return [(topic.topic_id, list(topic.partitions)) for topic in response.assignment.topic_partitions]


async def described(it: Any) -> Any:
    response = await it.ask(ShareGroupDescribeRequest(group_ids=[GROUP], include_authorized_operations=True), 1)
    return response.groups[0]


async def test_a_member_learns_at_once_what_it_reads() -> None:
    async with coordinating_broker() as it:
        member = ShareMember(it)

        joined = await member.heartbeat()
        again = await member.heartbeat()
        full = await member.heartbeat(subscribed_topic_names=[TOPIC])

    assert (0, None, "m", 5_000) == (
        joined.error_code, joined.error_message, joined.member_id, joined.heartbeat_interval_ms,
    )  # fmt: skip
    assert [(member.topic_id, [0, 1])] == told(joined) == told(full)
    assert None is told(again), "nothing new"
    assert joined.member_epoch == again.member_epoch > 0


@pytest.mark.parametrize(
    ("fields", "code", "words"),
    [
        ({"group_id": ""}, ErrorCode.INVALID_REQUEST, "GroupId can't be empty."),
        ({"member_id": ""}, ErrorCode.INVALID_REQUEST, None),
        ({"member_epoch": -2}, ErrorCode.INVALID_REQUEST, "MemberEpoch is invalid."),
        (
            {"subscribed_topic_names": None},
            ErrorCode.INVALID_REQUEST,
            "SubscribedTopicNames must be set in first request.",
        ),
        (
            {"subscribed_topic_names": []},
            ErrorCode.INVALID_REQUEST,
            "SubscribedTopicNames must be set in first request.",
        ),
        ({"rack_id": ""}, ErrorCode.INVALID_REQUEST, "RackId can't be empty."),
        ({"member_epoch": 5}, ErrorCode.GROUP_ID_NOT_FOUND, "Share group g not found."),
        ({"member_epoch": -1}, ErrorCode.GROUP_ID_NOT_FOUND, "Group g not found."),
    ],
)
async def test_what_kafka_says_to_a_wrong_heartbeat(fields: dict[str, Any], code: ErrorCode, words: str | None) -> None:
    async with coordinating_broker() as it:
        refused = await ShareMember(it).heartbeat(**fields)

    assert (code, words) == (refused.error_code, refused.error_message)


async def test_a_member_of_another_epoch_is_fenced() -> None:
    async with coordinating_broker() as it:
        member = await reading_member(it)

        refused = await member.heartbeat(member_epoch=member.epoch + 1)
        unknown = await member.heartbeat(member_id="who")

    assert ErrorCode.FENCED_MEMBER_EPOCH == refused.error_code
    assert refused.error_message.startswith("The share group member has a greater member epoch (")
    assert (ErrorCode.UNKNOWN_MEMBER_ID, "Member who is not a member of group g.") == (
        unknown.error_code,
        unknown.error_message,
    )


async def test_members_share_what_there_is_to_read() -> None:
    async with coordinating_broker(AT_ONCE) as it:
        first = await reading_member(it)
        second = ShareMember(it, "n")

        assert [(first.topic_id, [1])] == told(await second.heartbeat())
        assert [(first.topic_id, [0])] == told(await first.heartbeat())


async def test_a_member_that_leaves_is_gone() -> None:
    async with coordinating_broker() as it:
        member = await reading_member(it)

        left = await member.heartbeat(member_epoch=-1)
        again = await member.heartbeat(member_epoch=-1)
        group = await described(it)

    assert (0, -1, 0) == (left.error_code, left.member_epoch, left.heartbeat_interval_ms)
    assert ErrorCode.UNKNOWN_MEMBER_ID == again.error_code
    assert ("Empty", []) == (group.group_state, group.members)


async def test_a_member_that_stays_away_is_gone(autojump_clock: MockClock) -> None:
    async with coordinating_broker() as it:
        member = await reading_member(it)
        await trio.sleep(40)
        await member.heartbeat()
        await trio.sleep(40)
        assert "Stable" == (await described(it)).group_state

        await trio.sleep(6)

        assert "Empty" == (await described(it)).group_state


async def test_a_group_of_its_own_session_timeout(autojump_clock: MockClock) -> None:
    async with coordinating_broker() as it:
        await configure(it, **{"share.session.timeout.ms": "50000"})
        await reading_member(it)

        await trio.sleep(47)
        assert "Stable" == (await described(it)).group_state
        await trio.sleep(4)

        assert "Empty" == (await described(it)).group_state


async def test_a_full_group_takes_nobody_more() -> None:
    async with coordinating_broker({"group.share.max.size": "1"}) as it:
        await reading_member(it)

        refused = await ShareMember(it, "n").heartbeat()

    assert (ErrorCode.GROUP_MAX_SIZE_REACHED, "The share group has reached its maximum capacity of 1 members.") == (
        refused.error_code,
        refused.error_message,
    )


async def test_new_partitions_are_read_too() -> None:
    async with coordinating_broker(AT_ONCE) as it:
        member = await reading_member(it)
        wanted = CreatePartitionsRequest.CreatePartitionsTopic(name=TOPIC, count=3, assignments=None)
        await it.ask(CreatePartitionsRequest(topics=[wanted], timeout_ms=1, validate_only=False), 3)

        assert [(member.topic_id, [0, 1, 2])] == told(await member.heartbeat())


async def test_a_topic_that_comes_later_is_read_when_it_is_there() -> None:
    async with coordinating_broker(AT_ONCE) as it:
        member = ShareMember(it)
        assert [] == told(await member.heartbeat(subscribed_topic_names=["later"]))
        topic = await it.create("later")

        assert [(topic.id, [0])] == told(await member.heartbeat())


async def test_what_is_described() -> None:
    async with coordinating_broker() as it:
        member = await reading_member(it)

        group = await described(it)
        nobody = await it.ask(ShareGroupDescribeRequest(group_ids=["nope"], include_authorized_operations=False), 1)
        listed = await it.ask(ListGroupsRequest(states_filter=[], types_filter=["Share"]), 5)
        not_listed = await it.ask(ListGroupsRequest(states_filter=["empty"], types_filter=[]), 5)

    [described_member] = group.members
    [assigned] = described_member.assignment.topic_partitions
    assert ("Stable", "simple", 3400) == (group.group_state, group.assignor_name, group.authorized_operations)
    assert ("m", member.epoch, "/127.0.0.1", [TOPIC]) == (
        described_member.member_id,
        described_member.member_epoch,
        described_member.client_host,
        described_member.subscribed_topic_names,
    )
    assert (TOPIC, [0, 1]) == (assigned.topic_name, assigned.partitions)
    assert ("Group nope not found.", "") == (nobody.groups[0].error_message, nobody.groups[0].group_state)
    assert [("g", "share", "share", "Stable")] == [
        (each.group_id, each.protocol_type, each.group_type, each.group_state) for each in listed.groups
    ]
    assert [] == not_listed.groups


async def test_kinds_of_groups_do_not_mix() -> None:
    async with coordinating_broker() as it:
        member = await reading_member(it)
        partition = Topic.OffsetCommitRequestPartition(partition_index=0, committed_offset=1, committed_metadata=None)
        commit = OffsetCommitRequest(group_id=GROUP, topics=[Topic(name=TOPIC, partitions=[partition])])

        joined = await it.ask(join_request(), 3)
        committed = await it.ask(commit, 9)
        described_as_classic = await it.ask(DescribeGroupsRequest(groups=[GROUP]), 6)
        await it.ask(join_request(group_id="classic"), 3)
        refused = await member.heartbeat(group_id="classic", member_epoch=0, subscribed_topic_names=[TOPIC])

    assert ErrorCode.INCONSISTENT_GROUP_PROTOCOL == joined.error_code
    assert ErrorCode.GROUP_ID_NOT_FOUND == committed.topics[0].partitions[0].error_code
    assert "Group g is not a classic group." == described_as_classic.groups[0].error_message
    assert ErrorCode.GROUP_ID_NOT_FOUND == refused.error_code


async def test_only_a_group_without_members_is_deleted() -> None:
    async with coordinating_broker() as it:
        member = await reading_member(it)

        refused = await it.ask(DeleteGroupsRequest(groups_names=[GROUP]), 2)
        await member.heartbeat(member_epoch=-1)
        deleted = await it.ask(DeleteGroupsRequest(groups_names=[GROUP]), 2)
        listed = await it.ask(ListGroupsRequest(states_filter=[], types_filter=[]), 5)

    assert ErrorCode.NON_EMPTY_GROUP == refused.results[0].error_code
    assert ErrorCode.NONE == deleted.results[0].error_code
    assert [] == listed.groups
