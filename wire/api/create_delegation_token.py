"""CreateDelegationToken (key 38): a token to authenticate with instead of one's own credentials (KIP-48).

v2  flexible
v3  for another owner than the one who asks (KIP-373)
"""

from __future__ import annotations

from wire.schema import Request, Response, Struct, since
from wire.types import Array, Bytes, Int16, Int32, Int64, String


class CreateDelegationTokenRequest(Request, api_key=38, versions=(0, 3), flexible=2):
    owner_principal_type: String | None = since(3, default="")
    owner_principal_name: String | None = since(3, default="")
    renewers: Array[CreatableRenewers]
    max_lifetime_ms: Int64

    class CreatableRenewers(Struct):
        principal_type: String
        principal_name: String


class CreateDelegationTokenResponse(Response, api_key=38, versions=(0, 3), flexible=2):
    error_code: Int16 = 0
    principal_type: String
    principal_name: String
    token_requester_principal_type: String = since(3, default="")
    token_requester_principal_name: String = since(3, default="")
    issue_timestamp_ms: Int64
    expiry_timestamp_ms: Int64
    max_timestamp_ms: Int64
    token_id: String
    hmac: Bytes
    throttle_time_ms: Int32 = 0
