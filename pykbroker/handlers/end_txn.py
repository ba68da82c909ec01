"""EndTxn (key 26): commit a transaction, or abort it (KIP-98).

Served: v0-v5.

v2  PRODUCER_FENCED
v4  TRANSACTION_ABORTABLE
v5  transaction version 2: the epoch is bumped, and told (KIP-890)
"""

from __future__ import annotations

from pykbroker.context import RequestContext
from pykbroker.coordinator.transactions.transaction import TRANSACTION_V1, TRANSACTION_V2
from pykbroker.errors import BrokerError
from wire.api.end_txn import EndTxnRequest, EndTxnResponse
from wire.errors import ErrorCode

PRODUCER_FENCED_SINCE = 2
TRANSACTION_V2_SINCE = 5


async def handle(request: EndTxnRequest, ctx: RequestContext) -> EndTxnResponse:
    ended = await ctx.broker.transactions.end(
        request.transactional_id,
        request.producer_id,
        request.producer_epoch,
        commit=request.committed,
        version=TRANSACTION_V2 if ctx.api_version >= TRANSACTION_V2_SINCE else TRANSACTION_V1,
    )
    return EndTxnResponse(producer_id=ended.producer_id, producer_epoch=ended.epoch)


def error_response(_request: EndTxnRequest, error: BrokerError, ctx: RequestContext) -> EndTxnResponse:
    is_new = error.code == ErrorCode.PRODUCER_FENCED and ctx.api_version < PRODUCER_FENCED_SINCE
    return EndTxnResponse(error_code=ErrorCode.INVALID_PRODUCER_EPOCH if is_new else error.code)
