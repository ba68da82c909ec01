"""ApiVersions (key 18): which versions of which APIs the broker serves; the first request of most clients.

v1  throttle time
v3  flexible, its response header not; name and version of the client (KIP-511); features of the cluster (KIP-584)
v4  features may have 0 as their lowest version

A version that the broker does not know is answered in v0 (KIP-511).
"""

from __future__ import annotations

from wire.schema import Request, Response, Struct, since, tagged
from wire.types import Array, Boolean, Int16, Int32, Int64, String


class ApiVersionsRequest(Request, api_key=18, versions=(0, 4), flexible=3):
    client_software_name: String = since(3, default="", droppable=True)
    client_software_version: String = since(3, default="", droppable=True)


class ApiVersionsResponse(Response, api_key=18, versions=(0, 4), flexible=3):
    error_code: Int16 = 0
    api_keys: Array[ApiVersion]
    throttle_time_ms: Int32 = since(1, default=0, droppable=True)
    supported_features: Array[SupportedFeatureKey] = tagged(0, since=3, default=(), droppable=True)
    finalized_features_epoch: Int64 = tagged(1, since=3, default=-1, droppable=True)
    finalized_features: Array[FinalizedFeatureKey] = tagged(2, since=3, default=(), droppable=True)
    zk_migration_ready: Boolean = tagged(3, since=3, default=False, droppable=True)

    class ApiVersion(Struct):
        api_key: Int16
        min_version: Int16
        max_version: Int16

    class SupportedFeatureKey(Struct):
        name: String
        min_version: Int16
        max_version: Int16

    class FinalizedFeatureKey(Struct):
        name: String
        max_version_level: Int16
        min_version_level: Int16
