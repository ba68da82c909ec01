"""JoinGroup (key 11): become a member of a group, and wait until its next generation is complete.

Served: v0-v9.

v1  a rebalance timeout beside the session timeout (KIP-62)
v4  new members come back with the id they are given (KIP-394)
v5  static members (KIP-345)
v7  protocol type and name in the response
v8  the client's reason (KIP-800)
v9  a static leader that comes back is told to skip the assignment (KIP-814)

The answer may take as long as the slowest member needs to join. If the client hangs up meanwhile, its membership
goes on until its session ends, as in Kafka.
"""

from __future__ import annotations

from collections.abc import Awaitable

from pykbroker.context import RequestContext
from pykbroker.coordinator.decision import Caller
from pykbroker.coordinator.groups.classic import join_error
from pykbroker.coordinator.groups.joining import join
from pykbroker.coordinator.java import printed_address
from pykbroker.errors import BrokerError
from wire.api.join_group import JoinGroupRequest, JoinGroupResponse

NULL_PROTOCOL_NAME_SINCE = 7


def handle(request: JoinGroupRequest, ctx: RequestContext) -> JoinGroupResponse | Awaitable[JoinGroupResponse]:
    caller = Caller(ctx.client_id, printed_address(ctx.client_host), ctx.api_version)
    joined = ctx.broker.groups.write(request.group_id, lambda shard, now_ms: join(shard, request, caller, now_ms))
    if isinstance(joined, JoinGroupResponse):
        return _told(joined, caller.api_version)
    return _awaited(joined, caller.api_version)


async def _awaited(joined: Awaitable[JoinGroupResponse], api_version: int) -> JoinGroupResponse:
    return _told(await joined, api_version)


def _told(response: JoinGroupResponse, api_version: int) -> JoinGroupResponse:
    if response.protocol_name is None and api_version < NULL_PROTOCOL_NAME_SINCE:
        response.protocol_name = ""
    return response


def error_response(_request: JoinGroupRequest, error: BrokerError, ctx: RequestContext) -> JoinGroupResponse:
    return _told(join_error("", error.code), ctx.api_version)
