"""CreateTopics (key 19): create topics, or check whether they could be.

v1  validate_only; error text
v2  throttle time
v4  -1 is the broker's default of partitions and of replicas (KIP-464)
v5  flexible; the settings that the topic got (KIP-525)
v6  THROTTLING_QUOTA_EXCEEDED may be answered (KIP-599)
v7  topic ids in the response (KIP-516)
"""

from __future__ import annotations

from wire.schema import Request, Response, Struct, since, tagged
from wire.types import ZERO_UUID, Array, Boolean, Int8, Int16, Int32, String, Uuid


class CreateTopicsRequest(Request, api_key=19, versions=(0, 7), flexible=5):
    topics: Array[CreatableTopic]
    timeout_ms: Int32 = 60000
    validate_only: Boolean = since(1, default=False)

    class CreatableTopic(Struct):
        name: String
        num_partitions: Int32
        replication_factor: Int16
        assignments: Array[CreatableReplicaAssignment]
        configs: Array[CreatableTopicConfig]

        class CreatableReplicaAssignment(Struct):
            partition_index: Int32
            broker_ids: Array[Int32]

        class CreatableTopicConfig(Struct):
            name: String
            value: String | None


class CreateTopicsResponse(Response, api_key=19, versions=(0, 7), flexible=5):
    throttle_time_ms: Int32 = since(2, default=0, droppable=True)
    topics: Array[CreatableTopicResult]

    class CreatableTopicResult(Struct):
        name: String
        topic_id: Uuid = since(7, default=ZERO_UUID, droppable=True)
        error_code: Int16 = 0
        error_message: String | None = since(1, default=None, droppable=True)
        num_partitions: Int32 = since(5, default=-1, droppable=True)
        replication_factor: Int16 = since(5, default=-1, droppable=True)
        configs: Array[CreatableTopicConfigs] | None = since(5, default=(), droppable=True)
        topic_config_error_code: Int16 = tagged(0, since=5, default=0, droppable=True)

        class CreatableTopicConfigs(Struct):
            name: String
            value: String | None
            read_only: Boolean
            config_source: Int8 = -1
            is_sensitive: Boolean
