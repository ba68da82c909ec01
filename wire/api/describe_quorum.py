"""DescribeQuorum (key 55): the controller quorum: leader, voters, observers (KIP-595).

v1  when each replica last fetched and was last caught up (KIP-836)
v2  nodes with their listeners, directory ids, error texts (KIP-853)
"""

from __future__ import annotations

from wire.schema import Request, Response, Struct, since
from wire.types import ZERO_UUID, Array, Int16, Int32, Int64, String, UInt16, Uuid


class ReplicaState(Struct):
    replica_id: Int32
    replica_directory_id: Uuid = since(2, default=ZERO_UUID)
    log_end_offset: Int64
    last_fetch_timestamp: Int64 = since(1, default=-1, droppable=True)
    last_caught_up_timestamp: Int64 = since(1, default=-1, droppable=True)


class DescribeQuorumRequest(Request, api_key=55, versions=(0, 2), flexible=0):
    topics: Array[TopicData]

    class TopicData(Struct):
        topic_name: String
        partitions: Array[PartitionData]

        class PartitionData(Struct):
            partition_index: Int32


class DescribeQuorumResponse(Response, api_key=55, versions=(0, 2), flexible=0):
    error_code: Int16 = 0
    error_message: String | None = since(2, default=None, droppable=True)
    topics: Array[TopicData]
    nodes: Array[Node] = since(2, default=())

    class TopicData(Struct):
        topic_name: String
        partitions: Array[PartitionData]

        class PartitionData(Struct):
            partition_index: Int32
            error_code: Int16 = 0
            error_message: String | None = since(2, default=None, droppable=True)
            leader_id: Int32
            leader_epoch: Int32
            high_watermark: Int64
            current_voters: Array[ReplicaState]
            observers: Array[ReplicaState]

    class Node(Struct):
        node_id: Int32
        listeners: Array[Listener]

        class Listener(Struct):
            name: String
            host: String
            port: UInt16
