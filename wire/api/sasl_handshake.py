"""SaslHandshake (key 17): choose a SASL mechanism.

v0  the SASL exchange follows as bare bytes
v1  the SASL exchange follows in SaslAuthenticate requests (KIP-152)
"""

from __future__ import annotations

from wire.schema import Request, Response
from wire.types import Array, Int16, String


class SaslHandshakeRequest(Request, api_key=17, versions=(0, 1)):
    mechanism: String


class SaslHandshakeResponse(Response, api_key=17, versions=(0, 1)):
    error_code: Int16 = 0
    mechanisms: Array[String]
