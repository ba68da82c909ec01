"""Limits of connections: who waits, who is sent away, and that a changed limit counts at once."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
import trio
import trio.testing

from pykbroker.connection_quotas import ConnectionQuotas
from pykbroker.testing import in_memory_broker


async def entered(settings: Mapping[str, str], hosts: list[str]) -> list[bool]:
    async with in_memory_broker(settings) as opened:
        quotas = ConnectionQuotas(opened.broker)
        return [quotas.enter("PLAINTEXT", host) for host in hosts]


@pytest.mark.parametrize(
    ("settings", "welcome"),
    [
        ({}, [True, True, True]),
        ({"max.connections.per.ip": "1"}, [True, False, True]),
        ({"max.connections.per.ip": "0", "max.connections.per.ip.overrides": "10.0.0.1:2"}, [True, True, False]),
        ({"max.connections.per.ip.overrides": "10.0.0.1:0,10.0.0.9:1"}, [False, False, True]),
    ],
)
async def test_an_address_has_so_many_connections(settings: dict[str, str], welcome: list[bool]) -> None:
    assert welcome == await entered(settings, ["10.0.0.1", "10.0.0.1", "10.0.0.2"])


async def test_who_leaves_makes_room() -> None:
    async with in_memory_broker({"max.connections.per.ip": "1"}) as opened:
        quotas = ConnectionQuotas(opened.broker)
        assert quotas.enter("A", "h")
        assert not quotas.enter("A", "h")
        quotas.leave("A", "h")
        quotas.leave("A", "h")

        assert quotas.enter("A", "h")


@pytest.mark.parametrize("setting", ["max.connections", "listener.name.a.max.connections"])
async def test_above_the_limit_nobody_is_accepted_until_somebody_leaves(
    setting: str, autojump_clock: trio.testing.MockClock
) -> None:
    async with in_memory_broker({setting: "1"}) as opened:
        quotas = ConnectionQuotas(opened.broker)
        await quotas.wait_for_slot("A")
        quotas.enter("A", "h")
        with trio.move_on_after(60) as waited:
            await quotas.wait_for_slot("A")
        assert waited.cancelled_caught

        async with trio.open_nursery() as nursery:
            nursery.start_soon(quotas.wait_for_slot, "A")
            await trio.testing.wait_all_tasks_blocked()
            quotas.leave("A", "h")


async def test_a_listener_of_its_own_limit_does_not_stop_others() -> None:
    async with in_memory_broker({"listener.name.a.max.connections": "1"}) as opened:
        quotas = ConnectionQuotas(opened.broker)
        quotas.enter("A", "h")

        with trio.fail_after(1):
            await quotas.wait_for_slot("B")


async def test_a_changed_limit_counts_at_once() -> None:
    async with in_memory_broker({"max.connections": "1"}) as opened:
        quotas = ConnectionQuotas(opened.broker)
        quotas.enter("A", "h")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(quotas.wait_for_slot, "A")
            await trio.testing.wait_all_tasks_blocked()

            await opened.broker.controller.set_broker_configs(None, {"max.connections": "2"})
