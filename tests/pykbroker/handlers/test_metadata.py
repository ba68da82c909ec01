"""Metadata: what Apache Kafka 4.3 was seen to answer, version by version."""

from __future__ import annotations

from typing import Any

import pytest

from pykbroker.metadata.image import Endpoint, NodeImage
from pykbroker.testing import CLUSTER_ID, InMemoryBroker, in_memory_broker
from wire.api.metadata import MetadataRequest, MetadataResponse
from wire.errors import ErrorCode
from wire.types import ZERO_UUID

Topic = MetadataRequest.MetadataRequestTopic
TopicAnswer = MetadataResponse.MetadataResponseTopic
PartitionAnswer = TopicAnswer.MetadataResponsePartition
BrokerAnswer = MetadataResponse.MetadataResponseBroker

UNKNOWN_ID = b"9" * 16
NOT_ASKED_FOR = -2147483648


def asking(*names: str, **options: Any) -> MetadataRequest:
    return MetadataRequest(topics=[Topic(name=name) for name in names], **options)


def by_id(*ids: bytes) -> MetadataRequest:
    return MetadataRequest(topics=[Topic(name=None, topic_id=topic_id) for topic_id in ids])


def told(response: MetadataResponse) -> list[tuple[int, str | None]]:
    return [(topic.error_code, topic.name) for topic in response.topics]


async def test_a_topic_is_told_with_its_partitions_and_the_brokers(broker: InMemoryBroker) -> None:
    topic = await broker.create("t", 2)

    response = await broker.ask(asking("t"), 13)

    partitions = [
        PartitionAnswer(
            partition_index=index, leader_id=1, leader_epoch=0, replica_nodes=[1], isr_nodes=[1], offline_replicas=[]
        )
        for index in range(2)
    ]
    expected = MetadataResponse(
        brokers=[BrokerAnswer(node_id=1, host="broker.example", port=9092, rack="r1")],
        cluster_id=CLUSTER_ID,
        controller_id=1,
        topics=[TopicAnswer(name="t", topic_id=topic.id, partitions=partitions)],
    )
    assert expected == response


@pytest.mark.parametrize("version", range(14))
async def test_every_version_tells_of_a_topic(broker: InMemoryBroker, version: int) -> None:
    await broker.create("t", 3)

    response = await broker.ask(asking("t"), version)

    assert [(0, "t")] == told(response)
    assert [0, 1, 2] == [partition.partition_index for partition in response.topics[0].partitions]
    assert ([None] * 2 + [CLUSTER_ID] * 12)[version] == response.cluster_id


@pytest.mark.parametrize("version", range(14))
async def test_all_topics_are_asked_for_with_null_and_in_v0_with_none(broker: InMemoryBroker, version: int) -> None:
    await broker.create("a")
    await broker.create("b")

    everything = await broker.ask(MetadataRequest(topics=[] if version == 0 else None), version)
    nothing = await broker.ask(MetadataRequest(topics=[]), version)

    assert [(0, "a"), (0, "b")] == told(everything)
    assert ([(0, "a"), (0, "b")] if version == 0 else []) == told(nothing)
    assert 1 == len(nothing.brokers)


@pytest.mark.parametrize("version", range(14))
async def test_a_topic_that_does_not_exist_is_made_and_in_the_first_answer(
    broker: InMemoryBroker, version: int
) -> None:
    response = await broker.ask(asking("new"), version)

    assert [(0, "new")] == told(response)
    assert [1] == [partition.leader_id for partition in response.topics[0].partitions]


async def test_a_topic_is_not_made_unless_client_and_broker_allow_it(broker: InMemoryBroker) -> None:
    refused = await broker.ask(asking("new", allow_auto_topic_creation=False), 4)
    async with in_memory_broker({"auto.create.topics.enable": "false"}) as strict:
        disabled = await strict.ask(asking("new"), 4)

    assert [(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, "new")] == told(refused) == told(disabled)
    assert not broker.broker.image.topics


async def test_names_no_topic_may_have_are_refused_and_nothing_is_made(broker: InMemoryBroker) -> None:
    names = ["a/b", "", ".", "..", "x" * 250, "a b"]

    response = await broker.ask(asking(*names), 12)

    assert [(ErrorCode.INVALID_TOPIC_EXCEPTION, name) for name in names] == told(response)
    assert not broker.broker.image.topics


async def test_of_two_names_that_collide_the_first_is_made(broker: InMemoryBroker) -> None:
    response = await broker.ask(asking("a.b", "a_b"), 12)

    assert [(0, "a.b"), (ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, "a_b")] == told(response)


