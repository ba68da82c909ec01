"""PushTelemetry (key 72): a client's metrics (KIP-714). Served: v0, not advertised.

As in a Kafka without a receiver of metrics: they are checked and dropped.
"""

from __future__ import annotations

from pykbroker.context import RequestContext
from pykbroker.errors import BrokerError
from pykbroker.handlers.get_telemetry_subscriptions import SUBSCRIPTION_ID
from wire.api.push_telemetry import PushTelemetryRequest, PushTelemetryResponse
from wire.compression import Codec
from wire.errors import ErrorCode
from wire.types import ZERO_UUID


def handle(request: PushTelemetryRequest, ctx: RequestContext) -> PushTelemetryResponse:
    if request.client_instance_id == ZERO_UUID:
        raise BrokerError(ErrorCode.INVALID_REQUEST)
    if request.subscription_id != SUBSCRIPTION_ID:
        raise BrokerError(ErrorCode.UNKNOWN_SUBSCRIPTION_ID)
    if request.compression_type not in tuple(Codec):
        raise BrokerError(ErrorCode.UNSUPPORTED_COMPRESSION_TYPE)
    if len(request.metrics) > ctx.broker.settings.int("telemetry.max.bytes"):
        raise BrokerError(ErrorCode.TELEMETRY_TOO_LARGE)
    return PushTelemetryResponse()
