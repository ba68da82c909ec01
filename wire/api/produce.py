"""Produce (key 0): append record batches to partitions that this broker leads.

v1  throttle time
v2  log append time in the response
v3  transactional id; record batches v2 only, where v0-v2 carry message sets (KIP-98)
v5  log start offset in the response
v7  zstd allowed (KIP-110)
v8  per-record errors (KIP-467)
v9  flexible
v10 a new leader comes with the error (KIP-951)
v11 TRANSACTION_ABORTABLE may be answered (KIP-890)
v12 a transactional batch adds its partition to the transaction by itself (KIP-890)
v13 topic ids instead of names (KIP-516)
"""

from __future__ import annotations

from wire.schema import OF_DEFAULTS, Request, Response, Struct, since, tagged, until
from wire.types import ZERO_UUID, Array, Int16, Int32, Int64, Records, String, Uuid


class ProduceRequest(Request, api_key=0, versions=(0, 13), flexible=9):
    transactional_id: String | None = since(3, default=None)
    acks: Int16
    timeout_ms: Int32
    topic_data: Array[TopicProduceData]

    class TopicProduceData(Struct):
        topic_id: Uuid = since(13, default=ZERO_UUID, droppable=True)
        name: String = until(12, default="", droppable=True)
        partition_data: Array[PartitionProduceData]

        class PartitionProduceData(Struct):
            index: Int32
            records: Records | None = since(0, default=None, nullable_since=3)


class ProduceResponse(Response, api_key=0, versions=(0, 13), flexible=9):
    responses: Array[TopicProduceResponse]
    throttle_time_ms: Int32 = since(1, default=0, droppable=True)
    node_endpoints: Array[NodeEndpoint] = tagged(0, since=10, default=(), droppable=True)

    class TopicProduceResponse(Struct):
        topic_id: Uuid = since(13, default=ZERO_UUID, droppable=True)
        name: String = until(12, default="", droppable=True)
        partition_responses: Array[PartitionProduceResponse]

        class PartitionProduceResponse(Struct):
            index: Int32
            error_code: Int16 = 0
            base_offset: Int64
            log_append_time_ms: Int64 = since(2, default=-1, droppable=True)
            log_start_offset: Int64 = since(5, default=-1, droppable=True)
            record_errors: Array[BatchIndexAndErrorMessage] = since(8, default=(), droppable=True)
            error_message: String | None = since(8, default=None, droppable=True)
            current_leader: LeaderIdAndEpoch = tagged(0, since=10, default=OF_DEFAULTS, droppable=True)

            class BatchIndexAndErrorMessage(Struct):
                batch_index: Int32
                batch_index_error_message: String | None = None

            class LeaderIdAndEpoch(Struct):
                leader_id: Int32 = -1
                leader_epoch: Int32 = -1

    class NodeEndpoint(Struct):
        node_id: Int32
        host: String
        port: Int32
        rack: String | None = None
