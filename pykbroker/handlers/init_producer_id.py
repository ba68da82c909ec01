"""InitProducerId (key 22): a producer id, for idempotence or for transactions (KIP-98).

Served: v0-v5. v6, two-phase commit (KIP-939), is not stable in Kafka 4.3.

v3  the id and epoch the producer had (KIP-360)
v4  PRODUCER_FENCED
v5  TRANSACTION_ABORTABLE (KIP-890)

Without a transactional id every request gets a new id with epoch 0, whatever id the producer had. With one, the
transaction coordinator says who goes on and who is fenced.
"""

from __future__ import annotations

from collections.abc import Awaitable

from pykbroker.context import RequestContext
from pykbroker.coordinator.transactions.initializing import ProducerIdentity
from pykbroker.errors import BrokerError
from wire.api.init_producer_id import InitProducerIdRequest, InitProducerIdResponse
from wire.errors import ErrorCode

NO_ID = NO_EPOCH = -1
PRODUCER_FENCED_SINCE = 4


def handle(
    request: InitProducerIdRequest, ctx: RequestContext
) -> InitProducerIdResponse | Awaitable[InitProducerIdResponse]:
    if (request.producer_id == NO_ID) != (request.producer_epoch == NO_EPOCH):
        raise BrokerError(ErrorCode.INVALID_REQUEST, "A producer id and its epoch belong together.")
    if request.transactional_id is not None:
        return initialize(request, request.transactional_id, ctx)
    producer_id = ctx.broker.producer_ids.take()
    if producer_id is None:
        return with_new_block(ctx)
    return InitProducerIdResponse(producer_id=producer_id, producer_epoch=0)


def error_response(_request: InitProducerIdRequest, error: BrokerError, ctx: RequestContext) -> InitProducerIdResponse:
    return InitProducerIdResponse(error_code=told(error.code, ctx), producer_epoch=NO_EPOCH)


def told(code: ErrorCode, ctx: RequestContext) -> ErrorCode:
    is_new = code == ErrorCode.PRODUCER_FENCED and ctx.api_version < PRODUCER_FENCED_SINCE
    return ErrorCode.INVALID_PRODUCER_EPOCH if is_new else code


async def with_new_block(ctx: RequestContext) -> InitProducerIdResponse:
    return InitProducerIdResponse(producer_id=await ctx.broker.producer_ids.allocate(), producer_epoch=0)


async def initialize(
    request: InitProducerIdRequest, transactional_id: str, ctx: RequestContext
) -> InitProducerIdResponse:
    if transactional_id == "":
        raise BrokerError(ErrorCode.INVALID_REQUEST, "The transactional id is empty.")
    expected = None if request.producer_id == NO_ID else ProducerIdentity(request.producer_id, request.producer_epoch)
    found = await ctx.broker.transactions.initialize(
        transactional_id, timeout_ms=request.transaction_timeout_ms, expected=expected
    )
    return InitProducerIdResponse(
        error_code=told(found.error_code, ctx), producer_id=found.producer_id, producer_epoch=found.epoch
    )
