"""GetTelemetrySubscriptions (key 71): which client metrics the broker wants (KIP-714)."""

from __future__ import annotations

from wire.schema import Request, Response
from wire.types import Array, Boolean, Int8, Int16, Int32, String, Uuid


class GetTelemetrySubscriptionsRequest(Request, api_key=71, versions=(0, 0), flexible=0):
    client_instance_id: Uuid


class GetTelemetrySubscriptionsResponse(Response, api_key=71, versions=(0, 0), flexible=0):
    throttle_time_ms: Int32 = 0
    error_code: Int16 = 0
    client_instance_id: Uuid
    subscription_id: Int32
    accepted_compression_types: Array[Int8]
    push_interval_ms: Int32
    telemetry_max_bytes: Int32
    delta_temporality: Boolean
    requested_metrics: Array[String]
