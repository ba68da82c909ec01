"""ProducerIds: none twice."""

from __future__ import annotations

import trio

from pykbroker.producer_ids import ProducerIds
from pykbroker.testing import in_memory_broker


async def test_ids_run_on_over_blocks_and_brokers_lives() -> None:
    async with in_memory_broker() as broker:
        controller = broker.broker.controller
        first_life, second_life = ProducerIds(controller), ProducerIds(controller)
        assert first_life.take() is None

        taken = [await first_life.allocate()]
        while (producer_id := first_life.take()) is not None:
            taken.append(producer_id)
        taken.append(await second_life.allocate())

    assert list(range(taken[0], taken[0] + 1001)) == taken


async def test_two_who_ask_at_once_get_two() -> None:
    async with in_memory_broker() as broker:
        ids = ProducerIds(broker.broker.controller)
        got = []

        async def ask() -> None:
            await ids.reserve()
            got.append(ids.take_reserved())

        async with trio.open_nursery() as nursery:
            for _ in range(5):
                nursery.start_soon(ask)

    assert 5 == len(set(got))
