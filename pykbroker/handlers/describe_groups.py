"""DescribeGroups (key 15): state, protocol and members of groups.

Served: v0-v6.

v3  authorized operations (KIP-430)
v4  static members (KIP-345)
v6  GROUP_ID_NOT_FOUND, with words (KIP-1043); before, a group that is not there is a dead one
"""

from __future__ import annotations

from collections.abc import Awaitable
from functools import partial

from pykbroker.authorized_operations import GROUP_OPERATIONS
from pykbroker.context import RequestContext
from pykbroker.coordinator.groups.listing import DescribedGroup, described, undescribed
from pykbroker.coordinator.groups.shard import GroupShard
from pykbroker.errors import BrokerError
from wire.api.describe_groups import DescribeGroupsRequest, DescribeGroupsResponse
from wire.errors import ErrorCode


def handle(
    request: DescribeGroupsRequest, ctx: RequestContext
) -> DescribeGroupsResponse | Awaitable[DescribeGroupsResponse]:
    found = [_describe(group_id, ctx) for group_id in request.groups]
    told = [group for group in found if isinstance(group, DescribedGroup)]
    if len(told) == len(found):
        return _told(told, request)
    return _awaited(found, request)


def _describe(group_id: str, ctx: RequestContext) -> DescribedGroup | Awaitable[DescribedGroup]:
    try:
        return ctx.broker.groups.read(group_id, partial(_look, group_id=group_id, api_version=ctx.api_version))
    except BrokerError as error:
        return undescribed(group_id, error.code)


def _look(shard: GroupShard, *, group_id: str, api_version: int) -> DescribedGroup:
    return described(shard, group_id, api_version=api_version)


async def _awaited(
    found: list[DescribedGroup | Awaitable[DescribedGroup]], request: DescribeGroupsRequest
) -> DescribeGroupsResponse:
    told = []
    for group_id, group in zip(request.groups, found, strict=True):
        try:
            told.append(group if isinstance(group, DescribedGroup) else await group)
        except BrokerError as error:
            told.append(undescribed(group_id, error.code))
    return _told(told, request)


def _told(groups: list[DescribedGroup], request: DescribeGroupsRequest) -> DescribeGroupsResponse:
    if request.include_authorized_operations:
        for group in groups:
            if group.error_code == ErrorCode.NONE:
                group.authorized_operations = GROUP_OPERATIONS
    return DescribeGroupsResponse(groups=groups)


def error_response(request: DescribeGroupsRequest, error: BrokerError, _ctx: RequestContext) -> DescribeGroupsResponse:
    return DescribeGroupsResponse(groups=[undescribed(group_id, error.code) for group_id in request.groups])
