"""Sources: what the broker did is what the metrics say, by name and label."""

from __future__ import annotations

from collections.abc import Mapping

import trio
from prometheus_client.parser import text_string_to_metric_families

from pykbroker.metrics.exposition import exposed
from pykbroker.metrics.sources import sources
from pykbroker.testing import NOW_MS, InMemoryBroker, in_memory_broker
from wire.api.consumer_group_heartbeat import ConsumerGroupHeartbeatRequest
from wire.api.delete_topics import DeleteTopicsRequest
from wire.api.fetch import FetchRequest
from wire.api.heartbeat import HeartbeatRequest
from wire.api.metadata import MetadataRequest
from wire.api.offset_commit import OffsetCommitRequest
from wire.api.produce import ProduceRequest
from wire.errors import ErrorCode
from wire.record_batch import Record, build

Found = Mapping[tuple[str, frozenset[tuple[str, str]]], float]
TOPIC = "kafka_server_brokertopicmetrics_"
NETWORK = "kafka_network_requestmetrics_"


async def scraped(broker: InMemoryBroker) -> Found:
    text = (await exposed(sources(broker.broker, broker.dispatcher))).decode()
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    found = {(sample.name, frozenset(sample.labels.items())): sample.value for sample in samples}
    assert len(samples) == len(found), "a sample is there once"
    return found


def value(found: Found, name: str, **labels: str) -> float:
    return found[name, frozenset(labels.items())]


def produce(topic: str, values: list[bytes], index: int = 0) -> ProduceRequest:
    records = build([Record(offset=0, timestamp_ms=NOW_MS, key=None, value=each, headers=()) for each in values])
    data = ProduceRequest.TopicProduceData
    partition = data.PartitionProduceData(index=index, records=records)
    return ProduceRequest(
        transactional_id=None, acks=1, timeout_ms=1000, topic_data=[data(name=topic, partition_data=[partition])]
    )


def fetch(topic: str) -> FetchRequest:
    asked = FetchRequest.FetchTopic
    partition = asked.FetchPartition(partition=0, fetch_offset=0, partition_max_bytes=1 << 20)
    return FetchRequest(replica_id=-1, max_wait_ms=0, min_bytes=1, topics=[asked(topic=topic, partitions=[partition])])


async def test_records_and_bytes_are_counted_by_topic_on_their_way_in_and_out(broker: InMemoryBroker) -> None:
    await broker.create("a")
    await broker.create("b")
    await broker.ask(produce("a", [b"1", b"2"]), 9)
    await broker.ask(produce("b", [b"3"]), 9)
    await broker.ask(fetch("a"), 4)
    await broker.ask(fetch("a"), 4)

    found = await scraped(broker)

    size = broker.broker.replicas.partitions["a", 0].log.size_bytes
    assert 2 == value(found, TOPIC + "messagesin_total", topic="a")
    assert 3 == value(found, TOPIC + "messagesin_total")
    assert size == value(found, TOPIC + "bytesin_total", topic="a")
    assert 2 * size == value(found, TOPIC + "bytesout_total", topic="a")
    assert 2 * size == value(found, TOPIC + "bytesout_total")
    assert size == value(found, "kafka_log_log_size", topic="a", partition="0")
    assert 2 == value(found, "kafka_log_log_logendoffset", topic="a", partition="0")


async def test_sums_over_all_topics_do_not_fall_when_one_is_deleted(broker: InMemoryBroker) -> None:
    await broker.create("a")
    await broker.ask(produce("a", [b"1", b"2"]), 9)
    await broker.ask(fetch("a"), 4)
    before = await scraped(broker)

    await broker.ask(DeleteTopicsRequest(topic_names=["a"], timeout_ms=1000), 1)

    after = await scraped(broker)
    for name in ("messagesin_total", "bytesin_total", "bytesout_total"):
        assert value(before, TOPIC + name) == value(after, TOPIC + name) > 0
        assert (TOPIC + name, frozenset({("topic", "a")})) not in after


