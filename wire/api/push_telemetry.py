"""PushTelemetry (key 72): client metrics, in OpenTelemetry's format (KIP-714)."""

from __future__ import annotations

from wire.schema import Request, Response
from wire.types import Boolean, Bytes, Int8, Int16, Int32, Uuid


class PushTelemetryRequest(Request, api_key=72, versions=(0, 0), flexible=0):
    client_instance_id: Uuid
    subscription_id: Int32
    terminating: Boolean
    compression_type: Int8
    metrics: Bytes


class PushTelemetryResponse(Response, api_key=72, versions=(0, 0), flexible=0):
    throttle_time_ms: Int32 = 0
    error_code: Int16 = 0
