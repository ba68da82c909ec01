"""What a client on some listener can reach: brokers with their addresses there, and partitions with their leaders.

A leader that the client could not connect to is none for it: told as an error, which makes it ask again.
And topics that are not there at all: told apart by whether they could be.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from pykbroker import topic_names
from pykbroker.context import RequestContext
from pykbroker.errors import BrokerError
from pykbroker.metadata.image import NO_LEADER, MetadataImage, NodeImage, PartitionImage
from wire.errors import ErrorCode


class ReachableNode(NamedTuple):
    node: NodeImage
    host: str
    port: int


class PartitionState(NamedTuple):
    """A partition as a client may be told of it."""

    error_code: ErrorCode
    leader_id: int
    offline_replicas: list[int]


def reachable_nodes(image: MetadataImage, ctx: RequestContext) -> Iterator[ReachableNode]:
    for node in image.nodes.values():
        address = ctx.advertised(node)
        if address is not None:
            yield ReachableNode(node, *address)


def partition_state(topic: str, partition: PartitionImage, ctx: RequestContext) -> PartitionState:
    nodes, listener = ctx.broker.image.nodes, ctx.listener
    offline = [
        replica for replica in partition.replicas if replica not in nodes or listener not in nodes[replica].listeners
    ]
    leader = nodes.get(partition.leader)
    if (topic, partition.index) in ctx.broker.replicas.offline:  # its directory here has failed
        return PartitionState(ErrorCode.LEADER_NOT_AVAILABLE, NO_LEADER, sorted({*offline, ctx.broker.node_id}))
    if leader is None:
        return PartitionState(ErrorCode.LEADER_NOT_AVAILABLE, NO_LEADER, offline)
    if listener not in leader.listeners:
        return PartitionState(ErrorCode.LISTENER_NOT_FOUND, NO_LEADER, offline)
    return PartitionState(ErrorCode.NONE, partition.leader, offline)


def absence(topic_name: str) -> ErrorCode:
    """What to say of a topic that does not exist."""
    try:
        topic_names.check_name(topic_name)
    except BrokerError as error:
        return error.code
    return ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
