"""AlterConfigs (key 33): replace all settings of a resource (KIP-133); clients prefer IncrementalAlterConfigs.

v2  flexible
"""

from __future__ import annotations

from wire.schema import Request, Response, Struct
from wire.types import Array, Boolean, Int8, Int16, Int32, String


class AlterConfigsRequest(Request, api_key=33, versions=(0, 2), flexible=2):
    resources: Array[AlterConfigsResource]
    validate_only: Boolean

    class AlterConfigsResource(Struct):
        resource_type: Int8
        resource_name: String
        configs: Array[AlterableConfig]

        class AlterableConfig(Struct):
            name: String
            value: String | None


class AlterConfigsResponse(Response, api_key=33, versions=(0, 2), flexible=2):
    throttle_time_ms: Int32 = 0
    responses: Array[AlterConfigsResourceResponse]

    class AlterConfigsResourceResponse(Struct):
        error_code: Int16 = 0
        error_message: String | None = None
        resource_type: Int8
        resource_name: String
