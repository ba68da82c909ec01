from __future__ import annotations

import threading

import pytest
import trio

from pykbroker.cleaning import Pacer, clean_logs
from pykbroker.testing import NOW_MS, InMemoryBroker, in_memory_broker
from storage.cleaner import CleaningAborted
from wire.record_batch import Record, RecordBatch, build


class Clock:
    """Moves by what is waited."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Event(threading.Event):
    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self.clock = clock

    def wait(self, timeout: float | None = None) -> bool:
        self.clock.now += timeout or 0
        return self.is_set()


def test_the_rate_is_kept() -> None:
    clock = Clock()
    pacer = Pacer(1000, Event(clock), clock)

    for _ in range(100):
        pacer(50)

    assert clock.now - 100 == pytest.approx(5, abs=0.05)


def test_without_a_limit_nothing_is_waited_for() -> None:
    clock = Clock()
    pacer = Pacer(1.7976931348623157e308, Event(clock), clock)

    for _ in range(100):
        pacer(1 << 30)

    assert clock.now == 100


def test_a_stop_ends_the_round() -> None:
    clock = Clock()
    stopped = Event(clock)
    pacer = Pacer(1000, stopped, clock)
    pacer(1)
    stopped.set()

    with pytest.raises(CleaningAborted):
        pacer(1)


def fill(it: InMemoryBroker, topic: str, count: int) -> None:
    partition = it.broker.replicas.leader(topic, 0)
    for number in range(count):
        data = build([Record(timestamp_ms=NOW_MS, key=b"k%d" % (number % 3), value=b"v")])
        partition.append_as_leader([RecordBatch(memoryview(bytearray(data)))], now_ms=NOW_MS)
    partition.log.roll(NOW_MS)


async def until_compacted(it: InMemoryBroker, topic: str) -> None:
    """The clock jumps while the thread works: it is looked at again and again."""
    log = it.broker.replicas.leader(topic, 0).log
    with trio.fail_after(1_000_000):
        while log.size_bytes > 300:
            await trio.sleep(0.1)


async def test_dirty_logs_are_compacted_without_anybody_asking(autojump_clock: trio.testing.MockClock) -> None:
    async with in_memory_broker() as it, trio.open_nursery() as nursery:
        await it.create("t", configs={"cleanup.policy": "compact"})
        await it.create("u")
        fill(it, "u", 30)
        fill(it, "t", 30)
        nursery.start_soon(clean_logs, it.broker)
        await until_compacted(it, "t")
        fill(it, "t", 30)
        await until_compacted(it, "t")
        nursery.cancel_scope.cancel()

    assert it.broker.replicas.leader("u", 0).log.size_bytes > 300


async def test_it_can_be_switched_off(autojump_clock: trio.testing.MockClock) -> None:
    async with in_memory_broker({"log.cleaner.enable": "false"}) as it:
        await clean_logs(it.broker)  # returns


async def test_how_often_it_looks_can_be_changed(autojump_clock: trio.testing.MockClock) -> None:
    async with in_memory_broker({"log.cleaner.backoff.ms": "9000000000000"}) as it, trio.open_nursery() as nursery:
        await it.create("t", configs={"cleanup.policy": "compact"})
        await it.broker.controller.set_broker_configs(None, {"log.cleaner.backoff.ms": "1000"})
        nursery.start_soon(clean_logs, it.broker)
        await trio.testing.wait_all_tasks_blocked()
        fill(it, "t", 30)
        await until_compacted(it, "t")
        nursery.cancel_scope.cancel()
