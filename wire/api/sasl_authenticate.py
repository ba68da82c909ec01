"""SaslAuthenticate (key 36): one step of the SASL exchange (KIP-152).

v1  how long the session lasts (KIP-368)
v2  flexible
"""

from __future__ import annotations

from wire.schema import Request, Response, since
from wire.types import Bytes, Int16, Int64, String


class SaslAuthenticateRequest(Request, api_key=36, versions=(0, 2), flexible=2):
    auth_bytes: Bytes


class SaslAuthenticateResponse(Response, api_key=36, versions=(0, 2), flexible=2):
    error_code: Int16 = 0
    error_message: String | None = None
    auth_bytes: Bytes
    session_lifetime_ms: Int64 = since(1, default=0, droppable=True)
