"""ListGroups (key 16): the groups that this broker coordinates.

v1  throttle time
v3  flexible
v4  states, to filter by and to show (KIP-518)
v5  group types, to filter by and to show (KIP-848)
"""

from __future__ import annotations

from wire.schema import Request, Response, Struct, since
from wire.types import Array, Int16, Int32, String


class ListGroupsRequest(Request, api_key=16, versions=(0, 5), flexible=3):
    states_filter: Array[String] = since(4, default=())
    types_filter: Array[String] = since(5, default=())


class ListGroupsResponse(Response, api_key=16, versions=(0, 5), flexible=3):
    throttle_time_ms: Int32 = since(1, default=0, droppable=True)
    error_code: Int16 = 0
    groups: Array[ListedGroup]

    class ListedGroup(Struct):
        group_id: String
        protocol_type: String
        group_state: String = since(4, default="", droppable=True)
        group_type: String = since(5, default="", droppable=True)
