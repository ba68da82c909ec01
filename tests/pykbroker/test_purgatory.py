"""Purgatory: who waits is woken by what it waits for, and by nothing less."""

from __future__ import annotations

import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from pykbroker.purgatory import Waiter, standing_at


class Place:
    def __init__(self) -> None:
        self.waiters: set[Waiter] = set()


async def test_bytes_add_up_until_there_are_enough(autojump_clock: MockClock) -> None:
    waiter = Waiter(missing_bytes=100)
    woken: list[bool] = []

    async def wait() -> None:
        woken.append(await waiter.wait(timeout_ms=10_000))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(wait)
        waiter.add_bytes(99)
        await wait_all_tasks_blocked()
        assert [] == woken
        waiter.add_bytes(1)

    assert [True] == woken


async def test_what_came_before_the_wait_counts(mock_clock: MockClock) -> None:
    waiter = Waiter(missing_bytes=10)
    waiter.add_bytes(10)

    assert await waiter.wait(timeout_ms=1)


async def test_the_wait_ends_with_its_time(autojump_clock: MockClock) -> None:
    before = trio.current_time()

    assert not await Waiter(missing_bytes=1).wait(timeout_ms=250)
    assert trio.current_time() - before == 0.25


async def test_a_waiter_stands_at_its_places_only_inside_the_block() -> None:
    places = [Place(), Place()]
    waiter = Waiter()

    with standing_at(places, waiter):
        assert [{waiter}, {waiter}] == [place.waiters for place in places]

    assert [set(), set()] == [place.waiters for place in places]


async def test_a_time_that_is_over_is_not_waited_for() -> None:
    """Clients may send a negative one."""
    assert not await Waiter(missing_bytes=1).wait(timeout_ms=-1)
