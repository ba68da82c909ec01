from __future__ import annotations

import sys

from hypothesis import given
from hypothesis import strategies as st

from storage.offset_map import ENTRY_BYTES, NO_OFFSET, OffsetMap

BATCHES = st.lists(st.lists(st.binary(max_size=2), max_size=10), max_size=50)


@given(BATCHES)
def test_it_knows_the_last_offset_of_every_key(batches: list[list[bytes]]) -> None:
    found = OffsetMap(1_000_000)
    known: dict[bytes, int] = {}
    next_offset = 0
    for keys in batches:
        offsets = list(range(next_offset, next_offset + len(keys)))
        next_offset += len(keys)
        known.update(zip(keys, offsets, strict=True))

        assert found.put(keys, offsets)

    assert known == found.offsets
    assert max(known.values(), default=NO_OFFSET) == found.latest_offset


@given(BATCHES, st.integers(0, 3000))
def test_it_takes_what_there_is_room_for_and_says_how_far_it_got(batches: list[list[bytes]], limit_bytes: int) -> None:
    found = OffsetMap(limit_bytes)
    every = [key for keys in batches for key in keys]
    next_offset = 0
    for keys in batches:
        if not found.put(keys, range(next_offset, next_offset + len(keys))):
            break
        next_offset += len(keys)
    taken = every[: found.latest_offset + 1]

    assert {key: offset for offset, key in enumerate(taken)} == found.offsets
    assert len(found.offsets) <= max(1, limit_bytes // ENTRY_BYTES)
    assert bool(taken) == bool(every)


def test_a_key_takes_no_more_memory_than_is_counted() -> None:
    """As a dictionary grows, it has up to three times the room that it needs."""
    for count in (1000, 10_000, 22_000, 44_000):
        keys = [b"key-%08d" % number for number in range(count)]
        found = OffsetMap(sys.maxsize)
        found.put(keys, range(1 << 40, (1 << 40) + count))

        taken = sys.getsizeof(found.offsets)
        taken += sum(sys.getsizeof(key) - len(key) + sys.getsizeof(offset) for key, offset in found.offsets.items())
        assert taken <= count * ENTRY_BYTES
