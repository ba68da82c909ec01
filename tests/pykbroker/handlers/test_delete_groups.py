"""DeleteGroups over the wire, version by version."""

from __future__ import annotations

import pytest

from pykbroker.coordinator.testing import coordinating_broker, join_request, stable_member
from pykbroker.testing import InMemoryBroker
from wire.api.delete_groups import DeleteGroupsRequest
from wire.api.list_groups import ListGroupsRequest
from wire.errors import ErrorCode


@pytest.mark.parametrize("version", range(3))
async def test_each_group_has_a_result_of_its_own(version: int) -> None:
    async with coordinating_broker() as it:
        await stable_member(it)
        await it.ask(join_request(group_id="empty"), 9)

        response = await it.ask(DeleteGroupsRequest(groups_names=["g", "empty", "empty", "nobody", ""]), version)

        left = await it.ask(ListGroupsRequest(), 5)
    expected = {
        "g": ErrorCode.NON_EMPTY_GROUP,
        "empty": ErrorCode.NONE,
        "nobody": ErrorCode.GROUP_ID_NOT_FOUND,
        "": ErrorCode.GROUP_ID_NOT_FOUND,
    }
    assert expected == {result.group_id: result.error_code for result in response.results}
    assert 4 == len(response.results)
    assert ["g"] == [group.group_id for group in left.groups]


async def test_a_broker_that_does_not_coordinate_the_group_says_so(broker: InMemoryBroker) -> None:
    response = await broker.ask(DeleteGroupsRequest(groups_names=["g"]), 2)

    assert [ErrorCode.NOT_COORDINATOR] == [result.error_code for result in response.results]
