"""CreateAcls (key 30): allow or deny (KIP-11).

Served: v0-v3.

v1  pattern types: literal, prefixed (KIP-290)
v3  users as a resource (KIP-373)

Without Kafka's authorizer there are none: SECURITY_DISABLED. With it they are kept, and nobody is held to them yet.
"""

from __future__ import annotations

from pykbroker import acls
from pykbroker.context import RequestContext
from pykbroker.errors import BrokerError
from wire.api.create_acls import CreateAclsRequest, CreateAclsResponse
from wire.errors import ErrorCode

Result = CreateAclsResponse.AclCreationResult


async def handle(request: CreateAclsRequest, ctx: RequestContext) -> CreateAclsResponse:
    wanted = [acls.acl_of(each) for each in request.creations]
    if not acls.are_kept(ctx.broker.settings):
        raise BrokerError(ErrorCode.SECURITY_DISABLED, "No Authorizer is configured.")
    acls.check_all(wanted)
    results, valid = [], []
    for acl in wanted:
        try:
            acls.check(acl)
            valid.append(acl)
            results.append(Result(error_message=""))
        except BrokerError as error:
            results.append(Result(error_code=error.code, error_message=error.message))
    await ctx.broker.controller.change(lambda image: acls.with_acls(image, valid))
    return CreateAclsResponse(results=results)


def error_response(request: CreateAclsRequest, error: BrokerError, _ctx: RequestContext) -> CreateAclsResponse:
    result = Result(error_code=error.code, error_message=error.own_message)
    return CreateAclsResponse(results=[result] * len(request.creations))
