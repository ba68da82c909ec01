"""Who may commit and fetch offsets in a streams group."""

from __future__ import annotations

from collections.abc import Iterable

from pykbroker.coordinator.groups.streams.group import StreamsGroup
from pykbroker.coordinator.groups.streams.member import StreamsMember, Task
from pykbroker.coordinator.groups.streams.topology import subtopologies_by_source
from pykbroker.errors import BrokerError
from wire.errors import ErrorCode


def check_commit(
    group: StreamsGroup, member_id: str, epoch: int, places: Iterable[tuple[str, int]], *, knows_epochs: bool
) -> None:
    """Raises BrokerError. `places` are topics, by name, and partitions.

    A commit of an earlier epoch counts for tasks that the member has had since: it may have been on its way when the
    member was told the next one.
    """
    if epoch < 0 and not group.members:
        return  # of an administrator
    member = group.member(member_id)
    if not knows_epochs:
        message = "OffsetCommit version 9 or above must be used by members using the streams group protocol"
        raise BrokerError(ErrorCode.UNSUPPORTED_VERSION, message)
    if epoch > member.epoch:
        raise _stale(f"Received member epoch {epoch} is newer than current member epoch {member.epoch}.")
    if epoch < member.epoch:
        _check_had_since(group, member, epoch, places)


def _check_had_since(group: StreamsGroup, member: StreamsMember, epoch: int, places: Iterable[tuple[str, int]]) -> None:
    subtopologies = {} if group.topology is None else subtopologies_by_source(group.topology)
    for topic, partition in places:
        subtopology_id = subtopologies.get(topic)
        if subtopology_id is None:
            raise _stale(f"Topic {topic} is not in the topology.")
        assigned_in = member.assigned_in.get(Task(subtopology_id, partition))
        if assigned_in is None:
            raise _stale(f"Task {subtopology_id}-{partition} is not assigned or pending revocation for member.")
        if epoch < assigned_in:
            raise _stale(
                f"Received member epoch {epoch} is older than assignment epoch {assigned_in} for task "
                f"{subtopology_id}-{partition}."
            )


def check_fetch(group: StreamsGroup, member_id: str | None, epoch: int) -> None:
    """Raises BrokerError. Whoever names no member may look."""
    if member_id is None and epoch < 0:
        return
    member = group.member(member_id or "")
    if epoch != member.epoch:
        raise _stale(f"The received member epoch {epoch} does not match the expected member epoch {member.epoch}.")


def _stale(message: str) -> BrokerError:
    return BrokerError(ErrorCode.STALE_MEMBER_EPOCH, message)
