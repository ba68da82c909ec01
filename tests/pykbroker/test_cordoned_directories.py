"""Cordoned log directories (KIP-1066): they take no new partitions, in Kafka's words where none is left."""

from __future__ import annotations

from pykbroker.controller import NewPartitions, NewTopic
from pykbroker.testing import InMemoryBroker
from wire.errors import ErrorCode

NO_ROOM = "All brokers are currently fenced, or have all their log directories cordoned."


async def test_a_broker_without_room_takes_partitions_only_by_hand(broker: InMemoryBroker) -> None:
    await broker.create("t")
    controller = broker.broker.controller
    await controller.set_broker_configs(1, {"cordoned.log.dirs": "*"})

    placed, by_hand = await controller.create_topics([NewTopic("a"), NewTopic("b", assignments=[(0, [1])])])
    (grown,) = await controller.create_partitions([NewPartitions("t", 3)])

    assert placed.error is not None
    assert grown.error is not None
    assert (ErrorCode.INVALID_REPLICATION_FACTOR, f"Unable to replicate the partition 1 time(s): {NO_ROOM}") == (
        placed.error.code,
        placed.error.message,
    )
    assert (ErrorCode.INVALID_REPLICATION_FACTOR, NO_ROOM) == (grown.error.code, grown.error.message)
    assert by_hand.error is None

    await controller.set_broker_configs(1, {})
    assert (await controller.create_topics([NewTopic("a")]))[0].error is None


async def test_storage_knows_at_once(broker: InMemoryBroker) -> None:
    logs = broker.broker.replicas.logs
    assert frozenset() == logs.cordoned

    await broker.broker.controller.set_broker_configs(1, {"cordoned.log.dirs": "*"})

    assert frozenset({"/data"}) == logs.cordoned
