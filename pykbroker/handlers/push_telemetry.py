"""PushTelemetry (key 72): a client's metrics, in OpenTelemetry's format (KIP-714). Served: v0.

They are read in a worker thread, and are then under `/metrics`.
"""

from __future__ import annotations

import trio

from pykbroker.context import RequestContext
from pykbroker.errors import BrokerError
from pykbroker.telemetry.receiver import Pushed
from wire.api.push_telemetry import PushTelemetryRequest, PushTelemetryResponse
from wire.compression import Codec
from wire.errors import ErrorCode, ProtocolError


async def handle(request: PushTelemetryRequest, ctx: RequestContext) -> PushTelemetryResponse:
    broker = ctx.broker
    instance = broker.client_instances.push(request, ctx, broker.image.client_metrics_configs, broker.clock_ms())
    if request.metrics:
        # A copy: the buffer that it came in may be used again before the thread is done.
        data = bytes(request.metrics)
        try:
            pushed = await trio.to_thread.run_sync(_read, data, Codec(request.compression_type))
        except ProtocolError as error:
            instance.last_error = ErrorCode.INVALID_RECORD
            raise BrokerError(ErrorCode.INVALID_RECORD) from error
        broker.client_metrics.receive(instance, pushed, broker.clock_ms())
    return PushTelemetryResponse()


def _read(data: bytes, codec: Codec) -> Pushed:
    from pykbroker.telemetry import otlp  # imports OpenTelemetry's classes: with the first metrics that come

    return otlp.read(data, codec)
