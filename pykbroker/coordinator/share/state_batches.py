"""Delivery state as `__share_group_state` keeps it: runs of offsets, each with a state and a delivery count.

Invariant of a combined list: in order of offsets, none overlapping, none that could be one with its neighbour. Offsets
in no batch, at or after the start, were never delivered.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple


class StateBatch(NamedTuple):
    first_offset: int
    last_offset: int
    delivery_state: int
    delivery_count: int


def combined(old: Iterable[StateBatch], new: Sequence[StateBatch], *, start_offset: int) -> list[StateBatch]:
    """`old` with `new` over it, the later of `new` over the earlier, and nothing before `start_offset`."""
    batches = list(old)
    for batch in new:
        batches = _overlaid(batches, batch)
    return _merged(_clipped(batches, start_offset))


def _overlaid(batches: Sequence[StateBatch], over: StateBatch) -> list[StateBatch]:
    kept: list[StateBatch] = []
    for batch in batches:
        if batch.first_offset < over.first_offset:
            kept.append(batch._replace(last_offset=min(batch.last_offset, over.first_offset - 1)))
        if batch.last_offset > over.last_offset:
            kept.append(batch._replace(first_offset=max(batch.first_offset, over.last_offset + 1)))
    kept.append(over)
    return sorted(kept)


def _clipped(batches: Iterable[StateBatch], start_offset: int) -> list[StateBatch]:
    return [
        batch._replace(first_offset=max(batch.first_offset, start_offset))
        for batch in batches
        if batch.last_offset >= start_offset
    ]


def _merged(batches: Iterable[StateBatch]) -> list[StateBatch]:
    merged: list[StateBatch] = []
    for batch in batches:
        last = merged[-1] if merged else None
        if last is not None and last.last_offset + 1 == batch.first_offset and last[2:] == batch[2:]:
            merged[-1] = last._replace(last_offset=batch.last_offset)
        else:
            merged.append(batch)
    return merged
