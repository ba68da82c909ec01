"""Members that still speak the classic protocol in a consumer group: JoinGroup, SyncGroup, Heartbeat, LeaveGroup.

To them the group looks like one whose leader is somebody else, and which never waits: a JoinGroup takes a step and is
answered at once, SyncGroup fetches what it came to, and Heartbeat tells when there is reason to join again.
"""

from __future__ import annotations

from dataclasses import replace
from uuid import uuid4

from pykbroker.coordinator.decision import Caller, Decision, nothing
from pykbroker.coordinator.groups.classic import CONSUMER
from pykbroker.coordinator.groups.consumer import leaving, migration
from pykbroker.coordinator.groups.consumer.group import ConsumerGroup
from pykbroker.coordinator.groups.consumer.member import (
    ClassicMetadata,
    ConsumerMember,
    MemberState,
    Partitions,
    partitions_of,
)
from pykbroker.coordinator.groups.consumer.stepping import take_step
from pykbroker.coordinator.groups.consumer.target import is_due as is_due_for_assignment
from pykbroker.coordinator.groups.history import Kind, told
from pykbroker.coordinator.groups.shard import GroupShard
from pykbroker.coordinator.java import base64_uuid
from pykbroker.errors import BrokerError
from wire.api.heartbeat import HeartbeatRequest, HeartbeatResponse
from wire.api.join_group import JoinGroupRequest, JoinGroupResponse
from wire.api.leave_group import LeaveGroupRequest, LeaveGroupResponse
from wire.api.sync_group import SyncGroupRequest, SyncGroupResponse
from wire.errors import ErrorCode, ProtocolError
from wire.state_records import ConsumerProtocolSubscription, decode_subscription

KNOWN_ID_REQUIRED_SINCE = 4  # KIP-394

MemberResponse = LeaveGroupResponse.MemberResponse


def join(
    shard: GroupShard, group: ConsumerGroup, request: JoinGroupRequest, caller: Caller, now_ms: int
) -> Decision[JoinGroupResponse]:
    is_unknown = request.member_id == ""
    member_id = request.member_id or base64_uuid(uuid4())
    instance_id = request.group_instance_id
    if len(group.members) >= shard.config.consumer_max_size and member_id not in group.members:
        raise BrokerError(ErrorCode.GROUP_MAX_SIZE_REACHED)
    names = [protocol.name for protocol in request.protocols]
    if request.protocol_type != CONSUMER or not group.supports_classic_protocols(names):
        raise BrokerError(ErrorCode.INCONSISTENT_GROUP_PROTOCOL)
    if is_unknown and instance_id is None and caller.api_version >= KNOWN_ID_REQUIRED_SINCE:
        return Decision(_joined(member_id, error_code=ErrorCode.MEMBER_ID_REQUIRED))
    try:
        subscription = decode_subscription(request.protocols[0].metadata)
    except ProtocolError:
        raise BrokerError(ErrorCode.INCONSISTENT_GROUP_PROTOCOL) from None
    former, replaced = _known(group, member_id, instance_id, is_unknown=is_unknown)
    updated = _updated(former, request, subscription, caller)
    if replaced is not None and migration.may_downgrade_for(shard, group, replaced):
        return _join_downgraded(shard, group, replaced, updated, names[0])
    claimed = _claimed(shard, subscription)
    step = take_step(shard, group, updated, replaced=replaced, claimed=claimed, now_ms=now_ms)
    _set_timers(shard, group, step.member, replaced, now_ms)
    return step.decided(shard, _joined(step.member.member_id, step.member.epoch, names[0]))


