"""TxnOffsetCommit (key 28): store offsets that count once the transaction commits (KIP-98).

v2  leader epochs (KIP-320)
v3  flexible; member and generation, to fence zombies (KIP-447)
v4  TRANSACTION_ABORTABLE may be answered (KIP-890)
v5  adds the group to the transaction by itself (KIP-890)
"""

from __future__ import annotations

from wire.schema import Request, Response, Struct, since
from wire.types import Array, Int16, Int32, Int64, String


class TxnOffsetCommitRequest(Request, api_key=28, versions=(0, 5), flexible=3):
    transactional_id: String
    group_id: String
    producer_id: Int64
    producer_epoch: Int16
    generation_id: Int32 = since(3, default=-1)
    member_id: String = since(3, default="")
    group_instance_id: String | None = since(3, default=None)
    topics: Array[TxnOffsetCommitRequestTopic]

    class TxnOffsetCommitRequestTopic(Struct):
        name: String
        partitions: Array[TxnOffsetCommitRequestPartition]

        class TxnOffsetCommitRequestPartition(Struct):
            partition_index: Int32
            committed_offset: Int64
            committed_leader_epoch: Int32 = since(2, default=-1, droppable=True)
            committed_metadata: String | None


class TxnOffsetCommitResponse(Response, api_key=28, versions=(0, 5), flexible=3):
    throttle_time_ms: Int32 = 0
    topics: Array[TxnOffsetCommitResponseTopic]

    class TxnOffsetCommitResponseTopic(Struct):
        name: String
        partitions: Array[TxnOffsetCommitResponsePartition]

        class TxnOffsetCommitResponsePartition(Struct):
            partition_index: Int32
            error_code: Int16 = 0
