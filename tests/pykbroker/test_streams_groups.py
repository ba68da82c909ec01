"""Streams groups: request by request what Apache Kafka 4.3 was seen to answer, and the records that it wrote.

The order within a list is nobody's promise: Kafka's follows its hash tables.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import groupby
from pathlib import Path
from typing import Any

import trio

from pykbroker.coordinator.group_coordinator import OFFSETS_TOPIC
from pykbroker.coordinator.groups.config import GroupConfig
from pykbroker.coordinator.groups.shard import GroupShard
from pykbroker.coordinator.groups.streams.describing import described as describe
from pykbroker.dispatch import Dispatcher
from pykbroker.features import SAFE_DOWNGRADE, UPGRADE
from pykbroker.http.pages import Pages
from pykbroker.testing import InMemoryBroker, in_memory_broker, unordered
from wire.api.streams_group_describe import StreamsGroupDescribeRequest
from wire.api.streams_group_heartbeat import StreamsGroupHeartbeatRequest
from wire.api.update_features import UpdateFeaturesRequest
from wire.errors import ErrorCode
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


@asynccontextmanager
async def coordinating(settings: dict[str, str]) -> AsyncIterator[InMemoryBroker]:
    async with in_memory_broker(settings) as broker, trio.open_nursery() as nursery:
        await nursery.start(broker.broker.groups.run)
        await broker.broker.groups.create_topic()
        yield broker
        nursery.cancel_scope.cancel()


async def test_every_request_is_answered_and_stored_as_by_kafka() -> None:
    async with coordinating(SETTINGS) as broker:
        for number, (key, version, request, expected) in enumerate(FACTS["steps"]):
            asked = from_plain(request_class(ApiKey(key)), request)

            answered = plain(await broker.ask(asked, version))

            if expected is not None:
                assert unordered(expected) == unordered(answered), (number, ApiKey(key).title, request)
        assert by_group(kafkas_records()) == by_group(records_of(broker))


def test_kafkas_records_are_read_and_written_byte_by_byte() -> None:
    for key_bytes, value_bytes in kafkas_records():
        key = decode_key(key_bytes)
        assert isinstance(key, KEYS)
        assert key_bytes == encode_key(key)
        if value_bytes is not None:
            assert value_bytes == encode_value(decode_value(type(key), value_bytes))


def test_a_directory_of_kafkas_gives_its_groups() -> None:
    shard = GroupShard(GroupConfig())
    for offset, (key_bytes, value_bytes) in enumerate(kafkas_records()):
        key: Any = decode_key(key_bytes)
        value = None if value_bytes is None else decode_value(type(key), value_bytes)
        shard.replay(key, value, record_offset=offset)
    shard.finish_loading()

    described = {  # the last that Kafka told of each, but for one that was deleted since
        group["group_id"]: group
        for key, _, _, answer in FACTS["steps"]
        if key == ApiKey.STREAMS_GROUP_DESCRIBE
        for group in answer["groups"]
        if group["error_code"] == ErrorCode.NONE and group["group_id"] != "g"
    }
    assert {"h5", "h7", "h9", "h11"} == described.keys()
    for group_id, told in described.items():
        found = plain(describe(shard, group_id))
        for name in ("members", "group_state", "group_epoch", "assignment_epoch"):
            assert unordered(told[name]) == unordered(found[name]), (group_id, name)


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


async def error_of_heartbeat(broker: InMemoryBroker) -> ErrorCode:
    """Of one that is refused in any case, as it does not bring a topology."""
    request = StreamsGroupHeartbeatRequest(
        group_id="g", member_id="m", member_epoch=0, endpoint_information_epoch=0, shutdown_application=False
    )
    told = await broker.ask(request, 0)
    described = await broker.ask(StreamsGroupDescribeRequest(group_ids=["g"], include_authorized_operations=False), 0)
    assert (told.error_code == ErrorCode.UNSUPPORTED_VERSION) == (
        described.groups[0].error_code == ErrorCode.UNSUPPORTED_VERSION
    )
    return ErrorCode(told.error_code)  # type: ignore[call-arg] # the enum's lookup takes a code alone


async def test_the_protocol_is_on_and_off_with_the_feature() -> None:
    def update(level: int) -> UpdateFeaturesRequest:
        update = UpdateFeaturesRequest.FeatureUpdateKey(
            feature="streams.version", max_version_level=level, upgrade_type=SAFE_DOWNGRADE if level == 0 else UPGRADE
        )
        return UpdateFeaturesRequest(timeout_ms=10_000, feature_updates=[update])

    async with coordinating(SETTINGS) as broker:
        assert await error_of_heartbeat(broker) == ErrorCode.INVALID_REQUEST
        for level, code in ((0, ErrorCode.UNSUPPORTED_VERSION), (1, ErrorCode.INVALID_REQUEST)):
            assert (await broker.ask(update(level), 1)).error_code == ErrorCode.NONE
            assert code == await error_of_heartbeat(broker)


async def test_the_protocol_may_be_off_by_setting() -> None:
    async with coordinating({**SETTINGS, "group.coordinator.rebalance.protocols": "classic,consumer"}) as broker:
        assert await error_of_heartbeat(broker) == ErrorCode.UNSUPPORTED_VERSION


async def test_what_a_streams_group_did_is_told_over_http() -> None:
    async with coordinating(SETTINGS) as broker:
        await broker.create("t", 4)
        heartbeat = next(request for key, _, request, _ in FACTS["steps"] if key == ApiKey.STREAMS_GROUP_HEARTBEAT)
        for epoch in (0, 2):
            changes = {} if epoch == 0 else {"member_epoch": epoch, "topology": None, "rebalance_timeout_ms": -1}
            await broker.ask(from_plain(StreamsGroupHeartbeatRequest, heartbeat | changes), 0)

        pages = Pages(broker.broker, Dispatcher())
        page = await pages.answer("GET", "/groups/g/events")
        metrics = str((await pages.answer("GET", "/metrics")).body)

    assert 'kafka_server_group_coordinator_metrics_group_count{protocol="streams"} 1.0' in metrics
    assert 'kafka_server_group_coordinator_metrics_streams_group_count{state="Stable"} 1.0' in metrics
    told = json.loads(page.body)
    assert ("streams", "Stable", 3, ["m1"]) == (
        told["type"], told["state"], told["generation"], [member["member_id"] for member in told["members"]],
    )  # fmt: skip
    assert ["joined", "generation", "assigned", "stable"] == list(
        dict.fromkeys(each["kind"] for each in told["events"])
    )
    assert {"topic": "1", "partition": 3, "from": None, "to": "m1"} in told["events"][-2]["moves"]


async def test_internal_topics_that_are_too_large_are_not_made_and_that_is_told() -> None:
    async with coordinating(SETTINGS) as broker:
        await broker.create("t", 4)
        heartbeat = next(request for key, _, request, _ in FACTS["steps"] if key == ApiKey.STREAMS_GROUP_HEARTBEAT)
        changed = json.loads(json.dumps(heartbeat))
        [words] = changed["topology"]["subtopologies"][1]["repartition_source_topics"]
        words["partitions"] = 0x7FFFFFFF
        await broker.ask(from_plain(StreamsGroupHeartbeatRequest, changed), 0)

        told = await broker.ask(from_plain(StreamsGroupHeartbeatRequest, changed), 0)

        assert {"t", OFFSETS_TOPIC} == broker.broker.image.topics.keys()
    assert "Excessively large number of partitions per request." in told.status[0].status_detail
