"""CreateAcls (key 30): allow or deny (KIP-140). Served: v0-v3. There is no authorizer: SECURITY_DISABLED."""

from __future__ import annotations

from pykbroker.context import RequestContext
from pykbroker.errors import BrokerError
from wire.api.create_acls import CreateAclsRequest, CreateAclsResponse
from wire.errors import ErrorCode

Result = CreateAclsResponse.AclCreationResult


def handle(request: CreateAclsRequest, ctx: RequestContext) -> CreateAclsResponse:
    return error_response(request, BrokerError(ErrorCode.SECURITY_DISABLED, "No Authorizer is configured."), ctx)


def error_response(request: CreateAclsRequest, error: BrokerError, _ctx: RequestContext) -> CreateAclsResponse:
    result = Result(error_code=error.code, error_message=error.message)
    return CreateAclsResponse(results=[result] * len(request.creations))
