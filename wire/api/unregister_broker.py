"""UnregisterBroker (key 64): forget a broker that is gone (KIP-631)."""

from __future__ import annotations

from wire.schema import Request, Response
from wire.types import Int16, Int32, String


class UnregisterBrokerRequest(Request, api_key=64, versions=(0, 0), flexible=0):
    broker_id: Int32


class UnregisterBrokerResponse(Response, api_key=64, versions=(0, 0), flexible=0):
    throttle_time_ms: Int32 = 0
    error_code: Int16 = 0
    error_message: String | None = None
