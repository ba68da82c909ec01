"""DescribeAcls (key 29): the ACLs that match a filter (KIP-140).

v1  pattern types: literal, prefixed (KIP-290)
v2  flexible
v3  users as a resource (KIP-373)
"""

from __future__ import annotations

from wire.schema import Request, Response, Struct, since
from wire.types import Array, Int8, Int16, Int32, String


class DescribeAclsRequest(Request, api_key=29, versions=(0, 3), flexible=2):
    resource_type_filter: Int8
    resource_name_filter: String | None
    pattern_type_filter: Int8 = since(1, default=3)
    principal_filter: String | None
    host_filter: String | None
    operation: Int8
    permission_type: Int8


class DescribeAclsResponse(Response, api_key=29, versions=(0, 3), flexible=2):
    throttle_time_ms: Int32 = 0
    error_code: Int16 = 0
    error_message: String | None = None
    resources: Array[DescribeAclsResource]

    class DescribeAclsResource(Struct):
        resource_type: Int8
        resource_name: String
        pattern_type: Int8 = since(1, default=3)
        acls: Array[AclDescription]

        class AclDescription(Struct):
            principal: String
            host: String
            operation: Int8
            permission_type: Int8
