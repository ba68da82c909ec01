"""Timers: what runs when, however often it was put off."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pykbroker.coordinator.timers import Timers


def scheduled(*timers: tuple[str, int]) -> Timers[str]:
    it: Timers[str] = Timers()
    for name, deadline_ms in timers:
        it.schedule(name, deadline_ms, lambda now_ms, name=name: f"{name}@{now_ms}")  # type: ignore[misc]
    return it


def test_what_is_due_runs_in_the_order_of_its_deadlines_and_once() -> None:
    timers = scheduled(("late", 30), ("early", 10), ("later", 40))

    assert ["early@30", "late@30"] == list(timers.due(30))
    assert [] == list(timers.due(30))
    assert 40 == timers.next_deadline_ms


def test_a_deadline_can_be_moved_both_ways() -> None:
    timers = scheduled(("away", 10), ("closer", 50), ("away", 60), ("closer", 20))

    assert ["closer@20"] == list(timers.due(20))
    assert ["away@60"] == list(timers.due(60))


def test_what_was_cancelled_does_not_run() -> None:
    timers = scheduled(("gone", 10))

    timers.cancel("gone")

    assert [] == list(timers.due(99))
    assert timers.next_deadline_ms is None


def test_a_timer_may_schedule_itself_anew() -> None:
    timers: Timers[int] = Timers()

    def again(now_ms: int) -> int:
        timers.schedule("it", now_ms + 10, again)
        return now_ms

    timers.schedule("it", 10, again)

    assert [10] == list(timers.due(10))
    assert [20] == list(timers.due(20))


def test_when_the_clock_is_set_the_time_left_stays_the_same() -> None:
    timers = scheduled(("a", 10), ("b", 30), ("a", 20))

    timers.shift(-1_000)

    assert ["a@-980"] == list(timers.due(-980))
    assert -970 == timers.next_deadline_ms


@given(moves=st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 50), st.booleans())), until=st.integers(0, 60))
def test_it_is_as_if_each_name_had_only_its_last_deadline(moves: list[tuple[str, int, bool]], until: int) -> None:
    timers = scheduled()
    expected: dict[str, int] = {}
    for name, deadline_ms, is_scheduled in moves:
        if is_scheduled:
            timers.schedule(name, deadline_ms, lambda _, name=name: name)  # type: ignore[misc]
            expected[name] = deadline_ms
        else:
            timers.cancel(name)
            expected.pop(name, None)

    ran = [name for now_ms in range(until) for name in timers.due(now_ms)]

    due = {name: deadline_ms for name, deadline_ms in expected.items() if deadline_ms < until}
    assert sorted(due) == sorted(ran)
    assert sorted(due.values()) == [due[name] for name in ran]
