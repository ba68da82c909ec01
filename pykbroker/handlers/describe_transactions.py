"""DescribeTransactions (key 65): state, producer and partitions of transactional ids (KIP-664). Served: v0."""

from __future__ import annotations

from collections.abc import Awaitable
from functools import partial

from pykbroker.context import RequestContext
from pykbroker.coordinator.transactions.listing import Described, describe, not_described
from pykbroker.errors import BrokerError
from wire.api.describe_transactions import DescribeTransactionsRequest, DescribeTransactionsResponse
from wire.errors import ErrorCode


async def handle(request: DescribeTransactionsRequest, ctx: RequestContext) -> DescribeTransactionsResponse:
    return DescribeTransactionsResponse(
        transaction_states=[await _described(transactional_id, ctx) for transactional_id in request.transactional_ids]
    )


async def _described(transactional_id: str, ctx: RequestContext) -> Described:
    """One transactional id; an error is its alone."""
    if transactional_id == "":
        return not_described(transactional_id, ErrorCode.INVALID_REQUEST)
    try:
        found = ctx.broker.transactions.read(transactional_id, partial(describe, transactional_id=transactional_id))
        return await found if isinstance(found, Awaitable) else found
    except BrokerError as error:
        return not_described(transactional_id, error.code)


def error_response(
    request: DescribeTransactionsRequest, error: BrokerError, _ctx: RequestContext
) -> DescribeTransactionsResponse:
    return DescribeTransactionsResponse(
        transaction_states=[not_described(each, error.code) for each in request.transactional_ids]
    )
