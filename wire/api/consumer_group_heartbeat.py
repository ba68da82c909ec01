"""ConsumerGroupHeartbeat (key 68): membership in a consumer group, subscription and assignment all in one (KIP-848).

v1  subscription by regular expression; the client makes its member id (KIP-1082)
"""

from __future__ import annotations

from wire.schema import Request, Response, Struct, since
from wire.types import Array, Int16, Int32, String, Uuid


class ConsumerGroupHeartbeatRequest(Request, api_key=68, versions=(0, 1), flexible=0):
    group_id: String
    member_id: String
    member_epoch: Int32
    instance_id: String | None = None
    rack_id: String | None = None
    rebalance_timeout_ms: Int32 = -1
    subscribed_topic_names: Array[String] | None = None
    subscribed_topic_regex: String | None = since(1, default=None)
    server_assignor: String | None = None
    topic_partitions: Array[TopicPartitions] | None = None

    class TopicPartitions(Struct):
        topic_id: Uuid
        partitions: Array[Int32]


class ConsumerGroupHeartbeatResponse(Response, api_key=68, versions=(0, 1), flexible=0):
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
