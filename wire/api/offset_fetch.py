"""OffsetFetch (key 9): how far groups have read.

v0  asks for offsets kept in ZooKeeper
v2  null: all topics; an error for the whole group
v3  throttle time
v5  leader epochs (KIP-320)
v6  flexible
v7  require_stable: not while a transaction over them is open (KIP-447)
v8  several groups in one request (KIP-709)
v9  member id and epoch, checked for the new group protocol (KIP-848)
v10 topic ids instead of names (KIP-848)
"""

from __future__ import annotations

from wire.schema import Request, Response, Struct, between, since, until
from wire.types import ZERO_UUID, Array, Boolean, Int16, Int32, Int64, String, Uuid


class OffsetFetchRequest(Request, api_key=9, versions=(0, 10), flexible=6):
    groups: Array[OffsetFetchRequestGroup] = since(8, default=())
    group_id: String = until(7, default="")
    topics: Array[OffsetFetchRequestTopic] | None = until(7, default=(), nullable_since=2)
    require_stable: Boolean = since(7, default=False)

    class OffsetFetchRequestGroup(Struct):
        group_id: String
        member_id: String | None = since(9, default=None, droppable=True)
        member_epoch: Int32 = since(9, default=-1, droppable=True)
        topics: Array[OffsetFetchRequestTopics] | None

        class OffsetFetchRequestTopics(Struct):
            topic_id: Uuid = since(10, default=ZERO_UUID, droppable=True)
            name: String = until(9, default="", droppable=True)
            partition_indexes: Array[Int32]

    class OffsetFetchRequestTopic(Struct):
        name: String
        partition_indexes: Array[Int32]


class OffsetFetchResponse(Response, api_key=9, versions=(0, 10), flexible=6):
    throttle_time_ms: Int32 = since(3, default=0, droppable=True)
    groups: Array[OffsetFetchResponseGroup] = since(8, default=())
    topics: Array[OffsetFetchResponseTopic] = until(7, default=())
    error_code: Int16 = between(2, 7, default=0, droppable=True)

    class OffsetFetchResponseGroup(Struct):
        group_id: String
        topics: Array[OffsetFetchResponseTopics]
        error_code: Int16 = 0

        class OffsetFetchResponseTopics(Struct):
            topic_id: Uuid = since(10, default=ZERO_UUID, droppable=True)
            name: String = until(9, default="", droppable=True)
            partitions: Array[OffsetFetchResponsePartitions]

            class OffsetFetchResponsePartitions(Struct):
                partition_index: Int32
                committed_offset: Int64
                committed_leader_epoch: Int32 = -1
                metadata: String | None
                error_code: Int16 = 0

    class OffsetFetchResponseTopic(Struct):
        name: String
        partitions: Array[OffsetFetchResponsePartition]

        class OffsetFetchResponsePartition(Struct):
            partition_index: Int32
            committed_offset: Int64
            committed_leader_epoch: Int32 = since(5, default=-1, droppable=True)
            metadata: String | None
            error_code: Int16 = 0
