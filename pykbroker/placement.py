"""Which nodes hold a partition: assignments checked, or made.

Stripes over the nodes, so that leaders and replicas spread evenly. Knows no racks yet.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeAlias

from pykbroker.errors import BrokerError
from pykbroker.metadata.image import PartitionImage
from wire.errors import ErrorCode

Replicas: TypeAlias = Sequence[int]


def place(nodes: Sequence[int], *, first_index: int, count: int, replication_factor: int) -> list[PartitionImage]:
    """`count` partitions from `first_index` on; raises BrokerError(INVALID_REPLICATION_FACTOR)."""
    if replication_factor > len(nodes):
        message = (
            f"Unable to replicate the partition {replication_factor} time(s): The target replication factor of "
            f"{replication_factor} cannot be reached because only {len(nodes)} broker(s) are registered "
            "or some brokers have all their log directories cordoned."
        )
        raise BrokerError(ErrorCode.INVALID_REPLICATION_FACTOR, message)
    return [
        new_partition(index, [nodes[(index + replica) % len(nodes)] for replica in range(replication_factor)])
        for index in range(first_index, first_index + count)
    ]


def from_assignments(nodes: Sequence[int], assignments: Iterable[tuple[int, Replicas]]) -> list[PartitionImage]:
    """A new topic's partitions as the client wants them; raises BrokerError(INVALID_REPLICA_ASSIGNMENT)."""
    replication_factor = None
    by_index: dict[int, Replicas] = {}
    for index, replicas in assignments:
        if index in by_index:
            raise _invalid(f"Found multiple manual partition assignments for partition {index}")
        check_assignment(nodes, replicas, replication_factor)
        replication_factor = len(replicas)
        by_index[index] = replicas
    if sorted(by_index) != list(range(len(by_index))):
        raise _invalid("partitions should be a consecutive 0-based integer sequence")
    return [new_partition(index, by_index[index]) for index in range(len(by_index))]


def check_assignment(nodes: Sequence[int], replicas: Replicas, replication_factor: int | None) -> None:
    if not replicas:
        raise _invalid("The manual partition assignment includes an empty replica list.")
    previous = None
    for node in sorted(replicas):
        if node not in nodes:
            raise _invalid(f"The manual partition assignment includes broker {node}, but no such broker is registered.")
        if node == previous:
            raise _invalid(f"The manual partition assignment includes the broker {node} more than once.")
        previous = node
    if replication_factor is not None and len(replicas) != replication_factor:
        raise _invalid(
            f"The manual partition assignment includes a partition with {len(replicas)} replica(s), but this is not "
            f"consistent with previous partitions, which have {replication_factor} replica(s)."
        )


def new_partition(index: int, replicas: Replicas) -> PartitionImage:
    return PartitionImage(index, replicas[0], 0, tuple(replicas), tuple(replicas))


def _invalid(message: str) -> BrokerError:
    return BrokerError(ErrorCode.INVALID_REPLICA_ASSIGNMENT, message)
