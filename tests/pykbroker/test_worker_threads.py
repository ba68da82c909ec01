"""WorkerThreads: who gets which outcome, how many run at a time, and what becomes of those nobody waits for."""

from __future__ import annotations

import threading

import pytest
import trio
import trio.testing

from pykbroker.worker_threads import WorkerThreads


async def test_each_gets_its_own_outcome() -> None:
    threads = WorkerThreads(2)
    doubled: dict[int, int] = {}

    async def double(number: int) -> None:
        doubled[number] = await threads.run(lambda: 2 * number)

    async with trio.open_nursery() as nursery:
        for number in range(20):
            nursery.start_soon(double, number)

    assert {number: 2 * number for number in range(20)} == doubled


async def test_it_runs_in_another_thread_and_its_error_is_raised_here() -> None:
    threads = WorkerThreads(1)

    assert threading.get_ident() != await threads.run(threading.get_ident)
    with pytest.raises(ZeroDivisionError):
        await threads.run(divmod, 1, 0)
    assert (3, 1) == await threads.run(divmod, 7, 2)


async def test_no_more_run_at_a_time_than_may() -> None:
    threads = WorkerThreads(2)
    running = 0
    most = 0

    def work() -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        barrier.wait()
        with lock:
            running -= 1

    lock, barrier = threading.Lock(), threading.Barrier(2)
    async with trio.open_nursery() as nursery:
        for _ in range(10):
            nursery.start_soon(threads.run, work)

    assert 2 == most


async def test_an_outcome_that_nobody_waits_for_is_given_to_no_one_else() -> None:
    threads = WorkerThreads(1)
    goes_on = threading.Event()

    def late() -> str:
        goes_on.wait()
        return "late"

    with trio.CancelScope() as scope:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(threads.run, late)
            await trio.testing.wait_all_tasks_blocked()
            scope.cancel()
    assert scope.cancelled_caught

    answered = []

    async def another() -> None:
        answered.append(await threads.run(lambda: "another"))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(another)
        goes_on.set()
    assert ["another"] == answered
