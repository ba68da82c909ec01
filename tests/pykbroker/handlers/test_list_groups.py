"""ListGroups over the wire, version by version."""

from __future__ import annotations

import pytest

from pykbroker.coordinator.testing import coordinating_broker, join_request, stable_member
from wire.api.list_groups import ListGroupsRequest, ListGroupsResponse

Listed = ListGroupsResponse.ListedGroup


@pytest.mark.parametrize("version", range(6))
async def test_groups_with_what_the_version_can_tell(version: int) -> None:
    async with coordinating_broker() as it:
        await stable_member(it)

        response = await it.ask(ListGroupsRequest(), version)

    expected = Listed(
        group_id="g",
        protocol_type="consumer",
        group_state="Stable" if version >= 4 else "",
        group_type="classic" if version >= 5 else "",
    )
    assert [expected] == response.groups


@pytest.mark.parametrize(
    ("states", "types", "expected"),
    [
        ([], [], {"g", "new"}),
        (["stable"], [], {"g"}),
        (["Empty", " STABLE "], ["Classic"], {"g", "new"}),
        (["bogus"], [], set()),
        ([], ["consumer"], set()),
        ([], ["bogus"], set()),
        ([], ["bogus", "classic"], {"g", "new"}),
    ],
)
async def test_filters_ignore_case_and_know_when_nothing_fits(
    states: list[str], types: list[str], expected: set[str]
) -> None:
    async with coordinating_broker() as it:
        await stable_member(it)
        await it.ask(join_request(group_id="new"), 9)

        response = await it.ask(ListGroupsRequest(states_filter=states, types_filter=types), 5)

    assert expected == {group.group_id for group in response.groups}
