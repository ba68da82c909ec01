"""StreamsGroupDescribe (key 89): state, topology, members and tasks of streams groups (KIP-1071).

Served: v0.
"""

from __future__ import annotations

from functools import partial

from pykbroker.authorized_operations import GROUP_OPERATIONS
from pykbroker.context import RequestContext
from pykbroker.coordinator.groups.streams.describing import DescribedGroup, described, undescribed
from pykbroker.coordinator.share_coordinator import settled
from pykbroker.errors import BrokerError
from pykbroker.handlers.streams_group_heartbeat import check_served
from wire.api.streams_group_describe import StreamsGroupDescribeRequest, StreamsGroupDescribeResponse
from wire.errors import ErrorCode


async def handle(request: StreamsGroupDescribeRequest, ctx: RequestContext) -> StreamsGroupDescribeResponse:
    check_served(ctx)
    groups = [await _describe(group_id, ctx) for group_id in request.group_ids]
    if request.include_authorized_operations:
        for group in groups:
            if group.error_code == ErrorCode.NONE:
                group.authorized_operations = GROUP_OPERATIONS
    return StreamsGroupDescribeResponse(groups=groups)


async def _describe(group_id: str, ctx: RequestContext) -> DescribedGroup:
    if group_id == "":
        return undescribed(group_id, ErrorCode.INVALID_GROUP_ID)
    try:
        return await settled(ctx.broker.groups.read(group_id, partial(described, group_id=group_id)))
    except BrokerError as error:
        return undescribed(group_id, error.code)


def error_response(
    request: StreamsGroupDescribeRequest, error: BrokerError, _ctx: RequestContext
) -> StreamsGroupDescribeResponse:
    return StreamsGroupDescribeResponse(groups=[undescribed(group_id, error.code) for group_id in request.group_ids])
