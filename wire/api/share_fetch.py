"""ShareFetch (key 78): acquire records for a member of a share group, and acknowledge earlier ones (KIP-932).

v0  early access, not served by Kafka 4.1 and later
v1  limits by number of records; how long they are acquired for
v2  strict limit on the number of records (KIP-1206); renewal of acquisitions (KIP-1222)
"""

from __future__ import annotations

from wire.schema import Request, Response, Struct, since, until
from wire.types import Array, Boolean, Int8, Int16, Int32, Int64, Records, String, Uuid


class ShareFetchRequest(Request, api_key=78, versions=(0, 2), flexible=0):
    group_id: String | None = None
    member_id: String | None
    share_session_epoch: Int32
    max_wait_ms: Int32
    min_bytes: Int32
    max_bytes: Int32 = 2147483647
    max_records: Int32 = since(1, default=0)
    batch_size: Int32 = since(1, default=0)
    share_acquire_mode: Int8 = since(2, default=0, droppable=True)
    is_renew_ack: Boolean = since(2, default=False)
    topics: Array[FetchTopic]
    forgotten_topics_data: Array[ForgottenTopic]

    class FetchTopic(Struct):
        topic_id: Uuid
        partitions: Array[FetchPartition]

        class FetchPartition(Struct):
            partition_index: Int32
            partition_max_bytes: Int32 = until(0, default=0)
            acknowledgement_batches: Array[AcknowledgementBatch]

            class AcknowledgementBatch(Struct):
                first_offset: Int64
                last_offset: Int64
                acknowledge_types: Array[Int8]

    class ForgottenTopic(Struct):
        topic_id: Uuid
        partitions: Array[Int32]


class ShareFetchResponse(Response, api_key=78, versions=(0, 2), flexible=0):
    throttle_time_ms: Int32 = 0
    error_code: Int16 = 0
    error_message: String | None = None
    acquisition_lock_timeout_ms: Int32 = since(1, default=0, droppable=True)
    responses: Array[ShareFetchableTopicResponse]
    node_endpoints: Array[NodeEndpoint]

    class ShareFetchableTopicResponse(Struct):
        topic_id: Uuid
        partitions: Array[PartitionData]

        class PartitionData(Struct):
            partition_index: Int32
            error_code: Int16 = 0
            error_message: String | None = None
            acknowledge_error_code: Int16
            acknowledge_error_message: String | None = None
            current_leader: LeaderIdAndEpoch
            records: Records
            acquired_records: Array[AcquiredRecords]

            class LeaderIdAndEpoch(Struct):
                leader_id: Int32
                leader_epoch: Int32

            class AcquiredRecords(Struct):
                first_offset: Int64
                last_offset: Int64
                delivery_count: Int16

    class NodeEndpoint(Struct):
        node_id: Int32
        host: String
        port: Int32
        rack: String | None = None
