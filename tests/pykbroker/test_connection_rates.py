"""How fast connections may come: who waits, who is kept and closed, and who counts."""

from __future__ import annotations

import pytest
import trio
from trio.testing import MockClock

from pykbroker.connection_rates import ConnectionRates
from pykbroker.testing import InMemoryBroker, in_memory_broker

RATE = "max.connection.creation.rate"
SECONDS = 22  # two spans of windows


async def set_quota(it: InMemoryBroker, address: str | None, rate: float | None) -> None:
    values = {} if rate is None else {"connection_creation_rate": rate}
    await it.broker.controller.change(lambda image: image.with_client_quotas({(("ip", address),): values}))


async def accepted(rates: ConnectionRates, listener: str = "A", host: str = "10.0.0.1") -> int:
    """In the time given, from somebody who tries 50 times a second."""
    count, started = 0, trio.current_time()
    while trio.current_time() < started + SECONDS:
        await trio.sleep(max(20, rates.enter(listener)) / 1000)
        count += not rates.enter_from(host, listener)
    return count


@pytest.mark.parametrize("setting", [RATE, f"listener.name.a.{RATE}"])
async def test_a_listener_takes_so_many_connections_a_second(setting: str, autojump_clock: MockClock) -> None:
    async with in_memory_broker({setting: "20"}) as it:
        assert await accepted(ConnectionRates(it.broker)) == pytest.approx(20 * SECONDS, rel=0.1)


async def test_a_listeners_own_rate_is_not_that_of_others(autojump_clock: MockClock) -> None:
    async with in_memory_broker({f"listener.name.a.{RATE}": "1"}) as it:
        rates = ConnectionRates(it.broker)

        assert any(rates.enter("A") for _ in range(20))
        assert not any(rates.enter("B") for _ in range(20))


async def test_a_changed_rate_counts_at_once_and_nobody_waits_longer_than_a_window(autojump_clock: MockClock) -> None:
    async with in_memory_broker({"quota.window.num": "5", "quota.window.size.seconds": "3"}) as it:
        rates = ConnectionRates(it.broker)
        assert not any(rates.enter("A") for _ in range(100))

        await it.broker.controller.set_broker_configs(None, {RATE: "1"})
        assert rates.enter("A") == 3000
        await it.broker.controller.set_broker_configs(None, {RATE: "0"})
        assert rates.enter("A") == 3000


@pytest.mark.parametrize(
    ("quota_of", "held"), [("10.0.0.1", [True, False]), (None, [True, True]), ("10.0.0.2", [False, True])]
)
async def test_an_address_has_its_rate_and_the_default_is_for_each_of_the_others(
    quota_of: str | None, held: list[bool], autojump_clock: MockClock
) -> None:
    async with in_memory_broker() as it:
        await set_quota(it, quota_of, 1)
        rates = ConnectionRates(it.broker)

        found = [any(rates.enter_from(host, "A") for _ in range(20)) for host in ("10.0.0.1", "10.0.0.2")]

        assert found == held


async def test_an_address_gets_its_rate_and_what_is_held_back_does_not_count(autojump_clock: MockClock) -> None:
    async with in_memory_broker({RATE: "1000"}) as it:
        rates = ConnectionRates(it.broker)
        await set_quota(it, "10.0.0.1", 20)

        assert await accepted(rates) == pytest.approx(20 * SECONDS, rel=0.1)
        assert not rates.enter("A")


async def test_an_addresss_own_quota_goes_before_the_default_and_may_be_changed_and_taken_away(
    autojump_clock: MockClock,
) -> None:
    async with in_memory_broker() as it:
        rates = ConnectionRates(it.broker)
        await set_quota(it, None, 1)
        await set_quota(it, "10.0.0.1", 1000)
        assert not any(rates.enter_from("10.0.0.1", "A") for _ in range(100))

        await set_quota(it, "10.0.0.1", None)
        assert rates.enter_from("10.0.0.1", "A") == 1000
        await set_quota(it, None, None)
        assert not rates.enter_from("10.0.0.1", "A")


async def test_addresses_count_however_they_are_written(autojump_clock: MockClock) -> None:
    async with in_memory_broker() as it:
        await set_quota(it, "0:0:0:0:0:0:0:1", 1)
        rates = ConnectionRates(it.broker)

        assert any(rates.enter_from("::1", "A") for _ in range(20))
