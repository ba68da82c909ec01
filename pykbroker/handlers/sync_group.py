"""SyncGroup (key 14): hand in, as leader, what every member is to do; and get what oneself is to do.

Served: v0-v5.

v3  static members (KIP-345)
v5  protocol type and name, to be sure that all speak of the same (KIP-559)

Members wait until the leader's assignments are stored.
"""

from __future__ import annotations

from collections.abc import Awaitable

from pykbroker.context import RequestContext
from pykbroker.coordinator.groups.classic import sync_error
from pykbroker.coordinator.groups.membership import sync
from pykbroker.errors import BrokerError
from wire.api.sync_group import SyncGroupRequest, SyncGroupResponse
from wire.errors import ErrorCode

PROTOCOL_REQUIRED_SINCE = 5


def handle(request: SyncGroupRequest, ctx: RequestContext) -> SyncGroupResponse | Awaitable[SyncGroupResponse]:
    if ctx.api_version >= PROTOCOL_REQUIRED_SINCE and None in (request.protocol_type, request.protocol_name):
        raise BrokerError(ErrorCode.INCONSISTENT_GROUP_PROTOCOL)
    return ctx.broker.groups.write(request.group_id, lambda shard, now_ms: sync(shard, request, now_ms))


def error_response(_request: SyncGroupRequest, error: BrokerError, _ctx: RequestContext) -> SyncGroupResponse:
    return sync_error(error.code)
