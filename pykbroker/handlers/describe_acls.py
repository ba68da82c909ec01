"""DescribeAcls (key 29): the rules that a filter matches (KIP-11).

Served: v0-v3.

v1  pattern types: literal, prefixed, and match for whatever holds for a name (KIP-290)
v3  users as a resource (KIP-373)
"""

from __future__ import annotations

from pykbroker import acls
from pykbroker.context import RequestContext
from pykbroker.errors import BrokerError
from pykbroker.metadata.image import AccessRule, ResourcePattern
from wire.api.describe_acls import DescribeAclsRequest, DescribeAclsResponse
from wire.errors import ErrorCode

Resource = DescribeAclsResponse.DescribeAclsResource
Description = Resource.AclDescription


def handle(request: DescribeAclsRequest, ctx: RequestContext) -> DescribeAclsResponse:
    wanted = acls.filter_of(request)
    if not acls.are_kept(ctx.broker.settings):
        raise BrokerError(ErrorCode.SECURITY_DISABLED, "No Authorizer is configured on the broker")
    by_pattern: dict[ResourcePattern, list[AccessRule]] = {}
    for pattern, rule in acls.matching(ctx.broker.image, wanted):
        by_pattern.setdefault(pattern, []).append(rule)
    return DescribeAclsResponse(
        error_message="", resources=[described(pattern, rules) for pattern, rules in by_pattern.items()]
    )


def described(pattern: ResourcePattern, rules: list[AccessRule]) -> Resource:
    return Resource(
        resource_type=pattern.type,
        resource_name=pattern.name,
        pattern_type=pattern.pattern_type,
        acls=[
            Description(
                principal=rule.principal, host=rule.host, operation=rule.operation, permission_type=rule.permission
            )
            for rule in rules
        ],
    )


def error_response(_request: DescribeAclsRequest, error: BrokerError, _ctx: RequestContext) -> DescribeAclsResponse:
    return DescribeAclsResponse(error_code=error.code, error_message=error.message, resources=[])
