"""DescribeConfigs: what Apache Kafka 4.3 was seen to answer; v0 as Kafka 3.9 does."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from pykbroker.testing import InMemoryBroker, in_memory_broker
from wire.api.describe_configs import DescribeConfigsRequest, DescribeConfigsResponse
from wire.errors import ErrorCode

FACTS = json.loads((Path(__file__).parents[2] / "facts" / "kafka-described-configs.json").read_text())

Resource = DescribeConfigsRequest.DescribeConfigsResource
Result = DescribeConfigsResponse.DescribeConfigsResult
Config = Result.DescribeConfigsResourceResult
Synonym = Config.DescribeConfigsSynonym

TOPIC, BROKER, BROKER_LOGGER, CLIENT_METRICS, GROUP = 2, 4, 8, 16, 32

# What differs from Kafka on purpose: which settings, and why.
EXPECTED_DIFFERENCES = {
    "log.dir": "our default",
    "min.insync.replicas": "Kafka sets it for the whole cluster when it elects from eligible leader replicas",
    "share.coordinator.state.topic.num.partitions": "our default",
    "socket.listen.backlog.size": "our default",
    "socket.receive.buffer.bytes": "our default",
    "socket.send.buffer.bytes": "our default",
    "unknown.thing": "a setting that nobody knows is not kept here",
}


def asking(*resources: tuple[int, str], keys: Sequence[str] | None = None, **options: bool) -> DescribeConfigsRequest:
    asked = [Resource(resource_type=kind, resource_name=name, configuration_keys=keys) for kind, name in resources]
    return DescribeConfigsRequest(resources=asked, **options)


def rows(result: Result) -> dict[str, list[Any]]:
    """As in the facts, by name."""
    return {
        config.name: [
            config.name,
            config.value,
            config.read_only,
            config.config_source,
            config.is_sensitive,
            config.config_type,
            [[synonym.name, synonym.value, synonym.source] for synonym in config.synonyms],
        ]
        for config in result.configs
    }


@pytest.mark.parametrize(
    ("kind", "resource"),
    [
        ("topic", (TOPIC, "t")),
        ("broker", (BROKER, "1")),
        ("group", (GROUP, "g")),
        ("client_metrics", (CLIENT_METRICS, "m")),
    ],
)
async def test_every_setting_is_told_as_kafka_tells_it(kind: str, resource: tuple[int, str]) -> None:
    async with in_memory_broker(FACTS["settings"]) as opened:
        await opened.create("t", configs=FACTS["topic_settings"])

        (result,) = (await opened.ask(asking(resource, include_synonyms=True), 4)).results

    kafkas = {row[0]: row for row in FACTS[kind]}
    ours = rows(result)
    differing = {name for name in ours.keys() | kafkas.keys() if ours.get(name) != kafkas.get(name)}
    assert (0, "") == (result.error_code, result.error_message)
    assert EXPECTED_DIFFERENCES.keys() & (ours.keys() | kafkas.keys()) == differing


@pytest.mark.parametrize("version", range(5))
async def test_a_version_tells_what_it_knows(broker: InMemoryBroker, version: int) -> None:
    await broker.create("t", configs={"segment.bytes": "2000000"})
    keys = ["segment.bytes", "nope", "retention.bytes", "segment.bytes"]
    options = {"include_synonyms": version >= 1, "include_documentation": version >= 3}

    (result,) = (await broker.ask(asking((TOPIC, "t"), keys=keys, **options), version)).results

    retention, segment = sorted(result.configs, key=lambda config: config.name)
    assert ("retention.bytes", "-1", "segment.bytes", "2000000") == (
        retention.name,
        retention.value,
        segment.name,
        segment.value,
    )
    assert ((True, False) if version == 0 else (False, False)) == (retention.is_default, segment.is_default)
    assert ((-1, -1) if version == 0 else (5, 1)) == (retention.config_source, segment.config_source)
    synonyms = [
        Synonym(name="segment.bytes", value="2000000", source=1),
        Synonym(name="log.segment.bytes", value="1073741824", source=5),
    ]
    assert (synonyms if version >= 1 else []) == list(segment.synonyms)
    assert (3 if version >= 3 else 0) == segment.config_type
    assert (version >= 3) == bool(segment.documentation)


async def test_synonyms_and_documentation_come_only_when_asked_for(broker: InMemoryBroker) -> None:
    await broker.create("t", configs={"segment.bytes": "2000000"})

    (result,) = (await broker.ask(asking((TOPIC, "t"), keys=["segment.bytes"]), 4)).results

    expected = Config(
        name="segment.bytes",
        value="2000000",
        read_only=False,
        config_source=1,
        is_sensitive=False,
        config_type=3,
        documentation=None,
    )
    assert [expected] == result.configs


async def test_no_keys_mean_all_as_null_does(broker: InMemoryBroker) -> None:
    await broker.create("t")

    (result,) = (await broker.ask(asking((TOPIC, "t"), keys=[]), 4)).results

    assert 33 == len(result.configs)


async def test_a_resource_asked_for_twice_is_answered_twice(broker: InMemoryBroker) -> None:
    await broker.create("t")

    response = await broker.ask(asking((TOPIC, "t"), (TOPIC, "nope"), (TOPIC, "t")), 4)

    assert [0, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, 0] == [result.error_code for result in response.results]


@pytest.mark.parametrize(
    ("resource", "code", "message"),
    [
        ((TOPIC, "nope"), 3, ""),
        ((TOPIC, "__cluster_metadata"), 3, ""),
        ((TOPIC, ""), 17, "Topic name is invalid: the empty string is not allowed"),
        ((BROKER, "2"), 42, "Unexpected broker id, expected 1 or empty string, but received 2"),
        ((BROKER, "x"), 42, "Broker id must be an integer, but it is: x"),
        ((BROKER_LOGGER, "2"), 42, "Unexpected broker id, expected 1 but received 2"),
        ((BROKER_LOGGER, ""), 42, "Broker id must not be empty"),
        ((CLIENT_METRICS, ""), 42, "Client metrics subscription name must not be empty"),
        ((GROUP, ""), 42, "Group name must not be empty"),
    ],
)
async def test_what_is_not_there_has_no_settings(
    broker: InMemoryBroker, resource: tuple[int, str], code: int, message: str
) -> None:
    kind, name = resource

    response = await broker.ask(asking(resource), 4)

    expected = Result(error_code=code, error_message=message, resource_type=kind, resource_name=name, configs=[])
    assert [expected] == response.results


@pytest.mark.parametrize("kind", [0, 1, 3, 99])
async def test_a_type_of_resource_without_settings_fails_the_whole_request(broker: InMemoryBroker, kind: int) -> None:
    response = await broker.ask(asking((BROKER, "1"), (kind, "x")), 4)

    refused = (ErrorCode.INVALID_REQUEST, [])
    assert [refused, refused] == [(result.error_code, result.configs) for result in response.results]


async def test_dynamic_settings_of_brokers_win_the_nodes_own_first() -> None:
    async with in_memory_broker({"log.retention.ms": "1", "message.max.bytes": "1"}) as opened:
        await opened.create("t")
        await opened.broker.controller.set_broker_configs(None, {"log.retention.ms": "2", "message.max.bytes": "2"})
        await opened.broker.controller.set_broker_configs(1, {"log.retention.ms": "3"})

        async def describe(resource: tuple[int, str], name: str) -> Any:
            (result,) = (await opened.ask(asking(resource, keys=[name], include_synonyms=True), 4)).results
            return rows(result)[name]

        retention = [["log.retention.ms", text, source] for text, source in (("3", 2), ("2", 3), ("1", 4))]
        retention.append(["log.retention.hours", "168", 5])
        largest = [["message.max.bytes", text, source] for text, source in (("2", 3), ("1", 4), ("1048588", 5))]
        assert ["log.retention.ms", "3", False, 2, False, 5, retention] == await describe(
            (BROKER, "1"), "log.retention.ms"
        )
        assert ["retention.ms", "3", False, 2, False, 5, retention] == await describe((TOPIC, "t"), "retention.ms")
        assert ["max.message.bytes", "2", False, 3, False, 3, largest] == await describe(
            (TOPIC, "t"), "max.message.bytes"
        )
        of_all = ["message.max.bytes", "2", False, 3, False, 3, largest[:1]]
        assert of_all == await describe((BROKER, ""), "message.max.bytes")


async def test_secrets_are_never_told() -> None:
    async with in_memory_broker({"ssl.truststore.password": "secret", "ssl.key.password": "secret"}) as opened:
        await opened.broker.controller.set_broker_configs(None, {"ssl.key.password": "hidden"})
        asked = asking((BROKER, "1"), (BROKER, ""), include_synonyms=True, include_documentation=True)

        text = repr(await opened.ask(asked, 4))

    assert "ssl.truststore.password" in text
    assert not {word for word in ("secret", "hidden") if f"'{word}'" in text}


async def test_loggers_have_kafkas_names_for_levels(broker: InMemoryBroker) -> None:
    (result,) = (await broker.ask(asking((BROKER_LOGGER, "1")), 4)).results

    levels = {config.name: (config.value, config.config_source) for config in result.configs}
    assert {"root", "pykbroker.replica_manager"} <= levels.keys()
    assert {value for value, _ in levels.values()} <= {"DEBUG", "INFO", "WARN", "ERROR", "FATAL"}
    assert {6} == {source for _, source in levels.values()}
