"""What an administrator sees of share groups, and what he may change of one that nobody reads with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pykbroker.coordinator.decision import Decision
from pykbroker.coordinator.groups.shard import GroupShard
from pykbroker.coordinator.share import group_records
from pykbroker.coordinator.share.group import Initialized, ShareGroup, ShareMember, with_partitions
from pykbroker.errors import BrokerError
from pykbroker.metadata.image import MetadataImage
from wire.api.list_groups import ListGroupsResponse
from wire.api.share_group_describe import ShareGroupDescribeResponse
from wire.errors import ErrorCode

ListedGroup = ListGroupsResponse.ListedGroup
DescribedGroup = ShareGroupDescribeResponse.DescribedGroup
Member = DescribedGroup.Member

SHARE = "share"
ASSIGNOR = "simple"


def listed_share_groups(shard: GroupShard, states: Sequence[str], types: Sequence[str]) -> list[ListedGroup]:
    """Those in any of `states`, if `types` names their type, whatever the case; empty means all."""
    wanted_states = {state.strip().lower() for state in states}
    if types and SHARE not in (name.lower() for name in types):
        return []
    return [
        ListedGroup(group_id=group.group_id, protocol_type=SHARE, group_state=group.state.value, group_type=SHARE)
        for group in shard.share_groups.values()
        if not wanted_states or group.state.value.lower() in wanted_states
    ]


def found(shard: GroupShard, group_id: str) -> ShareGroup:
    """Raises BrokerError."""
    group = shard.share_groups.get(group_id)
    if group is None:
        is_other = shard.has_group(group_id)
        message = f"Group {group_id} is not a share group." if is_other else f"Group {group_id} not found."
        raise BrokerError(ErrorCode.GROUP_ID_NOT_FOUND, message)
    return group


def described(shard: GroupShard, group_id: str, image: MetadataImage) -> DescribedGroup:
    try:
        group = found(shard, group_id)
    except BrokerError as error:
        return undescribed(group_id, error)
    return DescribedGroup(
        group_id=group_id,
        group_state=group.state.value,
        group_epoch=group.epoch,
        assignment_epoch=group.assignment_epoch,
        assignor_name=ASSIGNOR,
        members=[_described_member(member, image) for member in group.members.values()],
    )


def undescribed(group_id: str, error: BrokerError) -> DescribedGroup:
    return DescribedGroup(
        error_code=error.code,
        error_message=None if error.code == ErrorCode.INVALID_GROUP_ID else error.message,
        group_id=group_id,
        group_state="",
        group_epoch=0,
        assignment_epoch=0,
        assignor_name="",
        members=(),
    )


def _described_member(member: ShareMember, image: MetadataImage) -> Member:
    assigned = [
        Member.Assignment.TopicPartitions(topic_id=topic_id, topic_name=topic.name, partitions=partitions)
        for topic_id, partitions in member.assigned.items()
        if (topic := image.topic_by_id(topic_id)) is not None
    ]
    return Member(
        member_id=member.member_id,
        rack_id=member.rack_id,
        member_epoch=member.epoch,
        client_id=member.client_id,
        client_host=member.client_host,
        subscribed_topic_names=member.subscribed_topics,
        assignment=Member.Assignment(topic_partitions=assigned),
    )


# --- of a group without members


def emptied(shard: GroupShard, group_id: str) -> dict[bytes, Initialized]:
    """The partitions of a group that has no members. Raises BrokerError."""
    group = found(shard, group_id)
    group.check_empty()
    return group.initialized


def delete(shard: GroupShard, group_id: str) -> Decision[None]:
    """Raises BrokerError."""
    group = found(shard, group_id)
    group.check_empty()
    return Decision(None, group_records.group_tombstones(group))


def begin_at(
    shard: GroupShard, group_id: str, partitions: Mapping[bytes, tuple[int, ...]], image: MetadataImage
) -> Decision[None]:
    """Its offsets were set: these are initialized now. A group that is not there comes into being, as in Kafka."""
    group = shard.share_groups.get(group_id) or ShareGroup(group_id)
    known = dict(group.initialized)
    for topic_id, indexes in partitions.items():
        topic = image.topic_by_id(topic_id)
        if topic is not None:
            known[topic_id] = with_partitions(known.get(topic_id), topic.name, indexes)
    records = [group_records.initialized_record(group_id, known)]
    if group_id not in shard.share_groups:
        records.insert(0, group_records.epoch_record(group_id, group.epoch, group.metadata_hash))
    return Decision(None, records)


def forget_topics(shard: GroupShard, group_id: str, topic_ids: set[bytes]) -> Decision[None]:
    """Raises BrokerError."""
    group = found(shard, group_id)
    kept = {topic_id: each for topic_id, each in group.initialized.items() if topic_id not in topic_ids}
    return Decision(None, [group_records.initialized_record(group.group_id, kept)])
