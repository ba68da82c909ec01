"""What a request costs: its own steps on the event loop, not what it waits for."""

from __future__ import annotations

import pytest
import trio

from pykbroker.usage import Usage


class Clock:
    def __init__(self) -> None:
        self.now_ns = 1000

    def __call__(self) -> int:
        return self.now_ns


async def test_what_is_waited_for_does_not_count() -> None:
    clock = Clock()

    async def work() -> str:
        clock.now_ns += 5
        await trio.lowlevel.checkpoint()
        clock.now_ns += 7
        await trio.lowlevel.checkpoint()
        return "done"

    async def others() -> None:
        clock.now_ns += 1_000_000

    usage = Usage("u", "c", 1, clock)
    clock.now_ns += 1
    usage.rest()
    clock.now_ns += 1_000_000
    async with trio.open_nursery() as nursery:
        nursery.start_soon(others)
        assert await usage.timed(work()) == "done"
    assert usage.take_time_ns() == 13

    clock.now_ns += 3
    assert usage.take_time_ns() == 3
    assert usage.take_time_ns() == 0


async def test_an_error_in_what_is_timed_comes_out_and_so_does_a_cancellation() -> None:
    clock = Clock()

    async def fail() -> None:
        await trio.lowlevel.checkpoint()
        raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        await Usage("u", "c", 1, clock).timed(fail())

    with trio.CancelScope() as scope:
        scope.cancel()
        await Usage("u", "c", 1, clock).timed(trio.sleep_forever())
    assert scope.cancelled_caught


def test_the_longest_silence_counts() -> None:
    usage = Usage("u", "c", 1, Clock())
    usage.mute_until(50)
    usage.mute_until(20)

    assert usage.muted_until_ms == 50
