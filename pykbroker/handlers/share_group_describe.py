"""ShareGroupDescribe (key 77): state, members and assignments of share groups (KIP-932).

Served: v1. v0 was early access, and Kafka 4.1 and later do not serve it.
"""

from __future__ import annotations

from functools import partial

from pykbroker.authorized_operations import GROUP_OPERATIONS
from pykbroker.context import RequestContext
from pykbroker.coordinator.share.listing import DescribedGroup, described, undescribed
from pykbroker.coordinator.share_coordinator import settled
from pykbroker.errors import BrokerError
from wire.api.share_group_describe import ShareGroupDescribeRequest, ShareGroupDescribeResponse
from wire.errors import ErrorCode


async def handle(request: ShareGroupDescribeRequest, ctx: RequestContext) -> ShareGroupDescribeResponse:
    groups = [await _describe(group_id, ctx) for group_id in request.group_ids]
    if request.include_authorized_operations:
        for group in groups:
            if group.error_code == ErrorCode.NONE:
                group.authorized_operations = GROUP_OPERATIONS
    return ShareGroupDescribeResponse(groups=groups)


async def _describe(group_id: str, ctx: RequestContext) -> DescribedGroup:
    try:
        if not group_id:
            raise BrokerError(ErrorCode.INVALID_GROUP_ID)
        look = partial(described, group_id=group_id, image=ctx.broker.image)
        return await settled(ctx.broker.groups.read(group_id, look))
    except BrokerError as error:
        return undescribed(group_id, error)


def error_response(
    request: ShareGroupDescribeRequest, error: BrokerError, _ctx: RequestContext
) -> ShareGroupDescribeResponse:
    return ShareGroupDescribeResponse(groups=[undescribed(group_id, error) for group_id in request.group_ids])
