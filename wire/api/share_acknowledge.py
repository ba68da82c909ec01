"""ShareAcknowledge (key 79): accept, release or reject acquired records (KIP-932).

v0  early access, not served by Kafka 4.1 and later
v2  renewal of acquisitions (KIP-1222)
"""

from __future__ import annotations

from wire.schema import Request, Response, Struct, since
from wire.types import Array, Boolean, Int8, Int16, Int32, Int64, String, Uuid


class ShareAcknowledgeRequest(Request, api_key=79, versions=(0, 2), flexible=0):
    group_id: String | None = None
    member_id: String | None
    share_session_epoch: Int32
    is_renew_ack: Boolean = since(2, default=False)
    topics: Array[AcknowledgeTopic]

    class AcknowledgeTopic(Struct):
        topic_id: Uuid
        partitions: Array[AcknowledgePartition]

        class AcknowledgePartition(Struct):
            partition_index: Int32
            acknowledgement_batches: Array[AcknowledgementBatch]

            class AcknowledgementBatch(Struct):
                first_offset: Int64
                last_offset: Int64
                acknowledge_types: Array[Int8]


class ShareAcknowledgeResponse(Response, api_key=79, versions=(0, 2), flexible=0):
    throttle_time_ms: Int32 = 0
    error_code: Int16 = 0
    error_message: String | None = None
    acquisition_lock_timeout_ms: Int32 = since(2, default=0, droppable=True)
    responses: Array[ShareAcknowledgeTopicResponse]
    node_endpoints: Array[NodeEndpoint]

    class ShareAcknowledgeTopicResponse(Struct):
        topic_id: Uuid
        partitions: Array[PartitionData]

        class PartitionData(Struct):
            partition_index: Int32
            error_code: Int16 = 0
            error_message: String | None = None
            current_leader: LeaderIdAndEpoch

            class LeaderIdAndEpoch(Struct):
                leader_id: Int32
                leader_epoch: Int32

    class NodeEndpoint(Struct):
        node_id: Int32
        host: String
        port: Int32
        rack: String | None = None
