"""A member's life: joining, being given and giving up, leaving, being fenced. What Kafka 4.3 answers, here as well."""

from __future__ import annotations

import pytest

from pykbroker.coordinator.groups.config import GroupConfig
from pykbroker.coordinator.groups.consumer.describing import described
from pykbroker.coordinator.groups.consumer.group import ConsumerGroupState
from pykbroker.coordinator.groups.consumer.testing import AT_ONCE, SESSION_MS, OneConsumerShard, given
from pykbroker.coordinator.groups.testing import REBALANCE_MS
from pykbroker.errors import BrokerError
from wire.errors import ErrorCode


@pytest.fixture
def it() -> OneConsumerShard:
    return OneConsumerShard()


def test_the_first_member_gets_all_at_once_in_epoch_two(it: OneConsumerShard) -> None:
    told = it.beat("a")

    assert (told.member_id, told.member_epoch, told.heartbeat_interval_ms) == ("a", 2, 5_000)
    assert given(told) == {"t": [0, 1, 2, 3]}
    assert it.group().state is ConsumerGroupState.STABLE


def test_a_member_that_reads_nothing_is_in_epoch_one(it: OneConsumerShard) -> None:
    told = it.beat("a", topics=[])

    assert (told.member_epoch, given(told)) == (1, {})


def test_a_member_of_version_0_is_given_its_id(it: OneConsumerShard) -> None:
    assert len(it.beat("", version=0).member_id or "") == 22
    assert it.refusal("", version=1) == ErrorCode.INVALID_REQUEST


def test_a_partition_goes_to_another_only_once_it_was_given_up(it: OneConsumerShard) -> None:
    it.beat("a")
    assert given(it.beat("b")) == {}
    assert it.beat("a", 2).member_epoch == 2, "it has first to give up"
    assert given(it.beat("b", 3)) is None

    told = it.beat("a", 2, has={"t": [0, 1]})
    assert (told.member_epoch, given(told)) == (3, None), "what it has was told before"
    assert given(it.beat("b", 3)) == {"t": [2, 3]}
    assert it.group().state is ConsumerGroupState.STABLE


def test_a_heartbeat_without_news_is_answered_without_an_assignment_and_writes_nothing(it: OneConsumerShard) -> None:
    it.beat("a")
    written = len(it.log)

    assert given(it.beat("a", 2)) is None
    assert given(it.beat("a", 2, topics=["t"])) is None
    assert len(it.log) == written


def test_a_member_that_joins_again_is_told_what_it_has(it: OneConsumerShard) -> None:
    it.beat("a")

    told = it.beat("a")

    assert (told.member_epoch, given(told)) == (2, {"t": [0, 1, 2, 3]})


def test_the_epoch_before_is_taken_from_a_member_that_missed_an_answer(it: OneConsumerShard) -> None:
    it.beat("a")
    it.beat("b")
    it.beat("a", 2)
    it.beat("a", 2, has={"t": [0, 1]})

    assert it.beat("a", 2, has={"t": [0, 1]}).member_epoch == 3
    assert it.refusal("a", 2) == ErrorCode.FENCED_MEMBER_EPOCH
    assert it.refusal("a", 2, has={"t": [0, 1, 2]}) == ErrorCode.FENCED_MEMBER_EPOCH
    assert it.refusal("a", 4) == ErrorCode.FENCED_MEMBER_EPOCH
    assert it.refusal("nobody", 3) == ErrorCode.UNKNOWN_MEMBER_ID


def test_of_members_that_come_at_once_later_ones_wait_for_the_next_assignment() -> None:
    it = OneConsumerShard(GroupConfig())
    it.beat("a")

    assert given(it.beat("b")) == {}
    assert it.group().state is ConsumerGroupState.ASSIGNING
    it.pass_time(1_000)
    it.beat("a", 2)

    assert it.group().assignment_epoch == 3
    assert it.group().state is ConsumerGroupState.RECONCILING


def test_what_is_not_read_any_more_is_given_up_before_the_next_assignment() -> None:
    it = OneConsumerShard(GroupConfig())
    it.beat("a", topics=["t", "u"])

    told = it.beat("a", 2, topics=["u"])

    assert (told.member_epoch, given(told)) == (2, {"u": [0, 1]})


