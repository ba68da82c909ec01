"""A group as its coordinator describes it, whichever protocol it speaks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pykbroker.console.client import Client, check, patiently
from pykbroker.console.offsets import TopicPartition
from wire.api.consumer_group_describe import ConsumerGroupDescribeRequest
from wire.api.describe_groups import DescribeGroupsRequest
from wire.api.list_groups import ListGroupsRequest
from wire.api.share_group_describe import ShareGroupDescribeRequest
from wire.api.streams_group_describe import StreamsGroupDescribeRequest
from wire.errors import ErrorCode, ProtocolError
from wire.state_records.consumer_protocol import decode_assignment

CLASSIC = "Classic"
DEAD = "Dead"


@dataclass(frozen=True)
class Member:
    id: str
    instance_id: str | None
    client_id: str
    host: str
    epoch: int | None  # none in the classic protocol, which has a generation for all
    assigned: list[TopicPartition]
    target: list[TopicPartition]


@dataclass(frozen=True)
class Group:
    id: str
    coordinator: str
    type: str
    state: str
    assignor: str
    epoch: int | None = None
    target_epoch: int | None = None
    members: Sequence[Member] = field(default=())

    @property
    def is_known(self) -> bool:
        """A coordinator describes what it does not know as dead."""
        return self.state != DEAD


def described(client: Client, group_id: str) -> Group:
    node = client.coordinator(group_id)
    listed = patiently(lambda: node.ask(ListGroupsRequest()), lambda answer: int(answer.error_code))
    check(listed.error_code, None, "cannot list groups")
    kind = next((each.group_type for each in listed.groups if each.group_id == group_id), "") or CLASSIC
    if kind.lower() == "consumer":
        return of_new_protocol(node, group_id, kind, ConsumerGroupDescribeRequest)
    if kind.lower() == "share":
        return of_new_protocol(node, group_id, kind, ShareGroupDescribeRequest)
    if kind.lower() == "streams":
        return of_streams(node, group_id, kind)
    return of_classic_protocol(node, group_id, kind)


def of_classic_protocol(node: Client, group_id: str, kind: str) -> Group:
    [told] = node.ask(DescribeGroupsRequest(groups=[group_id])).groups
    if told.error_code != ErrorCode.GROUP_ID_NOT_FOUND:
        check(told.error_code, told.error_message, f"cannot describe group {group_id}")
    members = []
    for each in told.members:
        assigned = assigned_by_leader(each.member_assignment)
        instance_id = each.group_instance_id
        host = each.client_host.removeprefix("/")
        members.append(Member(each.member_id, instance_id, each.client_id, host, None, assigned, assigned))
    return Group(group_id, node.name, kind, told.group_state or DEAD, told.protocol_data, members=members)


def assigned_by_leader(blob: Any) -> list[TopicPartition]:
    """Of consumers; what other kinds of members are given is theirs to understand."""
    if not blob:
        return []
    try:
        assigned = decode_assignment(blob).assigned_partitions
    except ProtocolError:
        return []
    return [(each.topic, number) for each in assigned for number in each.partitions]


def of_new_protocol(node: Client, group_id: str, kind: str, request: Any) -> Group:
    [told] = node.ask(request(group_ids=[group_id], include_authorized_operations=False)).groups
    check(told.error_code, told.error_message, f"cannot describe group {group_id}")
    members = []
    for each in told.members:
        assigned = partitions_of(each.assignment.topic_partitions)
        target = partitions_of(getattr(each, "target_assignment", each.assignment).topic_partitions)
        instance_id, host = getattr(each, "instance_id", None), each.client_host.removeprefix("/")
        members.append(Member(each.member_id, instance_id, each.client_id, host, each.member_epoch, assigned, target))
    return Group(
        group_id,
        node.name,
        kind,
        told.group_state,
        told.assignor_name,
        told.group_epoch,
        told.assignment_epoch,
        members,
    )


def of_streams(node: Client, group_id: str, kind: str) -> Group:
    """What its members have are tasks: a partition of each topic that a subtopology reads."""
    request = StreamsGroupDescribeRequest(group_ids=[group_id], include_authorized_operations=False)
    [told] = node.ask(request).groups
    check(told.error_code, told.error_message, f"cannot describe group {group_id}")
    subtopologies = told.topology.subtopologies or () if told.topology else ()
    read = {
        each.subtopology_id: [*each.source_topics, *(topic.name for topic in each.repartition_source_topics)]
        for each in subtopologies
    }
    members = []
    for each in told.members:
        assigned = read_by(each.assignment.active_tasks, read)
        target = read_by(each.target_assignment.active_tasks, read)
        host = each.client_host.removeprefix("/")
        members.append(
            Member(each.member_id, each.instance_id, each.client_id, host, each.member_epoch, assigned, target)
        )
    epochs = told.group_epoch, told.assignment_epoch
    return Group(group_id, node.name, kind, told.group_state, "", *epochs, members)


def read_by(tasks: Iterable[Any], read: Mapping[str, Sequence[str]]) -> list[TopicPartition]:
    return [
        (topic, number) for each in tasks for topic in read.get(each.subtopology_id, ()) for number in each.partitions
    ]


def partitions_of(topics: Iterable[Any]) -> list[TopicPartition]:
    return [(topic.topic_name, number) for topic in topics for number in topic.partitions]
