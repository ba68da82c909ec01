"""DeleteRecords: what is gone, and what may not go. Its plain answers are in test_administration.py."""

from __future__ import annotations

from pykbroker.testing import InMemoryBroker
from wire.api.delete_records import DeleteRecordsRequest
from wire.errors import ErrorCode

Topic = DeleteRecordsRequest.DeleteRecordsTopic


async def deleted(broker: InMemoryBroker, topic: str, offset: int) -> tuple[int, int]:
    """Error code and low watermark."""
    partitions = [Topic.DeleteRecordsPartition(partition_index=0, offset=offset)]
    request = DeleteRecordsRequest(topics=[Topic(name=topic, partitions=partitions)], timeout_ms=1000)
    ((result,),) = [answer.partitions for answer in (await broker.ask(request, 2)).topics]
    return result.error_code, result.low_watermark


async def test_the_log_starts_at_the_offset_and_not_before_it_again(broker: InMemoryBroker) -> None:
    await broker.create("t")
    partition = broker.append("t", 0, [1, 2, 3, 4])

    assert (0, 2) == await deleted(broker, "t", 2)
    assert (0, 2) == await deleted(broker, "t", 1)
    assert 2 == partition.log_start_offset
    assert (0, 4) == await deleted(broker, "t", -1)
    assert (ErrorCode.OFFSET_OUT_OF_RANGE, -1) == await deleted(broker, "t", 5)


async def test_a_log_that_is_only_compacted_keeps_its_records(broker: InMemoryBroker) -> None:
    await broker.create("compacted", configs={"cleanup.policy": "compact"})
    await broker.create("both", configs={"cleanup.policy": "compact,delete"})

    assert (ErrorCode.POLICY_VIOLATION, -1) == await deleted(broker, "compacted", 0)
    assert (0, 0) == await deleted(broker, "both", 0)
