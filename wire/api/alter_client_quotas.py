"""AlterClientQuotas (key 49): set and delete quotas (KIP-546).

v1  flexible
"""

from __future__ import annotations

from wire.schema import Request, Response, Struct
from wire.types import Array, Boolean, Float64, Int16, Int32, String


class AlterClientQuotasRequest(Request, api_key=49, versions=(0, 1), flexible=1):
    entries: Array[EntryData]
    validate_only: Boolean

    class EntryData(Struct):
        entity: Array[EntityData]
        ops: Array[OpData]

        class EntityData(Struct):
            entity_type: String
            entity_name: String | None

        class OpData(Struct):
            key: String
            value: Float64
            remove: Boolean


class AlterClientQuotasResponse(Response, api_key=49, versions=(0, 1), flexible=1):
    throttle_time_ms: Int32 = 0
    entries: Array[EntryData]

    class EntryData(Struct):
        error_code: Int16 = 0
        error_message: String | None = None
        entity: Array[EntityData]

        class EntityData(Struct):
            entity_type: String
            entity_name: String | None
