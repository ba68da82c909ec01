"""AlterUserScramCredentials (key 51): set and delete SCRAM credentials (KIP-554)."""

from __future__ import annotations

from wire.schema import Request, Response, Struct
from wire.types import Array, Bytes, Int8, Int16, Int32, String


class AlterUserScramCredentialsRequest(Request, api_key=51, versions=(0, 0), flexible=0):
    deletions: Array[ScramCredentialDeletion]
    upsertions: Array[ScramCredentialUpsertion]

    class ScramCredentialDeletion(Struct):
        name: String
        mechanism: Int8

    class ScramCredentialUpsertion(Struct):
        name: String
        mechanism: Int8
        iterations: Int32
        salt: Bytes
        salted_password: Bytes


class AlterUserScramCredentialsResponse(Response, api_key=51, versions=(0, 0), flexible=0):
    throttle_time_ms: Int32 = 0
    results: Array[AlterUserScramCredentialsResult]

    class AlterUserScramCredentialsResult(Struct):
        user: String
        error_code: Int16 = 0
        error_message: String | None = None
