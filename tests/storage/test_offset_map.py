from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from storage.offset_map import NO_OFFSET, OffsetMap


@given(st.lists(st.tuples(st.binary(max_size=2), st.integers(0, 2**62)), max_size=200))
def test_it_is_a_dictionary(pairs: list[tuple[bytes, int]]) -> None:
    found = OffsetMap(300, 0.9)
    for key, offset in pairs:
        found.put(key, offset)

    known = dict(pairs)
    assert found.size == len(known)
    assert {key: found.get(key) for key in known} == known
    assert found.get(b"never there") == NO_OFFSET


@given(st.integers(1, 500), st.floats(0.1, 0.95))
def test_it_takes_as_many_keys_as_the_factor_allows_and_still_finds_them(slots: int, load_factor: float) -> None:
    found = OffsetMap(slots, load_factor)
    count = 0
    while not found.is_full:
        found.put(b"%d" % count, count)
        count += 1

    assert 1 <= count <= max(slots, 3) * load_factor + 1
    assert all(found.get(b"%d" % number) == number for number in range(count))
    assert found.get(b"another") == NO_OFFSET
