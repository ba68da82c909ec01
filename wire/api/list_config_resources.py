"""ListConfigResources (key 74): the resources that have settings.

v0  client metrics subscriptions only (KIP-1000)
v1  other types of resources (KIP-1142)
"""

from __future__ import annotations

from wire.schema import Request, Response, Struct, since
from wire.types import Array, Int8, Int16, Int32, String


class ListConfigResourcesRequest(Request, api_key=74, versions=(0, 1), flexible=0):
    resource_types: Array[Int8] = since(1, default=())


class ListConfigResourcesResponse(Response, api_key=74, versions=(0, 1), flexible=0):
    throttle_time_ms: Int32 = 0
    error_code: Int16 = 0
    config_resources: Array[ConfigResource]

    class ConfigResource(Struct):
        resource_name: String
        resource_type: Int8 = since(1, default=16, droppable=True)
