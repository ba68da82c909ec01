"""What consumers of the classic protocol put into JoinGroup and SyncGroup. The coordinator only looks at the topics.

v1  subscription: the partitions owned, for cooperative rebalancing (KIP-429)
v2  subscription: the generation in which they were owned (KIP-792)
v3  subscription: the member's rack (KIP-881)

A blob newer than v3 is read as v3, and what follows is ignored: newer versions only add fields at the end.
"""

from __future__ import annotations

from typing import TypeVar

from wire.schema import Message, Struct, since
from wire.state_records.prefixed import split
from wire.types import Array, Bytes, Int32, String

M = TypeVar("M", bound=Message)


class ConsumerProtocolSubscription(Message, versions=(0, 3)):
    topics: Array[String]
    user_data: Bytes | None = None
    owned_partitions: Array[TopicPartition] = since(1, default=(), droppable=True)
    generation_id: Int32 = since(2, default=-1, droppable=True)
    rack_id: String | None = since(3, default=None, droppable=True)

    class TopicPartition(Struct):
        topic: String
        partitions: Array[Int32]


class ConsumerProtocolAssignment(Message, versions=(0, 3)):
    assigned_partitions: Array[TopicPartition]
    user_data: Bytes | None = None

    class TopicPartition(Struct):
        topic: String
        partitions: Array[Int32]


def decode_subscription(data: bytes | memoryview) -> ConsumerProtocolSubscription:
    return _decode(ConsumerProtocolSubscription, data)


def decode_assignment(data: bytes | memoryview) -> ConsumerProtocolAssignment:
    return _decode(ConsumerProtocolAssignment, data)


def _decode(blob: type[M], data: bytes | memoryview) -> M:
    version, body = split(data)
    message, _ = blob.decoder(min(version, blob.versions[1]))(body, 0)
    return message  # type: ignore[no-any-return] # the compiled decoder returns `blob`