def _known(
    group: ConsumerGroup, member_id: str, instance_id: str | None, *, is_unknown: bool
) -> tuple[ConsumerMember, ConsumerMember | None]:
    """The member as it was, and the static member whose place it takes. Raises BrokerError."""
    owner_id = None if instance_id is None else group.static_members.get(instance_id)
    if instance_id is None or (owner_id is None and is_unknown):
        return group.members.get(member_id, ConsumerMember(member_id)), None
    if not is_unknown:
        return group.static_member(instance_id, member_id), None
    assert owner_id is not None
    owner = group.member(owner_id)
    return replace(owner, member_id=member_id, epoch=0, previous_epoch=0), owner


def _updated(
    former: ConsumerMember, request: JoinGroupRequest, subscription: ConsumerProtocolSubscription, caller: Caller
) -> ConsumerMember:
    is_v0 = caller.api_version == 0
    return replace(
        former,
        instance_id=request.group_instance_id,
        rack_id=subscription.rack_id,
        client_id=caller.client_id,
        client_host=caller.client_host,
        rebalance_timeout_ms=request.session_timeout_ms if is_v0 else request.rebalance_timeout_ms,
        topic_names=frozenset(subscription.topics),
        topic_regex="",
        server_assignor=None,
        classic=ClassicMetadata(
            request.session_timeout_ms, tuple((each.name, bytes(each.metadata)) for each in request.protocols)
        ),
    )


def _claimed(shard: GroupShard, subscription: ConsumerProtocolSubscription) -> Partitions:
    """What the member says to own. One that does not say so has given up everything before it joined."""
    topics = shard.image.topics
    return partitions_of(
        (topics[each.topic].id, each.partitions) for each in subscription.owned_partitions if each.topic in topics
    )


def _set_timers(
    shard: GroupShard, group: ConsumerGroup, member: ConsumerMember, replaced: ConsumerMember | None, now_ms: int
) -> None:
    group_id, member_id = group.group_id, member.member_id
    if replaced is not None:
        leaving.cancel_timers(shard, group_id, replaced.member_id)
    shard.timers.cancel(("join", group_id, member_id))
    leaving.heard_of(shard, group_id, member, now_ms)
    timeout_ms = member.rebalance_timeout_ms
    text = f"did not sync within {timeout_ms} ms, its rebalance timeout"
    leaving.schedule(shard, "sync", group_id, member_id, now_ms + timeout_ms, text)


def _join_downgraded(
    shard: GroupShard, group: ConsumerGroup, replaced: ConsumerMember, updated: ConsumerMember, protocol: str
) -> Decision[JoinGroupResponse]:
    """The last member of the new protocol comes back with the classic one: it keeps what it had."""
    left = [each for each in group.members.values() if each is not replaced]
    successor = replace(updated, epoch=group.epoch)
    records = migration.downgrade_records(shard, group, [*left, successor])
    reason = f"{updated.member_id} replaces {replaced.member_id}"
    response = _joined(updated.member_id, group.epoch, protocol)
    return Decision(response, records, migration.downgraded(shard, group, reason))


def _joined(
    member_id: str, generation_id: int = -1, protocol: str | None = None, *, error_code: ErrorCode = ErrorCode.NONE
) -> JoinGroupResponse:
    return JoinGroupResponse(
        error_code=error_code,
        generation_id=generation_id,
        protocol_type=None if protocol is None else CONSUMER,
        protocol_name=protocol,
        leader="",
        member_id=member_id,
        members=(),
    )


def sync(
    shard: GroupShard, group: ConsumerGroup, request: SyncGroupRequest, now_ms: int
) -> Decision[SyncGroupResponse]:
    member = _classic_member(group, request.member_id, request.group_instance_id, request.generation_id)
    assert member.classic is not None
    protocol_name, _ = member.classic.protocols[0]
    if request.protocol_type not in (None, CONSUMER) or request.protocol_name not in (None, protocol_name):
        raise BrokerError(ErrorCode.INCONSISTENT_GROUP_PROTOCOL)
    if group.assignment_epoch > member.epoch and member.state is not MemberState.UNREVOKED_PARTITIONS:
        # Of the group's epoch nothing is known yet: to join once more would not help.
        _expect_join(shard, group, member, now_ms)
        raise BrokerError(ErrorCode.REBALANCE_IN_PROGRESS)
    shard.timers.cancel(("sync", group.group_id, member.member_id))
    leaving.heard_of(shard, group.group_id, member, now_ms)
    assignment = migration.classic_assignment(member, shard.image.topics_by_id)
    response = SyncGroupResponse(
        protocol_type=request.protocol_type, protocol_name=request.protocol_name, assignment=assignment
    )
    return Decision(response)


