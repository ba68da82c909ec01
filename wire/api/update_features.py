"""UpdateFeatures (key 57): raise or lower the levels of cluster features (KIP-584).

v1  safe and unsafe downgrades; validate_only (KIP-778)
v2  one error for all, no results per feature (KIP-1022)
"""

from __future__ import annotations

from wire.schema import Request, Response, Struct, since, until
from wire.types import Array, Boolean, Int8, Int16, Int32, String


class UpdateFeaturesRequest(Request, api_key=57, versions=(0, 2), flexible=0):
    timeout_ms: Int32 = 60000
    feature_updates: Array[FeatureUpdateKey]
    validate_only: Boolean = since(1, default=False)

    class FeatureUpdateKey(Struct):
        feature: String
        max_version_level: Int16
        upgrade_type: Int8 = since(1, default=1)
        allow_downgrade: Boolean = until(0, default=False)


class UpdateFeaturesResponse(Response, api_key=57, versions=(0, 2), flexible=0):
    throttle_time_ms: Int32 = 0
    error_code: Int16 = 0
    error_message: String | None = None
    results: Array[UpdatableFeatureResult] = until(1, default=(), droppable=True)

    class UpdatableFeatureResult(Struct):
        feature: String
        error_code: Int16 = 0
        error_message: String | None = None
