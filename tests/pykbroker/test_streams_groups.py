"""Streams groups: request by request what Apache Kafka 4.3 was seen to answer, and the records that it wrote.

The order within a list is nobody's promise: Kafka's follows its hash tables.
"""

from __future__ import annotations

import json
from collections import defaultdict
from itertools import groupby
from pathlib import Path
from typing import Any

import trio

from pykbroker.coordinator.group_coordinator import OFFSETS_TOPIC
from pykbroker.testing import InMemoryBroker, in_memory_broker, unordered
from wire.plain import from_plain, plain
from wire.record_batch import batches
from wire.registry import ApiKey, request_class
from wire.state_records import decode_key, decode_value, encode_key, encode_value
from wire.state_records.streams_groups import (
    StreamsGroupCurrentMemberAssignmentKey,
    StreamsGroupMemberMetadataKey,
    StreamsGroupMetadataKey,
    StreamsGroupTargetAssignmentMemberKey,
    StreamsGroupTargetAssignmentMetadataKey,
    StreamsGroupTopologyKey,
)

FACTS = json.loads((Path(__file__).parents[1] / "facts" / "kafka-streams-groups.json").read_text())
SETTINGS = {
    "group.streams.initial.rebalance.delay.ms": "0",
    "group.streams.assignment.interval.ms": "0",
    "offsets.topic.num.partitions": "4",
}
KEYS = (
    StreamsGroupCurrentMemberAssignmentKey,
    StreamsGroupMemberMetadataKey,
    StreamsGroupMetadataKey,
    StreamsGroupTargetAssignmentMemberKey,
    StreamsGroupTargetAssignmentMetadataKey,
    StreamsGroupTopologyKey,
)
VARYING = {"metadata_hash", "assignment_timestamp"}

Stored = tuple[bytes, bytes | None]


async def test_every_request_is_answered_and_stored_as_by_kafka() -> None:
    async with in_memory_broker(SETTINGS) as broker, trio.open_nursery() as nursery:
        await nursery.start(broker.broker.groups.run)
        await broker.broker.groups.create_topic()
        for number, (key, version, request, expected) in enumerate(FACTS["steps"]):
            asked = from_plain(request_class(ApiKey(key)), request)

            answered = plain(await broker.ask(asked, version))

            if expected is not None:
                assert unordered(expected) == unordered(answered), (number, ApiKey(key).title, request)
        assert by_group(kafkas_records()) == by_group(records_of(broker))
        nursery.cancel_scope.cancel()


def test_kafkas_records_are_read_and_written_byte_by_byte() -> None:
    for key_bytes, value_bytes in kafkas_records():
        key = decode_key(key_bytes)
        assert isinstance(key, KEYS)
        assert key_bytes == encode_key(key)
        if value_bytes is not None:
            assert value_bytes == encode_value(decode_value(type(key), value_bytes))


def kafkas_records() -> list[Stored]:
    return [(bytes.fromhex(key), None if value is None else bytes.fromhex(value)) for key, value in FACTS["records"]]


def records_of(broker: InMemoryBroker) -> list[Stored]:
    found: list[Stored] = []
    for index in range(4):
        log = broker.broker.replicas.leader(OFFSETS_TOPIC, index).log
        data = log.read(0, max_bytes=1 << 30).read()
        for batch in batches(memoryview(bytearray(data))):
            found += ((bytes(record.key or b""), record.value and bytes(record.value)) for record in batch.records())
    return [each for each in found if isinstance(decode_key(each[0]), KEYS)]


def by_group(records: list[Stored]) -> dict[str, list[Any]]:
    """In the order in which they were written, but for runs of records of one type: those are of members."""
    groups: dict[str, list[Any]] = defaultdict(list)
    for key_bytes, value_bytes in records:
        key: Any = decode_key(key_bytes)
        value = None if value_bytes is None else alike(plain(decode_value(type(key), value_bytes)))
        groups[key.group_id].append((type(key).__name__, getattr(key, "member_id", ""), value))
    return {group_id: [unordered(list(run)) for _, run in groupby(each, key=lambda record: record[0])]
            for group_id, each in groups.items()}  # fmt: skip


def alike(value: dict[str, Any]) -> dict[str, Any]:
    return {name: "*" if name in VARYING else field for name, field in value.items()}
