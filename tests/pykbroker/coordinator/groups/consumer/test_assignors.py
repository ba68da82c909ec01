"""Properties of both assignors, over any subscriptions and any assignment before."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pykbroker.coordinator.groups.consumer.assignors import ASSIGNORS, Subscriber, assign_ranges, uniform
from pykbroker.coordinator.groups.consumer.member import Partitions

TOPICS = [b"a", b"b", b"c"]
COUNTS = st.fixed_dictionaries({topic: st.integers(0, 7) for topic in TOPICS})
READS = st.frozensets(st.sampled_from(TOPICS), min_size=1)
HAD = st.dictionaries(st.sampled_from([*TOPICS, b"gone"]), st.frozensets(st.integers(0, 9)))


@st.composite
def subscribers(draw: st.DrawFn, reads: st.SearchStrategy[frozenset[bytes]] = READS) -> list[Subscriber]:
    count = draw(st.integers(1, 6))
    return [Subscriber(f"m{index}", None, draw(reads), draw(HAD)) for index in range(count)]


ALIKE = READS.flatmap(lambda reads: subscribers(st.just(reads)))


def size(target: Partitions) -> int:
    return sum(map(len, target.values()))


@given(st.sampled_from(sorted(ASSIGNORS)), subscribers(), COUNTS)
def test_each_partition_that_is_read_goes_to_one_who_reads_it(
    name: str, members: list[Subscriber], counts: dict[bytes, int]
) -> None:
    targets = ASSIGNORS[name](members, counts)

    given_out = [(t, p) for target in targets.values() for t, partitions in target.items() for p in partitions]
    read = {topic for member in members for topic in member.topic_ids}
    assert sorted(given_out) == sorted((t, p) for t in read for p in range(counts[t]))
    assert all(targets[member.member_id].keys() <= member.topic_ids for member in members)


@given(ALIKE, COUNTS)
def test_uniform_gives_members_who_read_the_same_as_much_as_each_other(
    members: list[Subscriber], counts: dict[bytes, int]
) -> None:
    sizes = [size(target) for target in uniform(members, counts).values()]

    assert max(sizes) - min(sizes) <= 1


@given(subscribers(), COUNTS)
def test_uniform_leaves_nothing_with_a_member_that_another_with_two_less_could_have(
    members: list[Subscriber], counts: dict[bytes, int]
) -> None:
    targets = uniform(members, counts)

    for member in members:
        for topic in targets[member.member_id]:
            readers = [size(targets[each.member_id]) for each in members if topic in each.topic_ids]
            assert size(targets[member.member_id]) - min(readers) <= 1


@given(subscribers(), COUNTS)
def test_uniform_asked_again_changes_nothing(members: list[Subscriber], counts: dict[bytes, int]) -> None:
    targets = uniform(members, counts)

    assert uniform([each._replace(had=targets[each.member_id]) for each in members], counts) == targets


@given(st.integers(1, 6), st.integers(0, 30))
def test_uniform_moves_no_more_than_a_new_member_needs(member_count: int, partition_count: int) -> None:
    reads, counts = frozenset([b"a"]), {b"a": partition_count}
    before = uniform([Subscriber(f"m{index}", None, reads, {}) for index in range(member_count)], counts)

    after = uniform(
        [Subscriber(f"m{index}", None, reads, before.get(f"m{index}", {})) for index in range(member_count + 1)], counts
    )

    moved = sum(len(before[each].get(b"a", frozenset()) - after[each].get(b"a", frozenset())) for each in before)
    assert moved == size(after[f"m{member_count}"])


def test_ranges_are_the_same_for_topics_of_as_many_partitions() -> None:
    reads = frozenset([b"a", b"b"])
    targets = assign_ranges([Subscriber(each, None, reads, {}) for each in "xyz"], {b"a": 7, b"b": 7})

    assert [sorted(targets[each][b"a"]) for each in "xyz"] == [[0, 1, 2], [3, 4], [5, 6]]
    assert all(target[b"a"] == target[b"b"] for target in targets.values())


def test_a_static_member_has_the_same_range_whatever_its_id() -> None:
    reads, counts = frozenset([b"a"]), {b"a": 4}
    before = assign_ranges([Subscriber("x", "i", reads, {}), Subscriber("y", "j", reads, {})], counts)
    after = assign_ranges([Subscriber("z", "i", reads, {}), Subscriber("y", "j", reads, {})], counts)

    assert before["x"] == after["z"]
    assert before["y"] == after["y"]
