"""CreateDelegationToken (key 38): a token to authenticate with (KIP-48). Served: v0-v3.

No listener authenticates yet, and Kafka gives nobody a token over a connection that did not.
"""

from __future__ import annotations

from pykbroker.context import RequestContext
from pykbroker.errors import BrokerError
from wire.api.create_delegation_token import CreateDelegationTokenRequest, CreateDelegationTokenResponse
from wire.errors import ErrorCode

ANONYMOUS = "ANONYMOUS"


def handle(request: CreateDelegationTokenRequest, _ctx: RequestContext) -> CreateDelegationTokenResponse:
    if request.owner_principal_name and request.owner_principal_type is None:
        raise BrokerError(ErrorCode.UNKNOWN_SERVER_ERROR)  # as Kafka, which has no owner without a type
    raise BrokerError(ErrorCode.DELEGATION_TOKEN_REQUEST_NOT_ALLOWED)


def error_response(
    request: CreateDelegationTokenRequest, error: BrokerError, ctx: RequestContext
) -> CreateDelegationTokenResponse:
    has_owner = bool(request.owner_principal_name) and request.owner_principal_type is not None
    return CreateDelegationTokenResponse(
        error_code=error.code,
        principal_type=request.owner_principal_type or "" if has_owner else "User",
        principal_name=request.owner_principal_name or "" if has_owner else ANONYMOUS,
        token_requester_principal_type="User" if ctx.api_version >= 3 else "",
        token_requester_principal_name=ANONYMOUS if ctx.api_version >= 3 else "",
        issue_timestamp_ms=-1,
        expiry_timestamp_ms=-1,
        max_timestamp_ms=-1,
        token_id="",
        hmac=b"",
    )
