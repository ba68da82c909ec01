"""Describe-, Alter- and DeleteShareGroupOffsets. What Kafka 4.3 answered is what is expected."""

from __future__ import annotations

from typing import Any

from pykbroker.coordinator.share.share_partition import Acquired
from pykbroker.coordinator.share_testing import GROUP, TOPIC, ShareMember, produce, reading_member
from pykbroker.coordinator.testing import coordinating_broker
from pykbroker.testing import InMemoryBroker
from wire.api.alter_share_group_offsets import AlterShareGroupOffsetsRequest
from wire.api.delete_groups import DeleteGroupsRequest
from wire.api.delete_share_group_offsets import DeleteShareGroupOffsetsRequest
from wire.api.delete_topics import DeleteTopicsRequest
from wire.api.describe_share_group_offsets import DescribeShareGroupOffsetsRequest
from wire.errors import ErrorCode

ACCEPT = 1
DescribedGroup = DescribeShareGroupOffsetsRequest.DescribeShareGroupOffsetsRequestGroup
DescribedTopic = DescribedGroup.DescribeShareGroupOffsetsRequestTopic
AlteredTopic = AlterShareGroupOffsetsRequest.AlterShareGroupOffsetsRequestTopic
DeletedTopic = DeleteShareGroupOffsetsRequest.DeleteShareGroupOffsetsRequestTopic


async def offsets(
    it: InMemoryBroker, topics: dict[str, list[int]] | None = None, group: str = GROUP
) -> list[tuple[str, int, int, int]]:
    """Topic, partition, start offset, lag."""
    asked = (
        None if topics is None else [DescribedTopic(topic_name=name, partitions=each) for name, each in topics.items()]
    )
    request = DescribeShareGroupOffsetsRequest(groups=[DescribedGroup(group_id=group, topics=asked)])
    [told] = (await it.ask(request, 1)).groups
    assert 0 == told.error_code
    return [
        (topic.topic_name, each.partition_index, each.start_offset, each.lag)
        for topic in told.topics
        for each in topic.partitions
    ]


async def alter(it: InMemoryBroker, *starts: tuple[str, int, int], group: str = GROUP) -> Any:
    topics = [
        AlteredTopic(
            topic_name=name,
            partitions=[AlteredTopic.AlterShareGroupOffsetsRequestPartition(partition_index=index, start_offset=start)],
        )
        for name, index, start in starts
    ]
    return await it.ask(AlterShareGroupOffsetsRequest(group_id=group, topics=topics), 0)


async def delete(it: InMemoryBroker, *names: str, group: str = GROUP) -> Any:
    topics = [DeletedTopic(topic_name=name) for name in names]
    return await it.ask(DeleteShareGroupOffsetsRequest(group_id=group, topics=topics), 0)


async def test_the_lag_is_what_is_yet_to_be_done_with() -> None:
    """The start offset is of what was stored last, as in Kafka: the lag knows more."""
    async with coordinating_broker() as it:
        member = await reading_member(it)
        produce(it, 10)
        await member.fetch()
        assert [(TOPIC, 0, -1, -1), (TOPIC, 1, -1, -1)] == await offsets(it)

        await member.acknowledge((0, 1, [ACCEPT]))
        assert [(TOPIC, 0, 0, 8), (TOPIC, 1, -1, -1)] == await offsets(it)
        await member.acknowledge((4, 5, [ACCEPT]))

        assert [(TOPIC, 0, 2, 6)] == await offsets(it, {TOPIC: [0]})


async def test_a_start_beyond_the_log_is_waited_for() -> None:
    async with coordinating_broker() as it:
        member = await reading_member(it)
        produce(it, 1)
        await member.heartbeat(member_epoch=-1)
        await alter(it, (TOPIC, 0, 3))
        member = ShareMember(it, "n")
        await member.heartbeat()

        assert [] == (await member.fetch()).responses, "nothing, and no error"
        produce(it, 4)

        assert [Acquired(3, 4, 1)] == await member.acquire()


