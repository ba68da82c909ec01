"""SaslHandshake (key 17): choose a SASL mechanism (KIP-43). Served: v0-v1.

No listener asks for authentication: whoever is connected is let in already, and has nothing to choose.
"""

from __future__ import annotations

from pykbroker.context import RequestContext
from pykbroker.errors import BrokerError
from wire.api.sasl_handshake import SaslHandshakeRequest, SaslHandshakeResponse
from wire.errors import ErrorCode


def handle(_request: SaslHandshakeRequest, _ctx: RequestContext) -> SaslHandshakeResponse:
    raise BrokerError(ErrorCode.ILLEGAL_SASL_STATE)


def error_response(_request: SaslHandshakeRequest, error: BrokerError, _ctx: RequestContext) -> SaslHandshakeResponse:
    return SaslHandshakeResponse(error_code=error.code, mechanisms=[])
