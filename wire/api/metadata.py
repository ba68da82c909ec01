"""Metadata (key 3): brokers, topics, partitions and their leaders.

v0  no topics named: all topics
v1  null: all topics, none named: none; racks, controller, internal topics
v2  cluster id
v3  throttle time
v4  whether to create the topics asked for
v5  offline replicas (KIP-112)
v7  leader epochs (KIP-320)
v8  authorized operations (KIP-430)
v9  flexible
v10 topic ids in the response; those in the request work from v12 on (KIP-516)
v11 the cluster's authorized operations leave, for DescribeCluster (KIP-700)
v12 ask by topic id (KIP-516)
v13 an error for the whole response, REBOOTSTRAP_REQUIRED (KIP-1102)
"""

from __future__ import annotations

from wire.schema import Request, Response, Struct, between, since
from wire.types import ZERO_UUID, Array, Boolean, Int16, Int32, String, Uuid


class MetadataRequest(Request, api_key=3, versions=(0, 13), flexible=9):
    topics: Array[MetadataRequestTopic] | None = since(0, nullable_since=1)
    allow_auto_topic_creation: Boolean = since(4, default=True)
    include_cluster_authorized_operations: Boolean = between(8, 10, default=False)
    include_topic_authorized_operations: Boolean = since(8, default=False)

    class MetadataRequestTopic(Struct):
        topic_id: Uuid = since(10, default=ZERO_UUID, droppable=True)
        name: String | None = since(0, nullable_since=10)


class MetadataResponse(Response, api_key=3, versions=(0, 13), flexible=9):
    throttle_time_ms: Int32 = since(3, default=0, droppable=True)
    brokers: Array[MetadataResponseBroker]
    cluster_id: String | None = since(2, default=None, droppable=True)
    controller_id: Int32 = since(1, default=-1, droppable=True)
    topics: Array[MetadataResponseTopic]
    error_code: Int16 = since(13, default=0, droppable=True)
    cluster_authorized_operations: Int32 = between(8, 10, default=-2147483648)

    class MetadataResponseBroker(Struct):
        node_id: Int32
        host: String
        port: Int32
        rack: String | None = since(1, default=None, droppable=True)

    class MetadataResponseTopic(Struct):
        error_code: Int16 = 0
        name: String | None = since(0, nullable_since=12)
        topic_id: Uuid = since(10, default=ZERO_UUID, droppable=True)
        is_internal: Boolean = since(1, default=False, droppable=True)
        partitions: Array[MetadataResponsePartition]
        topic_authorized_operations: Int32 = since(8, default=-2147483648)

        class MetadataResponsePartition(Struct):
            error_code: Int16 = 0
            partition_index: Int32
            leader_id: Int32
            leader_epoch: Int32 = since(7, default=-1, droppable=True)
            replica_nodes: Array[Int32]
            isr_nodes: Array[Int32]
            offline_replicas: Array[Int32] = since(5, default=(), droppable=True)
