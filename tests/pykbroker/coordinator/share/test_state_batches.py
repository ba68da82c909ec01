"""State batches: later ones lie over earlier ones, and none is longer or shorter than it must be."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from pykbroker.coordinator.share.state_batches import StateBatch, combined

batches = st.lists(
    st.builds(
        lambda first, length, state, count: StateBatch(first, first + length, state, count),
        st.integers(0, 30),
        st.integers(0, 10),
        st.sampled_from([0, 2, 4]),
        st.integers(1, 3),
    ),
    max_size=8,
)


def by_offset(listed: list[StateBatch]) -> dict[int, tuple[int, int]]:
    return {offset: batch[2:] for batch in listed for offset in range(batch.first_offset, batch.last_offset + 1)}


@given(old=batches, new=batches, start_offset=st.integers(-1, 20))
def test_every_offset_has_what_was_said_of_it_last(
    old: list[StateBatch], new: list[StateBatch], start_offset: int
) -> None:
    before = combined((), old, start_offset=-1)

    after = combined(before, new, start_offset=start_offset)

    expected = {**by_offset(before), **by_offset(new)}
    assert {offset: said for offset, said in expected.items() if offset >= start_offset} == by_offset(after)


@given(new=batches)
def test_batches_are_in_order_apart_and_as_long_as_can_be(new: list[StateBatch]) -> None:
    found = combined((), new, start_offset=0)

    for left, right in pairwise(found):
        assert left.last_offset < right.first_offset
        assert left.last_offset + 1 < right.first_offset or left[2:] != right[2:]
