"""IncrementalAlterConfigs (key 44): set, delete, append to and subtract from single settings (KIP-339).

v1  flexible
"""

from __future__ import annotations

from wire.schema import Request, Response, Struct
from wire.types import Array, Boolean, Int8, Int16, Int32, String


class IncrementalAlterConfigsRequest(Request, api_key=44, versions=(0, 1), flexible=1):
    resources: Array[AlterConfigsResource]
    validate_only: Boolean

    class AlterConfigsResource(Struct):
        resource_type: Int8
        resource_name: String
        configs: Array[AlterableConfig]

        class AlterableConfig(Struct):
            name: String
            config_operation: Int8
            value: String | None


class IncrementalAlterConfigsResponse(Response, api_key=44, versions=(0, 1), flexible=1):
    throttle_time_ms: Int32 = 0
    responses: Array[AlterConfigsResourceResponse]

    class AlterConfigsResourceResponse(Struct):
        error_code: Int16 = 0
        error_message: String | None = None
        resource_type: Int8
        resource_name: String
