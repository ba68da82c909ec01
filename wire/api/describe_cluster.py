"""DescribeCluster (key 60): cluster id, controller and brokers (KIP-700).

v1  brokers or controllers, by endpoint type (KIP-919)
v2  fenced brokers too (KIP-1073)
"""

from __future__ import annotations

from wire.schema import Request, Response, Struct, since
from wire.types import Array, Boolean, Int8, Int16, Int32, String


class DescribeClusterRequest(Request, api_key=60, versions=(0, 2), flexible=0):
    include_cluster_authorized_operations: Boolean
    endpoint_type: Int8 = since(1, default=1)
    include_fenced_brokers: Boolean = since(2, default=False)


class DescribeClusterResponse(Response, api_key=60, versions=(0, 2), flexible=0):
    throttle_time_ms: Int32 = 0
    error_code: Int16 = 0
    error_message: String | None = None
    endpoint_type: Int8 = since(1, default=1)
    cluster_id: String
    controller_id: Int32 = -1
    brokers: Array[DescribeClusterBroker]
    cluster_authorized_operations: Int32 = -2147483648

    class DescribeClusterBroker(Struct):
        broker_id: Int32
        host: String
        port: Int32
        rack: String | None = None
        is_fenced: Boolean = since(2, default=False, droppable=True)
