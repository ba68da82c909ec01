"""DescribeAcls (key 29): the rules (KIP-140). Served: v0-v3. There is no authorizer: SECURITY_DISABLED."""

from __future__ import annotations

from pykbroker.context import RequestContext
from pykbroker.errors import BrokerError
from wire.api.describe_acls import DescribeAclsRequest, DescribeAclsResponse
from wire.errors import ErrorCode


def handle(_request: DescribeAclsRequest, _ctx: RequestContext) -> DescribeAclsResponse:
    raise BrokerError(ErrorCode.SECURITY_DISABLED, "No Authorizer is configured on the broker")


def error_response(_request: DescribeAclsRequest, error: BrokerError, _ctx: RequestContext) -> DescribeAclsResponse:
    return DescribeAclsResponse(error_code=error.code, error_message=error.message, resources=[])
