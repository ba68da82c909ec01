"""DeleteGroups (key 42): delete groups that have no members (KIP-229).

v2  flexible
"""

from __future__ import annotations

from wire.schema import Request, Response, Struct
from wire.types import Array, Int16, Int32, String


class DeleteGroupsRequest(Request, api_key=42, versions=(0, 2), flexible=2):
    groups_names: Array[String]


class DeleteGroupsResponse(Response, api_key=42, versions=(0, 2), flexible=2):
    throttle_time_ms: Int32 = 0
    results: Array[DeletableGroupResult]

    class DeletableGroupResult(Struct):
        group_id: String
        error_code: Int16 = 0
