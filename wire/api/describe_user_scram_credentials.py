"""DescribeUserScramCredentials (key 50): which SCRAM credentials users have, never the secrets (KIP-554)."""

from __future__ import annotations

from wire.schema import Request, Response, Struct
from wire.types import Array, Int8, Int16, Int32, String


class DescribeUserScramCredentialsRequest(Request, api_key=50, versions=(0, 0), flexible=0):
    users: Array[UserName] | None

    class UserName(Struct):
        name: String


class DescribeUserScramCredentialsResponse(Response, api_key=50, versions=(0, 0), flexible=0):
    throttle_time_ms: Int32 = 0
    error_code: Int16 = 0
    error_message: String | None = None
    results: Array[DescribeUserScramCredentialsResult]

    class DescribeUserScramCredentialsResult(Struct):
        user: String
        error_code: Int16 = 0
        error_message: String | None = None
        credential_infos: Array[CredentialInfo]

        class CredentialInfo(Struct):
            mechanism: Int8
            iterations: Int32
