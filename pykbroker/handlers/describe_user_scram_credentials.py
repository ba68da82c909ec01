"""DescribeUserScramCredentials (key 50): which SCRAM credentials users have (KIP-554). Served: v0."""

from __future__ import annotations

from collections import Counter

from pykbroker.context import RequestContext
from pykbroker.errors import BrokerError
from pykbroker.metadata.image import MetadataImage
from wire.api.describe_user_scram_credentials import (
    DescribeUserScramCredentialsRequest,
    DescribeUserScramCredentialsResponse,
)
from wire.errors import ErrorCode

Result = DescribeUserScramCredentialsResponse.DescribeUserScramCredentialsResult


def handle(request: DescribeUserScramCredentialsRequest, ctx: RequestContext) -> DescribeUserScramCredentialsResponse:
    image = ctx.broker.image
    # No users are all of them, as null is.
    times = Counter(user.name for user in request.users or ()) or Counter(image.scram_credentials.keys())
    results = [described(user, image, is_twice=count > 1) for user, count in times.items()]
    return DescribeUserScramCredentialsResponse(error_message="", results=results)


def error_response(
    _request: DescribeUserScramCredentialsRequest, error: BrokerError, _ctx: RequestContext
) -> DescribeUserScramCredentialsResponse:
    return DescribeUserScramCredentialsResponse(error_code=error.code, error_message=error.message, results=[])


def described(user: str, image: MetadataImage, *, is_twice: bool) -> Result:
    if is_twice:
        message = f"Cannot describe SCRAM credentials for the same user twice in a single request: {user}"
        return failed(user, ErrorCode.DUPLICATE_RESOURCE, message)
    credentials = image.scram_credentials.get(user)
    if credentials is None:
        message = f"Attempt to describe a user credential that does not exist: {user}"
        return failed(user, ErrorCode.RESOURCE_NOT_FOUND, message)
    infos = [
        Result.CredentialInfo(mechanism=mechanism, iterations=credential.iterations)
        for mechanism, credential in sorted(credentials.items())
    ]
    return Result(user=user, error_message="", credential_infos=infos)


def failed(user: str, code: ErrorCode, message: str) -> Result:
    return Result(user=user, error_code=code, error_message=message, credential_infos=[])
