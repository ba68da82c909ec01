"""One group, members of both protocols: up when the first of the new comes, down when the last of them goes."""

from __future__ import annotations

import pytest

from pykbroker.coordinator.decision import Pending
from pykbroker.coordinator.groups.classic import GroupState
from pykbroker.coordinator.groups.config import GroupConfig
from pykbroker.coordinator.groups.consumer.describing import described
from pykbroker.coordinator.groups.consumer.testing import AT_ONCE, OneConsumerShard, given
from pykbroker.coordinator.groups.listing import listed
from pykbroker.coordinator.groups.testing import REBALANCE_MS, SESSION_MS, subscription
from pykbroker.errors import BrokerError
from wire.errors import ErrorCode
from wire.state_records import ConsumerProtocolAssignment, decode_assignment, encode_value

ALL = encode_value(
    ConsumerProtocolAssignment(
        assigned_partitions=[ConsumerProtocolAssignment.TopicPartition(topic="t", partitions=[0, 1, 2, 3])]
    ),
    0,
)


@pytest.fixture
def it() -> OneConsumerShard:
    return OneConsumerShard()


def classic_member(it: OneConsumerShard) -> str:
    """The id of the only member of a stable classic group, which has all of "t"."""
    joined = it.join("g", it.new_id())
    it.pass_time(0)
    joined = joined.result() if isinstance(joined, Pending) else joined
    it.sync(joined.member_id, joined.generation_id, {joined.member_id: ALL})
    member_id: str = joined.member_id
    return member_id


def synced(it: OneConsumerShard, member_id: str, generation_id: int) -> dict[str, list[int]]:
    response = it.sync(member_id, generation_id)
    return {each.topic: list(each.partitions) for each in decode_assignment(response.assignment).assigned_partitions}


def types(it: OneConsumerShard) -> list[tuple[str, str]]:
    return [(group.group_type, group.group_state) for group in listed(it.shard, (), ())]


def test_a_classic_member_goes_on_in_a_consumer_group(it: OneConsumerShard) -> None:
    member_id = classic_member(it)

    told = it.beat("new")
    assert (told.member_epoch, given(told)) == (2, {})
    assert types(it) == [("consumer", "Reconciling")]
    assert it.heartbeat(member_id, 1) == ErrorCode.REBALANCE_IN_PROGRESS

    joined = it.join("g", member_id)
    assert (joined.generation_id, joined.protocol_name, joined.leader, list(joined.members)) == (2, "range", "", [])
    assert synced(it, member_id, 2) == {"t": [0, 1]}
    assert it.heartbeat(member_id, 2) == ErrorCode.NONE
    assert given(it.beat("new", 2)) == {"t": [2, 3]}
    assert types(it) == [("consumer", "Stable")]
    assert [member.member_type for member in described(it.shard, "g").members] == [0, 1]


def test_when_the_last_new_member_leaves_the_group_is_classic_again_and_rebalances(it: OneConsumerShard) -> None:
    member_id = classic_member(it)
    it.beat("new")
    it.join("g", member_id)

    it.beat("new", -1)

    assert types(it) == [("classic", "PreparingRebalance")]
    assert it.heartbeat(member_id, 2) == ErrorCode.REBALANCE_IN_PROGRESS
    joined = it.join("g", member_id)
    joined = joined.result() if isinstance(joined, Pending) else joined
    assert (joined.generation_id, joined.leader) == (3, member_id)
    it.restart()
    assert types(it) == [("classic", "Stable")], "as last written: in generation 2"


def test_a_static_member_that_comes_back_with_the_other_protocol_keeps_what_it_had(it: OneConsumerShard) -> None:
    it.beat("new", instance="i")

    joined = it.join("g", instance="i")

    assert (joined.error_code, joined.generation_id, joined.protocol_type) == (0, 2, "consumer")
    assert types(it) == [("classic", "Stable")]
    assert synced(it, joined.member_id, 2) == {"t": [0, 1, 2, 3]}

    told = it.beat("newer", instance="i")
    assert types(it) == [("consumer", "Stable")]
    assert (told.member_epoch, given(told)) == (3, {"t": [0, 1, 2, 3]})


