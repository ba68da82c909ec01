"""ListTransactions (key 66): the transactional ids that this broker coordinates (KIP-664).

Served: v0-v2.

v1  by how long they run (KIP-994)
v2  by a pattern of the transactional id (KIP-1152)
"""

from __future__ import annotations

from pykbroker.context import RequestContext
from pykbroker.coordinator.transactions.listing import listed, pattern, unknown_states
from pykbroker.errors import BrokerError
from wire.api.list_transactions import ListTransactionsRequest, ListTransactionsResponse


def handle(request: ListTransactionsRequest, ctx: RequestContext) -> ListTransactionsResponse:
    expression = pattern(request)
    now_ms = ctx.broker.clock_ms()
    return ListTransactionsResponse(
        unknown_state_filters=unknown_states(request),
        transaction_states=ctx.broker.transactions.read_all(lambda shard: listed(shard, request, expression, now_ms)),
    )


def error_response(
    _request: ListTransactionsRequest, error: BrokerError, _ctx: RequestContext
) -> ListTransactionsResponse:
    return ListTransactionsResponse(error_code=error.code, unknown_state_filters=[], transaction_states=[])
