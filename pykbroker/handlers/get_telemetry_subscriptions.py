"""GetTelemetrySubscriptions (key 71): which of its metrics a client is to push (KIP-714). Served: v0.

As in Kafka it is answered whether somebody reads what is pushed or not, but clients are told of it only if so, and if
there is a subscription.
"""

from __future__ import annotations

from pykbroker.context import RequestContext
from wire.api.get_telemetry_subscriptions import GetTelemetrySubscriptionsRequest, GetTelemetrySubscriptionsResponse
from wire.compression import Codec

ACCEPTED = (Codec.ZSTD, Codec.LZ4, Codec.GZIP, Codec.SNAPPY)


def handle(request: GetTelemetrySubscriptionsRequest, ctx: RequestContext) -> GetTelemetrySubscriptionsResponse:
    broker = ctx.broker
    subscriptions = broker.image.client_metrics_configs
    instance = broker.client_instances.ask(request.client_instance_id, ctx, subscriptions, broker.clock_ms())
    return GetTelemetrySubscriptionsResponse(
        client_instance_id=instance.id,
        subscription_id=instance.subscription.id,
        accepted_compression_types=[int(codec) for codec in ACCEPTED],
        push_interval_ms=instance.subscription.interval_ms,
        telemetry_max_bytes=broker.settings.int("telemetry.max.bytes"),
        delta_temporality=True,
        requested_metrics=instance.subscription.metrics,
    )
