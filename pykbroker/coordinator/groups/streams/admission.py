"""Which group a heartbeat is of, and which member: as it was, and as it describes itself now."""

from __future__ import annotations

from dataclasses import replace

from pykbroker.coordinator.decision import Caller, StateRecord
from pykbroker.coordinator.groups.classic import GroupState
from pykbroker.coordinator.groups.shard import GroupShard, tombstones
from pykbroker.coordinator.groups.streams.group import StreamsGroup
from pykbroker.coordinator.groups.streams.member import JOINING, Endpoint, StreamsMember, Tasks
from pykbroker.coordinator.groups.streams.replay import tasks_of
from pykbroker.coordinator.groups.streams.validation import UNKNOWN_TIMEOUT
from pykbroker.errors import BrokerError
from wire.api.streams_group_heartbeat import StreamsGroupHeartbeatRequest
from wire.errors import ErrorCode

# --- the group


def group_to_join(shard: GroupShard, request: StreamsGroupHeartbeatRequest) -> tuple[StreamsGroup, list[StateRecord]]:
    """The group, and what must be written before a member can join it. Raises BrokerError."""
    group_id = request.group_id
    if request.member_epoch != JOINING:
        return found(shard, group_id, f"Streams group {group_id} not found."), []
    group = shard.streams_groups.get(group_id)
    records: list[StateRecord] = []
    if group is None:
        classic = shard.groups.get(group_id)
        is_of_others = group_id in shard.consumer_groups or group_id in shard.share_groups
        if is_of_others or (classic is not None and classic.state is not GroupState.EMPTY):
            raise _not_streams(group_id)
        records = tombstones([group_id]) if group_id in shard.metadata else []
        group = StreamsGroup(group_id)
    most = shard.config.streams.max_size
    if len(group.members) >= most:
        message = f"The streams group has reached its maximum capacity of {most} members."
        raise BrokerError(ErrorCode.GROUP_MAX_SIZE_REACHED, message)
    return group, records


def found(shard: GroupShard, group_id: str, not_found: str) -> StreamsGroup:
    group = shard.streams_groups.get(group_id)
    if group is not None:
        return group
    if shard.has_group(group_id):
        raise _not_streams(group_id)
    raise BrokerError(ErrorCode.GROUP_ID_NOT_FOUND, not_found)


def _not_streams(group_id: str) -> BrokerError:
    return BrokerError(ErrorCode.GROUP_ID_NOT_FOUND, f"Group {group_id} is not a streams group.")


# --- the member


def claimed_by(request: StreamsGroupHeartbeatRequest) -> Tasks | None:
    """What the member says to have, None where it does not say."""
    active, standby, warmup = request.active_tasks, request.standby_tasks, request.warmup_tasks
    if active is None or standby is None or warmup is None:
        return None
    return Tasks(tasks_of(active), tasks_of(standby), tasks_of(warmup))


def known_member(group: StreamsGroup, request: StreamsGroupHeartbeatRequest, claimed: Tasks | None) -> StreamsMember:
    """The member as it was, new or not. Raises BrokerError."""
    if request.member_epoch == JOINING:
        return group.members.get(request.member_id, StreamsMember(request.member_id))
    member = group.member(request.member_id)
    _check_epoch(member, request.member_epoch, claimed)
    return member


def _check_epoch(member: StreamsMember, epoch: int, claimed: Tasks | None) -> None:
    """Raises BrokerError(FENCED_MEMBER_EPOCH).

    The epoch before is taken from a member that cannot have got our last answer: one that has no more than it.
    """
    if epoch == member.epoch:
        return
    has_no_more = claimed is not None and not claimed - member.assigned
    if epoch < member.epoch and epoch == member.previous_epoch and has_no_more:
        return
    is_what = "greater" if epoch > member.epoch else "smaller"
    raise BrokerError(
        ErrorCode.FENCED_MEMBER_EPOCH,
        f"The streams group member has a {is_what} member epoch ({epoch}) than the one known by the group coordinator "
        f"({member.epoch}). The member must abandon all its partitions and rejoin.",
    )


def updated_by(former: StreamsMember, request: StreamsGroupHeartbeatRequest, caller: Caller) -> StreamsMember:
    """What the request does not say stays as it was."""
    timeout_ms, endpoint, tags = request.rebalance_timeout_ms, request.user_endpoint, request.client_tags
    return replace(
        former,
        rack_id=former.rack_id if request.rack_id is None else request.rack_id,
        client_id=caller.client_id,
        client_host=caller.client_host,
        rebalance_timeout_ms=former.rebalance_timeout_ms if timeout_ms == UNKNOWN_TIMEOUT else timeout_ms,
        topology_epoch=former.topology_epoch if request.topology is None else request.topology.epoch,
        process_id=former.process_id if request.process_id is None else request.process_id,
        endpoint=former.endpoint if endpoint is None else Endpoint(endpoint.host, endpoint.port),
        client_tags=former.client_tags if tags is None else {tag.key: tag.value for tag in tags},
    )
