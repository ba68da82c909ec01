"""UnregisterBroker (key 64): forget a broker that is gone (KIP-631). Served: v0.

Of one node, that is nobody. The broker that answers is not gone, and refuses to forget itself; Kafka's does, and serves
nobody until its next start.
"""

from __future__ import annotations

from pykbroker.context import RequestContext
from pykbroker.errors import BrokerError
from wire.api.unregister_broker import UnregisterBrokerRequest, UnregisterBrokerResponse
from wire.errors import ErrorCode


def handle(request: UnregisterBrokerRequest, ctx: RequestContext) -> UnregisterBrokerResponse:
    if request.broker_id not in ctx.broker.image.nodes:
        message = f"Broker ID {request.broker_id} is not currently registered"
        raise BrokerError(ErrorCode.BROKER_ID_NOT_REGISTERED, message)
    raise BrokerError(ErrorCode.INVALID_REQUEST, f"Broker {request.broker_id} is alive.")
