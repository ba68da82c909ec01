"""DeleteAcls (key 31): no longer allow or deny what filters match (KIP-11).

Served: v0-v3.

v1  pattern types: literal, prefixed, and match for whatever holds for a name (KIP-290)
v3  users as a resource (KIP-373)

Every filter is told all that it matches, also what another one of the request matches too.
"""

from __future__ import annotations

from pykbroker import acls
from pykbroker.acls import Acl, AclFilter
from pykbroker.context import RequestContext
from pykbroker.errors import BrokerError
from pykbroker.metadata.image import MetadataImage
from wire.api.delete_acls import DeleteAclsRequest, DeleteAclsResponse
from wire.errors import ErrorCode

Result = DeleteAclsResponse.DeleteAclsFilterResult
Matching = Result.DeleteAclsMatchingAcl


async def handle(request: DeleteAclsRequest, ctx: RequestContext) -> DeleteAclsResponse:
    filters = [acls.filter_of(each) for each in request.filters]
    if not acls.are_kept(ctx.broker.settings):
        raise BrokerError(ErrorCode.SECURITY_DISABLED, "No Authorizer is configured.")
    results: list[Result] = []

    def decide(image: MetadataImage) -> MetadataImage:
        found = [found_by(each, image) for each in filters]
        results[:] = [result_of(each) for each in found]
        return acls.without_acls(image, [acl for each in found if not isinstance(each, BrokerError) for acl in each])

    await ctx.broker.controller.change(decide)
    return DeleteAclsResponse(filter_results=results)


def found_by(wanted: AclFilter, image: MetadataImage) -> list[Acl] | BrokerError:
    try:
        acls.check_filter(wanted)
    except BrokerError as error:
        return error
    return acls.matching(image, wanted)


def result_of(found: list[Acl] | BrokerError) -> Result:
    if isinstance(found, BrokerError):
        return Result(error_code=found.code, error_message=found.message, matching_acls=[])
    return Result(
        matching_acls=[
            Matching(
                resource_type=pattern.type,
                resource_name=pattern.name,
                pattern_type=pattern.pattern_type,
                principal=rule.principal,
                host=rule.host,
                operation=rule.operation,
                permission_type=rule.permission,
            )
            for pattern, rule in found
        ]
    )


def error_response(request: DeleteAclsRequest, error: BrokerError, _ctx: RequestContext) -> DeleteAclsResponse:
    result = Result(error_code=error.code, error_message=error.message, matching_acls=[])
    return DeleteAclsResponse(filter_results=[result] * len(request.filters))
