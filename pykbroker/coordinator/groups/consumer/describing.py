"""ConsumerGroupDescribe: a group, its members, what they have and what they should have."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pykbroker.coordinator.groups.consumer.group import ConsumerGroup
from pykbroker.coordinator.groups.consumer.member import ConsumerMember, merged
from pykbroker.coordinator.groups.shard import GroupShard
from pykbroker.metadata.image import TopicImage
from wire.api.consumer_group_describe import Assignment, ConsumerGroupDescribeResponse, TopicPartitions
from wire.errors import ErrorCode

DescribedGroup = ConsumerGroupDescribeResponse.DescribedGroup

CLASSIC_MEMBER, CONSUMER_MEMBER = 0, 1


def described(shard: GroupShard, group_id: str) -> DescribedGroup:
    group = shard.consumer_groups.get(group_id)
    if group is None:
        is_other = shard.has_group(group_id)
        message = f"Group {group_id} is not a consumer group." if is_other else f"Group {group_id} not found."
        return undescribed(group_id, ErrorCode.GROUP_ID_NOT_FOUND, message)
    topics = shard.image.topics_by_id
    return DescribedGroup(
        group_id=group_id,
        group_state=group.state.value,
        group_epoch=group.epoch,
        assignment_epoch=group.assignment_epoch,
        assignor_name=ConsumerGroup.preferred_assignor_of(group.members.values(), shard.config.consumer_assignors[0]),
        members=[_member(group, member, topics) for member in group.members.values()],
    )


def undescribed(group_id: str, code: ErrorCode, message: str | None = None) -> DescribedGroup:
    return DescribedGroup(
        error_code=code,
        error_message=message,
        group_id=group_id,
        group_state="",
        group_epoch=0,
        assignment_epoch=0,
        assignor_name="",
        members=(),
    )


def _member(group: ConsumerGroup, member: ConsumerMember, topics: Mapping[bytes, TopicImage]) -> DescribedGroup.Member:
    return DescribedGroup.Member(
        member_id=member.member_id,
        instance_id=member.instance_id,
        rack_id=member.rack_id,
        member_epoch=member.epoch,
        client_id=member.client_id,
        client_host=member.client_host,
        subscribed_topic_names=sorted(member.topic_names),
        subscribed_topic_regex=member.topic_regex,
        assignment=_assignment(merged(member.assigned, member.revoking), topics),
        target_assignment=_assignment(group.target_of(member.member_id), topics),
        member_type=CLASSIC_MEMBER if member.uses_classic_protocol else CONSUMER_MEMBER,
    )


def _assignment(partitions: Mapping[bytes, Iterable[int]], topics: Mapping[bytes, TopicImage]) -> Assignment:
    """Of topics that are there: one that was deleted has no name."""
    return Assignment(
        topic_partitions=[
            TopicPartitions(topic_id=topic_id, topic_name=topics[topic_id].name, partitions=sorted(indexes))
            for topic_id, indexes in partitions.items()
            if topic_id in topics
        ]
    )
