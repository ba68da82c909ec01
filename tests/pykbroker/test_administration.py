"""The administration APIs: request by request what Apache Kafka 4.3 was seen to answer, as one node.

The order within a list is nobody's promise: Kafka's follows its hash tables. The same is asked of a broker's port, and
of Kafka itself, by `interop_tests/test_administration_facts.py`.
"""

from __future__ import annotations

from pathlib import Path

from pykbroker.administration_testing import LOG_DIRECTORY, alike, steps, with_names
from pykbroker.metadata.image import Endpoint, NodeImage
from pykbroker.testing import CLUSTER_ID, InMemoryBroker, in_memory_broker, unordered
from wire.plain import from_plain, plain
from wire.registry import ApiKey, request_class

FACTS = Path(__file__).parents[1] / "facts"
DATA = "/data"
NODE = NodeImage(1, None, {"PLAINTEXT": Endpoint("broker.example", 9092)})


async def test_every_request_is_answered_as_by_kafka() -> None:
    async with in_memory_broker() as broker:
        await broker.create("adm", 2)
        await broker.create("adm2", 1)
        await broker.broker.controller.create_topic("__consumer_offsets")
        for number, (key, version, request, expected) in enumerate(steps(FACTS / "kafka-administration.json")):
            asked = from_plain(request_class(ApiKey(key)), request)

            answered = plain(await broker.ask(asked, version))

            assert unordered(expected) == unordered(answered), (number, ApiKey(key).title, request)


async def test_topics_are_administered_as_with_kafka() -> None:
    async with in_memory_broker(node=NODE) as broker:
        await broker.broker.controller.create_topic("__consumer_offsets")
        await broker.broker.controller.create_topic("__transaction_state")
        await ask_all(broker, "topic-administration")


async def test_the_odd_is_answered_as_by_kafka() -> None:
    async with in_memory_broker(node=NODE) as broker:
        await ask_all(broker, "odd-administration")


async def test_settings_are_administered_as_with_kafka() -> None:
    async with in_memory_broker({"log.dirs": DATA}, NODE) as broker:
        await ask_all(broker, "config-administration")


async def ask_all(broker: InMemoryBroker, name: str) -> None:
    names = {LOG_DIRECTORY: DATA}
    for number, (key, version, request, expected) in enumerate(steps(FACTS / f"kafka-{name}.json")):
        names |= {f"@{topic.name}": topic.id.hex() for topic in broker.broker.image.topics.values()}
        asked = from_plain(request_class(ApiKey(key)), with_names(request, names))

        answered = alike(plain(await broker.ask(asked, version)), CLUSTER_ID)

        assert unordered(expected) == unordered(answered), (number, ApiKey(key).title, version, request)
