"""What the five APIs of the share coordinator have in common: each asks something of share partitions, one by one.

Kafka's brokers are their only callers: the leaders of partitions, and group coordinators. Of one node these are one
process, which does not take the way over the wire; whoever does is answered as by Kafka.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, TypeVar

from pykbroker.coordinator.share.state_shard import Place
from pykbroker.errors import BrokerError
from wire.errors import ErrorCode


class Asked(Protocol):
    partition: int


A = TypeVar("A", bound=Asked)
R = TypeVar("R")


async def results(
    group_id: str,
    topic_id: bytes,
    partitions: Sequence[A],
    answer: Callable[[Place, A], Awaitable[R]],
    refuse: Callable[[A, BrokerError], R],
) -> list[R]:
    """An answer for each partition, or what was wrong with it."""
    answered = []
    for asked in partitions:
        try:
            if asked.partition < 0:
                raise BrokerError(ErrorCode.INVALID_REQUEST, "The partition id cannot be a negative number.")
            answered.append(await answer(Place(group_id, topic_id, asked.partition), asked))
        except BrokerError as error:
            answered.append(refuse(asked, error))
    return answered
