"""ConsumerGroupHeartbeat (key 68): be a member of a consumer group whose partitions the coordinator assigns (KIP-848).

Served: v0-v1.

v1  subscription by regular expression; the client makes its member id (KIP-1082)
"""

from __future__ import annotations

from collections.abc import Awaitable

from pykbroker import features
from pykbroker.context import RequestContext
from pykbroker.coordinator.decision import Caller
from pykbroker.coordinator.groups.consumer.heartbeat import heartbeat
from pykbroker.coordinator.java import printed_address
from pykbroker.errors import BrokerError
from wire.api.consumer_group_heartbeat import ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse
from wire.errors import ErrorCode

FEATURE = "group.version"


def handle(
    request: ConsumerGroupHeartbeatRequest, ctx: RequestContext
) -> ConsumerGroupHeartbeatResponse | Awaitable[ConsumerGroupHeartbeatResponse]:
    if not features.level(ctx.broker.image, FEATURE) or not ctx.broker.groups.config.serves_consumer_protocol:
        raise BrokerError(ErrorCode.UNSUPPORTED_VERSION)
    caller = Caller(ctx.client_id, printed_address(ctx.client_host), ctx.api_version)
    return ctx.broker.groups.write(request.group_id, lambda shard, now_ms: heartbeat(shard, request, caller, now_ms))


def error_response(
    _request: ConsumerGroupHeartbeatRequest, error: BrokerError, _ctx: RequestContext
) -> ConsumerGroupHeartbeatResponse:
    return ConsumerGroupHeartbeatResponse(
        error_code=error.code, error_message=error.message or None, member_epoch=0, heartbeat_interval_ms=0
    )
