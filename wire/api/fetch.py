"""Fetch (key 1): read record batches, as a consumer or as a follower; waits for them if asked to.

v1  throttle time
v2  message format v1 may be answered
v3  a limit on the whole response, for which the order of partitions counts (KIP-74)
v4  isolation level and aborted transactions; record batches v2 may be answered (KIP-98)
v5  log start offsets, of the follower and of the leader (KIP-107)
v7  fetch sessions (KIP-227)
v9  leader epoch to fence with (KIP-320)
v10 zstd allowed (KIP-110)
v11 rack of the consumer, preferred replica (KIP-392)
v12 flexible; last fetched epoch and where logs diverge (KIP-595)
v13 topic ids instead of names (KIP-516)
v14 OFFSET_MOVED_TO_TIERED_STORAGE may be answered (KIP-405)
v15 replica id moves into replica_state, with the replica's epoch (KIP-903)
v16 a new leader comes with its address (KIP-951)
v17 directory id of the replica (KIP-853)
v18 high watermark that the follower knows (KIP-1166)
"""

from __future__ import annotations

from wire.schema import OF_DEFAULTS, Request, Response, Struct, since, tagged, until
from wire.types import ZERO_UUID, Array, Int8, Int16, Int32, Int64, Records, String, Uuid


class FetchRequest(Request, api_key=1, versions=(0, 18), flexible=12):
    replica_id: Int32 = until(14, default=-1)
    max_wait_ms: Int32
    min_bytes: Int32
    max_bytes: Int32 = since(3, default=2147483647, droppable=True)
    isolation_level: Int8 = since(4, default=0, droppable=True)
    session_id: Int32 = since(7, default=0, droppable=True)
    session_epoch: Int32 = since(7, default=-1, droppable=True)
    topics: Array[FetchTopic]
    forgotten_topics_data: Array[ForgottenTopic] = since(7, default=())
    rack_id: String = since(11, default="", droppable=True)
    cluster_id: String | None = tagged(0, since=12, default=None, droppable=True)
    replica_state: ReplicaState = tagged(1, since=15, default=OF_DEFAULTS)

    class FetchTopic(Struct):
        topic_id: Uuid = since(13, default=ZERO_UUID, droppable=True)
        topic: String = until(12, default="", droppable=True)
        partitions: Array[FetchPartition]

        class FetchPartition(Struct):
            partition: Int32
            current_leader_epoch: Int32 = since(9, default=-1, droppable=True)
            fetch_offset: Int64
            last_fetched_epoch: Int32 = since(12, default=-1)
            log_start_offset: Int64 = since(5, default=-1, droppable=True)
            partition_max_bytes: Int32
            replica_directory_id: Uuid = tagged(0, since=17, default=ZERO_UUID, droppable=True)
            high_watermark: Int64 = tagged(1, since=18, default=9223372036854775807, droppable=True)

    class ForgottenTopic(Struct):
        topic_id: Uuid = since(13, default=ZERO_UUID, droppable=True)
        topic: String = until(12, default="", droppable=True)
        partitions: Array[Int32]

    class ReplicaState(Struct):
        replica_id: Int32 = -1
        replica_epoch: Int64 = -1


class FetchResponse(Response, api_key=1, versions=(0, 18), flexible=12):
    throttle_time_ms: Int32 = since(1, default=0, droppable=True)
    error_code: Int16 = since(7, default=0, droppable=True)
    session_id: Int32 = since(7, default=0)
    responses: Array[FetchableTopicResponse]
    node_endpoints: Array[NodeEndpoint] = tagged(0, since=16, default=(), droppable=True)

    class FetchableTopicResponse(Struct):
        topic_id: Uuid = since(13, default=ZERO_UUID, droppable=True)
        topic: String = until(12, default="", droppable=True)
        partitions: Array[PartitionData]

        class PartitionData(Struct):
            partition_index: Int32
            error_code: Int16 = 0
            high_watermark: Int64
            last_stable_offset: Int64 = since(4, default=-1, droppable=True)
            log_start_offset: Int64 = since(5, default=-1, droppable=True)
            aborted_transactions: Array[AbortedTransaction] | None = since(4, default=(), droppable=True)
            preferred_read_replica: Int32 = since(11, default=-1)
            records: Records | None = since(0, default=None, nullable_since=4)
            diverging_epoch: EpochEndOffset = tagged(0, since=12, default=OF_DEFAULTS, droppable=True)
            current_leader: LeaderIdAndEpoch = tagged(1, since=12, default=OF_DEFAULTS, droppable=True)
            snapshot_id: SnapshotId = tagged(2, since=12, default=OF_DEFAULTS, droppable=True)

            class AbortedTransaction(Struct):
                producer_id: Int64
                first_offset: Int64

            class EpochEndOffset(Struct):
                epoch: Int32 = -1
                end_offset: Int64 = -1

            class LeaderIdAndEpoch(Struct):
                leader_id: Int32 = -1
                leader_epoch: Int32 = -1

            class SnapshotId(Struct):
                end_offset: Int64 = -1
                epoch: Int32 = -1

    class NodeEndpoint(Struct):
        node_id: Int32
        host: String
        port: Int32
        rack: String | None = None
