"""CreateAcls (key 30): add ACLs (KIP-140).

v1  pattern types: literal, prefixed (KIP-290)
v2  flexible
v3  users as a resource (KIP-373)
"""

from __future__ import annotations

from wire.schema import Request, Response, Struct, since
from wire.types import Array, Int8, Int16, Int32, String


class CreateAclsRequest(Request, api_key=30, versions=(0, 3), flexible=2):
    creations: Array[AclCreation]

    class AclCreation(Struct):
        resource_type: Int8
        resource_name: String
        resource_pattern_type: Int8 = since(1, default=3)
        principal: String
        host: String
        operation: Int8
        permission_type: Int8


class CreateAclsResponse(Response, api_key=30, versions=(0, 3), flexible=2):
    throttle_time_ms: Int32 = 0
    results: Array[AclCreationResult]

    class AclCreationResult(Struct):
        error_code: Int16 = 0
        error_message: String | None = None
