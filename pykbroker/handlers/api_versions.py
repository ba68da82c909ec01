"""ApiVersions (key 18): which APIs, in which versions, this broker serves: what the handler table says.

v0-v2  the list; throttle time from v1
v3     client software name and version in the request (KIP-511); finalized features in the answer (KIP-584)
v4     features with a minimum version of 0

A version to come is answered with v0, UNSUPPORTED_VERSION, and the list (KIP-511).
"""

from __future__ import annotations

import re

from pykbroker import features
from pykbroker.context import RequestContext
from pykbroker.handlers import APIS
from wire.api.api_versions import ApiVersionsRequest, ApiVersionsResponse
from wire.errors import ErrorCode
from wire.registry import ApiKey

FIRST_WITH_SOFTWARE = 3
FIRST_WITH_LEVEL_0 = 4

# What Kafka accepts as the name and the version of a client's software.
_SOFTWARE = re.compile(r"[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?")


def handle(request: ApiVersionsRequest | None, ctx: RequestContext) -> ApiVersionsResponse:
    if request is None:  # a version that we do not know
        known = [_version(ctx, ApiKey.API_VERSIONS)]
        return ApiVersionsResponse(error_code=ErrorCode.UNSUPPORTED_VERSION, api_keys=known)
    if ctx.api_version >= FIRST_WITH_SOFTWARE and not _is_valid(request):
        return ApiVersionsResponse(error_code=ErrorCode.INVALID_REQUEST, api_keys=())
    if ctx.api_version >= FIRST_WITH_SOFTWARE:
        ctx.software_name, ctx.software_version = request.client_software_name, request.client_software_version
    # Kafka decides by its receiver, which it has none of by default; ours is always there, but who is told of it asks
    # on every connection, and librdkafka says so in its log. So clients are told where something is wanted of them.
    has_receiver = ctx.broker.client_metrics.is_open and ctx.broker.image.client_metrics_configs
    return ApiVersionsResponse(
        api_keys=[_version(ctx, key) for key, api in APIS.items() if has_receiver or not api.needs_receiver],
        supported_features=[
            ApiVersionsResponse.SupportedFeatureKey(name=name, min_version=feature.first, max_version=feature.last)
            for name, feature in features.supported().items()
            if feature.first > 0 or ctx.api_version >= FIRST_WITH_LEVEL_0
        ],
        finalized_features_epoch=ctx.broker.controller.revision,
        finalized_features=[
            ApiVersionsResponse.FinalizedFeatureKey(name=name, min_version_level=level, max_version_level=level)
            for name, level in features.finalized(ctx.broker.image).items()
        ],
    )


def _is_valid(request: ApiVersionsRequest) -> bool:
    return all(_SOFTWARE.fullmatch(said) for said in (request.client_software_name, request.client_software_version))


def _version(ctx: RequestContext, key: ApiKey) -> ApiVersionsResponse.ApiVersion:
    first, last = ctx.broker.served_versions(key)
    return ApiVersionsResponse.ApiVersion(api_key=key, min_version=first, max_version=last)
