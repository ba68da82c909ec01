"""SyncGroup over the wire, version by version."""

from __future__ import annotations

import pytest

from pykbroker.coordinator.testing import coordinating_broker, joined_member
from wire.api.sync_group import SyncGroupRequest, SyncGroupResponse
from wire.errors import ErrorCode


@pytest.mark.parametrize("version", range(6))
async def test_the_leader_gets_what_it_gave_itself(version: int) -> None:
    async with coordinating_broker() as it:
        member_id = await joined_member(it)
        assignment = SyncGroupRequest.SyncGroupRequestAssignment(member_id=member_id, assignment=b"mine")
        request = SyncGroupRequest(
            group_id="g",
            generation_id=1,
            member_id=member_id,
            protocol_type="consumer" if version >= 5 else None,
            protocol_name="range" if version >= 5 else None,
            assignments=[assignment],
        )
        first, again = await it.ask(request, version), await it.ask(request, version)

    expected = SyncGroupResponse(
        protocol_type="consumer" if version >= 5 else None,
        protocol_name="range" if version >= 5 else None,
        assignment=b"mine",
    )
    assert [expected, expected] == [first, again]


@pytest.mark.parametrize(
    ("group_id", "generation_id", "protocol_type", "protocol_name", "expected"),
    [
        ("", 1, "consumer", "range", ErrorCode.INVALID_GROUP_ID),
        ("other", 1, "consumer", "range", ErrorCode.UNKNOWN_MEMBER_ID),
        ("g", 0, "consumer", "range", ErrorCode.ILLEGAL_GENERATION),
        ("g", 1, "connect", "range", ErrorCode.INCONSISTENT_GROUP_PROTOCOL),
        ("g", 1, "consumer", "sticky", ErrorCode.INCONSISTENT_GROUP_PROTOCOL),
        ("g", 1, None, None, ErrorCode.INCONSISTENT_GROUP_PROTOCOL),
    ],
)
async def test_what_is_refused(
    group_id: str, generation_id: int, protocol_type: str | None, protocol_name: str | None, expected: ErrorCode
) -> None:
    async with coordinating_broker() as it:
        request = SyncGroupRequest(
            group_id=group_id,
            generation_id=generation_id,
            member_id=await joined_member(it),
            protocol_type=protocol_type,
            protocol_name=protocol_name,
            assignments=[],
        )
        response = await it.ask(request, 5)

    assert SyncGroupResponse(error_code=expected, assignment=b"") == response
