"""One member's next step from what it has to what it should have.

STABLE, UNRELEASED_TASKS --has what it should not have--> UNREVOKED_TASKS, in the epoch where it is
UNREVOKED_TASKS --does not have that any more--> on, as below, from one epoch further
any --what it should get is not free--> UNRELEASED_TASKS, in the target's epoch
any --it has all--> STABLE, in the target's epoch
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from pykbroker.coordinator.groups.streams.member import NO_TASKS, MemberState, StreamsMember, Tasks, TaskSet


class Taken(NamedTuple):
    """Tasks that the member cannot get now."""

    active: TaskSet  # that anybody has as active
    process: TaskSet  # that its process has, as what ever: the two would share a directory

    def free(self, wanted: Tasks) -> Tasks:
        return Tasks(
            active=wanted.active - self.active - self.process,
            standby=wanted.standby - self.process,
            warmup=wanted.warmup - self.process,
        )


def next_step(
    member: StreamsMember, target_epoch: int, target: Tasks, taken: Taken, claimed: Tasks | None
) -> StreamsMember:
    """A member that does not have all yet, after a heartbeat. `claimed` is what it says to have, None where it does not
    say.
    """
    epoch = member.epoch
    if member.state is MemberState.UNREVOKED_TASKS:
        if _still_has(claimed, member.revoking):
            return member
        epoch += 1
    return _towards(member, epoch, target_epoch, target, taken, claimed)


def _still_has(claimed: Tasks | None, revoking: Tasks) -> bool:
    return claimed is None or bool(claimed & revoking)


def _towards(
    member: StreamsMember, epoch: int, target_epoch: int, target: Tasks, taken: Taken, claimed: Tasks | None
) -> StreamsMember:
    kept, revoking = member.assigned & target, member.assigned - target
    if revoking and _still_has(claimed, revoking):
        return replace(
            member,
            state=MemberState.UNREVOKED_TASKS,
            epoch=epoch,
            previous_epoch=member.epoch,
            assigned=kept,
            revoking=revoking,
            assigned_in={task: member.assigned_in[task] for task in kept.active | revoking.active},
        )
    wanted = target - kept
    got = taken.free(wanted)
    assigned_in = {task: member.assigned_in[task] for task in kept.active}
    return replace(
        member,
        state=MemberState.STABLE if got == wanted else MemberState.UNRELEASED_TASKS,
        epoch=target_epoch,
        previous_epoch=member.epoch,
        assigned=kept | got,
        revoking=NO_TASKS,
        assigned_in=assigned_in | dict.fromkeys(got.active, target_epoch),
    )
