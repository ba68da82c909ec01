"""Heartbeat (key 12): a member is alive, and learns whether it must join again.

Served: v0-v4.

v3  static members (KIP-345)

While its group is being loaded a member is told that all is well: it could do nothing about it.
"""

from __future__ import annotations

from collections.abc import Awaitable

from pykbroker.context import RequestContext
from pykbroker.coordinator.groups.membership import heartbeat
from wire.api.heartbeat import HeartbeatRequest, HeartbeatResponse


def handle(request: HeartbeatRequest, ctx: RequestContext) -> HeartbeatResponse | Awaitable[HeartbeatResponse]:
    return ctx.broker.groups.write(
        request.group_id,
        lambda shard, now_ms: heartbeat(shard, request, now_ms),
        while_loading=HeartbeatResponse(),
    )