async def test_requests_are_counted_by_api_and_version_and_timed(broker: InMemoryBroker) -> None:
    await broker.create("a")
    for version in (4, 4, 9):
        await broker.ask(MetadataRequest(topics=[]), version)
    await broker.ask(produce("a", [b"1"]), 9)

    found = await scraped(broker)

    assert 2 == value(found, NETWORK + "requests_total", request="Metadata", version="4")
    assert 1 == value(found, NETWORK + "requests_total", request="Metadata", version="9")
    assert 3 == value(found, NETWORK + "totaltimems_count", request="Metadata")
    assert 0 < value(found, NETWORK + "totaltimems_sum", request="Metadata")
    assert 0 == value(found, NETWORK + "totaltimems_count", request="Produce"), "answered in place, not timed"


async def test_errors_are_counted_of_requests_and_of_partitions(broker: InMemoryBroker) -> None:
    await broker.create("a")
    await broker.ask(produce("a", [b"1"], index=7), 9)
    await broker.ask(fetch("nothing"), 4)
    answer = await broker.ask(HeartbeatRequest(group_id="g", generation_id=1, member_id="m"), 3)
    assert answer.error_code

    found = await scraped(broker)

    name = NETWORK + "errors_total"
    assert 1 == value(found, name, request="Produce", error="UNKNOWN_TOPIC_OR_PARTITION")
    assert 1 == value(found, name, request="Fetch", error="UNKNOWN_TOPIC_OR_PARTITION")
    assert 1 == value(found, name, request="Heartbeat", error=ErrorCode(answer.error_code).name)  # type: ignore[call-arg]


async def test_partitions_and_topics_are_counted(broker: InMemoryBroker) -> None:
    await broker.create("a", 3)

    found = await scraped(broker)

    assert 3 == value(found, "kafka_server_replicamanager_partitioncount")
    assert 3 == value(found, "kafka_server_replicamanager_leadercount")
    assert 0 == value(found, "kafka_server_replicamanager_underreplicatedpartitions")
    assert 3 == value(found, "kafka_controller_kafkacontroller_globalpartitioncount")
    assert 1 == value(found, "kafka_controller_kafkacontroller_globaltopiccount")
    assert 0 < value(found, "process_resident_memory_bytes")


async def test_groups_are_counted_by_protocol_and_state_and_their_lag_is_told() -> None:
    async with in_memory_broker() as broker, trio.open_nursery() as nursery:
        await nursery.start(broker.broker.groups.run)
        await broker.broker.groups.create_topic()
        await broker.create("a")
        broker.append("a", 0, [NOW_MS] * 5)
        joining = ConsumerGroupHeartbeatRequest(
            group_id="g",
            member_id="m",
            member_epoch=0,
            rebalance_timeout_ms=1000,
            subscribed_topic_names=["a"],
            topic_partitions=[],
        )
        await broker.ask(joining, 1)
        topic = OffsetCommitRequest.OffsetCommitRequestTopic
        partition = topic.OffsetCommitRequestPartition(partition_index=0, committed_offset=2, committed_metadata="")
        for group_id, member_id, epoch in (("g", "m", 2), ("h", "", -1)):
            committing = OffsetCommitRequest(
                group_id=group_id,
                member_id=member_id,
                generation_id_or_member_epoch=epoch,
                topics=[topic(name="a", partitions=[partition])],
            )
            answer = await broker.ask(committing, 9)
            assert 0 == answer.topics[0].partitions[0].error_code

        found = await scraped(broker)
        nursery.cancel_scope.cancel()

    groups = "kafka_server_group_coordinator_metrics_"
    assert 1 == value(found, groups + "group_count", protocol="consumer")
    assert 1 == value(found, groups + "group_count", protocol="classic")
    assert 0 == value(found, groups + "group_count", protocol="streams")
    assert 1 == value(found, groups + "consumer_group_count", state="Stable")
    assert 1 == value(found, "kafka_coordinator_group_groupmetadatamanager_numgroupsempty")
    assert 2 == value(found, "kafka_coordinator_group_groupmetadatamanager_numoffsets")
    for group_id in ("g", "h"):
        assert 3 == value(found, "kafka_consumergroup_lag", consumergroup=group_id, topic="a", partition="0")
