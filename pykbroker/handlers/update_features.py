"""UpdateFeatures (key 57): raise or lower the levels of the cluster's features, all or none (KIP-584).

Served: v0-v2.

v1  safe and unsafe downgrades instead of whether one is allowed; validate_only (KIP-778)
v2  one error for all instead of one for each (KIP-1022)
"""

from __future__ import annotations

from pykbroker import features
from pykbroker.context import RequestContext
from pykbroker.metadata.image import MetadataImage
from wire.api.update_features import UpdateFeaturesRequest, UpdateFeaturesResponse

Result = UpdateFeaturesResponse.UpdatableFeatureResult

LAST_WITH_RESULTS = 1


async def handle(request: UpdateFeaturesRequest, ctx: RequestContext) -> UpdateFeaturesResponse:
    def decide(image: MetadataImage) -> MetadataImage:
        after = image
        for asked in request.feature_updates:
            kind = features.SAFE_DOWNGRADE if asked.allow_downgrade else asked.upgrade_type
            after = features.updated(after, asked.feature, asked.max_version_level, kind, ctx.broker.node_id)
        return image if request.validate_only else after

    await ctx.broker.controller.change(decide)
    if ctx.api_version > LAST_WITH_RESULTS:
        return UpdateFeaturesResponse()
    results = [Result(feature=asked.feature, error_message="NONE") for asked in request.feature_updates]
    return UpdateFeaturesResponse(results=results)
