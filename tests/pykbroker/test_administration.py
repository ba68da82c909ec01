"""The administration APIs: request by request what Apache Kafka 4.3 was seen to answer, as one node.

The order within a list is nobody's promise: Kafka's follows its hash tables.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pykbroker.metadata.image import Endpoint, NodeImage
from pykbroker.testing import CLUSTER_ID, InMemoryBroker, in_memory_broker, unordered
from wire.plain import from_plain, plain
from wire.registry import ApiKey, request_class
from wire.types import ZERO_UUID

DATA = "/data"
NODE = NodeImage(1, None, {"PLAINTEXT": Endpoint("broker.example", 9092)})
OF_TOPIC = 1  # a setting's source
# What differs from broker to broker, or from run to run.
VARYING = {
    *("cluster_id", "host", "log_dir", "port", "total_bytes", "usable_bytes", "leader_epoch", "replica_directory_id"),
    *("last_fetch_timestamp", "last_caught_up_timestamp", "log_end_offset", "high_watermark"),
}


def steps(name: str) -> Any:
    return json.loads((Path(__file__).parents[1] / "facts" / f"kafka-{name}.json").read_text())["steps"]


async def test_every_request_is_answered_as_by_kafka() -> None:
    async with in_memory_broker() as broker:
        await broker.create("adm", 2)
        await broker.create("adm2", 1)
        await broker.broker.controller.create_topic("__consumer_offsets")
        for number, (key, version, request, expected) in enumerate(steps("administration")):
            asked = from_plain(request_class(ApiKey(key)), request)

            answered = plain(await broker.ask(asked, version))

            assert unordered(expected) == unordered(answered), (number, ApiKey(key).title, request)


async def test_topics_are_administered_as_with_kafka() -> None:
    async with in_memory_broker(node=NODE) as broker:
        await broker.broker.controller.create_topic("__consumer_offsets")
        await broker.broker.controller.create_topic("__transaction_state")
        await ask_all(broker, "topic-administration")


async def test_without_time_nothing_is_done_as_with_kafka() -> None:
    async with in_memory_broker(node=NODE) as broker:
        await ask_all(broker, "timed-administration")


async def test_settings_are_administered_as_with_kafka() -> None:
    async with in_memory_broker({"log.dirs": DATA}, NODE) as broker:
        await ask_all(broker, "config-administration")


async def ask_all(broker: InMemoryBroker, name: str) -> None:
    names = {"@logdir": DATA}
    for number, (key, version, request, expected) in enumerate(steps(name)):
        names |= {f"@{topic.name}": topic.id.hex() for topic in broker.broker.image.topics.values()}
        asked = from_plain(request_class(ApiKey(key)), with_names(request, names))

        answered = plain(await broker.ask(asked, version))

        assert unordered(alike(expected)) == unordered(alike(answered)), (number, ApiKey(key).title, version, request)


def with_names(data: Any, names: dict[str, str]) -> Any:
    if isinstance(data, dict):
        return {name: with_names(value, names) for name, value in data.items()}
    if isinstance(data, list):
        return [with_names(item, names) for item in data]
    return names.get(data, ZERO_UUID.hex() if data.startswith("@") else data) if isinstance(data, str) else data


def alike(data: Any) -> Any:
    """Without what differs from broker to broker; of a new topic's settings only its own."""
    if isinstance(data, list):
        return [alike(item) for item in data if not is_inherited(item)]
    if isinstance(data, str):
        return data.replace(CLUSTER_ID, "CLUSTER")
    if not isinstance(data, dict):
        return data
    if data.get("name") == "log.dirs" and "synonyms" in data:
        data = {**data, "value": "DIR", "synonyms": [{**each, "value": "DIR"} for each in data["synonyms"]]}
    return {name: "*" if name in VARYING and value != "" else alike_id(name, value) for name, value in data.items()}


def alike_id(name: str, value: Any) -> Any:
    if name != "topic_id" or value in ("ID", "ZERO"):
        return alike(value)
    return "ZERO" if value == ZERO_UUID.hex() else "ID"


def is_inherited(item: Any) -> bool:
    """A setting of a new topic's, as CreateTopics tells it."""
    return isinstance(item, dict) and "synonyms" not in item and item.get("config_source", OF_TOPIC) != OF_TOPIC
