"""The administration APIs: request by request what Apache Kafka 4.3 was seen to answer, as one node.

The order within a list is nobody's promise: Kafka's follows its hash tables.
"""

from __future__ import annotations

import json
from pathlib import Path

from pykbroker.testing import in_memory_broker, unordered
from wire.plain import from_plain, plain
from wire.registry import ApiKey, request_class

FACTS = json.loads((Path(__file__).parents[1] / "facts" / "kafka-administration.json").read_text())


async def test_every_request_is_answered_as_by_kafka() -> None:
    async with in_memory_broker() as broker:
        await broker.create("adm", 2)
        await broker.create("adm2", 1)
        await broker.broker.controller.create_topic("__consumer_offsets")
        for number, (key, version, request, expected) in enumerate(FACTS["steps"]):
            asked = from_plain(request_class(ApiKey(key)), request)

            answered = plain(await broker.ask(asked, version))

            assert unordered(expected) == unordered(answered), (number, ApiKey(key).title, request)
