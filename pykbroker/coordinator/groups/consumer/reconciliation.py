"""One member's next step from what it has to what it should have.

STABLE, or anything else --has what others should have--> UNREVOKED_PARTITIONS, in the epoch where it is
UNREVOKED_PARTITIONS --it does not own them any more--> on, as below
any --what it should get is still owned--> UNRELEASED_PARTITIONS, in the target's epoch
any --it has all--> STABLE, in the target's epoch
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from pykbroker.coordinator.groups.consumer.member import ConsumerMember, MemberState, Owned, Partitions

IsOwned = Callable[[bytes, int], bool]


def next_step(
    member: ConsumerMember, target_epoch: int, target: Partitions, is_owned: IsOwned, claimed: Partitions | None
) -> ConsumerMember:
    """The member after a heartbeat.

    `claimed` is what it says to own, None where it does not say; `is_owned` tells whether anybody owns a partition.
    """
    if member.is_reconciled_to(target_epoch) and _is_within(member.assigned, target):
        return member
    epoch = member.epoch
    if member.state is MemberState.UNREVOKED_PARTITIONS:
        if _claims_any(claimed, member.revoking):
            return member
        epoch = min(epoch + 1, target_epoch)
    return _towards(member, epoch, target_epoch, target, is_owned, claimed)


def _is_within(assigned: Owned, target: Partitions) -> bool:
    return all(target.get(topic_id, frozenset()).issuperset(partitions) for topic_id, partitions in assigned.items())


def _claims_any(claimed: Partitions | None, revoking: Owned) -> bool:
    if claimed is None:
        return True
    return any(not partitions.isdisjoint(revoking.get(topic_id, ())) for topic_id, partitions in claimed.items())


def _towards(
    member: ConsumerMember,
    epoch: int,
    target_epoch: int,
    target: Partitions,
    is_owned: IsOwned,
    claimed: Partitions | None,
) -> ConsumerMember:
    kept: dict[bytes, dict[int, int]] = {}
    revoking: dict[bytes, dict[int, int]] = {}
    for topic_id, partitions in member.assigned.items():
        wanted = target.get(topic_id, frozenset())
        for partition, assigned_in in partitions.items():
            (kept if partition in wanted else revoking).setdefault(topic_id, {})[partition] = assigned_in
    if revoking and _claims_any(claimed, revoking):
        return replace(
            member,
            state=MemberState.UNREVOKED_PARTITIONS,
            epoch=epoch,
            previous_epoch=member.epoch,
            assigned=kept,
            revoking=revoking,
        )
    is_waiting = False
    released = set(_pairs(member.revoking)) | set(_pairs(revoking))
    for topic_id, wanted in target.items():
        for partition in sorted(wanted.difference(kept.get(topic_id, ()))):
            # What the member itself has just given up is free for it to get again.
            if is_owned(topic_id, partition) and (topic_id, partition) not in released:
                is_waiting = True
            else:
                kept.setdefault(topic_id, {})[partition] = target_epoch
    return replace(
        member,
        state=MemberState.UNRELEASED_PARTITIONS if is_waiting else MemberState.STABLE,
        epoch=target_epoch,
        previous_epoch=member.epoch,
        assigned=kept,
        revoking={},
    )


def _pairs(owned: Owned) -> list[tuple[bytes, int]]:
    return [(topic_id, partition) for topic_id, partitions in owned.items() for partition in partitions]