def test_a_topic_that_grows_or_goes_rebalances_the_group(it: OneConsumerShard) -> None:
    it.beat("a", topics=["t", "u"])

    it.set_topics(t=6)
    assert given(it.beat("a", 2)) == {"t": [0, 1, 2, 3, 4, 5], "u": [0, 1]}

    it.image = it.image.without_topics(["u"])
    assert given(it.beat("a", 3)) == {"t": [0, 1, 2, 3, 4, 5]}


def test_a_topic_that_nobody_reads_does_not(it: OneConsumerShard) -> None:
    it.beat("a")
    it.set_topics(v=3)

    assert it.beat("a", 2).member_epoch == 2


def test_a_regular_expression_takes_up_new_topics(it: OneConsumerShard) -> None:
    assert given(it.beat("a", regex="t|v.*")) == {"t": [0, 1, 2, 3]}

    it.set_topics(v1=2, w=1)

    assert given(it.beat("a", 2)) == {"t": [0, 1, 2, 3], "v1": [0, 1]}
    assert it.group().regexes["t|v.*"].topics == {"t", "v1"}


def test_a_regular_expression_that_nobody_uses_is_forgotten(it: OneConsumerShard) -> None:
    it.beat("a", regex="t")
    it.beat("b", regex="u")
    it.beat("a", 2, regex="", topics=["t"])
    assert set(it.group().regexes) == {"u"}

    it.beat("b", -1)
    assert not it.group().regexes


def test_what_is_no_regular_expression_is_refused(it: OneConsumerShard) -> None:
    with pytest.raises(BrokerError, match="SubscribedTopicRegex `\\(` is not a valid regular expression: missing"):
        it.beat("a", regex="(")
    assert it.refusal("a", regex="a(?=b)") == ErrorCode.INVALID_REGULAR_EXPRESSION


def test_the_assignor_that_most_members_name_is_taken(it: OneConsumerShard) -> None:
    it.set_topics(a=3, b=3)
    for member in ("x", "y"):
        it.beat(member, topics=["a", "b"], assignor="range")
    it.beat("z", topics=["a", "b"])

    assert described(it.shard, "g").assignor_name == "range"
    target = it.group().target_of("x")
    assert len(set(target.values())) == 1, "the same run of both topics"
    assert it.refusal("w", assignor="other") == ErrorCode.UNSUPPORTED_ASSIGNOR


def test_of_two_assignors_with_as_many_votes_uniform_is_taken(it: OneConsumerShard) -> None:
    it.beat("x", assignor="range")
    it.beat("y", assignor="uniform")

    assert described(it.shard, "g").assignor_name == "uniform"


def test_a_member_that_leaves_frees_what_it_had(it: OneConsumerShard) -> None:
    it.beat("a")
    it.beat("b")

    told = it.beat("a", -1)

    assert (told.member_epoch, told.heartbeat_interval_ms) == (-1, 0)
    assert given(it.beat("b", 3)) == {"t": [0, 1, 2, 3]}


def test_a_member_not_heard_of_is_removed(it: OneConsumerShard) -> None:
    it.beat("a")
    it.pass_time(SESSION_MS - 1)
    it.beat("a", 2)
    it.pass_time(SESSION_MS - 1)
    assert it.group().members

    it.pass_time(1)

    assert not it.group().members
    assert [event.text for event in it.shard.histories.of("g")[-2:]] == [
        f"not heard of for {SESSION_MS} ms; its session timeout is {SESSION_MS} ms",
        "epoch 3 begins: a timed out",
    ]


def test_a_member_that_gives_nothing_up_is_removed(it: OneConsumerShard) -> None:
    it.beat("a")
    it.beat("b")
    it.beat("a", 2)
    it.pass_time(REBALANCE_MS)

    assert set(it.group().members) == {"b"}
    assert it.refusal("a", 2) == ErrorCode.UNKNOWN_MEMBER_ID


def test_a_group_has_the_session_timeout_that_was_set_for_it(it: OneConsumerShard) -> None:
    it.image = it.image.with_group_configs(
        {"g": {"consumer.session.timeout.ms": "50000", "consumer.heartbeat.interval.ms": "6000"}}
    )

    assert it.beat("a").heartbeat_interval_ms == 6_000
    it.pass_time(49_999)
    assert it.group().members
    it.pass_time(1)
    assert not it.group().members


