"""One member's next step, where the heartbeat's tests do not get to."""

from __future__ import annotations

from pykbroker.coordinator.groups.streams.failures import MAX_TOPICS, TopicFailures
from pykbroker.coordinator.groups.streams.member import NO_TASKS, MemberState, StreamsMember, Task, Tasks
from pykbroker.coordinator.groups.streams.reconciliation import Taken, next_step

ONE, OTHER = Task("0", 0), Task("0", 1)
NOBODY = Taken(frozenset(), frozenset())


def test_a_standby_waits_for_its_own_process() -> None:
    """Another process may have the task, as active or as standby: there it has another directory."""
    target = Tasks(standby=frozenset({ONE, OTHER}))
    member = StreamsMember("a", epoch=1)

    step = next_step(member, 2, target, Taken(active=frozenset({ONE, OTHER}), process=frozenset({OTHER})), NO_TASKS)

    assert (MemberState.UNRELEASED_TASKS, 2, frozenset({ONE})) == (step.state, step.epoch, step.assigned.standby)
    step = next_step(step, 2, target, NOBODY, None)
    assert (MemberState.STABLE, target) == (step.state, step.assigned)


def test_a_task_becomes_a_standby_once_it_was_given_up_as_active() -> None:
    member = StreamsMember("a", epoch=1, assigned=Tasks(active=frozenset({ONE})), assigned_in={ONE: 1})
    target = Tasks(standby=frozenset({ONE}))
    held = Taken(active=frozenset({ONE}), process=frozenset({ONE}))

    step = next_step(member, 2, target, held, None)
    assert (MemberState.UNREVOKED_TASKS, 1, NO_TASKS) == (step.state, step.epoch, step.assigned)
    assert step == next_step(step, 2, target, held, Tasks(active=frozenset({ONE}))), "it has it still"

    step = next_step(step, 2, target, held, NO_TASKS)
    assert (MemberState.UNRELEASED_TASKS, 2) == (step.state, step.epoch)
    step = next_step(step, 2, target, NOBODY, NO_TASKS)
    assert (MemberState.STABLE, target, {}) == (step.state, step.assigned, step.assigned_in)


def test_a_member_that_lags_goes_on_from_the_next_epoch() -> None:
    """What it is to give up may have changed meanwhile."""
    member = StreamsMember(
        "a",
        epoch=1,
        state=MemberState.UNREVOKED_TASKS,
        assigned=Tasks(active=frozenset({ONE})),
        revoking=Tasks(active=frozenset({OTHER})),
        assigned_in={ONE: 1, OTHER: 1},
    )

    step = next_step(member, 4, NO_TASKS, NOBODY, Tasks(active=frozenset({ONE})))

    assert (MemberState.UNREVOKED_TASKS, 2, 1) == (step.state, step.epoch, step.previous_epoch)
    assert {ONE: 1} == step.assigned_in


def test_topics_that_could_not_be_made_are_known_for_a_while() -> None:
    failures = TopicFailures()
    failures.note("a", "why", 10)

    assert [{"a": "why"}, {}, {}] == [failures.of(["a"], 9), failures.of(["a"], 10), failures.of(["b"], 9)]
    for number in range(MAX_TOPICS):
        failures.note(str(number), "", 10)
    assert [{}, {"0": ""}] == [failures.of(["a"], 9), failures.of(["0"], 9)]
