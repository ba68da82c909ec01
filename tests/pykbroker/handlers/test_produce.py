"""Produce: what Apache Kafka 4.3 was seen to answer."""

from __future__ import annotations

from typing import Any

import pytest

from pykbroker.testing import NOW_MS, InMemoryBroker
from wire.api.produce import ProduceRequest
from wire.errors import ErrorCode, ProtocolError
from wire.record_batch import Record, build

Topic = ProduceRequest.TopicProduceData
Partition = Topic.PartitionProduceData
NEWEST = 13


def batch(*values: bytes, **fields: Any) -> bytes:
    return build([Record(timestamp_ms=NOW_MS, value=value) for value in values or [b"v"]], **fields)


def produce(*records: bytes | None, topic: str = "t", acks: int = -1, **fields: Any) -> ProduceRequest:
    """One partition for each of `records`."""
    partitions = [Partition(index=index, records=data) for index, data in enumerate(records)]
    data = Topic(name=topic, partition_data=partitions)
    return ProduceRequest(acks=acks, timeout_ms=1000, topic_data=[data], **fields)


async def answers(broker: InMemoryBroker, request: ProduceRequest, version: int = 12) -> list[Any]:
    response = await broker.ask(request, version)
    return [partition for topic in response.responses for partition in topic.partition_responses]


@pytest.mark.parametrize("acks", [1, -1])
@pytest.mark.parametrize("version", range(3, NEWEST))
async def test_a_batch_gets_the_next_offsets(broker: InMemoryBroker, version: int, acks: int) -> None:
    await broker.create("t")

    first = await answers(broker, produce(batch(b"a", b"b"), acks=acks), version)
    second = await answers(broker, produce(batch(b"c"), acks=acks), version)

    assert [(0, 0), (0, 2)] == [(each.error_code, each.base_offset) for each in first + second]


async def test_v13_names_a_topic_by_its_id(broker: InMemoryBroker) -> None:
    topic = await broker.create("t")
    request = produce(batch())
    request.topic_data[0].topic_id = topic.id
    [found] = await answers(broker, request, NEWEST)
    request.topic_data[0].topic_id = bytes(15) + b"x"
    [unknown] = await answers(broker, request, NEWEST)

    assert (0, ErrorCode.UNKNOWN_TOPIC_ID) == (found.error_code, unknown.error_code)


async def test_one_bad_partition_does_not_disturb_the_others(broker: InMemoryBroker) -> None:
    await broker.create("t", 3)

    told = await answers(broker, produce(batch(), batch()[:-3], batch(), batch()))

    assert [0, ErrorCode.INVALID_RECORD, 0, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION] == [each.error_code for each in told]
    assert [0, -1, 0, -1] == [each.base_offset for each in told]


async def test_without_acks_nothing_is_answered_and_an_error_ends_the_connection(broker: InMemoryBroker) -> None:
    await broker.create("t")

    with pytest.raises(ProtocolError, match="acks=0, error 2 at t-0"):
        await broker.ask(produce(batch()[:-1] + b"x", acks=0), 12)


@pytest.mark.parametrize("acks", [2, -2])
async def test_acks_that_do_not_exist_are_refused(broker: InMemoryBroker, acks: int) -> None:
    await broker.create("t")

    [told] = await answers(broker, produce(batch(), acks=acks))

    assert ErrorCode.INVALID_REQUIRED_ACKS == told.error_code


async def test_only_errors_of_single_records_come_with_words(broker: InMemoryBroker) -> None:
    """KIP-467."""
    await broker.create("t", configs={"cleanup.policy": "compact"})

    [keyless] = await answers(broker, produce(batch(b"a", b"b")))
    [corrupt] = await answers(broker, produce(batch()[:-1] + b"x"))

    assert ErrorCode.INVALID_RECORD == keyless.error_code
    assert keyless.error_message.startswith("One or more records have been rejected due to 2 record errors in total")
    assert [(0, REASON), (1, REASON)] == [
        (each.batch_index, each.batch_index_error_message) for each in keyless.record_errors
    ]
    assert (ErrorCode.CORRUPT_MESSAGE, None) == (corrupt.error_code, corrupt.error_message)


REASON = "Compacted topic cannot accept message without key in topic partition t-0"


async def test_transactional_batches_need_a_transactional_id_or_nothing_is_written(broker: InMemoryBroker) -> None:
    await broker.create("t", 2)
    transactional = batch(transactional=True, producer_id=1, producer_epoch=0, base_sequence=0)

    told = await answers(broker, produce(batch(), transactional))

    assert 2 * [ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED] == [each.error_code for each in told]
    assert broker.broker.replicas.leader("t", 0).log.next_offset == 0


@pytest.mark.parametrize("records", [None, b""])
async def test_no_records_are_refused(broker: InMemoryBroker, records: bytes | None) -> None:
    await broker.create("t")

    [told] = await answers(broker, produce(records))

    assert ErrorCode.INVALID_RECORD == told.error_code
