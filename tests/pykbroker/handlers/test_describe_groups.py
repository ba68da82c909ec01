"""DescribeGroups over the wire, version by version."""

from __future__ import annotations

import pytest

from pykbroker.coordinator.groups.testing import subscription
from pykbroker.coordinator.testing import coordinating_broker, joined_member, stable_member
from pykbroker.testing import InMemoryBroker
from wire.api.describe_groups import DescribeGroupsRequest, DescribeGroupsResponse
from wire.errors import ErrorCode

Described = DescribeGroupsResponse.DescribedGroup


@pytest.mark.parametrize("version", range(7))
async def test_a_stable_group_is_told_whole(version: int) -> None:
    async with coordinating_broker() as it:
        member_id = await stable_member(it, 5, group_instance_id="i")

        response = await it.ask(DescribeGroupsRequest(groups=["g"]), version)

    member = Described.DescribedGroupMember(
        member_id=member_id,
        group_instance_id="i" if version >= 4 else None,
        client_id="test",
        client_host="/127.0.0.1",
        member_metadata=subscription("t"),
        member_assignment=b"all",
    )
    expected = Described(
        group_id="g", group_state="Stable", protocol_type="consumer", protocol_data="range", members=[member]
    )
    assert [expected] == response.groups


async def test_before_a_group_is_stable_its_protocol_is_open() -> None:
    async with coordinating_broker() as it:
        await joined_member(it)

        response = await it.ask(DescribeGroupsRequest(groups=["g"]), 5)

    (group,) = response.groups
    assert ("CompletingRebalance", "") == (group.group_state, group.protocol_data)
    assert [b""] == [member.member_metadata for member in group.members]


@pytest.mark.parametrize("version", range(7))
async def test_a_group_that_is_not_there_is_dead(version: int) -> None:
    async with coordinating_broker() as it:
        response = await it.ask(DescribeGroupsRequest(groups=["nobody"]), version)

    expected = Described(
        error_code=ErrorCode.GROUP_ID_NOT_FOUND if version >= 6 else ErrorCode.NONE,
        error_message="Group nobody not found." if version >= 6 else None,
        group_id="nobody",
        group_state="Dead",
        protocol_type="",
        protocol_data="",
        members=[],
    )
    assert [expected] == response.groups


async def test_operations_are_told_if_asked_for() -> None:
    async with coordinating_broker() as it:
        await stable_member(it)
        asked = DescribeGroupsRequest(groups=["g", "nobody"], include_authorized_operations=True)

        old, new = await it.ask(asked, 5), await it.ask(asked, 6)

    every = 1 << 3 | 1 << 6 | 1 << 8 | 1 << 10 | 1 << 11
    assert [every, every] == [group.authorized_operations for group in old.groups]
    assert [every, -(2**31)] == [group.authorized_operations for group in new.groups]


async def test_a_broker_that_does_not_coordinate_the_group_says_so(broker: InMemoryBroker) -> None:
    response = await broker.ask(DescribeGroupsRequest(groups=["g"]), 5)

    assert [ErrorCode.NOT_COORDINATOR] == [group.error_code for group in response.groups]
