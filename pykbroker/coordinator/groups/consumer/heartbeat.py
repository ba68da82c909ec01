"""ConsumerGroupHeartbeat: join, say that one lives and what one has, learn what to give up and to take.

Epoch 0 joins, or joins again; -1 leaves, and -2 is a static member that goes away for a while (see `leaving`).
"""

from __future__ import annotations

from dataclasses import replace
from uuid import uuid4

from pykbroker.coordinator.decision import Caller, Decision
from pykbroker.coordinator.groups.consumer import leaving, migration
from pykbroker.coordinator.groups.consumer.assignors import ASSIGNORS
from pykbroker.coordinator.groups.consumer.group import ConsumerGroup
from pykbroker.coordinator.groups.consumer.member import (
    JOINING,
    LEAVING,
    LEAVING_STATIC,
    ConsumerMember,
    Owned,
    Partitions,
    partitions_of,
)
from pykbroker.coordinator.groups.consumer.stepping import take_step
from pykbroker.coordinator.groups.consumer.subscriptions import check_regex
from pykbroker.coordinator.groups.history import Kind, Named
from pykbroker.coordinator.groups.shard import GroupShard
from pykbroker.coordinator.java import base64_uuid
from pykbroker.errors import BrokerError
from wire.api.consumer_group_heartbeat import ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse
from wire.errors import ErrorCode

CLIENT_MAKES_ID_SINCE = 1  # KIP-1082
UNKNOWN_TIMEOUT = -1

HeartbeatDecision = Decision[ConsumerGroupHeartbeatResponse]


def heartbeat(
    shard: GroupShard, request: ConsumerGroupHeartbeatRequest, caller: Caller, now_ms: int
) -> HeartbeatDecision:
    _check(shard, request, caller.api_version)
    if request.member_epoch in (LEAVING, LEAVING_STATIC):
        return leaving.leave(shard, request, now_ms)
    group_id, is_joining = request.group_id, request.member_epoch == JOINING
    is_of_others = group_id in shard.share_groups or group_id in shard.streams_groups
    if is_of_others or (not is_joining and group_id in shard.groups):
        raise BrokerError(ErrorCode.GROUP_ID_NOT_FOUND, f"Group {group_id} is not a consumer group.")
    if not is_joining and group_id not in shard.consumer_groups:
        raise BrokerError(ErrorCode.GROUP_ID_NOT_FOUND, f"Consumer group {group_id} not found.")
    group, records = migration.group_for_member(shard, group_id)
    _check_room(shard, group, request.member_id)
    member_id = request.member_id or base64_uuid(uuid4())
    claimed = _claimed(request)
    try:
        former, replaced = _known(group, member_id, request, claimed)
    except BrokerError as error:
        who = Named(member_id, caller.client_id, caller.client_host)
        shard.histories.note(group_id, now_ms, Kind.FENCED, f"refused: {error.message}", who)
        raise
    updated = _updated(former, request, caller)
    if request.subscribed_topic_regex and request.subscribed_topic_regex != former.topic_regex:
        check_regex(request.subscribed_topic_regex)
    classic = shard.groups.get(group_id)
    if classic is not None and group_id not in shard.consumer_groups:
        migration.let_classic_waiters_go(shard, classic)
        for member in group.members.values():
            leaving.heard_of(shard, group_id, member, now_ms)
    step = take_step(shard, group, updated, replaced=replaced, claimed=claimed, now_ms=now_ms)
    step.records[:0] = records
    if replaced is not None:
        leaving.cancel_timers(shard, group_id, replaced.member_id)
    elif former.uses_classic_protocol:
        leaving.cancel_timers(shard, group_id, member_id)  # of JoinGroup and SyncGroup, which it will not send
    leaving.heard_of(shard, group_id, step.member, now_ms)
    if step.member != updated:
        leaving.expect_revocation(shard, group_id, step.member, now_ms)
    return step.decided(shard, _response(shard, request, former, step.member))


# --- what is asked


def _check(shard: GroupShard, request: ConsumerGroupHeartbeatRequest, api_version: int) -> None:
    """Raises BrokerError, in Kafka's words."""
    reason = _why_invalid(request, api_version)
    if reason is not None:
        raise BrokerError(ErrorCode.INVALID_REQUEST, reason)
    assignor, offered = request.server_assignor, shard.config.consumer_assignors
    if assignor is not None and (assignor not in offered or assignor not in ASSIGNORS):
        message = f"ServerAssignor {assignor} is not supported. Supported assignors: {', '.join(offered)}."
        raise BrokerError(ErrorCode.UNSUPPORTED_ASSIGNOR, message)


def _why_invalid(request: ConsumerGroupHeartbeatRequest, api_version: int) -> str | None:
    epoch = request.member_epoch
    needs_id = epoch != JOINING or api_version >= CLIENT_MAKES_ID_SINCE
    for value, name in (
        (request.group_id, "GroupId"),
        (request.member_id if needs_id else None, "MemberId"),
        (request.instance_id, "InstanceId"),
        (request.rack_id, "RackId"),
    ):
        if value is not None and value.strip() == "":
            return f"{name} can't be empty."
    if epoch == JOINING:
        if request.rebalance_timeout_ms == UNKNOWN_TIMEOUT:
            return "RebalanceTimeoutMs must be provided in first request."
        if request.topic_partitions is None or request.topic_partitions:
            return "TopicPartitions must be empty when (re-)joining."
        if request.subscribed_topic_names is None and request.subscribed_topic_regex is None:
            return "Either SubscribedTopicNames or SubscribedTopicRegex must be non-null when (re-)joining."
    if epoch == LEAVING_STATIC and request.instance_id is None:
        return "InstanceId can't be null."
    return "MemberEpoch is invalid." if epoch < LEAVING_STATIC else None


