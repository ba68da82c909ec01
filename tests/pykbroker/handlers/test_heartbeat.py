"""Heartbeat over the wire, version by version."""

from __future__ import annotations

import pytest

from pykbroker.coordinator.testing import coordinating_broker, joined_member, stable_member
from wire.api.heartbeat import HeartbeatRequest, HeartbeatResponse
from wire.errors import ErrorCode


@pytest.mark.parametrize("version", range(5))
async def test_a_member_is_told_that_all_is_well(version: int) -> None:
    async with coordinating_broker() as it:
        member_id = await stable_member(it)

        response = await it.ask(HeartbeatRequest(group_id="g", generation_id=1, member_id=member_id), version)

    assert HeartbeatResponse() == response


async def test_so_is_one_that_has_not_synced_yet() -> None:
    async with coordinating_broker() as it:
        member_id = await joined_member(it)

        response = await it.ask(HeartbeatRequest(group_id="g", generation_id=1, member_id=member_id), 4)

    assert HeartbeatResponse() == response


@pytest.mark.parametrize(
    ("group_id", "member_id", "generation_id", "instance", "expected"),
    [
        ("", "x", 1, None, ErrorCode.INVALID_GROUP_ID),
        ("other", "x", 1, None, ErrorCode.UNKNOWN_MEMBER_ID),
        ("g", "x", 1, None, ErrorCode.UNKNOWN_MEMBER_ID),
        ("g", None, 1, "i", ErrorCode.UNKNOWN_MEMBER_ID),
        ("g", None, 2, None, ErrorCode.ILLEGAL_GENERATION),
    ],
)
async def test_what_is_refused(
    group_id: str, member_id: str | None, generation_id: int, instance: str | None, expected: ErrorCode
) -> None:
    async with coordinating_broker() as it:
        known = await stable_member(it)
        request = HeartbeatRequest(
            group_id=group_id,
            generation_id=generation_id,
            member_id=known if member_id is None else member_id,
            group_instance_id=instance,
        )
        response = await it.ask(request, 4)

    assert HeartbeatResponse(error_code=expected) == response
