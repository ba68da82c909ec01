"""SaslAuthenticate (key 36): a step of the SASL exchange (KIP-152). Served: v0-v2.

No listener asks for authentication: whoever is connected is let in already.
"""

from __future__ import annotations

from pykbroker.context import RequestContext
from pykbroker.errors import BrokerError
from wire.api.sasl_authenticate import SaslAuthenticateRequest, SaslAuthenticateResponse
from wire.errors import ErrorCode


def handle(_request: SaslAuthenticateRequest, _ctx: RequestContext) -> SaslAuthenticateResponse:
    message = "SaslAuthenticate request received after successful authentication"
    raise BrokerError(ErrorCode.ILLEGAL_SASL_STATE, message)


def error_response(
    _request: SaslAuthenticateRequest, error: BrokerError, _ctx: RequestContext
) -> SaslAuthenticateResponse:
    return SaslAuthenticateResponse(error_code=error.code, error_message=error.message, auth_bytes=b"")