async def test_the_raft_log_of_kafka_is_never_made(broker: InMemoryBroker) -> None:
    response = await broker.ask(asking("__cluster_metadata"), 12)

    assert [(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, "__cluster_metadata")] == told(response)


async def test_topics_that_exist_come_first_each_once(broker: InMemoryBroker) -> None:
    await broker.create("a")
    await broker.create("b")

    response = await broker.ask(asking("nope", "b", "nope", "a", "b", "a/b", allow_auto_topic_creation=False), 12)

    assert [(0, "b"), (0, "a"), (3, "nope"), (17, "a/b")] == told(response)


@pytest.mark.parametrize("name", ["__consumer_offsets", "__transaction_state", "__share_group_state"])
async def test_coordinators_topics_are_internal_whether_they_exist_or_not(broker: InMemoryBroker, name: str) -> None:
    absent = await broker.ask(asking(name, allow_auto_topic_creation=False), 12)
    present = await broker.ask(asking(name), 12)

    assert [(3, name)] == told(absent)
    assert [(0, name)] == told(present)
    assert [True, True] == [absent.topics[0].is_internal, present.topics[0].is_internal]
    assert "compact" in broker.broker.image.topic_configs[name]["cleanup.policy"] or name == "__share_group_state"


@pytest.mark.parametrize("version", [12, 13])
async def test_topics_are_found_by_id_unknown_ids_first_and_names_beside_ids_do_not_count(
    broker: InMemoryBroker, version: int
) -> None:
    topic = await broker.create("t")
    await broker.create("other")
    asked = by_id(topic.id, UNKNOWN_ID, topic.id)
    asked.topics = [*(asked.topics or ()), Topic(name="other"), Topic(name="new")]

    response = await broker.ask(asked, version)

    assert [(ErrorCode.UNKNOWN_TOPIC_ID, None, UNKNOWN_ID), (0, "t", topic.id)] == [
        (each.error_code, each.name, each.topic_id) for each in response.topics
    ]
    assert broker.broker.image.topic("new") is None


@pytest.mark.parametrize("version", [10, 11])
async def test_before_v12_a_topic_has_a_name_and_no_id_in_requests(broker: InMemoryBroker, version: int) -> None:
    topic = await broker.create("t")

    for asked in (by_id(topic.id), by_id(ZERO_UUID), MetadataRequest(topics=[Topic(name="t", topic_id=topic.id)])):
        response = await broker.ask(asked, version)

        assert [(ErrorCode.INVALID_REQUEST, (asked.topics or [])[0].name or "")] == told(response)
        assert ([], None, -1) == (response.brokers, response.cluster_id, response.controller_id)


@pytest.mark.parametrize(("version", "at_the_top"), [(12, 0), (13, -1)])
async def test_neither_name_nor_id_fails_the_whole_request(
    broker: InMemoryBroker, version: int, at_the_top: int
) -> None:
    response = await broker.ask(by_id(ZERO_UUID), version)

    assert [(ErrorCode.UNKNOWN_SERVER_ERROR, "")] == told(response)
    assert at_the_top == response.error_code


@pytest.mark.parametrize(("version", "of_cluster"), [(8, 8096), (10, 8096), (11, NOT_ASKED_FOR), (13, NOT_ASKED_FOR)])
async def test_authorized_operations_are_all_that_there_are(
    broker: InMemoryBroker, version: int, of_cluster: int
) -> None:
    await broker.create("t")
    options = {"include_cluster_authorized_operations": True} if version <= 10 else {}

    response = await broker.ask(asking("t", include_topic_authorized_operations=True, **options), version)

    assert (3576, of_cluster) == (
        response.topics[0].topic_authorized_operations,
        response.cluster_authorized_operations,
    )


async def test_with_automatic_addresses_a_client_is_told_what_it_connected_to() -> None:
    async with in_memory_broker(node=NodeImage(1, None, {"PLAINTEXT": Endpoint("", 9092)})) as opened:
        response = await opened.ask(asking(), 9)

    assert [BrokerAnswer(node_id=1, host="127.0.0.1", port=9092, rack=None)] == response.brokers


@pytest.mark.parametrize(("version", "code"), [(5, ErrorCode.LEADER_NOT_AVAILABLE), (6, ErrorCode.LISTENER_NOT_FOUND)])
async def test_a_leader_without_the_clients_listener_is_none(version: int, code: ErrorCode) -> None:
    async with in_memory_broker(node=NodeImage(1, None, {"OTHER": Endpoint("h", 1)})) as opened:
        await opened.create("t")

        response = await opened.ask(asking("t"), version)

    (partition,) = response.topics[0].partitions
    assert (code, -1, [1]) == (partition.error_code, partition.leader_id, partition.offline_replicas)
    assert [] == response.brokers
