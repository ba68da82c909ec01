"""DescribeClientQuotas (key 48): quotas that match a filter (KIP-546).

v1  flexible
"""

from __future__ import annotations

from wire.schema import Request, Response, Struct
from wire.types import Array, Boolean, Float64, Int8, Int16, Int32, String


class DescribeClientQuotasRequest(Request, api_key=48, versions=(0, 1), flexible=1):
    components: Array[ComponentData]
    strict: Boolean

    class ComponentData(Struct):
        entity_type: String
        match_type: Int8
        match: String | None


class DescribeClientQuotasResponse(Response, api_key=48, versions=(0, 1), flexible=1):
    throttle_time_ms: Int32 = 0
    error_code: Int16 = 0
    error_message: String | None = None
    entries: Array[EntryData] | None

    class EntryData(Struct):
        entity: Array[EntityData]
        values: Array[ValueData]

        class EntityData(Struct):
            entity_type: String
            entity_name: String | None

        class ValueData(Struct):
            key: String
            value: Float64
