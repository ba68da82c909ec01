"""DeleteAcls (key 31): no longer allow or deny (KIP-140). Served: v0-v3. There is no authorizer: SECURITY_DISABLED."""

from __future__ import annotations

from pykbroker.context import RequestContext
from pykbroker.errors import BrokerError
from wire.api.delete_acls import DeleteAclsRequest, DeleteAclsResponse
from wire.errors import ErrorCode

Result = DeleteAclsResponse.DeleteAclsFilterResult


def handle(request: DeleteAclsRequest, ctx: RequestContext) -> DeleteAclsResponse:
    return error_response(request, BrokerError(ErrorCode.SECURITY_DISABLED, "No Authorizer is configured."), ctx)


def error_response(request: DeleteAclsRequest, error: BrokerError, _ctx: RequestContext) -> DeleteAclsResponse:
    result = Result(error_code=error.code, error_message=error.message, matching_acls=[])
    return DeleteAclsResponse(filter_results=[result] * len(request.filters))
