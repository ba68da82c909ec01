"""CreateTopics: what Apache Kafka 4.3 was seen to answer; v0 and v1 as Kafka 3.9 does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from pykbroker.testing import InMemoryBroker, in_memory_broker
from wire.api.create_topics import CreateTopicsRequest, CreateTopicsResponse
from wire.errors import ErrorCode
from wire.types import ZERO_UUID

Topic = CreateTopicsRequest.CreatableTopic
Assignment = Topic.CreatableReplicaAssignment
Config = Topic.CreatableTopicConfig
Result = CreateTopicsResponse.CreatableTopicResult

DEFAULT, STATIC, OF_TOPIC = 5, 4, 1


def topic(
    name: str,
    partitions: int = 1,
    replicas: int = 1,
    assignments: Sequence[tuple[int, Sequence[int]]] = (),
    configs: Mapping[str, str | None] | None = None,
) -> Topic:
    return Topic(
        name=name,
        num_partitions=partitions,
        replication_factor=replicas,
        assignments=[Assignment(partition_index=index, broker_ids=ids) for index, ids in assignments],
        configs=[Config(name=key, value=value) for key, value in (configs or {}).items()],
    )


def by_hand(name: str, *assignments: tuple[int, Sequence[int]]) -> Topic:
    return topic(name, -1, -1, assignments)


def asking(*topics: Topic, **fields: Any) -> CreateTopicsRequest:
    return CreateTopicsRequest(topics=topics, **fields)


def told(response: CreateTopicsResponse) -> list[tuple[str, int, str | None]]:
    return [(result.name, result.error_code, result.error_message) for result in response.topics]


@pytest.mark.parametrize("version", range(8))
async def test_a_topic_is_made_and_told_with_what_the_version_knows(broker: InMemoryBroker, version: int) -> None:
    made = (await broker.ask(asking(topic("t", 3)), version)).topics[0]
    again = (await broker.ask(asking(topic("t")), version)).topics[0]

    image = broker.broker.image.topic("t")
    assert image is not None
    assert 3 == len(image.partitions)
    assert (0, None) == (made.error_code, made.error_message)
    assert (image.id if version >= 7 else ZERO_UUID) == made.topic_id
    assert ((3, 1, 33) if version >= 5 else (-1, -1, 0)) == (
        made.num_partitions,
        made.replication_factor,
        len(made.configs),
    )
    message = "Topic 't' already exists." if version >= 1 else None
    assert Result(name="t", error_code=ErrorCode.TOPIC_ALREADY_EXISTS, error_message=message) == again


@pytest.mark.parametrize("version", [3, 4, 7])
async def test_minus_one_is_the_brokers_default(version: int) -> None:
    async with in_memory_broker({"num.partitions": "3"}) as opened:
        await opened.ask(asking(topic("t", -1, -1)), version)

        image = opened.broker.image.topic("t")
        assert image is not None
        assert 3 == len(image.partitions)


async def test_a_topic_is_told_with_its_settings_and_where_they_come_from() -> None:
    static = {"log.retention.hours": "24", "log.roll.ms": "3600000", "log.roll.hours": "48", "log.preallocate": "TRUE"}
    own = {"min.cleanable.dirty.ratio": "0.90", "cleanup.policy": " compact,delete , compact"}
    async with in_memory_broker(static) as opened:
        response = await opened.ask(asking(topic("t", configs=own)), 7)

    configs = {each.name: (each.value, each.config_source) for each in response.topics[0].configs}
    assert sorted(configs) == list(configs)
    assert {
        "cleanup.policy": (" compact,delete , compact", OF_TOPIC),
        "min.cleanable.dirty.ratio": ("0.90", OF_TOPIC),
        "preallocate": ("TRUE", STATIC),
        "retention.ms": ("86400000", STATIC),
        "segment.ms": ("3600000", STATIC),
    } == {name: told for name, told in configs.items() if told[1] != DEFAULT}
    assert ("1073741824", DEFAULT) == configs["segment.bytes"]
    assert {(False, False)} == {(each.read_only, each.is_sensitive) for each in response.topics[0].configs}


@pytest.mark.parametrize(
    ("asked", "code", "message"),
    [
        (topic("t", 0), 37, "Number of partitions was set to an invalid non-positive value."),
        (topic("t", -2), 37, "Number of partitions was set to an invalid non-positive value."),
        (topic("t", 1, 0), 38, "Replication factor must be larger than 0, or -1 to use the default value."),
        (topic("t", 1, -2), 38, "Replication factor must be larger than 0, or -1 to use the default value."),
        (
            topic("t", 1, 2),
            38,
            "Unable to replicate the partition 2 time(s): The target replication factor of 2 cannot be reached because "
            "only 1 broker(s) are registered or some brokers have all their log directories cordoned.",
        ),
        (
            topic("a/b"),
            17,
            "Topic name is invalid: 'a/b' contains one or more characters other than ASCII alphanumerics, '.', '_' "
            "and '-'",
        ),
        (topic(""), 17, "Topic name is invalid: the empty string is not allowed"),
        (topic("."), 17, "Topic name is invalid: '.' is not allowed"),
        (
            topic("x" * 250),
            17,
            f"Topic name is invalid: the length of '{'x' * 250}' is longer than the max allowed length 249",
        ),
        (topic("__cluster_metadata"), 42, "Creation of internal topic __cluster_metadata is prohibited."),
        (
            topic("t", -1, 1, [(0, [1])]),
            42,
            "A manual partition assignment was specified, but replication factor was not set to -1.",
        ),
        (
            topic("t", 2, -1, [(0, [1])]),
            42,
            "A manual partition assignment was specified, but numPartitions was not set to -1.",
        ),
        (by_hand("t", (1, [1])), 39, "partitions should be a consecutive 0-based integer sequence"),
        (by_hand("t", (0, [1]), (2, [1])), 39, "partitions should be a consecutive 0-based integer sequence"),
        (by_hand("t", (0, [1, 1])), 39, "The manual partition assignment includes the broker 1 more than once."),
        (
            by_hand("t", (0, [9])),
            39,
            "The manual partition assignment includes broker 9, but no such broker is registered.",
        ),
        (by_hand("t", (0, [])), 39, "The manual partition assignment includes an empty replica list."),
        (by_hand("t", (0, [1]), (0, [1])), 39, "Found multiple manual partition assignments for partition 0"),
        (
            topic("t", configs={"retention.ms": "x"}),
            40,
            "Invalid value x for configuration retention.ms: Not a number of type LONG",
        ),
        (topic("t", configs={"nope": "1"}), 40, "Unknown topic config name: nope"),
        (topic("t", configs={"": "1"}), 40, "Unknown topic config name: "),
        (topic("t", configs={"retention.ms": None}), 40, "Null value not supported for topic configs: retention.ms"),
        (
            topic("t", configs={"cleanup.policy": "foo"}),
            40,
            "Invalid value foo for configuration cleanup.policy: String must be one of: compact, delete",
        ),
        (
            topic("t", configs={"segment.bytes": "10"}),
            40,
            "Invalid value 10 for configuration segment.bytes: Value must be at least 1048576",
        ),
        (
            topic("t", configs={"remote.storage.enable": "true"}),
            40,
            "Tiered Storage functionality is disabled in the broker. Topic cannot be configured with remote log "
            "storage.",
        ),
    ],
)
async def test_a_topic_that_cannot_be_is_refused_in_kafkas_words_and_the_others_are_made(
    broker: InMemoryBroker, asked: Topic, code: int, message: str
) -> None:
    response = await broker.ask(asking(asked, topic("other")), 7)

    results = {result[0]: result[1:] for result in told(response)}
    assert {asked.name: (code, message), "other": (0, None)} == results
    assert {"other"} == set(broker.broker.image.topics)


async def test_names_asked_for_twice_are_refused_and_told_last(broker: InMemoryBroker) -> None:
    response = await broker.ask(asking(topic("a"), topic("twice"), topic("b"), topic("twice"), topic("twice")), 7)

    refused = ("twice", ErrorCode.INVALID_REQUEST, "Duplicate topic name.")
    assert [("a", 0, None), ("b", 0, None), refused] == told(response)


async def test_topics_are_told_in_the_order_asked_for(broker: InMemoryBroker) -> None:
    asked = [topic("b"), by_hand("x", (0, [1]), (0, [1])), topic("a", 0), topic("c")]

    assert ["b", "x", "a", "c"] == [result[0] for result in told(await broker.ask(asking(*asked), 7))]


async def test_partitions_placed_by_hand_are_where_they_were_put(broker: InMemoryBroker) -> None:
    response = await broker.ask(asking(by_hand("t", (1, [1]), (0, [1]))), 7)

    assert (0, 2, 1) == (
        response.topics[0].error_code,
        response.topics[0].num_partitions,
        response.topics[0].replication_factor,
    )


@pytest.mark.parametrize("version", [1, 4, 7])
async def test_nothing_is_made_when_only_validated(broker: InMemoryBroker, version: int) -> None:
    await broker.create("there")

    response = await broker.ask(asking(topic("t", 3), topic("there"), validate_only=True), version)

    assert [("t", 0, None), ("there", 36, "Topic 'there' already exists.")] == told(response)
    assert (3 if version >= 5 else -1) == response.topics[0].num_partitions
    assert {"there"} == set(broker.broker.image.topics)


async def test_too_many_partitions_fail_the_whole_request(broker: InMemoryBroker) -> None:
    response = await broker.ask(asking(topic("t", 10_001), topic("other")), 7)

    refused = (ErrorCode.POLICY_VIOLATION, "Excessively large number of partitions per request.")
    assert [("t", *refused), ("other", *refused)] == told(response)
    assert not broker.broker.image.topics


@pytest.mark.parametrize("timeout_ms", [0, -1])
async def test_without_time_nothing_is_made(broker: InMemoryBroker, timeout_ms: int) -> None:
    response = await broker.ask(asking(topic("t"), timeout_ms=timeout_ms), 7)

    assert [("t", ErrorCode.REQUEST_TIMED_OUT, None)] == told(response)
    assert not broker.broker.image.topics


async def test_a_made_topic_takes_records_at_once(broker: InMemoryBroker) -> None:
    await broker.ask(asking(topic("t", configs={"max.message.bytes": "500"})), 7)

    partition = broker.append("t", 0, [1, 2])

    assert (2, 500) == (partition.high_watermark, partition.log.config.max_message_bytes)
