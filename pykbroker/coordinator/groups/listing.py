"""ListGroups, DescribeGroups, DeleteGroups: what an administrator sees of groups."""

from __future__ import annotations

from collections.abc import Sequence

from pykbroker.coordinator.decision import Decision
from pykbroker.coordinator.groups.classic import ClassicGroup, GroupState, Member
from pykbroker.coordinator.groups.commits import delete_all
from pykbroker.coordinator.groups.consumer.group import ConsumerGroup
from pykbroker.coordinator.groups.consumer.records import group_tombstones
from pykbroker.coordinator.groups.shard import GroupShard, tombstones
from pykbroker.coordinator.groups.streams import records as streams_records
from pykbroker.coordinator.groups.streams.group import StreamsGroup, StreamsGroupState
from pykbroker.coordinator.groups.streams.target import stop_waiting
from wire.api.delete_groups import DeleteGroupsResponse
from wire.api.describe_groups import DescribeGroupsResponse
from wire.api.list_groups import ListGroupsResponse
from wire.errors import ErrorCode

DescribedGroup = DescribeGroupsResponse.DescribedGroup
DescribedMember = DescribedGroup.DescribedGroupMember
DeletableGroupResult = DeleteGroupsResponse.DeletableGroupResult
ListedGroup = ListGroupsResponse.ListedGroup

CLASSIC = "classic"
CONSUMER = "consumer"
STREAMS = "streams"
NOT_FOUND_SINCE = 6  # of DescribeGroups (KIP-1043); before, a group that is not there is a dead one


def listed(shard: GroupShard, states: Sequence[str], types: Sequence[str]) -> list[ListedGroup]:
    """The groups in any of `states` and of any of `types`, whatever the case; empty means all."""
    wanted_states = {state.strip().lower() for state in states}
    wanted_types = {name.lower() for name in types} or {CLASSIC, CONSUMER, STREAMS}
    groups: list[ClassicGroup | ConsumerGroup | StreamsGroup] = []
    if CLASSIC in wanted_types:
        groups += shard.groups.values()
    if CONSUMER in wanted_types:
        groups += shard.consumer_groups.values()
    if STREAMS in wanted_types:
        groups += shard.streams_groups.values()
    return [_listed(group) for group in groups if not wanted_states or _asked_for_as(group) in wanted_states]


def _asked_for_as(group: ClassicGroup | ConsumerGroup | StreamsGroup) -> str:
    """Its state. One of two words is asked for in another way than it is told (a slip of Kafka's)."""
    return "not_ready" if group.state is StreamsGroupState.NOT_READY else group.state.value.lower()


def _listed(group: ClassicGroup | ConsumerGroup | StreamsGroup) -> ListedGroup:
    if isinstance(group, ClassicGroup):
        protocol_type, group_type = group.protocol_type or "", CLASSIC
    else:
        protocol_type = group_type = CONSUMER if isinstance(group, ConsumerGroup) else STREAMS
    return ListedGroup(
        group_id=group.group_id,
        protocol_type=protocol_type,
        group_state=group.state.value,
        group_type=group_type,
    )


def described(shard: GroupShard, group_id: str, *, api_version: int) -> DescribedGroup:
    group = shard.groups.get(group_id)
    if group is None:
        if group_id in shard.share_groups:
            return undescribed(group_id, ErrorCode.GROUP_ID_NOT_FOUND, f"Group {group_id} is not a classic group.")
        if api_version >= NOT_FOUND_SINCE:
            what = "is not a classic group" if shard.has_group(group_id) else "not found"
            return undescribed(group_id, ErrorCode.GROUP_ID_NOT_FOUND, f"Group {group_id} {what}.")
        return undescribed(group_id, ErrorCode.NONE)
    return DescribedGroup(
        group_id=group_id,
        group_state=group.state.value,
        protocol_type=group.protocol_type or "",
        # Only once stable is it sure what the members agreed on.
        protocol_data=(group.protocol_name or "") if group.state is GroupState.STABLE else "",
        members=[_described_member(member, group) for member in group.members.values()],
    )


def undescribed(group_id: str, code: ErrorCode, message: str | None = None) -> DescribedGroup:
    return DescribedGroup(
        error_code=code,
        error_message=message,
        group_id=group_id,
        group_state=GroupState.DEAD.value if code in (ErrorCode.NONE, ErrorCode.GROUP_ID_NOT_FOUND) else "",
        protocol_type="",
        protocol_data="",
        members=(),
    )


def _described_member(member: Member, group: ClassicGroup) -> DescribedMember:
    is_stable = group.state is GroupState.STABLE and group.protocol_name is not None
    return DescribedMember(
        member_id=member.member_id,
        group_instance_id=member.group_instance_id,
        client_id=member.client_id,
        client_host=member.client_host,
        member_metadata=member.protocols[group.protocol_name or ""] if is_stable else b"",
        member_assignment=member.assignment,
    )


def delete_group(shard: GroupShard, group_id: str) -> Decision[DeletableGroupResult]:
    """Forget a group without members, and its offsets."""
    modern = shard.consumer_groups.get(group_id) or shard.streams_groups.get(group_id)
    if modern is not None and modern.members:
        return Decision(DeletableGroupResult(group_id=group_id, error_code=ErrorCode.NON_EMPTY_GROUP))
    if isinstance(modern, ConsumerGroup):
        records = [*delete_all(shard, group_id), *group_tombstones(modern)]
        return Decision(DeletableGroupResult(group_id=group_id), records)
    if modern is not None:
        stop_waiting(shard, group_id)
        records = [*delete_all(shard, group_id), *streams_records.group_tombstones(modern)]
        return Decision(DeletableGroupResult(group_id=group_id), records)
    group = shard.groups.get(group_id)
    if group is None:
        return Decision(DeletableGroupResult(group_id=group_id, error_code=ErrorCode.GROUP_ID_NOT_FOUND))
    if group.state is not GroupState.EMPTY:
        return Decision(DeletableGroupResult(group_id=group_id, error_code=ErrorCode.NON_EMPTY_GROUP))
    return Decision(DeletableGroupResult(group_id=group_id), [*delete_all(shard, group_id), *tombstones([group_id])])
