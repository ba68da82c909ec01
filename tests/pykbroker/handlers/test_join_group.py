"""JoinGroup over the wire, version by version. Who is let in, and when, is tested with the state machine."""

from __future__ import annotations

import pytest

from pykbroker.coordinator.groups.testing import subscription
from pykbroker.coordinator.testing import coordinating_broker, join_request
from wire.api.describe_groups import DescribeGroupsRequest
from wire.api.join_group import JoinGroupResponse
from wire.errors import ErrorCode


@pytest.mark.parametrize("version", range(10))
async def test_the_first_member_leads_generation_1(version: int) -> None:
    async with coordinating_broker() as it:
        joined = await it.ask(join_request(), version)
        if version >= 4:
            assert ErrorCode.MEMBER_ID_REQUIRED == joined.error_code
            joined = await it.ask(join_request(joined.member_id), version)

    expected = JoinGroupResponse(
        generation_id=1,
        protocol_type="consumer" if version >= 7 else None,
        protocol_name="range",
        leader=joined.member_id,
        member_id=joined.member_id,
        members=[JoinGroupResponse.JoinGroupResponseMember(member_id=joined.member_id, metadata=subscription("t"))],
    )
    assert expected == joined
    assert joined.member_id.startswith("test-")


@pytest.mark.parametrize("version", range(10))
async def test_an_error_names_no_protocol(version: int) -> None:
    async with coordinating_broker() as it:
        refused = await it.ask(join_request("who"), version)

    expected = JoinGroupResponse(
        error_code=ErrorCode.UNKNOWN_MEMBER_ID,
        protocol_name=None if version >= 7 else "",
        leader="",
        member_id="who",
        members=[],
    )
    assert expected == refused


@pytest.mark.parametrize("version", [5, 8])
async def test_a_static_members_id_begins_with_its_name(version: int) -> None:
    async with coordinating_broker() as it:
        joined = await it.ask(join_request(group_instance_id="i"), version)

    assert joined.member_id.startswith("i-")
    assert ["i"] == [member.group_instance_id for member in joined.members]


async def test_a_static_member_that_was_only_told_an_id_is_our_error_as_it_is_kafkas() -> None:
    async with coordinating_broker() as it:
        told = await it.ask(join_request(), 9)

        refused = await it.ask(join_request(told.member_id, group_instance_id="i"), 9)

    assert ErrorCode.UNKNOWN_SERVER_ERROR == refused.error_code


async def test_a_member_is_known_by_its_client_and_address() -> None:
    async with coordinating_broker() as it:
        await it.ask(join_request(), 3)

        described = await it.ask(DescribeGroupsRequest(groups=["g"]), 5)

    (member,) = described.groups[0].members
    assert ("test", "/127.0.0.1") == (member.client_id, member.client_host)
