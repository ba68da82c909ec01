"""RenewDelegationToken (key 39): let a delegation token last longer (KIP-48). Served: v0-v2.

No listener authenticates yet, and Kafka gives nobody a token over a connection that did not.
"""

from __future__ import annotations

from pykbroker.context import RequestContext
from pykbroker.errors import BrokerError
from wire.api.renew_delegation_token import RenewDelegationTokenRequest, RenewDelegationTokenResponse
from wire.errors import ErrorCode


def handle(_request: RenewDelegationTokenRequest, _ctx: RequestContext) -> RenewDelegationTokenResponse:
    raise BrokerError(ErrorCode.DELEGATION_TOKEN_REQUEST_NOT_ALLOWED)


def error_response(
    _request: RenewDelegationTokenRequest, error: BrokerError, _ctx: RequestContext
) -> RenewDelegationTokenResponse:
    return RenewDelegationTokenResponse(error_code=error.code, expiry_timestamp_ms=-1)
