"""GetTelemetrySubscriptions (key 71): which of its metrics a client is to push (KIP-714). Served: v0, not advertised.

As in a Kafka without a receiver of metrics: who asks nevertheless learns that none are wanted.
"""

from __future__ import annotations

import os
import zlib

from pykbroker.context import RequestContext
from wire.api.get_telemetry_subscriptions import GetTelemetrySubscriptionsRequest, GetTelemetrySubscriptionsResponse
from wire.compression import Codec
from wire.types import ZERO_UUID

ACCEPTED = (Codec.ZSTD, Codec.LZ4, Codec.GZIP, Codec.SNAPPY)
PUSH_INTERVAL_MS = 300_000
# Of what is asked for, so that a client notices a change: nothing, every so often.
SUBSCRIPTION_ID = zlib.crc32(str(PUSH_INTERVAL_MS).encode()) & 0x7FFFFFFF


def handle(request: GetTelemetrySubscriptionsRequest, ctx: RequestContext) -> GetTelemetrySubscriptionsResponse:
    known = request.client_instance_id
    return GetTelemetrySubscriptionsResponse(
        client_instance_id=os.urandom(16) if known == ZERO_UUID else known,
        subscription_id=SUBSCRIPTION_ID,
        accepted_compression_types=[int(codec) for codec in ACCEPTED],
        push_interval_ms=PUSH_INTERVAL_MS,
        telemetry_max_bytes=ctx.broker.settings.int("telemetry.max.bytes"),
        delta_temporality=True,
        requested_metrics=[],
    )