def _claimed(request: ConsumerGroupHeartbeatRequest) -> Partitions | None:
    if request.topic_partitions is None:
        return None
    return partitions_of((each.topic_id, each.partitions) for each in request.topic_partitions)


def _check_room(shard: GroupShard, group: ConsumerGroup, member_id: str) -> None:
    most = shard.config.consumer_max_size
    if len(group.members) >= most and member_id not in group.members:
        message = f"The consumer group has reached its maximum capacity of {most} members."
        raise BrokerError(ErrorCode.GROUP_MAX_SIZE_REACHED, message)


# --- the member


def _known(
    group: ConsumerGroup, member_id: str, request: ConsumerGroupHeartbeatRequest, claimed: Partitions | None
) -> tuple[ConsumerMember, ConsumerMember | None]:
    """The member as it was, new or not, and the static member whose place it takes. Raises BrokerError."""
    instance_id, is_joining = request.instance_id, request.member_epoch == JOINING
    if not is_joining:
        member = group.member_of(member_id, instance_id)
        _check_epoch(member, request.member_epoch, claimed)
        return member, None
    owner_id = None if instance_id is None else group.static_members.get(instance_id)
    if owner_id is None:
        return group.members.get(member_id, ConsumerMember(member_id)), None
    owner = group.member(owner_id)
    if owner.epoch != LEAVING_STATIC and not owner.uses_classic_protocol:
        raise BrokerError(
            ErrorCode.UNRELEASED_INSTANCE_ID,
            f"Static member {member_id} with instance id {instance_id} cannot join the group because the instance id "
            f"is owned by {owner_id} member.",
        )
    return replace(owner, member_id=member_id, epoch=0, previous_epoch=0), owner


def _check_epoch(member: ConsumerMember, epoch: int, claimed: Partitions | None) -> None:
    """Raises BrokerError(FENCED_MEMBER_EPOCH).

    The epoch before is taken from a member that cannot have got our last answer: one that has no more than it.
    """
    if epoch == member.epoch:
        return
    if epoch < member.epoch and epoch == member.previous_epoch and _is_subset(claimed, member.assigned):
        return
    is_what = "greater" if epoch > member.epoch else "smaller"
    raise BrokerError(
        ErrorCode.FENCED_MEMBER_EPOCH,
        f"The consumer group member has a {is_what} member epoch ({epoch}) than the one known by the group coordinator "
        f"({member.epoch}). The member must abandon all its partitions and rejoin.",
    )


def _is_subset(claimed: Partitions | None, assigned: Owned) -> bool:
    if claimed is None:
        return False
    return all(partitions <= assigned.get(topic_id, {}).keys() for topic_id, partitions in claimed.items())


def _updated(former: ConsumerMember, request: ConsumerGroupHeartbeatRequest, caller: Caller) -> ConsumerMember:
    """What the request does not say stays as it was."""
    names, regex, timeout_ms = (
        request.subscribed_topic_names,
        request.subscribed_topic_regex,
        request.rebalance_timeout_ms,
    )
    return replace(
        former,
        instance_id=former.instance_id if request.instance_id is None else request.instance_id,
        rack_id=former.rack_id if request.rack_id is None else request.rack_id,
        client_id=caller.client_id,
        client_host=caller.client_host,
        rebalance_timeout_ms=former.rebalance_timeout_ms if timeout_ms == UNKNOWN_TIMEOUT else timeout_ms,
        topic_names=former.topic_names if names is None else frozenset(names),
        topic_regex=former.topic_regex if regex is None else regex,
        server_assignor=former.server_assignor if request.server_assignor is None else request.server_assignor,
        classic=None,
    )


# --- the answer


def _response(
    shard: GroupShard, request: ConsumerGroupHeartbeatRequest, former: ConsumerMember, member: ConsumerMember
) -> ConsumerGroupHeartbeatResponse:
    is_told = _is_full(request) or _indexes(former.assigned) != _indexes(member.assigned)
    return ConsumerGroupHeartbeatResponse(
        member_id=member.member_id,
        member_epoch=member.epoch,
        heartbeat_interval_ms=shard.consumer_config(request.group_id).heartbeat_interval_ms,
        assignment=_assignment(member) if is_told else None,
    )


def _is_full(request: ConsumerGroupHeartbeatRequest) -> bool:
    """Whether the member says all there is: then it may have missed what we said."""
    says_what_it_reads = request.subscribed_topic_names is not None or request.subscribed_topic_regex is not None
    says_all = request.rebalance_timeout_ms != UNKNOWN_TIMEOUT and says_what_it_reads
    return request.member_epoch == JOINING or (says_all and request.topic_partitions is not None)


def _indexes(owned: Owned) -> Partitions:
    return partitions_of(owned.items())


def _assignment(member: ConsumerMember) -> ConsumerGroupHeartbeatResponse.Assignment:
    given = ConsumerGroupHeartbeatResponse.Assignment
    return given(
        topic_partitions=[
            given.TopicPartitions(topic_id=topic_id, partitions=sorted(partitions))
            for topic_id, partitions in member.assigned.items()
        ]
    )
