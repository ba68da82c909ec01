"""For tests: a broker in memory that coordinates groups."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import trio

from pykbroker.coordinator.groups.testing import subscription
from pykbroker.testing import InMemoryBroker, in_memory_broker
from wire.api.join_group import JoinGroupRequest
from wire.api.sync_group import SyncGroupRequest

SESSION_MS = 10_000


@asynccontextmanager
async def coordinating_broker(settings: Mapping[str, str] | None = None) -> AsyncIterator[InMemoryBroker]:
    """It has topics "t" and "u" of two partitions, and the internal ones."""
    changed = {"offsets.topic.num.partitions": "4", **(settings or {})}
    async with in_memory_broker(changed) as it, trio.open_nursery() as nursery:
        await nursery.start(it.broker.groups.run)
        await nursery.start(it.broker.transactions.run)
        await nursery.start(it.broker.share_state.run)
        await nursery.start(it.broker.shares.run)
        await it.create("t", 2)
        await it.create("u", 2)
        await it.broker.groups.create_topic()
        await it.broker.transactions.create_topic()
        await it.broker.share_state.create_topic()
        yield it
        nursery.cancel_scope.cancel()


def join_request(member_id: str = "", **fields: Any) -> JoinGroupRequest:
    request = JoinGroupRequest(
        group_id="g",
        session_timeout_ms=SESSION_MS,
        rebalance_timeout_ms=2 * SESSION_MS,
        member_id=member_id,
        protocol_type="consumer",
        protocols=[JoinGroupRequest.JoinGroupRequestProtocol(name="range", metadata=subscription("t"))],
    )
    for name, value in fields.items():
        setattr(request, name, value)
    return request


async def joined_member(it: InMemoryBroker, version: int = 3, **fields: Any) -> str:
    """The id of the only member of group "g", which has still to sync."""
    joined = await it.ask(join_request(**fields), version)
    member_id: str = joined.member_id
    return member_id


async def stable_member(it: InMemoryBroker, version: int = 3, **fields: Any) -> str:
    """The id of the only member of group "g", which is stable in generation 1."""
    member_id = await joined_member(it, version, **fields)
    assignment = SyncGroupRequest.SyncGroupRequestAssignment(member_id=member_id, assignment=b"all")
    request = SyncGroupRequest(group_id="g", generation_id=1, member_id=member_id, assignments=[assignment])
    await it.ask(request, 3)
    return member_id
