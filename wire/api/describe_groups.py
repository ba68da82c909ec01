"""DescribeGroups (key 15): state and members of classic groups.

v1  throttle time
v3  authorized operations (KIP-430)
v4  static members (KIP-345)
v5  flexible
v6  error text; a group that does not exist is GROUP_ID_NOT_FOUND, not Dead (KIP-1043)
"""

from __future__ import annotations

from wire.schema import Request, Response, Struct, since
from wire.types import Array, Boolean, Bytes, Int16, Int32, String


class DescribeGroupsRequest(Request, api_key=15, versions=(0, 6), flexible=5):
    groups: Array[String]
    include_authorized_operations: Boolean = since(3, default=False)


class DescribeGroupsResponse(Response, api_key=15, versions=(0, 6), flexible=5):
    throttle_time_ms: Int32 = since(1, default=0, droppable=True)
    groups: Array[DescribedGroup]

    class DescribedGroup(Struct):
        error_code: Int16 = 0
        error_message: String | None = since(6, default=None, droppable=True)
        group_id: String
        group_state: String
        protocol_type: String
        protocol_data: String
        members: Array[DescribedGroupMember]
        authorized_operations: Int32 = since(3, default=-2147483648)

        class DescribedGroupMember(Struct):
            member_id: String
            group_instance_id: String | None = since(4, default=None, droppable=True)
            client_id: String
            client_host: String
            member_metadata: Bytes
            member_assignment: Bytes
