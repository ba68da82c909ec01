"""DescribeDelegationToken (key 41): delegation tokens of some owners (KIP-48). Served: v0-v3.

No listener authenticates yet, and Kafka gives nobody a token over a connection that did not.
"""

from __future__ import annotations

from pykbroker.context import RequestContext
from pykbroker.errors import BrokerError
from wire.api.describe_delegation_token import DescribeDelegationTokenRequest, DescribeDelegationTokenResponse
from wire.errors import ErrorCode


def handle(_request: DescribeDelegationTokenRequest, _ctx: RequestContext) -> DescribeDelegationTokenResponse:
    raise BrokerError(ErrorCode.DELEGATION_TOKEN_REQUEST_NOT_ALLOWED)


def error_response(
    _request: DescribeDelegationTokenRequest, error: BrokerError, _ctx: RequestContext
) -> DescribeDelegationTokenResponse:
    return DescribeDelegationTokenResponse(error_code=error.code, tokens=[])