def test_an_empty_group_is_of_whoever_comes(it: OneConsumerShard) -> None:
    it.beat("a")
    it.beat("a", -1)

    it.new_id()
    assert types(it) == [("classic", "Empty")]
    it.beat("a")
    assert types(it) == [("consumer", "Stable")]
    it.restart()
    assert types(it) == [("consumer", "Stable")]


def test_offsets_stay_through_both(it: OneConsumerShard) -> None:
    member_id = classic_member(it)
    it.commit("t", 0, 5, member_id=member_id, generation_id=1)
    it.beat("new")
    it.join("g", member_id)
    it.beat("new", -1)
    it.restart()

    found = it.shard.offsets.get("g", "t", 0)
    assert found is not None
    assert found.offset == 5


@pytest.mark.parametrize("policy", ["disabled", "downgrade"])
def test_without_the_policy_a_classic_group_takes_no_new_members(policy: str) -> None:
    it = OneConsumerShard(GroupConfig(initial_rebalance_delay_ms=0, migration_policy=policy, consumer=AT_ONCE.consumer))
    classic_member(it)

    with pytest.raises(BrokerError, match="because the online upgrade is disabled") as refused:
        it.beat("new")
    assert refused.value.code == ErrorCode.GROUP_ID_NOT_FOUND


def test_without_the_policy_a_consumer_group_stays_one(it: OneConsumerShard) -> None:
    config = GroupConfig(initial_rebalance_delay_ms=0, migration_policy="upgrade", consumer=AT_ONCE.consumer)
    it = OneConsumerShard(config)
    member_id = classic_member(it)
    it.beat("new")
    it.join("g", member_id)
    it.beat("new", -1)

    assert types(it) == [("consumer", "Assigning")]
    assert it.heartbeat(member_id, 2) == ErrorCode.REBALANCE_IN_PROGRESS
    assert it.join("g", member_id).generation_id == 3
    assert synced(it, member_id, 3) == {"t": [0, 1, 2, 3]}


def test_a_group_that_is_not_of_consumers_is_not_upgraded(it: OneConsumerShard) -> None:
    it.join("g", it.new_id(protocol_type="connect"), protocol_type="connect")

    with pytest.raises(BrokerError, match="does not use the consumer embedded protocol"):
        it.beat("new")


def test_members_that_wait_to_join_are_sent_to_the_new_group(it: OneConsumerShard) -> None:
    classic_member(it)
    waiting = it.join("g", it.new_id())
    assert isinstance(waiting, Pending)

    it.beat("new")

    assert waiting.result().error_code == ErrorCode.REBALANCE_IN_PROGRESS
    assert it.join("g", waiting.result().member_id).generation_id == 2


def test_classic_members_of_other_protocols_are_refused(it: OneConsumerShard) -> None:
    classic_member(it)
    it.beat("new")

    for how in ({"protocols": {"other": subscription("t")}}, {"protocol_type": "connect"}):
        with pytest.raises(BrokerError) as refused:
            it.join("g", **how)
        assert refused.value.code == ErrorCode.INCONSISTENT_GROUP_PROTOCOL


def test_a_classic_member_not_heard_of_is_removed(it: OneConsumerShard) -> None:
    member_id = classic_member(it)
    it.beat("new")
    it.pass_time(SESSION_MS)

    assert member_id not in it.group().members
    assert given(it.beat("new", 2)) == {"t": [0, 1, 2, 3]}


def test_a_member_that_changes_its_protocol_is_not_expected_to_sync(it: OneConsumerShard) -> None:
    member_id = classic_member(it)
    it.beat("new")
    it.join("g", member_id)
    epoch = it.beat(member_id, 2).member_epoch

    for _ in range(3):
        it.pass_time(REBALANCE_MS - 1)
        it.beat("new", 2)
        epoch = it.beat(member_id, epoch).member_epoch

    assert member_id in it.group().members


def test_administrators_remove_members_of_either_protocol(it: OneConsumerShard) -> None:
    classic_member(it)
    it.beat("new", instance="i")

    assert it.leave("", instance="i") == [ErrorCode.NONE]
    assert it.shard.groups["g"].state is GroupState.PREPARING_REBALANCE
