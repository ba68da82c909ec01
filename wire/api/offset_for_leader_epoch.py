"""OffsetForLeaderEpoch (key 23): where a leader epoch ends, by which logs are truncated (KIP-101).

v1  the epoch that the answer is of (KIP-279)
v2  leader epoch to fence with (KIP-320); throttle time
v3  replica id
v4  flexible
"""

from __future__ import annotations

from wire.schema import Request, Response, Struct, since
from wire.types import Array, Int16, Int32, Int64, String


class OffsetForLeaderEpochRequest(Request, api_key=23, versions=(0, 4), flexible=4):
    replica_id: Int32 = since(3, default=-2, droppable=True)
    topics: Array[OffsetForLeaderTopic]

    class OffsetForLeaderTopic(Struct):
        topic: String
        partitions: Array[OffsetForLeaderPartition]

        class OffsetForLeaderPartition(Struct):
            partition: Int32
            current_leader_epoch: Int32 = since(2, default=-1, droppable=True)
            leader_epoch: Int32


class OffsetForLeaderEpochResponse(Response, api_key=23, versions=(0, 4), flexible=4):
    throttle_time_ms: Int32 = since(2, default=0, droppable=True)
    topics: Array[OffsetForLeaderTopicResult]

    class OffsetForLeaderTopicResult(Struct):
        topic: String
        partitions: Array[EpochEndOffset]

        class EpochEndOffset(Struct):
            error_code: Int16 = 0
            partition: Int32
            leader_epoch: Int32 = since(1, default=-1, droppable=True)
            end_offset: Int64 = -1
