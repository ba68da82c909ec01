"""DescribeConfigs (key 32): settings of topics, brokers, groups and others (KIP-133).

v1  where a value comes from, and its synonyms, instead of whether it is the default (KIP-226)
v3  type and documentation (KIP-569)
v4  flexible
"""

from __future__ import annotations

from wire.schema import Request, Response, Struct, since, until
from wire.types import Array, Boolean, Int8, Int16, Int32, String


class DescribeConfigsRequest(Request, api_key=32, versions=(0, 4), flexible=4):
    resources: Array[DescribeConfigsResource]
    include_synonyms: Boolean = since(1, default=False)
    include_documentation: Boolean = since(3, default=False)

    class DescribeConfigsResource(Struct):
        resource_type: Int8
        resource_name: String
        configuration_keys: Array[String] | None


class DescribeConfigsResponse(Response, api_key=32, versions=(0, 4), flexible=4):
    throttle_time_ms: Int32 = 0
    results: Array[DescribeConfigsResult]

    class DescribeConfigsResult(Struct):
        error_code: Int16 = 0
        error_message: String | None = None
        resource_type: Int8
        resource_name: String
        configs: Array[DescribeConfigsResourceResult]

        class DescribeConfigsResourceResult(Struct):
            name: String
            value: String | None
            read_only: Boolean
            config_source: Int8 = since(1, default=-1, droppable=True)
            is_default: Boolean = until(0, default=False)
            is_sensitive: Boolean
            synonyms: Array[DescribeConfigsSynonym] = since(1, default=(), droppable=True)
            config_type: Int8 = since(3, default=0, droppable=True)
            documentation: String | None = since(3, default="", droppable=True)

            class DescribeConfigsSynonym(Struct):
                name: String
                value: String | None
                source: Int8
