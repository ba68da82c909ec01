"""Changed settings: step by step what Apache Kafka 4.3 was seen to answer, and what it then told of them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from pykbroker.testing import InMemoryBroker, in_memory_broker
from wire.api.alter_configs import AlterConfigsRequest
from wire.api.describe_configs import DescribeConfigsRequest
from wire.api.incremental_alter_configs import IncrementalAlterConfigsRequest
from wire.api.list_config_resources import ListConfigResourcesRequest

FACTS = json.loads((Path(__file__).parents[2] / "facts" / "kafka-altered-configs.json").read_text())

# As Kafka is started for the facts; only where a value comes from depends on it.
SETTINGS = {"offsets.topic.replication.factor": "1", "group.initial.rebalance.delay.ms": "0"}
STATIC, DEFAULT = 4, 5


async def test_every_step_is_answered_as_by_kafka() -> None:
    async with in_memory_broker(SETTINGS) as broker:
        await broker.create("pt")
        for number, (verb, *asked, expected) in enumerate(FACTS["steps"]):
            if verb == "list":
                version, kinds, code = asked
                answered: Any = await listed(broker, version, kinds)
                expected = [code, expected]
            elif verb == "describe":
                answered = await described(broker, *asked)
            else:
                answered = await {"change": change, "replace": replace}[verb](broker, *asked)

            assert expected == answered, (number, verb, asked)


async def change(
    broker: InMemoryBroker, kind: int, name: str, ops: Sequence[Any], validate_only: bool = False
) -> list[Any]:
    resource = IncrementalAlterConfigsRequest.AlterConfigsResource
    configs = [resource.AlterableConfig(name=key, config_operation=op, value=value) for key, op, value in ops]
    asked = resource(resource_type=kind, resource_name=name, configs=configs)
    response = await broker.ask(IncrementalAlterConfigsRequest(resources=[asked], validate_only=validate_only), 1)
    return only_answer(response)


async def replace(
    broker: InMemoryBroker, kind: int, name: str, configs: Sequence[Any], validate_only: bool = False
) -> list[Any]:
    resource = AlterConfigsRequest.AlterConfigsResource
    wanted = [resource.AlterableConfig(name=key, value=value) for key, value in configs]
    asked = resource(resource_type=kind, resource_name=name, configs=wanted)
    return only_answer(await broker.ask(AlterConfigsRequest(resources=[asked], validate_only=validate_only), 2))


def only_answer(response: Any) -> list[Any]:
    (answer,) = response.responses
    return [answer.error_code, answer.error_message]


async def described(broker: InMemoryBroker, kind: int, name: str, keys: Sequence[str] | None) -> list[Any]:
    """What was changed, as rows."""
    resource = DescribeConfigsRequest.DescribeConfigsResource(
        resource_type=kind, resource_name=name, configuration_keys=keys
    )
    (result,) = (await broker.ask(DescribeConfigsRequest(resources=[resource], include_synonyms=True), 4)).results
    return sorted(
        [c.name, c.value, c.config_source, [[s.name, s.value, s.source] for s in c.synonyms]]
        for c in result.configs
        if c.config_source not in (STATIC, DEFAULT)
    )


async def listed(broker: InMemoryBroker, version: int, kinds: Sequence[int]) -> list[Any]:
    request = ListConfigResourcesRequest(resource_types=kinds) if version else ListConfigResourcesRequest()
    response = await broker.ask(request, version)
    return [response.error_code, sorted([each.resource_type, each.resource_name] for each in response.config_resources)]


@pytest.mark.parametrize(
    ("settings", "configs", "message"),
    [
        (
            {"group.consumer.max.heartbeat.interval.ms": "60000"},
            [["consumer.heartbeat.interval.ms", 0, "45000"]],
            "consumer.session.timeout.ms must be greater than consumer.heartbeat.interval.ms",
        ),
        (
            {"group.share.max.delivery.count.limit": "7"},
            [["share.delivery.count.limit", 0, "8"]],
            "share.delivery.count.limit must be less than or equal to group.share.max.delivery.count.limit",
        ),
    ],
)
async def test_a_groups_settings_keep_within_the_brokers(
    settings: dict[str, str], configs: Sequence[Any], message: str
) -> None:
    async with in_memory_broker(settings) as broker:
        assert [40, message] == await change(broker, 32, "g", configs)


async def test_what_only_validates_changes_nothing(broker: InMemoryBroker) -> None:
    await broker.create("pt")
    before = broker.broker.image

    for kind, name, key, value in ((2, "pt", "retention.ms", "5"), (4, "", "log.retention.ms", "5")):
        assert [0, None] == await change(broker, kind, name, [[key, 0, value]], True)
        assert [0, None] == await replace(broker, kind, name, [[key, value]], True)

    assert before == broker.broker.image


async def test_a_change_takes_effect_on_open_logs_before_the_answer(broker: InMemoryBroker) -> None:
    await broker.create("own")
    await broker.create("other")
    logs = {name: broker.broker.replicas.replica(name, 0).log for name in ("own", "other")}

    await change(broker, 2, "own", [["segment.bytes", 0, "2000000"]])
    await change(broker, 4, "", [["log.segment.bytes", 0, "3000000"]])
    assert {"own": 2_000_000, "other": 3_000_000} == {name: log.config.segment_bytes for name, log in logs.items()}

    await change(broker, 4, "1", [["log.segment.bytes", 0, "4000000"]])
    await change(broker, 2, "own", [["segment.bytes", 1, None]])
    assert {"own": 4_000_000, "other": 4_000_000} == {name: log.config.segment_bytes for name, log in logs.items()}


async def test_a_negative_retention_of_the_broker_is_no_limit(broker: InMemoryBroker) -> None:
    await broker.create("pt")

    await change(broker, 4, "1", [["log.retention.ms", 0, "-7"]])

    assert -1 == broker.broker.replicas.replica("pt", 0).log.config.retention_ms


async def test_listeners_are_not_changed_while_they_are_open(broker: InMemoryBroker) -> None:
    """Kafka can; to accept it without doing it would be a lie."""
    answer = await change(broker, 4, "1", [["listeners", 0, "PLAINTEXT://127.0.0.1:1"]])

    assert [42, "Cannot update these configs dynamically: [listeners]"] == answer


async def test_a_resource_named_twice_is_refused_and_the_others_are_not(broker: InMemoryBroker) -> None:
    await broker.create("pt")
    for api in (IncrementalAlterConfigsRequest, AlterConfigsRequest):
        resources = [
            api.AlterConfigsResource(resource_type=2, resource_name=name, configs=[])
            for name in ("pt", "pt", "missing")
        ]
        response = await broker.ask(api(resources=resources, validate_only=False), 1)

        twice = (42, "Each resource must appear at most once.")
        assert [("pt", *twice), ("pt", *twice), ("missing", 3, "The topic 'missing' does not exist.")] == [
            (answer.resource_name, answer.error_code, answer.error_message) for answer in response.responses
        ]
