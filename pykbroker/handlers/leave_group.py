"""LeaveGroup (key 13): members go, so that the others need not wait for the end of their sessions.

Served: v0-v5.

v3  several members at once, static ones by their instance id, as administrators do (KIP-345)
v5  the client's reason (KIP-800)
"""

from __future__ import annotations

from collections.abc import Awaitable

from pykbroker.context import RequestContext
from pykbroker.coordinator.groups.membership import leave
from wire.api.leave_group import LeaveGroupRequest, LeaveGroupResponse

MANY_MEMBERS_SINCE = 3


def handle(request: LeaveGroupRequest, ctx: RequestContext) -> LeaveGroupResponse | Awaitable[LeaveGroupResponse]:
    api_version = ctx.api_version
    if api_version < MANY_MEMBERS_SINCE:
        request.members = [LeaveGroupRequest.MemberIdentity(member_id=request.member_id)]
    left = ctx.broker.groups.write(request.group_id, lambda shard, now_ms: leave(shard, request, now_ms))
    if isinstance(left, LeaveGroupResponse):
        return _told(left, api_version)
    return _awaited(left, api_version)


async def _awaited(left: Awaitable[LeaveGroupResponse], api_version: int) -> LeaveGroupResponse:
    return _told(await left, api_version)


def _told(response: LeaveGroupResponse, api_version: int) -> LeaveGroupResponse:
    if api_version < MANY_MEMBERS_SINCE:  # the only member's error is that of the response
        return LeaveGroupResponse(error_code=response.members[0].error_code)
    return response
