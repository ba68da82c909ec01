"""InitProducerId (key 22): a producer id, for idempotence.

Served: v0-v6; Kafka 4.3 advertises v0-v5, for v6 (two-phase commit) is not finished there.

v3  the id and epoch the producer had (KIP-360)
v4  PRODUCER_FENCED
v5  TRANSACTION_ABORTABLE (KIP-890)
v6  two-phase commit (KIP-939)

Without a transactional id every request gets a new id with epoch 0, whatever id the producer had.
Transactional producers are not served yet: they hear what a broker without a coordinator for them says.
"""

from __future__ import annotations

from collections.abc import Awaitable

from pykbroker.context import RequestContext
from pykbroker.errors import BrokerError
from wire.api.init_producer_id import InitProducerIdRequest, InitProducerIdResponse
from wire.errors import ErrorCode

NO_ID = NO_EPOCH = -1


def handle(
    request: InitProducerIdRequest, ctx: RequestContext
) -> InitProducerIdResponse | Awaitable[InitProducerIdResponse]:
    if (request.producer_id == NO_ID) != (request.producer_epoch == NO_EPOCH):
        raise BrokerError(ErrorCode.INVALID_REQUEST, "A producer id and its epoch belong together.")
    if request.transactional_id is not None:
        refuse_transaction(request, ctx)
    producer_id = ctx.broker.producer_ids.take()
    if producer_id is None:
        return with_new_block(ctx)
    return InitProducerIdResponse(producer_id=producer_id, producer_epoch=0)


def error_response(_request: InitProducerIdRequest, error: BrokerError, _ctx: RequestContext) -> InitProducerIdResponse:
    return InitProducerIdResponse(error_code=error.code, producer_epoch=NO_EPOCH)


async def with_new_block(ctx: RequestContext) -> InitProducerIdResponse:
    return InitProducerIdResponse(producer_id=await ctx.broker.producer_ids.allocate(), producer_epoch=0)


def refuse_transaction(request: InitProducerIdRequest, ctx: RequestContext) -> None:
    if request.transactional_id == "":
        raise BrokerError(ErrorCode.INVALID_REQUEST, "The transactional id is empty.")
    if not 0 < request.transaction_timeout_ms <= ctx.broker.settings.int("transaction.max.timeout.ms"):
        raise BrokerError(ErrorCode.INVALID_TRANSACTION_TIMEOUT)
    raise BrokerError(ErrorCode.COORDINATOR_NOT_AVAILABLE)
