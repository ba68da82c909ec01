"""AddOffsetsToTxn (key 25): a transaction is about to commit offsets of this group (KIP-98).

Served: v0-v4.

v2  PRODUCER_FENCED
v4  TRANSACTION_ABORTABLE

The transaction gets the partition of `__consumer_offsets` that holds the group's offsets.
"""

from __future__ import annotations

from collections.abc import Awaitable

from pykbroker.context import RequestContext
from pykbroker.coordinator.group_coordinator import OFFSETS_TOPIC
from pykbroker.coordinator.transactions.transaction import TRANSACTION_V1
from pykbroker.errors import BrokerError
from wire.api.add_offsets_to_txn import AddOffsetsToTxnRequest, AddOffsetsToTxnResponse
from wire.errors import ErrorCode

PRODUCER_FENCED_SINCE = 2


def handle(
    request: AddOffsetsToTxnRequest, ctx: RequestContext
) -> AddOffsetsToTxnResponse | Awaitable[AddOffsetsToTxnResponse]:
    place = OFFSETS_TOPIC, ctx.broker.groups.partition_of(request.group_id)
    done = ctx.broker.transactions.add(
        request.transactional_id, request.producer_id, request.producer_epoch, [place], version=TRANSACTION_V1
    )
    return AddOffsetsToTxnResponse() if done is None else _awaited(done)


async def _awaited(done: Awaitable[None]) -> AddOffsetsToTxnResponse:
    await done
    return AddOffsetsToTxnResponse()


def error_response(
    _request: AddOffsetsToTxnRequest, error: BrokerError, ctx: RequestContext
) -> AddOffsetsToTxnResponse:
    is_new = error.code == ErrorCode.PRODUCER_FENCED and ctx.api_version < PRODUCER_FENCED_SINCE
    return AddOffsetsToTxnResponse(error_code=ErrorCode.INVALID_PRODUCER_EPOCH if is_new else error.code)
