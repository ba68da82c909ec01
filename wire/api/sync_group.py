"""SyncGroup (key 14): the leader hands in the assignment of a classic group, each member gets its part.

v1  throttle time
v3  static members (KIP-345)
v4  flexible
v5  protocol type and name, for both sides to check (KIP-559)
"""

from __future__ import annotations

from wire.schema import Request, Response, Struct, since
from wire.types import Array, Bytes, Int16, Int32, String


class SyncGroupRequest(Request, api_key=14, versions=(0, 5), flexible=4):
    group_id: String
    generation_id: Int32
    member_id: String
    group_instance_id: String | None = since(3, default=None)
    protocol_type: String | None = since(5, default=None, droppable=True)
    protocol_name: String | None = since(5, default=None, droppable=True)
    assignments: Array[SyncGroupRequestAssignment]

    class SyncGroupRequestAssignment(Struct):
        member_id: String
        assignment: Bytes


class SyncGroupResponse(Response, api_key=14, versions=(0, 5), flexible=4):
    throttle_time_ms: Int32 = since(1, default=0, droppable=True)
    error_code: Int16 = 0
    protocol_type: String | None = since(5, default=None, droppable=True)
    protocol_name: String | None = since(5, default=None, droppable=True)
    assignment: Bytes
