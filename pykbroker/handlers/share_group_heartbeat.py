"""ShareGroupHeartbeat (key 76): membership in a share group, subscription and assignment all in one (KIP-932).

Served: v1. v0 was early access, and Kafka 4.1 and later do not serve it.

Partitions that the group has not read before get their state in the same breath; Kafka does it behind the answer, so
that there the member learns of them by its next heartbeat.
"""

from __future__ import annotations

from pykbroker.context import RequestContext
from pykbroker.coordinator.decision import Decision
from pykbroker.coordinator.groups.shard import GroupShard
from pykbroker.coordinator.java import printed_address
from pykbroker.coordinator.share import membership
from pykbroker.coordinator.share.membership import Caller, Heartbeat
from pykbroker.coordinator.share.state_shard import Place
from pykbroker.coordinator.share_coordinator import settled
from pykbroker.errors import BrokerError
from wire.api.share_group_heartbeat import ShareGroupHeartbeatRequest, ShareGroupHeartbeatResponse


async def handle(request: ShareGroupHeartbeatRequest, ctx: RequestContext) -> ShareGroupHeartbeatResponse:
    membership.check_request(request)
    told = await _heartbeat(request, ctx)
    if told.to_initialize:
        await _initialize(request.group_id, told, ctx)
        told = await _heartbeat(_again(request, told.response), ctx, may_initialize=False)
    return told.response


async def _heartbeat(
    request: ShareGroupHeartbeatRequest, ctx: RequestContext, *, may_initialize: bool = True
) -> Heartbeat:
    broker = ctx.broker
    config = broker.groups.share_configs.group(broker.image, request.group_id)
    caller = Caller(ctx.client_id, printed_address(ctx.client_host))

    def decide(shard: GroupShard, now_ms: int) -> Decision[Heartbeat]:
        return membership.heartbeat(
            shard,
            request,
            caller,
            image=broker.image,
            config=config,
            now_ms=now_ms,
            may_initialize=may_initialize,
        )

    return await settled(broker.groups.write(request.group_id, decide))


async def _initialize(group_id: str, told: Heartbeat, ctx: RequestContext) -> None:
    """Have the state of new partitions made. What cannot be, the next heartbeat tries again."""
    broker = ctx.broker
    done: dict[bytes, tuple[int, ...]] = {}
    try:
        await broker.share_state.create_topic()
        for topic_id, indexes in told.to_initialize.items():
            for index in indexes:
                place = Place(group_id, topic_id, index)
                await broker.share_state.initialize(place, state_epoch=told.group_epoch)
                done[topic_id] = (*done.get(topic_id, ()), index)
    except BrokerError:
        if not done:
            return
    await settled(
        broker.groups.write(
            group_id, lambda shard, now_ms: membership.initialized(shard, group_id, done, broker.image, now_ms)
        )
    )


def _again(request: ShareGroupHeartbeatRequest, response: ShareGroupHeartbeatResponse) -> ShareGroupHeartbeatRequest:
    """The same, of a member that has joined meanwhile; it is still to be told of all that it has."""
    return ShareGroupHeartbeatRequest(
        group_id=request.group_id,
        member_id=request.member_id,
        member_epoch=response.member_epoch,
        rack_id=request.rack_id,
        subscribed_topic_names=request.subscribed_topic_names,
    )


def error_response(
    _request: ShareGroupHeartbeatRequest, error: BrokerError, _ctx: RequestContext
) -> ShareGroupHeartbeatResponse:
    has_words = error.message != error.code.message
    return ShareGroupHeartbeatResponse(
        error_code=error.code,
        error_message=error.message if has_words else None,
        member_epoch=0,
        heartbeat_interval_ms=0,
    )
