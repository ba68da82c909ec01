"""DeleteGroups (key 42): forget groups that have no members, with their offsets (KIP-229).

Served: v0-v2.
"""

from __future__ import annotations

from collections.abc import Awaitable
from functools import partial

from pykbroker.context import RequestContext
from pykbroker.coordinator.decision import Decision
from pykbroker.coordinator.groups.listing import DeletableGroupResult, delete_group
from pykbroker.coordinator.groups.shard import GroupShard
from pykbroker.coordinator.share import listing as share_listing
from pykbroker.coordinator.share.state_shard import Place
from pykbroker.coordinator.share_coordinator import settled
from pykbroker.errors import BrokerError
from wire.api.delete_groups import DeleteGroupsRequest, DeleteGroupsResponse


def handle(request: DeleteGroupsRequest, ctx: RequestContext) -> DeleteGroupsResponse | Awaitable[DeleteGroupsResponse]:
    group_ids = list(dict.fromkeys(request.groups_names))
    deleted = [_delete(group_id, ctx) for group_id in group_ids]
    told = [result for result in deleted if isinstance(result, DeletableGroupResult)]
    if len(told) == len(deleted):
        return DeleteGroupsResponse(results=told)
    return _awaited(group_ids, deleted)


def _delete(group_id: str, ctx: RequestContext) -> DeletableGroupResult | Awaitable[DeletableGroupResult]:
    try:
        if ctx.broker.groups.is_share_group(group_id):
            return _delete_share_group(group_id, ctx)
        return ctx.broker.groups.write(group_id, partial(_decide, group_id))
    except BrokerError as error:
        return DeletableGroupResult(group_id=group_id, error_code=error.code)


def _decide(group_id: str, shard: GroupShard, now_ms: int) -> Decision[DeletableGroupResult]:  # noqa: ARG001
    return delete_group(shard, group_id)


async def _delete_share_group(group_id: str, ctx: RequestContext) -> DeletableGroupResult:
    """What was delivered first: a group of that name made later must not find it."""
    broker = ctx.broker
    initialized = await settled(broker.groups.read(group_id, partial(share_listing.emptied, group_id=group_id)))
    for topic_id, each in initialized.items():
        for index in each.partitions:
            await broker.share_state.delete(Place(group_id, topic_id, index))
    broker.shares.forget(group_id)
    await settled(broker.groups.write(group_id, lambda shard, _: share_listing.delete(shard, group_id)))
    return DeletableGroupResult(group_id=group_id)


async def _awaited(
    group_ids: list[str], deleted: list[DeletableGroupResult | Awaitable[DeletableGroupResult]]
) -> DeleteGroupsResponse:
    told = []
    for group_id, result in zip(group_ids, deleted, strict=True):
        try:
            told.append(result if isinstance(result, DeletableGroupResult) else await result)
        except BrokerError as error:
            told.append(DeletableGroupResult(group_id=group_id, error_code=error.code))
    return DeleteGroupsResponse(results=told)


def error_response(request: DeleteGroupsRequest, error: BrokerError, _ctx: RequestContext) -> DeleteGroupsResponse:
    return DeleteGroupsResponse(
        results=[DeletableGroupResult(group_id=group_id, error_code=error.code) for group_id in request.groups_names]
    )
