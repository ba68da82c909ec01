"""ListGroups (key 16): the groups that this broker coordinates.

Served: v0-v5.

v4  states, also to ask for (KIP-518)
v5  types, also to ask for (KIP-848)
"""

from __future__ import annotations

from pykbroker.context import RequestContext
from pykbroker.coordinator.groups.listing import listed
from pykbroker.coordinator.share.listing import listed_share_groups
from pykbroker.errors import BrokerError
from wire.api.list_groups import ListGroupsRequest, ListGroupsResponse


def handle(request: ListGroupsRequest, ctx: RequestContext) -> ListGroupsResponse:
    states, types = request.states_filter, request.types_filter
    groups = ctx.broker.groups.read_all(
        lambda shard: [*listed(shard, states, types), *listed_share_groups(shard, states, types)]
    )
    return ListGroupsResponse(groups=groups)


def error_response(_request: ListGroupsRequest, error: BrokerError, _ctx: RequestContext) -> ListGroupsResponse:
    return ListGroupsResponse(error_code=error.code, groups=[])
