"""ConsumerGroupHeartbeat and ConsumerGroupDescribe of a broker in memory, from frame to frame."""

from __future__ import annotations

from typing import Any

from pykbroker.coordinator.testing import coordinating_broker
from pykbroker.testing import InMemoryBroker
from wire.api.api_versions import ApiVersionsRequest
from wire.api.consumer_group_describe import ConsumerGroupDescribeRequest
from wire.api.consumer_group_heartbeat import ConsumerGroupHeartbeatRequest
from wire.api.describe_groups import DescribeGroupsRequest
from wire.api.list_groups import ListGroupsRequest
from wire.api.offset_fetch import OffsetFetchRequest
from wire.errors import ErrorCode

FetchGroup = OffsetFetchRequest.OffsetFetchRequestGroup


def heartbeat(member_id: str = "a", epoch: int = 0, **fields: Any) -> ConsumerGroupHeartbeatRequest:
    request = ConsumerGroupHeartbeatRequest(
        group_id="g",
        member_id=member_id,
        member_epoch=epoch,
        rebalance_timeout_ms=30_000,
        subscribed_topic_names=["t"],
        topic_partitions=[],
    )
    for name, value in fields.items():
        setattr(request, name, value)
    return request


async def describe(it: InMemoryBroker, *group_ids: str) -> list[Any]:
    request = ConsumerGroupDescribeRequest(group_ids=list(group_ids), include_authorized_operations=True)
    return list((await it.ask(request, 1)).groups)


async def test_a_member_is_given_its_partitions_and_is_described_with_them() -> None:
    async with coordinating_broker() as it:
        told = await it.ask(heartbeat(), 1)
        (group,) = await describe(it, "g")

        assert (told.error_code, told.member_id, told.member_epoch) == (ErrorCode.NONE, "a", 2)
        assert [list(each.partitions) for each in told.assignment.topic_partitions] == [[0, 1]]
        assert (group.group_state, group.group_epoch, group.assignment_epoch) == ("Stable", 2, 2)
        assert group.assignor_name == "uniform"
        assert group.authorized_operations > 0
        (member,) = group.members
        assert (member.client_host, member.member_type) == ("/127.0.0.1", 1)
        assert [(each.topic_name, list(each.partitions)) for each in member.assignment.topic_partitions] == [
            ("t", [0, 1])
        ]
        assert member.assignment == member.target_assignment


async def test_what_is_refused_is_told_in_words() -> None:
    async with coordinating_broker() as it:
        told = await it.ask(heartbeat(group_id=""), 1)
        unknown = await it.ask(heartbeat(epoch=7), 1)

        assert (told.error_code, told.error_message) == (ErrorCode.INVALID_REQUEST, "GroupId can't be empty.")
        assert (told.member_epoch, told.heartbeat_interval_ms) == (0, 0)
        assert (unknown.error_code, unknown.error_message) == (
            ErrorCode.GROUP_ID_NOT_FOUND,
            "Consumer group g not found.",
        )


async def test_groups_that_are_not_there_are_described_so() -> None:
    async with coordinating_broker() as it:
        await it.ask(heartbeat(), 1)
        found, missing, nameless = await describe(it, "g", "none", "")

        assert found.error_code == ErrorCode.NONE
        assert (missing.error_code, missing.error_message) == (ErrorCode.GROUP_ID_NOT_FOUND, "Group none not found.")
        assert nameless.error_code == ErrorCode.INVALID_GROUP_ID


async def test_the_classic_apis_know_that_it_is_none_of_theirs() -> None:
    async with coordinating_broker() as it:
        await it.ask(heartbeat(), 1)
        (listed,) = (await it.ask(ListGroupsRequest(states_filter=[], types_filter=["Consumer"]), 5)).groups
        none = (await it.ask(ListGroupsRequest(states_filter=[], types_filter=["classic"]), 5)).groups
        request = DescribeGroupsRequest(groups=["g"], include_authorized_operations=False)
        (described,) = (await it.ask(request, 6)).groups

        assert (listed.group_id, listed.protocol_type, listed.group_state) == ("g", "consumer", "Stable")
        assert not none
        assert described.error_message == "Group g is not a classic group."


async def test_a_topic_that_is_made_is_taken_up_by_an_expression() -> None:
    async with coordinating_broker({"group.consumer.assignment.interval.ms": "0"}) as it:
        await it.ask(heartbeat(subscribed_topic_names=None, subscribed_topic_regex="[tv]"), 1)
        await it.create("v", 3)
        told = await it.ask(heartbeat(epoch=2, subscribed_topic_names=None), 1)

        assert told.member_epoch == 3
        assert [list(each.partitions) for each in told.assignment.topic_partitions] == [[0, 1], [0, 1, 2]]


async def test_a_member_of_the_past_fetches_no_offsets() -> None:
    async with coordinating_broker() as it:
        await it.ask(heartbeat(), 1)
        topic = FetchGroup.OffsetFetchRequestTopics(name="t", partition_indexes=[0])
        groups = [FetchGroup(group_id="g", member_id="a", member_epoch=epoch, topics=[topic]) for epoch in (2, 1)]
        now, past = (await it.ask(OffsetFetchRequest(groups=groups), 9)).groups

        assert (now.error_code, past.error_code) == (ErrorCode.NONE, ErrorCode.STALE_MEMBER_EPOCH)


async def test_a_broker_of_classic_groups_alone_refuses_the_new_protocol() -> None:
    async with coordinating_broker({"group.coordinator.rebalance.protocols": "classic"}) as it:
        assert (await it.ask(heartbeat(), 1)).error_code == ErrorCode.UNSUPPORTED_VERSION


async def test_the_feature_that_clients_look_for_is_in_force() -> None:
    async with coordinating_broker() as it:
        request = ApiVersionsRequest(client_software_name="test", client_software_version="1")
        answer = await it.ask(request, 4)

        finalized = {each.name: each.max_version_level for each in answer.finalized_features}
        assert finalized["group.version"] == 1
