"""OffsetCommit (key 8): store how far a group has read.

v1  member and generation; a timestamp of the commit
v2  retention time, and the timestamp leaves
v3  throttle time
v5  retention time leaves: the broker's setting alone counts (KIP-211)
v6  leader epochs (KIP-320)
v7  static members (KIP-345)
v8  flexible
v9  usable by members of the new group protocol (KIP-848)
v10 topic ids instead of names (KIP-848)
"""

from __future__ import annotations

from wire.schema import Request, Response, Struct, between, since, until
from wire.types import ZERO_UUID, Array, Int16, Int32, Int64, String, Uuid


class OffsetCommitRequest(Request, api_key=8, versions=(0, 10), flexible=8):
    group_id: String
    generation_id_or_member_epoch: Int32 = since(1, default=-1, droppable=True)
    member_id: String = since(1, default="", droppable=True)
    group_instance_id: String | None = since(7, default=None)
    retention_time_ms: Int64 = between(2, 4, default=-1, droppable=True)
    topics: Array[OffsetCommitRequestTopic]

    class OffsetCommitRequestTopic(Struct):
        topic_id: Uuid = since(10, default=ZERO_UUID, droppable=True)
        name: String = until(9, default="", droppable=True)
        partitions: Array[OffsetCommitRequestPartition]

        class OffsetCommitRequestPartition(Struct):
            partition_index: Int32
            committed_offset: Int64
            committed_leader_epoch: Int32 = since(6, default=-1, droppable=True)
            commit_timestamp: Int64 = between(1, 1, default=-1)
            committed_metadata: String | None


class OffsetCommitResponse(Response, api_key=8, versions=(0, 10), flexible=8):
    throttle_time_ms: Int32 = since(3, default=0, droppable=True)
    topics: Array[OffsetCommitResponseTopic]

    class OffsetCommitResponseTopic(Struct):
        topic_id: Uuid = since(10, default=ZERO_UUID, droppable=True)
        name: String = until(9, default="", droppable=True)
        partitions: Array[OffsetCommitResponsePartition]

        class OffsetCommitResponsePartition(Struct):
            partition_index: Int32
            error_code: Int16 = 0