def test_members_are_expected_after_a_restart_too(it: OneConsumerShard) -> None:
    it.beat("a")
    it.beat("b")
    it.beat("a", 2)
    it.restart()
    assert set(it.group().members) == {"a", "b"}

    it.pass_time(REBALANCE_MS)
    assert set(it.group().members) == {"b"}
    it.pass_time(SESSION_MS - REBALANCE_MS)
    assert not it.group().members


class TestStaticMembers:
    def test_one_that_is_away_is_replaced_by_its_successor_which_gets_what_it_had(self, it: OneConsumerShard) -> None:
        it.beat("a", instance="i")
        it.beat("a", -2, instance="i")
        assert it.group().members["a"].epoch == -2

        told = it.beat("b", instance="i")

        assert (told.member_epoch, given(told)) == (2, {"t": [0, 1, 2, 3]})
        assert set(it.group().members) == {"b"}

    def test_one_that_is_there_keeps_its_instance_id(self, it: OneConsumerShard) -> None:
        it.beat("a", instance="i")

        assert it.refusal("b", instance="i") == ErrorCode.UNRELEASED_INSTANCE_ID
        assert it.refusal("a", instance="i") == ErrorCode.UNRELEASED_INSTANCE_ID
        assert it.refusal("b", 1, instance="i") == ErrorCode.FENCED_INSTANCE_ID
        assert it.refusal("b", -2, instance="i") == ErrorCode.FENCED_INSTANCE_ID
        assert it.refusal("b", -1, instance="j") == ErrorCode.UNKNOWN_MEMBER_ID

    def test_one_that_comes_back_under_the_same_id_gets_what_it_had(self, it: OneConsumerShard) -> None:
        it.beat("a", instance="i")
        it.beat("a", -2, instance="i")

        told = it.beat("a", instance="i")

        assert (told.member_epoch, given(told)) == (2, {"t": [0, 1, 2, 3]})
        assert it.replayed().consumer_groups["g"].members == it.group().members

    def test_one_that_went_under_another_instance_id_leaves_its_first_to_nobody(self, it: OneConsumerShard) -> None:
        """So it is with Kafka: the first instance id still names the member, and that is not there."""
        it.beat("b", instance="i")
        it.beat("b", instance="j")
        it.beat("b", -1, instance="j")

        for member, epoch in (("a", 0), ("a", 5), ("a", -2)):
            assert ErrorCode.UNKNOWN_MEMBER_ID == it.refusal(member, epoch, instance="i")
        assert it.beat("c", instance="j").member_epoch > 0

    def test_one_that_stays_away_is_removed(self, it: OneConsumerShard) -> None:
        it.beat("a", instance="i")
        it.beat("a", -2, instance="i")
        it.pass_time(SESSION_MS)

        assert not it.group().static_members


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"group_id": ""}, "GroupId can't be empty."),
        ({"instance": ""}, "InstanceId can't be empty."),
        ({"epoch": -3}, "MemberEpoch is invalid."),
        ({"epoch": -2}, "InstanceId can't be null."),
        ({"has": {"t": [1]}}, "TopicPartitions must be empty when (re-)joining."),
        ({"group_id": "other", "epoch": 5}, "Consumer group other not found."),
        ({"group_id": "other", "epoch": -1}, "Group other not found."),
        ({"group_id": "classic", "epoch": -1}, "Group classic is not a consumer group."),
        ({"member_id": "", "instance": ""}, "MemberId can't be empty."),
        ({"assignor": "x"}, "ServerAssignor x is not supported. Supported assignors: uniform, range."),
    ],
)
def test_what_makes_no_sense_is_refused_in_kafkas_words(
    it: OneConsumerShard, how: dict[str, object], message: str
) -> None:
    it.commit("t", 0, 5, group_id="classic")

    with pytest.raises(BrokerError) as refused:
        it.beat(**{"member_id": "a", **how})  # type: ignore[arg-type]

    assert refused.value.message == message


def test_a_full_group_takes_nobody_else() -> None:
    it = OneConsumerShard(GroupConfig(consumer_max_size=1, consumer=AT_ONCE.consumer))
    it.beat("a")

    assert it.refusal("b") == ErrorCode.GROUP_MAX_SIZE_REACHED
    assert it.beat("a", 2).member_epoch == 2
