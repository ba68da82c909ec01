"""The sticky assignor: each task once, shares that are equal, and nothing moved that need not move."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from pykbroker.coordinator.groups.streams.assignor import Candidate, assign
from pykbroker.coordinator.groups.streams.configuring import ConfiguredSubtopology, InternalTopic
from pykbroker.coordinator.groups.streams.member import NO_TASKS, Task, Tasks
from pykbroker.coordinator.groups.streams.topology import Subtopology

Subtopologies = Mapping[str, ConfiguredSubtopology]


def subtopologies(**task_counts: int) -> Subtopologies:
    """Named "a", "b"...; those with an underscore at the end of their name have state."""
    declared = Subtopology(
        subtopology_id="",
        source_topics=(),
        source_topic_regex=(),
        state_changelog_topics=(),
        repartition_sink_topics=(),
        repartition_source_topics=(),
        copartition_groups=(),
    )
    return {
        name: ConfiguredSubtopology(
            declared, count, (), (InternalTopic(name, count, 0, {}),) if name.endswith("_") else ()
        )
        for name, count in task_counts.items()
    }


def members(*processes: str, had: Mapping[str, Tasks] | None = None) -> list[Candidate]:
    """One for each character, of the process of that name: "ppq" are two members of p and one of q."""
    names = [f"{process}{number}" for process in processes for number, _ in enumerate(process)]
    return [Candidate(name, name[0], (had or {}).get(name, NO_TASKS)) for name in names]


def tasks(*names: str) -> frozenset[Task]:
    return frozenset(Task(name[:-1], int(name[-1])) for name in names)


def test_tasks_of_a_subtopology_go_around_as_do_ranges() -> None:
    assigned = assign(members("p", "q"), subtopologies(a=4, b=4), standby_count=0)

    assert tasks("a0", "a2", "b0", "b2") == assigned["p0"].active
    assert tasks("a1", "a3", "b1", "b3") == assigned["q0"].active


def test_a_process_with_more_members_gets_more() -> None:
    assigned = assign(members("ppp", "q"), subtopologies(a=8), standby_count=0)

    assert [2, 2, 2, 2] == [len(each.active) for each in assigned.values()]


def test_who_had_a_task_keeps_it_up_to_its_share() -> None:
    had = {"p0": Tasks(active=tasks("a0", "a1", "a2", "a3"))}

    assigned = assign(members("p", "q", had=had), subtopologies(a=4), standby_count=0)

    assert assigned["p0"].active < had["p0"].active
    assert [2, 2] == [len(each.active) for each in assigned.values()]


def test_a_standby_takes_over_what_nobody_has() -> None:
    had = {"q0": Tasks(standby=tasks("a_0", "a_1"))}

    assigned = assign(members("p", "q", had=had), subtopologies(a_=4), standby_count=0)

    assert had["q0"].standby == assigned["q0"].active


def test_without_another_process_there_is_no_standby() -> None:
    assigned = assign(members("pp"), subtopologies(a_=4), standby_count=1)

    assert [frozenset(), frozenset()] == [each.standby for each in assigned.values()]


def test_nobody_is_assigned_nothing() -> None:
    assert {} == assign([], subtopologies(a=4), standby_count=1)


COUNTS = st.dictionaries(st.sampled_from(["a", "b", "c_", "d_"]), st.integers(1, 7), min_size=1)
PROCESSES = st.lists(st.integers(1, 3), min_size=1, max_size=4).map(
    lambda sizes: [name * size for name, size in zip("pqrs", sizes, strict=False)]
)


@given(counts=COUNTS, processes=PROCESSES, standby_count=st.integers(0, 2), later=PROCESSES)
def test_each_task_is_assigned_once_and_a_process_has_it_once(
    counts: dict[str, int], processes: list[str], standby_count: int, later: list[str]
) -> None:
    """At first, and after members came and went."""
    wanted = subtopologies(**counts)
    before = assign(members(*processes), wanted, standby_count=standby_count)
    candidates = members(*later, had=before)

    after = assign(candidates, wanted, standby_count=standby_count)

    for assigned, names in ((before, processes), (after, later)):
        active = Counter(task for each in assigned.values() for task in each.active)
        assert {Task(name, index): 1 for name, count in counts.items() for index in range(count)} == active
        stateful = {task for task in active if task.subtopology_id.endswith("_")}
        standby = Counter(task for each in assigned.values() for task in each.standby)
        copies = min(standby_count, len(names) - 1)
        assert dict.fromkeys(stateful if copies else (), copies) == standby
        for process in names:
            of_process = [each for member_id, each in assigned.items() if member_id[0] == process[0]]
            held = Counter(task for each in of_process for task in (*each.active, *each.standby))
            assert set(held.values()) <= {1}


@given(counts=COUNTS, process_count=st.integers(1, 4), later_count=st.integers(1, 4))
def test_shares_are_equal(counts: dict[str, int], process_count: int, later_count: int) -> None:
    wanted = subtopologies(**counts)
    before = assign(members(*"pqrs"[:process_count]), wanted, standby_count=0)
    after = assign(members(*"pqrs"[-later_count:], had=before), wanted, standby_count=0)

    for assigned in (before, after):
        sizes = [len(each.active) for each in assigned.values()]
        assert max(sizes) - min(sizes) <= 1


@given(counts=COUNTS, processes=PROCESSES)
def test_nothing_moves_while_the_members_stay(counts: dict[str, int], processes: list[str]) -> None:
    wanted = subtopologies(**counts)
    before = assign(members(*processes), wanted, standby_count=0)

    assert before == assign(members(*processes, had=before), wanted, standby_count=0)
