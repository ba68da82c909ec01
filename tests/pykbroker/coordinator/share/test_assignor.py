"""The simple assignor: everything has a reader, everybody something to read, and nobody much more than others."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pykbroker.coordinator.share.assignor import assign

TOPICS = [bytes([index]) * 16 for index in range(3)]


def test_members_share_partitions_where_there_are_more_of_them() -> None:
    [topic] = TOPICS[:1]

    assigned = assign({"a": [topic], "b": [topic], "c": [topic]}, {topic: [0, 1]})

    assert {"a": {topic: (0,)}, "b": {topic: (1,)}, "c": {topic: (0,)}} == assigned


@given(
    subscriptions=st.dictionaries(st.text(min_size=1, max_size=3), st.lists(st.sampled_from(TOPICS), unique=True)),
    counts=st.dictionaries(st.sampled_from(TOPICS), st.integers(0, 6)),
)
def test_whatever_is_subscribed_to_is_read(subscriptions: dict[str, list[bytes]], counts: dict[bytes, int]) -> None:
    partitions = {topic: list(range(count)) for topic, count in counts.items()}

    assigned = assign(subscriptions, partitions)

    assert assigned.keys() == subscriptions.keys()
    read = {(topic, index) for each in assigned.values() for topic, indexes in each.items() for index in indexes}
    wanted = {topic for topics in subscriptions.values() for topic in topics}
    assert {(topic, index) for topic in wanted for index in partitions.get(topic, ())} == read
    for member_id, topics in subscriptions.items():
        assert set(assigned[member_id]) <= set(topics)
        assert bool(assigned[member_id]) == any(partitions.get(topic) for topic in topics)


@given(members=st.integers(1, 12), partitions=st.integers(1, 12))
def test_members_of_one_subscription_have_equally_much(members: int, partitions: int) -> None:
    [topic] = TOPICS[:1]

    assigned = assign({f"m{index}": [topic] for index in range(members)}, {topic: list(range(partitions))})

    sizes = {len(each[topic]) for each in assigned.values()}
    assert max(sizes) - min(sizes) <= 1
