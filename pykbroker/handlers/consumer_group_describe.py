"""ConsumerGroupDescribe (key 69): state, members and assignments of consumer groups (KIP-848).

Served: v0-v1.

v1  whether a member uses the classic or the new protocol (KIP-1099)
"""

from __future__ import annotations

from collections.abc import Awaitable
from functools import partial

from pykbroker.authorized_operations import GROUP_OPERATIONS
from pykbroker.context import RequestContext
from pykbroker.coordinator.groups.consumer.describing import DescribedGroup, described, undescribed
from pykbroker.errors import BrokerError
from wire.api.consumer_group_describe import ConsumerGroupDescribeRequest, ConsumerGroupDescribeResponse
from wire.errors import ErrorCode


def handle(
    request: ConsumerGroupDescribeRequest, ctx: RequestContext
) -> ConsumerGroupDescribeResponse | Awaitable[ConsumerGroupDescribeResponse]:
    found = [_describe(group_id, ctx) for group_id in request.group_ids]
    told = [group for group in found if isinstance(group, DescribedGroup)]
    if len(told) == len(found):
        return _told(told, request)
    return _awaited(found, request)


def _describe(group_id: str, ctx: RequestContext) -> DescribedGroup | Awaitable[DescribedGroup]:
    if group_id == "":
        return undescribed(group_id, ErrorCode.INVALID_GROUP_ID)
    try:
        return ctx.broker.groups.read(group_id, partial(described, group_id=group_id))
    except BrokerError as error:
        return undescribed(group_id, error.code)


async def _awaited(
    found: list[DescribedGroup | Awaitable[DescribedGroup]], request: ConsumerGroupDescribeRequest
) -> ConsumerGroupDescribeResponse:
    told = []
    for group_id, group in zip(request.group_ids, found, strict=True):
        try:
            told.append(group if isinstance(group, DescribedGroup) else await group)
        except BrokerError as error:
            told.append(undescribed(group_id, error.code))
    return _told(told, request)


def _told(groups: list[DescribedGroup], request: ConsumerGroupDescribeRequest) -> ConsumerGroupDescribeResponse:
    if request.include_authorized_operations:
        for group in groups:
            if group.error_code == ErrorCode.NONE:
                group.authorized_operations = GROUP_OPERATIONS
    return ConsumerGroupDescribeResponse(groups=groups)


def error_response(
    request: ConsumerGroupDescribeRequest, error: BrokerError, _ctx: RequestContext
) -> ConsumerGroupDescribeResponse:
    return ConsumerGroupDescribeResponse(groups=[undescribed(group_id, error.code) for group_id in request.group_ids])
