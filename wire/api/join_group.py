"""JoinGroup (key 11): become a member of a classic group, or stay one in its next generation.

v1  rebalance timeout of its own; before, the session timeout is both (KIP-62)
v2  throttle time
v4  a new member is first told its id, and joins again with it (KIP-394)
v5  static members (KIP-345)
v6  flexible
v7  protocol type in the response, and the protocol may be null (KIP-559)
v8  the reason for joining (KIP-800)
v9  a leader may be told to leave the assignment as it is (KIP-814)
"""

from __future__ import annotations

from wire.schema import Request, Response, Struct, since
from wire.types import Array, Boolean, Bytes, Int16, Int32, String


class JoinGroupRequest(Request, api_key=11, versions=(0, 9), flexible=6):
    group_id: String
    session_timeout_ms: Int32
    rebalance_timeout_ms: Int32 = since(1, default=-1, droppable=True)
    member_id: String
    group_instance_id: String | None = since(5, default=None)
    protocol_type: String
    protocols: Array[JoinGroupRequestProtocol]
    reason: String | None = since(8, default=None, droppable=True)

    class JoinGroupRequestProtocol(Struct):
        name: String
        metadata: Bytes


class JoinGroupResponse(Response, api_key=11, versions=(0, 9), flexible=6):
    throttle_time_ms: Int32 = since(2, default=0, droppable=True)
    error_code: Int16 = 0
    generation_id: Int32 = -1
    protocol_type: String | None = since(7, default=None, droppable=True)
    protocol_name: String | None = since(0, nullable_since=7)
    leader: String
    skip_assignment: Boolean = since(9, default=False)
    member_id: String
    members: Array[JoinGroupResponseMember]

    class JoinGroupResponseMember(Struct):
        member_id: String
        group_instance_id: String | None = since(5, default=None, droppable=True)
        metadata: Bytes