def heartbeat(
    shard: GroupShard, group: ConsumerGroup, request: HeartbeatRequest, now_ms: int
) -> Decision[HeartbeatResponse]:
    member = _classic_member(group, request.member_id, request.group_instance_id, request.generation_id)
    leaving.heard_of(shard, group.group_id, member, now_ms)
    interval_ms = shard.consumer_config(group.group_id).assignment_interval_ms
    is_due = is_due_for_assignment(group, group.epoch, interval_ms, now_ms)
    if not is_due and not _should_join(group, member):
        return Decision(HeartbeatResponse())
    _expect_join(shard, group, member, now_ms)
    return Decision(HeartbeatResponse(error_code=ErrorCode.REBALANCE_IN_PROGRESS))


def _classic_member(
    group: ConsumerGroup, member_id: str, instance_id: str | None, generation_id: int
) -> ConsumerMember:
    member = group.member_of(member_id, instance_id)
    if not member.uses_classic_protocol:
        raise BrokerError(ErrorCode.UNKNOWN_MEMBER_ID)
    if generation_id != member.epoch:
        raise BrokerError(ErrorCode.ILLEGAL_GENERATION)
    return member


def _should_join(group: ConsumerGroup, member: ConsumerMember) -> bool:
    """Whether the next step can be taken."""
    if member.epoch < group.assignment_epoch or member.state is MemberState.UNREVOKED_PARTITIONS:
        return True
    return member.state is MemberState.UNRELEASED_PARTITIONS and any(
        member.assigned_epoch(topic_id, partition) is None and not group.is_owned(topic_id, partition)
        for topic_id, partitions in group.target_of(member.member_id).items()
        for partition in partitions
    )


def _expect_join(shard: GroupShard, group: ConsumerGroup, member: ConsumerMember, now_ms: int) -> None:
    if ("join", group.group_id, member.member_id) not in shard.timers:
        timeout_ms = member.rebalance_timeout_ms
        text = f"did not join again within {timeout_ms} ms, its rebalance timeout"
        leaving.schedule(shard, "join", group.group_id, member.member_id, now_ms + timeout_ms, text)


def leave(
    shard: GroupShard, group: ConsumerGroup, request: LeaveGroupRequest, now_ms: int
) -> Decision[LeaveGroupResponse]:
    """An administrator removes members of the new protocol in this way too."""
    gone: dict[str, ConsumerMember] = {}
    reasons = []
    results = []
    for identity in request.members:
        result = MemberResponse(member_id=identity.member_id, group_instance_id=identity.group_instance_id)
        try:
            member = _leaver(group, identity)
        except BrokerError as error:
            result.error_code = error.code
        else:
            gone[member.member_id] = member
            reasons.append(identity.reason or "not provided")
        results.append(result)
    text = f"left; client reason: {told(set(reasons))}"
    removal = leaving.remove(shard, group, gone.values(), Kind.LEFT, text, now_ms) if gone else nothing()
    return Decision(LeaveGroupResponse(members=results), removal.records, removal.committed)


def _leaver(group: ConsumerGroup, identity: LeaveGroupRequest.MemberIdentity) -> ConsumerMember:
    instance_id, member_id = identity.group_instance_id, identity.member_id
    if instance_id is not None and member_id == "":
        member_id = group.static_members.get(instance_id, "")
    return group.member_of(member_id, instance_id)
