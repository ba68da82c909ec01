"""The share coordinator's own APIs, which Kafka's brokers use among themselves. Expected is what Kafka 4.3 answered."""

from __future__ import annotations

from typing import Any

from pykbroker.coordinator.testing import coordinating_broker
from pykbroker.testing import InMemoryBroker
from wire.api.delete_share_group_state import DeleteShareGroupStateRequest
from wire.api.initialize_share_group_state import InitializeShareGroupStateRequest
from wire.api.read_share_group_state import ReadShareGroupStateRequest
from wire.api.read_share_group_state_summary import ReadShareGroupStateSummaryRequest
from wire.api.write_share_group_state import WriteShareGroupStateRequest
from wire.errors import ErrorCode

TOPIC_ID = b"t" * 16

InitializeTopic = InitializeShareGroupStateRequest.InitializeStateData
ReadTopic = ReadShareGroupStateRequest.ReadStateData
SummaryTopic = ReadShareGroupStateSummaryRequest.ReadStateSummaryData
WriteTopic = WriteShareGroupStateRequest.WriteStateData
DeleteTopic = DeleteShareGroupStateRequest.DeleteStateData


def only(response: Any) -> Any:
    [topic] = response.results
    [partition] = topic.partitions
    assert TOPIC_ID == topic.topic_id
    return partition


async def initialize(it: InMemoryBroker, **fields: int) -> Any:
    asked = InitializeTopic.PartitionData(partition=0, **fields)
    topic = InitializeTopic(topic_id=TOPIC_ID, partitions=[asked])
    return only(await it.ask(InitializeShareGroupStateRequest(group_id="g", topics=[topic]), 0))


async def read(it: InMemoryBroker, *, leader_epoch: int = 0, partition: int = 0) -> Any:
    asked = ReadTopic.PartitionData(partition=partition, leader_epoch=leader_epoch)
    topic = ReadTopic(topic_id=TOPIC_ID, partitions=[asked])
    return only(await it.ask(ReadShareGroupStateRequest(group_id="g", topics=[topic]), 0))


async def summary(it: InMemoryBroker) -> tuple[int, int, int, int]:
    topic = SummaryTopic(topic_id=TOPIC_ID, partitions=[SummaryTopic.PartitionData(partition=0, leader_epoch=0)])
    told = only(await it.ask(ReadShareGroupStateSummaryRequest(group_id="g", topics=[topic]), 1))
    assert 0 == told.error_code
    return told.state_epoch, told.leader_epoch, told.start_offset, told.delivery_complete_count


async def write(it: InMemoryBroker, *, state_epoch: int = 2, leader_epoch: int = 3) -> Any:
    batch = WriteTopic.PartitionData.StateBatch(first_offset=6, last_offset=6, delivery_state=2, delivery_count=1)
    asked = WriteTopic.PartitionData(
        partition=0,
        state_epoch=state_epoch,
        leader_epoch=leader_epoch,
        start_offset=5,
        delivery_complete_count=1,
        state_batches=[batch],
    )
    topic = WriteTopic(topic_id=TOPIC_ID, partitions=[asked])
    return only(await it.ask(WriteShareGroupStateRequest(group_id="g", topics=[topic]), 1))


async def delete(it: InMemoryBroker) -> Any:
    topic = DeleteTopic(topic_id=TOPIC_ID, partitions=[DeleteTopic.PartitionData(partition=0)])
    return only(await it.ask(DeleteShareGroupStateRequest(group_id="g", topics=[topic]), 0))


async def test_what_was_not_initialized() -> None:
    async with coordinating_broker() as it:
        unread, unwritten, deleted = await read(it), await write(it), await delete(it)
        negative = await read(it, partition=-1)

        assert (0, 0, -1, -1) == await summary(it)

    words = "{} operation on uninitialized share partition not allowed."
    assert (ErrorCode.INVALID_REQUEST, words.format("Read")) == (unread.error_code, unread.error_message)
    assert (ErrorCode.INVALID_REQUEST, words.format("Write")) == (unwritten.error_code, unwritten.error_message)
    assert "The partition id cannot be a negative number." == negative.error_message
    assert 0 == deleted.error_code


async def test_state_is_written_read_and_forgotten() -> None:
    async with coordinating_broker() as it:
        assert 0 == (await initialize(it, state_epoch=2, start_offset=5)).error_code
        assert 0 == (await read(it, leader_epoch=3)).error_code
        assert (2, 3, 5, 0) == await summary(it)

        assert 0 == (await write(it)).error_code

        assert (2, 3, 5, 1) == await summary(it)
        found = await read(it, leader_epoch=3)
        [batch] = found.state_batches
        assert (2, 5) == (found.state_epoch, found.start_offset)
        assert (6, 6, 2, 1) == (
            batch.first_offset, batch.last_offset, batch.delivery_state, batch.delivery_count,
        )  # fmt: skip
        await delete(it)
        assert ErrorCode.INVALID_REQUEST == (await read(it)).error_code


async def test_those_of_the_past_are_fenced() -> None:
    async with coordinating_broker() as it:
        await initialize(it, state_epoch=2, start_offset=5)
        await read(it, leader_epoch=3)

        assert ErrorCode.FENCED_STATE_EPOCH == (await initialize(it, state_epoch=1, start_offset=5)).error_code
        assert ErrorCode.FENCED_LEADER_EPOCH == (await read(it, leader_epoch=1)).error_code
        assert ErrorCode.FENCED_STATE_EPOCH == (await write(it, state_epoch=1)).error_code
        assert ErrorCode.FENCED_LEADER_EPOCH == (await write(it, leader_epoch=2)).error_code
