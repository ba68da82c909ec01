"""ExpireDelegationToken (key 40): let a delegation token end sooner (KIP-48). Served: v0-v2.

No listener authenticates yet, and Kafka gives nobody a token over a connection that did not.
"""

from __future__ import annotations

from pykbroker.context import RequestContext
from pykbroker.errors import BrokerError
from wire.api.expire_delegation_token import ExpireDelegationTokenRequest, ExpireDelegationTokenResponse
from wire.errors import ErrorCode


def handle(_request: ExpireDelegationTokenRequest, _ctx: RequestContext) -> ExpireDelegationTokenResponse:
    raise BrokerError(ErrorCode.DELEGATION_TOKEN_REQUEST_NOT_ALLOWED)


def error_response(
    _request: ExpireDelegationTokenRequest, error: BrokerError, _ctx: RequestContext
) -> ExpireDelegationTokenResponse:
    return ExpireDelegationTokenResponse(error_code=error.code, expiry_timestamp_ms=-1)
