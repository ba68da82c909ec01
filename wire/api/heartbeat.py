"""Heartbeat (key 12): a member of a classic group is alive.

v1  throttle time
v3  static members (KIP-345)
v4  flexible
"""

from __future__ import annotations

from wire.schema import Request, Response, since
from wire.types import Int16, Int32, String


class HeartbeatRequest(Request, api_key=12, versions=(0, 4), flexible=4):
    group_id: String
    generation_id: Int32
    member_id: String
    group_instance_id: String | None = since(3, default=None)


class HeartbeatResponse(Response, api_key=12, versions=(0, 4), flexible=4):
    throttle_time_ms: Int32 = since(1, default=0, droppable=True)
    error_code: Int16 = 0
