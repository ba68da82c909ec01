"""Assignments: evenly made, and checked when given."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pykbroker.errors import BrokerError
from pykbroker.placement import check_assignment, from_assignments, place

nodes = st.lists(st.integers(0, 100), min_size=1, max_size=7, unique=True)


@given(nodes, st.integers(0, 50), st.integers(1, 50), st.data())
def test_leaders_and_replicas_are_spread_evenly(nodes: list[int], first: int, count: int, data: st.DataObject) -> None:
    factor = data.draw(st.integers(1, len(nodes)))

    partitions = place(nodes, first_index=first, count=count, replication_factor=factor)

    assert list(range(first, first + count)) == [partition.index for partition in partitions]
    assert all(factor == len(set(partition.replicas)) for partition in partitions)
    assert all(partition.replicas == partition.isr for partition in partitions)
    leaders = Counter(partition.leader for partition in partitions)
    assert all(partition.leader == partition.replicas[0] for partition in partitions)
    assert 1 >= max(leaders.values()) - min(leaders.get(node, 0) for node in nodes)


def test_more_replicas_than_nodes_are_refused() -> None:
    with pytest.raises(BrokerError, match=r"only 2 broker\(s\)"):
        place([1, 2], first_index=0, count=1, replication_factor=3)


def test_all_partitions_of_a_topic_have_as_many_replicas() -> None:
    with pytest.raises(BrokerError, match="which have 2 replica"):
        from_assignments([1, 2], [(0, [1, 2]), (1, [1])])
    with pytest.raises(BrokerError, match="which have 1 replica"):
        check_assignment([1, 2], [1, 2], 1)


def test_a_given_order_of_replicas_is_kept() -> None:
    assert [(2, (2, 1)), (1, (1, 2))] == [
        (partition.leader, partition.replicas) for partition in from_assignments([1, 2], [(0, [2, 1]), (1, [1, 2])])
    ]
