"""Who may commit and fetch offsets in a consumer group."""

from __future__ import annotations

from collections.abc import Iterable

from pykbroker.coordinator.groups.consumer.group import ConsumerGroup
from pykbroker.coordinator.groups.consumer.member import ConsumerMember
from pykbroker.errors import BrokerError
from wire.errors import ErrorCode

EPOCHS_SINCE = 9  # of OffsetCommit


def check_commit(
    group: ConsumerGroup, member_id: str, epoch: int, places: Iterable[tuple[bytes, int]], *, knows_epochs: bool
) -> None:
    """Raises BrokerError.

    A commit of an earlier epoch counts for partitions that the member has had since (KIP-1251): it may have been on
    its way when the member was told the next one.
    """
    if epoch < 0 and not group.members:
        return  # of an administrator
    member = group.member(member_id)
    if not knows_epochs and not member.uses_classic_protocol:
        raise BrokerError(
            ErrorCode.UNSUPPORTED_VERSION, "OffsetCommit version 9 or above must be used by members of the new protocol"
        )
    if epoch == member.epoch:
        return
    if epoch < member.epoch and all(_had_since(member, epoch, *place) for place in places):
        return
    raise _stale(member, epoch)


def _had_since(member: ConsumerMember, epoch: int, topic_id: bytes, partition: int) -> bool:
    assigned_in = member.assigned_epoch(topic_id, partition)
    return assigned_in is not None and epoch >= assigned_in


def check_fetch(group: ConsumerGroup, member_id: str | None, epoch: int) -> None:
    """Raises BrokerError. Whoever names no member may look."""
    if member_id is None and epoch < 0:
        return
    member = group.member(member_id or "")
    if epoch != member.epoch:
        raise _stale(member, epoch)


def _stale(member: ConsumerMember, epoch: int) -> BrokerError:
    what, code = (
        ("generation id", ErrorCode.ILLEGAL_GENERATION)
        if member.uses_classic_protocol
        else ("member epoch", ErrorCode.STALE_MEMBER_EPOCH)
    )
    return BrokerError(code, f"The received {what} {epoch} does not match the expected member epoch {member.epoch}.")
