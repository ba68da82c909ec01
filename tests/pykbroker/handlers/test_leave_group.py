"""LeaveGroup over the wire, version by version."""

from __future__ import annotations

import pytest

from pykbroker.coordinator.testing import coordinating_broker, stable_member
from wire.api.heartbeat import HeartbeatRequest
from wire.api.leave_group import LeaveGroupRequest, LeaveGroupResponse
from wire.errors import ErrorCode

Identity = LeaveGroupRequest.MemberIdentity
Result = LeaveGroupResponse.MemberResponse


@pytest.mark.parametrize("version", range(6))
async def test_who_has_left_is_unknown(version: int) -> None:
    async with coordinating_broker() as it:
        member_id = await stable_member(it)
        members = [Identity(member_id=member_id)] if version >= 3 else []
        request = LeaveGroupRequest(group_id="g", members=members, member_id="" if version >= 3 else member_id)

        first, again = await it.ask(request, version), await it.ask(request, version)

        beat = await it.ask(HeartbeatRequest(group_id="g", generation_id=1, member_id=member_id), 4)
    assert ErrorCode.UNKNOWN_MEMBER_ID == beat.error_code
    unknown = ErrorCode.UNKNOWN_MEMBER_ID
    if version >= 3:
        results = [Result(member_id=member_id, group_instance_id=None, error_code=code) for code in (0, unknown)]
        assert [LeaveGroupResponse(members=[result]) for result in results] == [first, again]
    else:
        assert [LeaveGroupResponse(), LeaveGroupResponse(error_code=unknown)] == [first, again]


@pytest.mark.parametrize(
    ("group_id", "expected"),
    [
        ("", LeaveGroupResponse(error_code=ErrorCode.INVALID_GROUP_ID, members=[])),
        (
            "other",
            LeaveGroupResponse(
                members=[Result(member_id="x", group_instance_id=None, error_code=ErrorCode.UNKNOWN_MEMBER_ID)]
            ),
        ),
    ],
)
async def test_what_is_refused(group_id: str, expected: LeaveGroupResponse) -> None:
    async with coordinating_broker() as it:
        response = await it.ask(LeaveGroupRequest(group_id=group_id, members=[Identity(member_id="x")]), 5)

    assert expected == response
