"""The controller: topics, partitions, configs and producer ids, and what the store and the subscribers hear of them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
import trio

from pykbroker.config.settings import Settings
from pykbroker.controller import Controller, NewPartitions, NewTopic, TopicResult, random_id
from pykbroker.errors import BrokerError, StartupError
from pykbroker.metadata.image import Endpoint, MetadataChange, MetadataImage, NodeImage
from pykbroker.metadata.sqlite import SqliteStore
from wire.errors import ErrorCode

NODE = NodeImage(1, None, {"PLAINTEXT": Endpoint("", 9092)})
THREE_PARTITIONS = Settings.of({"num.partitions": "3"})


async def opened(store: SqliteStore, settings: Settings = THREE_PARTITIONS) -> Controller:
    controller = await Controller.open(store, settings)
    await controller.register_node(NODE)
    return controller


@pytest.fixture
async def controller() -> AsyncIterator[Controller]:
    store = SqliteStore.open(None)
    yield await opened(store)
    store.close()


def refusal(result: TopicResult) -> tuple[ErrorCode, str]:
    assert result.error is not None, result
    assert result.topic is None
    return result.error.code, result.error.message


async def test_a_topic_has_the_brokers_defaults_and_this_node_as_leader(controller: Controller) -> None:
    topic = await controller.create_topic("t")

    assert topic is controller.image.topic("t")
    assert 3 == len(topic.partitions)
    assert {(1, 0, (1,), (1,))} == {(p.leader, p.leader_epoch, p.replicas, p.isr) for p in topic.partitions}


async def test_every_topic_of_a_request_has_its_own_result(controller: Controller) -> None:
    await controller.create_topic("there")

    results = await controller.create_topics(
        [NewTopic("a", 2, 1, configs={"retention.ms": "7"}), NewTopic("there"), NewTopic("b", 0), NewTopic("c")]
    )

    assert ["a", "there", "b", "c"] == [result.name for result in results]
    assert ["a", "c"] == [result.topic.name for result in results if result.topic]
    assert {"retention.ms": "7"} == results[0].configs == controller.image.topic_configs["a"]
    assert {"there", "a", "c"} == set(controller.image.topics)


CODES = ErrorCode
REFUSED: list[tuple[NewTopic, ErrorCode, str]] = [
    # Codes and words are Apache Kafka 4.3's.
    (NewTopic(""), CODES.INVALID_TOPIC_EXCEPTION, "Topic name is invalid: the empty string is not allowed"),
    (NewTopic("."), CODES.INVALID_TOPIC_EXCEPTION, "Topic name is invalid: '.' is not allowed"),
    (NewTopic(".."), CODES.INVALID_TOPIC_EXCEPTION, "Topic name is invalid: '..' is not allowed"),
    (
        NewTopic("x" * 250),
        CODES.INVALID_TOPIC_EXCEPTION,
        f"Topic name is invalid: the length of '{'x' * 250}' is longer than the max allowed length 249",
    ),
    (
        NewTopic("a/b"),
        CODES.INVALID_TOPIC_EXCEPTION,
        "Topic name is invalid: 'a/b' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'",
    ),
    (NewTopic("a.b"), CODES.INVALID_TOPIC_EXCEPTION, "Topic 'a.b' collides with existing topic: a_b"),
    (NewTopic("a_b"), CODES.TOPIC_ALREADY_EXISTS, "Topic 'a_b' already exists."),
    (
        NewTopic("__cluster_metadata"),
        CODES.INVALID_REQUEST,
        "Creation of internal topic __cluster_metadata is prohibited.",
    ),
    (NewTopic("t", 0), CODES.INVALID_PARTITIONS, "Number of partitions was set to an invalid non-positive value."),
    (NewTopic("t", -2), CODES.INVALID_PARTITIONS, "Number of partitions was set to an invalid non-positive value."),
    (
        NewTopic("t", 1, 0),
        CODES.INVALID_REPLICATION_FACTOR,
        "Replication factor must be larger than 0, or -1 to use the default value.",
    ),
    (
        NewTopic("t", 1, 2),
        CODES.INVALID_REPLICATION_FACTOR,
        "Unable to replicate the partition 2 time(s): The target replication factor of 2 cannot be reached because "
        "only 1 broker(s) are registered or some brokers have all their log directories cordoned.",
    ),
    (NewTopic("t", 2**31 - 1), CODES.POLICY_VIOLATION, "Excessively large number of partitions per request."),
    (
        NewTopic("t", 1, assignments=[(0, [1])]),
        CODES.INVALID_REQUEST,
        "A manual partition assignment was specified, but numPartitions was not set to -1.",
    ),
    (
        NewTopic("t", -1, 1, assignments=[(0, [1])]),
        CODES.INVALID_REQUEST,
        "A manual partition assignment was specified, but replication factor was not set to -1.",
    ),
    (
        NewTopic("t", assignments=[(0, [1]), (2, [1])]),
        CODES.INVALID_REPLICA_ASSIGNMENT,
        "partitions should be a consecutive 0-based integer sequence",
    ),
    (
        NewTopic("t", assignments=[(0, [])]),
        CODES.INVALID_REPLICA_ASSIGNMENT,
        "The manual partition assignment includes an empty replica list.",
    ),
    (
        NewTopic("t", assignments=[(0, [9])]),
        CODES.INVALID_REPLICA_ASSIGNMENT,
        "The manual partition assignment includes broker 9, but no such broker is registered.",
    ),
    (
        NewTopic("t", assignments=[(0, [1, 1])]),
        CODES.INVALID_REPLICA_ASSIGNMENT,
        "The manual partition assignment includes the broker 1 more than once.",
    ),
    (NewTopic("t", configs={"nosuch": "1"}), CODES.INVALID_CONFIG, "Unknown topic config name: nosuch"),
]


@pytest.mark.parametrize(("topic", "code", "message"), REFUSED)
async def test_a_bad_topic_is_refused_in_kafkas_words(
    controller: Controller, topic: NewTopic, code: ErrorCode, message: str
) -> None:
    await controller.create_topic("a_b")
    before = controller.image

    (result,) = await controller.create_topics([topic])

    assert (code, message) == refusal(result)
    assert controller.image is before


async def test_a_name_given_twice_is_refused_and_the_others_made(controller: Controller) -> None:
    results = await controller.create_topics([NewTopic("twice"), NewTopic("once"), NewTopic("twice")])

    assert ["once", "twice"] == [result.name for result in results]
    assert (ErrorCode.INVALID_REQUEST, "Duplicate topic name.") == refusal(results[1])
    assert ["once"] == list(controller.image.topics)


async def test_a_request_for_too_many_partitions_makes_none(controller: Controller) -> None:
    with pytest.raises(BrokerError, match="Excessively large"):
        await controller.create_topics([NewTopic(f"t{number}", 100) for number in range(101)])

    assert {} == controller.image.topics


async def test_assignments_are_kept(controller: Controller) -> None:
    (result,) = await controller.create_topics([NewTopic("t", assignments=[(1, [1]), (0, [1])])])

    assert result.topic is not None
    assert [0, 1] == [partition.index for partition in result.topic.partitions]


async def test_validating_only_changes_nothing(controller: Controller) -> None:
    await controller.create_topic("t")
    before = controller.image

    created, refused = await controller.create_topics([NewTopic("u"), NewTopic("t")], validate_only=True)
    (grown,) = await controller.create_partitions([NewPartitions("t", 9)], validate_only=True)

    assert (created.error, grown.error) == (None, None)
    assert ErrorCode.TOPIC_ALREADY_EXISTS == refusal(refused)[0]
    assert controller.image is before


async def test_topics_are_deleted_by_name_and_by_id(controller: Controller) -> None:
    for name in ("a", "b", "c"):
        await controller.create_topic(name)
    by_id = controller.image.topics["b"].id

    results = await controller.delete_topics(["a", by_id, "nosuch", bytes(15) + b"\x07"])

    assert ["a", "b"] == [result.topic.name for result in results if result.topic]
    assert [ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, ErrorCode.UNKNOWN_TOPIC_ID] == [refusal(r)[0] for r in results[2:]]
    assert ["c"] == list(controller.image.topics)


async def test_deletion_can_be_forbidden() -> None:
    controller = await opened(SqliteStore.open(None), Settings.of({"delete.topic.enable": "false"}))
    await controller.create_topic("t")

    (result,) = await controller.delete_topics(["t"])

    assert ErrorCode.TOPIC_DELETION_DISABLED == refusal(result)[0]
    assert "t" in controller.image.topics


async def test_a_topic_made_again_has_a_new_id_and_none_of_the_old_configs(controller: Controller) -> None:
    await controller.create_topics([NewTopic("t", configs={"retention.ms": "1"})])
    old = controller.image.topics["t"].id
    await controller.delete_topics(["t"])

    new = await controller.create_topic("t")

    assert old != new.id
    assert {} == controller.image.topic_configs


async def test_partitions_are_added_behind_those_there(controller: Controller) -> None:
    before = await controller.create_topic("t")

    (result,) = await controller.create_partitions([NewPartitions("t", 5, [[1], [1]])])

    assert result.topic is controller.image.topics["t"]
    assert before.partitions == result.topic.partitions[:3]
    assert [0, 1, 2, 3, 4] == [partition.index for partition in result.topic.partitions]


@pytest.mark.parametrize(
    ("new", "code", "message"),
    [
        (NewPartitions("nosuch", 5), CODES.UNKNOWN_TOPIC_OR_PARTITION, CODES.UNKNOWN_TOPIC_OR_PARTITION.message),
        (NewPartitions("t", 3), CODES.INVALID_PARTITIONS, "Topic already has 3 partition(s)."),
        (
            NewPartitions("t", 2),
            CODES.INVALID_PARTITIONS,
            "The topic t currently has 3 partition(s); 2 would not be an increase.",
        ),
        (
            NewPartitions("t", 5, [[1]]),
            CODES.INVALID_REPLICA_ASSIGNMENT,
            "Attempted to add 2 additional partition(s), but only 1 assignment(s) were specified.",
        ),
        (
            NewPartitions("t", 4, [[7]]),
            CODES.INVALID_REPLICA_ASSIGNMENT,
            "The manual partition assignment includes broker 7, but no such broker is registered.",
        ),
        (NewPartitions("t", 2**31 - 1), CODES.POLICY_VIOLATION, "Excessively large number of partitions per request."),
    ],
)
async def test_partitions_that_cannot_be_are_refused_in_kafkas_words(
    controller: Controller, new: NewPartitions, code: ErrorCode, message: str
) -> None:
    await controller.create_topic("t")

    (result,) = await controller.create_partitions([new])

    assert (code, message) == refusal(result)


async def test_a_coordinators_topic_is_made_as_its_settings_say(controller: Controller) -> None:
    topic = await controller.create_topic("__consumer_offsets")

    assert topic.is_internal
    assert 4 == len(topic.partitions)
    assert "compact" == controller.image.topic_configs["__consumer_offsets"]["cleanup.policy"]


async def test_all_of_it_is_there_after_a_restart(tmp_path: Path) -> None:
    store = SqliteStore.open(tmp_path / "m")
    controller = await opened(store)
    await controller.create_topics([NewTopic("t", configs={"retention.ms": "1"}), NewTopic("gone")])
    await controller.create_partitions([NewPartitions("t", 9)])
    await controller.delete_topics(["gone"])
    await controller.set_topic_configs("t", {"segment.ms": "2"})
    await controller.set_broker_configs(None, {"message.max.bytes": "3"})
    before = controller.image
    store.close()

    after = (await opened(SqliteStore.open(tmp_path / "m"))).image

    assert facts(before) == facts(after)
    assert {"t": {"segment.ms": "2"}} == after.topic_configs


def facts(image: MetadataImage) -> tuple[object, ...]:
    return image.cluster_id, image.nodes, image.topics, image.topics_by_id, image.topic_configs, image.broker_configs


async def test_configs_are_of_a_topic_that_exists_and_valid(controller: Controller) -> None:
    await controller.create_topic("t")

    for name, configs in (("nosuch", {"retention.ms": "1"}), ("t", {"retention.ms": "x"})):
        with pytest.raises(BrokerError):
            await controller.set_topic_configs(name, configs)

    assert {} == controller.image.topic_configs


async def test_a_cluster_keeps_its_id_and_refuses_another(tmp_path: Path) -> None:
    store = SqliteStore.open(tmp_path / "m")
    first = await Controller.open(store, Settings.of({}))
    again = await Controller.open(store, Settings.of({}), first.image.cluster_id)

    assert first.image.cluster_id == again.image.cluster_id
    assert 22 == len(first.image.cluster_id)
    with pytest.raises(StartupError, match="of cluster other"):
        await Controller.open(store, Settings.of({}), "other")


async def test_a_new_store_takes_the_log_directorys_cluster_id() -> None:
    controller = await Controller.open(SqliteStore.open(None), Settings.of({}), "abc")

    assert "abc" == controller.image.cluster_id


async def test_producer_ids_are_never_given_twice(tmp_path: Path) -> None:
    store = SqliteStore.open(tmp_path / "m")
    one, other = await opened(store), await opened(SqliteStore.open(tmp_path / "m"))
    blocks: list[range] = []

    async def allocate(controller: Controller) -> None:
        for _ in range(5):
            blocks.append(await controller.allocate_producer_ids())  # noqa: PERF401 - two tasks fill it

    async with trio.open_nursery() as nursery:
        nursery.start_soon(allocate, one)
        nursery.start_soon(allocate, other)
    restarted = await opened(SqliteStore.open(tmp_path / "m"))
    blocks.append(await restarted.allocate_producer_ids())

    assert [range(first, first + 1000) for first in range(0, 11_000, 1000)] == sorted(blocks, key=lambda b: b.start)


async def test_subscribers_hear_of_a_change_before_handlers_can_see_it(controller: Controller) -> None:
    heard: list[tuple[str, Sequence[str], bool]] = []

    async def subscriber(change: MetadataChange) -> None:
        for kind in ("created", "altered", "deleted"):
            names = [topic.name for topic in getattr(change, kind)]
            if names:
                heard.append((kind, names, controller.image is change.before))

    controller.subscribe(subscriber)
    await controller.create_topics([NewTopic("a"), NewTopic("b"), NewTopic("")])
    await controller.create_partitions([NewPartitions("a", 5)])
    await controller.delete_topics(["a"])
    await controller.create_topics([NewTopic("b")])

    assert [("created", ["a", "b"], True), ("altered", ["a"], True), ("deleted", ["a"], True)] == heard


async def test_a_subscriber_that_fails_leaves_the_image_true(controller: Controller) -> None:
    async def subscriber(_: MetadataChange) -> None:
        raise OSError("disk full")

    controller.subscribe(subscriber)
    with pytest.raises(OSError, match="disk full"):
        await controller.create_topic("t")

    assert "t" in controller.image.topics


async def test_a_client_that_hangs_up_does_not_leave_a_change_half_told(controller: Controller) -> None:
    heard: list[str] = []

    async def subscriber(change: MetadataChange) -> None:
        await trio.lowlevel.checkpoint()
        heard.extend(topic.name for topic in change.created)

    controller.subscribe(subscriber)
    with trio.CancelScope() as scope:
        scope.cancel()
        await controller.create_topic("t")

    assert ["t"] == heard == list(controller.image.topics)


async def test_a_change_that_another_process_overtook_is_decided_anew(tmp_path: Path) -> None:
    one = await opened(SqliteStore.open(tmp_path / "m"))
    other = await opened(SqliteStore.open(tmp_path / "m"))
    heard: list[str] = []

    async def subscriber(change: MetadataChange) -> None:
        heard.extend(topic.name for topic in change.created)

    other.subscribe(subscriber)
    theirs = await one.create_topic("t")
    mine, too = await other.create_topics([NewTopic("t"), NewTopic("u")])

    assert ErrorCode.TOPIC_ALREADY_EXISTS == refusal(mine)[0]
    assert too.topic is not None
    assert theirs == other.image.topics["t"]
    assert ["t", "u"] == heard


async def test_tasks_that_want_the_same_topic_get_one(controller: Controller) -> None:
    outcomes: list[ErrorCode] = []

    async def create() -> None:
        try:
            await controller.create_topic("t")
        except BrokerError as error:
            outcomes.append(error.code)

    async with trio.open_nursery() as nursery:
        for _ in range(5):
            nursery.start_soon(create)

    assert [ErrorCode.TOPIC_ALREADY_EXISTS] * 4 == outcomes


def test_ids_look_like_kafkas() -> None:
    for raw, text in (random_id() for _ in range(200)):
        assert 16 == len(raw)
        assert 4 == raw[6] >> 4
        assert 22 == len(text)
        assert not text.startswith("-")
