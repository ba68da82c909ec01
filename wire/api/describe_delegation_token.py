"""DescribeDelegationToken (key 41): delegation tokens of some owners (KIP-48).

v2  flexible
v3  who asked for the token (KIP-373)
"""

from __future__ import annotations

from wire.schema import Request, Response, Struct, since
from wire.types import Array, Bytes, Int16, Int32, Int64, String


class DescribeDelegationTokenRequest(Request, api_key=41, versions=(0, 3), flexible=2):
    owners: Array[DescribeDelegationTokenOwner] | None

    class DescribeDelegationTokenOwner(Struct):
        principal_type: String
        principal_name: String


class DescribeDelegationTokenResponse(Response, api_key=41, versions=(0, 3), flexible=2):
    error_code: Int16 = 0
    tokens: Array[DescribedDelegationToken]
    throttle_time_ms: Int32 = 0

    class DescribedDelegationToken(Struct):
        principal_type: String
        principal_name: String
        token_requester_principal_type: String = since(3, default="")
        token_requester_principal_name: String = since(3, default="")
        issue_timestamp: Int64
        expiry_timestamp: Int64
        max_timestamp: Int64
        token_id: String
        hmac: Bytes
        renewers: Array[DescribedDelegationTokenRenewer]

        class DescribedDelegationTokenRenewer(Struct):
            principal_type: String
            principal_name: String
