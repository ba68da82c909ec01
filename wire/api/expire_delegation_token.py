"""ExpireDelegationToken (key 40): let a delegation token end sooner (KIP-48).

v2  flexible
"""

from __future__ import annotations

from wire.schema import Request, Response
from wire.types import Bytes, Int16, Int32, Int64


class ExpireDelegationTokenRequest(Request, api_key=40, versions=(0, 2), flexible=2):
    hmac: Bytes
    expiry_time_period_ms: Int64


class ExpireDelegationTokenResponse(Response, api_key=40, versions=(0, 2), flexible=2):
    error_code: Int16 = 0
    expiry_timestamp_ms: Int64
    throttle_time_ms: Int32 = 0
