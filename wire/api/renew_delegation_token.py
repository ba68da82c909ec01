"""RenewDelegationToken (key 39): let a delegation token last longer (KIP-48).

v2  flexible
"""

from __future__ import annotations

from wire.schema import Request, Response
from wire.types import Bytes, Int16, Int32, Int64


class RenewDelegationTokenRequest(Request, api_key=39, versions=(0, 2), flexible=2):
    hmac: Bytes
    renew_period_ms: Int64


class RenewDelegationTokenResponse(Response, api_key=39, versions=(0, 2), flexible=2):
    error_code: Int16 = 0
    expiry_timestamp_ms: Int64
    throttle_time_ms: Int32 = 0
