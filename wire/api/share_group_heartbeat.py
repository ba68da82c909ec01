"""ShareGroupHeartbeat (key 76): membership in a share group, subscription and assignment all in one (KIP-932).

v0  early access, incompatible with v1 and not served by Kafka 4.1 and later
"""

from __future__ import annotations

from wire.schema import Request, Response, Struct
from wire.types import Array, Int16, Int32, String, Uuid


class ShareGroupHeartbeatRequest(Request, api_key=76, versions=(0, 1), flexible=0):
    group_id: String
    member_id: String
    member_epoch: Int32
    rack_id: String | None = None
    subscribed_topic_names: Array[String] | None = None


class ShareGroupHeartbeatResponse(Response, api_key=76, versions=(0, 1), flexible=0):
    throttle_time_ms: Int32 = 0
    error_code: Int16 = 0
    error_message: String | None = None
    member_id: String | None = None
    member_epoch: Int32
    heartbeat_interval_ms: Int32
    assignment: Assignment | None = None

    class Assignment(Struct):
        topic_partitions: Array[TopicPartitions]

        class TopicPartitions(Struct):
            topic_id: Uuid
            partitions: Array[Int32]
