"""LeaveGroup (key 13): members leave a classic group.

v1  throttle time
v3  several members at once, static ones by their instance id (KIP-345)
v4  flexible
v5  the reason for leaving (KIP-800)
"""

from __future__ import annotations

from wire.schema import Request, Response, Struct, since, until
from wire.types import Array, Int16, Int32, String


class LeaveGroupRequest(Request, api_key=13, versions=(0, 5), flexible=4):
    group_id: String
    members: Array[MemberIdentity] = since(3, default=())
    member_id: String = until(2, default="")

    class MemberIdentity(Struct):
        member_id: String
        group_instance_id: String | None = None
        reason: String | None = since(5, default=None, droppable=True)


class LeaveGroupResponse(Response, api_key=13, versions=(0, 5), flexible=4):
    throttle_time_ms: Int32 = since(1, default=0, droppable=True)
    error_code: Int16 = 0
    members: Array[MemberResponse] = since(3, default=())

    class MemberResponse(Struct):
        member_id: String
        group_instance_id: String | None
        error_code: Int16 = 0
