"""CreateDelegationToken (key 38): a token to authenticate with (KIP-48). Served: v0-v3.

No listener authenticates yet, and Kafka gives nobody a token over a connection that did not.
"""

from __future__ import annotations

from pykbroker.context import RequestContext
from pykbroker.errors import BrokerError
from wire.api.create_delegation_token import CreateDelegationTokenRequest, CreateDelegationTokenResponse
from wire.errors import ErrorCode

ANONYMOUS = "ANONYMOUS"


def handle(_request: CreateDelegationTokenRequest, _ctx: RequestContext) -> CreateDelegationTokenResponse:
    raise BrokerError(ErrorCode.DELEGATION_TOKEN_REQUEST_NOT_ALLOWED)


def error_response(
    _request: CreateDelegationTokenRequest, error: BrokerError, ctx: RequestContext
) -> CreateDelegationTokenResponse:
    return CreateDelegationTokenResponse(
        error_code=error.code,
        principal_type="User",
        principal_name=ANONYMOUS,
        token_requester_principal_type="User" if ctx.api_version >= 3 else "",
        token_requester_principal_name=ANONYMOUS if ctx.api_version >= 3 else "",
        issue_timestamp_ms=-1,
        expiry_timestamp_ms=-1,
        max_timestamp_ms=-1,
        token_id="",
        hmac=b"",
    )
