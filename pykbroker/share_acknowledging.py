"""What ShareFetch and ShareAcknowledge say of records that were delivered."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

from pykbroker.coordinator.share.sessions import TopicPartition
from pykbroker.coordinator.share.share_partition import Acknowledgement, AcknowledgeType
from pykbroker.coordinator.share.state_shard import Place
from pykbroker.errors import BrokerError
from pykbroker.share_partition_manager import SharePartitionManager
from wire.errors import ErrorCode


class Batch(Protocol):
    """As both requests have it."""

    first_offset: int
    last_offset: int
    acknowledge_types: Sequence[int]


Batches = dict[TopicPartition, list[Acknowledgement]]


def read(topics: Iterable[tuple[TopicPartition, Sequence[Batch]]]) -> Batches:
    """What is acknowledged, by partition, unchecked."""
    return {
        where: [Acknowledgement(each.first_offset, each.last_offset, each.acknowledge_types) for each in batches]
        for where, batches in topics
        if batches
    }


async def acknowledge(
    shares: SharePartitionManager, group_id: str, member_id: str, batches: Batches, *, may_renew: bool
) -> dict[TopicPartition, BrokerError | None]:
    """Each partition's error, or None."""
    told: dict[TopicPartition, BrokerError | None] = {}
    for (topic_id, index), acknowledgements in batches.items():
        try:
            check(acknowledgements, may_renew=may_renew)
            await shares.acknowledge(Place(group_id, topic_id, index), member_id, acknowledgements)
            told[topic_id, index] = None
        except BrokerError as error:
            told[topic_id, index] = error
    shares.look_at_timer()
    return told


def check(acknowledgements: Sequence[Acknowledgement], *, may_renew: bool) -> None:
    """Raises BrokerError, as Kafka before it looks at any record."""
    last_type = AcknowledgeType.RENEW if may_renew else AcknowledgeType.REJECT
    previous_last_offset = -1
    for first_offset, last_offset, types in acknowledgements:
        is_in_order = previous_last_offset <= first_offset <= last_offset
        has_types = len(types) == 1 or (types and len(types) == last_offset - first_offset + 1)
        if not is_in_order or not has_types or any(not 0 <= kind <= last_type for kind in types):
            raise BrokerError(ErrorCode.INVALID_REQUEST)
        previous_last_offset = last_offset


def words(error: BrokerError | None) -> str | None:
    """Where Kafka has some besides the code."""
    return None if error is None or error.message == error.code.message else error.message


def by_topic(partitions: Iterable[TopicPartition]) -> Iterator[tuple[bytes, list[int]]]:
    topics: dict[bytes, list[int]] = {}
    for topic_id, index in partitions:
        topics.setdefault(topic_id, []).append(index)
    yield from topics.items()
