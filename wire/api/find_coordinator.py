"""FindCoordinator (key 10): which broker coordinates these groups, transactions or share partitions.

v1  key_type (transactions too), throttle time, error text
v3  flexible
v4  many keys in one request; the single-key fields leave (KIP-699)
v5  TRANSACTION_ABORTABLE may be answered (KIP-890)
v6  share groups (KIP-932)
"""

from __future__ import annotations

from wire.schema import Request, Response, Struct, between, since, until
from wire.types import Array, Int8, Int16, Int32, String


class FindCoordinatorRequest(Request, api_key=10, versions=(0, 6), flexible=3):
    key: String = until(3, default="")
    key_type: Int8 = since(1, default=0)
    coordinator_keys: Array[String] = since(4, default=())


class FindCoordinatorResponse(Response, api_key=10, versions=(0, 6), flexible=3):
    throttle_time_ms: Int32 = since(1, default=0, droppable=True)
    coordinators: Array[Coordinator] = since(4, default=())
    error_code: Int16 = until(3, default=0)
    error_message: String | None = between(1, 3, default=None, droppable=True)
    node_id: Int32 = until(3, default=0)
    host: String = until(3, default="")
    port: Int32 = until(3, default=0)

    class Coordinator(Struct):
        key: String
        node_id: Int32
        host: String
        port: Int32
        error_code: Int16 = 0
        error_message: String | None = None