async def test_what_is_not_there_has_no_start() -> None:
    async with coordinating_broker() as it:
        await reading_member(it)

        assert [(TOPIC, 5, -1, -1), ("nope", 0, -1, -1)] == await offsets(it, {TOPIC: [5], "nope": [0]})
        assert [] == await offsets(it, group="nope")


async def test_a_group_without_members_can_be_moved() -> None:
    async with coordinating_broker() as it:
        member = await reading_member(it)
        produce(it, 10)
        await member.fetch()
        await member.acknowledge((0, 9, [ACCEPT]))
        refused = await alter(it, (TOPIC, 0, 3))
        await member.heartbeat(member_epoch=-1)

        moved = await alter(it, (TOPIC, 0, 3), ("nope", 0, 0), (TOPIC, 9, 0))

        assert ErrorCode.NON_EMPTY_GROUP == refused.error_code
        codes = [topic.partitions[0].error_code for topic in moved.responses]
        unknown = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
        assert [ErrorCode.NONE, unknown, unknown] == codes
        assert (TOPIC, 0, 3, 7) in await offsets(it)
        again = ShareMember(it, "n")
        await again.heartbeat()
        assert [Acquired(3, 9, 1)] == await again.acquire()


async def test_a_group_comes_into_being_when_its_offsets_are_set() -> None:
    """As in Kafka."""
    async with coordinating_broker() as it:
        produce(it, 4)

        assert 0 == (await alter(it, (TOPIC, 0, 1))).error_code

        assert [(TOPIC, 0, 1, 3)] == await offsets(it)
        member = await reading_member(it)
        assert [Acquired(1, 3, 1)] == await member.acquire()


async def test_topics_can_be_forgotten() -> None:
    async with coordinating_broker() as it:
        member = await reading_member(it)
        produce(it, 4)
        await member.fetch()
        await member.acknowledge((0, 3, [ACCEPT]))
        refused = await delete(it, TOPIC)
        await member.heartbeat(member_epoch=-1)

        forgotten = await delete(it, TOPIC, "nope", "u")
        unknown = await delete(it, TOPIC, group="nope")

        assert ErrorCode.NON_EMPTY_GROUP == refused.error_code
        assert ErrorCode.GROUP_ID_NOT_FOUND == unknown.error_code
        codes = [topic.error_code for topic in forgotten.responses]
        unknown_topic = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
        assert [ErrorCode.NONE, unknown_topic, unknown_topic] == codes
        assert "There is no offset information to delete." == forgotten.responses[2].error_message
        assert [] == await offsets(it)
        again = await reading_member(it, "n")
        assert [Acquired(0, 3, 1)] == await again.acquire()


async def test_a_deleted_group_leaves_nothing_to_the_next_of_its_name() -> None:
    async with coordinating_broker() as it:
        member = await reading_member(it)
        produce(it, 4)
        await member.fetch()
        await member.acknowledge((0, 3, [ACCEPT]))
        await member.heartbeat(member_epoch=-1)

        await it.ask(DeleteGroupsRequest(groups_names=[GROUP]), 2)

        again = await reading_member(it, "n")
        assert [Acquired(0, 3, 1)] == await again.acquire()


async def test_a_topic_made_anew_is_read_from_its_beginning() -> None:
    async with coordinating_broker() as it:
        member = await reading_member(it)
        produce(it, 4)
        await member.fetch()
        await member.acknowledge((0, 3, [ACCEPT]))

        state = DeleteTopicsRequest.DeleteTopicState(name=TOPIC, topic_id=b"\0" * 16)
        await it.ask(DeleteTopicsRequest(topics=[state], timeout_ms=1_000), 6)
        assert [] == await offsets(it)
        await it.create(TOPIC, 1)
        produce(it, 2)

        again = ShareMember(it, "n")
        await again.heartbeat()
        assert [Acquired(0, 1, 1)] == await again.acquire()
