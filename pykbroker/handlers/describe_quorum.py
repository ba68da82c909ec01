"""DescribeQuorum (key 55): who keeps the cluster's metadata (KIP-595, KIP-836, KIP-853). Served: v0-v2.

Kafka's is the Raft quorum of `__cluster_metadata`. Here a node keeps its own: a quorum of one voter, whose log is as
long as the metadata store has revisions. It has no listener for controllers.
"""

from __future__ import annotations

from pykbroker.context import RequestContext
from pykbroker.errors import BrokerError
from pykbroker.topic_names import CLUSTER_METADATA_TOPIC
from wire.api.describe_quorum import DescribeQuorumRequest, DescribeQuorumResponse, ReplicaState
from wire.errors import ErrorCode

Topic = DescribeQuorumResponse.TopicData
Partition = Topic.PartitionData
Node = DescribeQuorumResponse.Node

FIRST_EPOCH = 1
FIRST_WITH_NODES = 2


def handle(request: DescribeQuorumRequest, ctx: RequestContext) -> DescribeQuorumResponse:
    asked = [(topic.topic_name, [each.partition_index for each in topic.partitions]) for topic in request.topics]
    if asked == [(CLUSTER_METADATA_TOPIC, [0])]:
        topics = [Topic(topic_name=CLUSTER_METADATA_TOPIC, partitions=[quorum(ctx)])]
        nodes = [Node(node_id=ctx.broker.node_id, listeners=[])] if ctx.api_version >= FIRST_WITH_NODES else []
        return DescribeQuorumResponse(error_message="", topics=topics, nodes=nodes)
    topics = [Topic(topic_name=name, partitions=[unknown(index) for index in indexes]) for name, indexes in asked]
    return DescribeQuorumResponse(error_message="", topics=topics)


def error_response(_request: DescribeQuorumRequest, error: BrokerError, _ctx: RequestContext) -> DescribeQuorumResponse:
    return DescribeQuorumResponse(error_code=error.code, error_message=error.message, topics=[])


def quorum(ctx: RequestContext) -> Partition:
    revision, now_ms = ctx.broker.controller.revision, ctx.broker.clock_ms()
    voter = ReplicaState(
        replica_id=ctx.broker.node_id,
        log_end_offset=revision,
        last_fetch_timestamp=now_ms,
        last_caught_up_timestamp=now_ms,
    )
    return Partition(
        partition_index=0,
        error_message="",
        leader_id=ctx.broker.node_id,
        leader_epoch=FIRST_EPOCH,
        high_watermark=revision,
        current_voters=[voter],
        observers=[],
    )


def unknown(index: int) -> Partition:
    return Partition(
        partition_index=index,
        error_code=ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
        error_message=ErrorCode.UNKNOWN_TOPIC_OR_PARTITION.message,
        leader_id=0,
        leader_epoch=0,
        high_watermark=0,
        current_voters=[],
        observers=[],
    )
