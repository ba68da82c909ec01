"""DeleteRecords (key 21): drop all records before an offset (KIP-107).

Served: v0-v2. Offset -1 is the high watermark: all that readers can see. Space comes back with the next retention.
"""

from __future__ import annotations

from pykbroker.context import RequestContext
from pykbroker.errors import BrokerError
from pykbroker.metadata.image import INTERNAL_TOPICS
from wire.api.delete_records import DeleteRecordsRequest, DeleteRecordsResponse
from wire.errors import ErrorCode

Topic = DeleteRecordsRequest.DeleteRecordsTopic
TopicResult = DeleteRecordsResponse.DeleteRecordsTopicResult
Result = TopicResult.DeleteRecordsPartitionResult

HIGH_WATERMARK = -1
NO_OFFSET = -1


def handle(request: DeleteRecordsRequest, ctx: RequestContext) -> DeleteRecordsResponse:
    # The last one counts of what is asked twice.
    wanted: dict[str, dict[int, int]] = {}
    for topic in request.topics:
        offsets = wanted.setdefault(topic.name, {})
        offsets.update({partition.partition_index: partition.offset for partition in topic.partitions})
    return DeleteRecordsResponse(
        topics=[
            TopicResult(name=name, partitions=[delete_one(name, *each, ctx) for each in offsets.items()])
            for name, offsets in wanted.items()
        ]
    )


def error_response(request: DeleteRecordsRequest, error: BrokerError, _ctx: RequestContext) -> DeleteRecordsResponse:
    return DeleteRecordsResponse(
        topics=[
            TopicResult(name=topic.name, partitions=[failed(each.partition_index, error) for each in topic.partitions])
            for topic in request.topics
        ]
    )


def delete_one(topic: str, index: int, offset: int, ctx: RequestContext) -> Result:
    try:
        if topic in INTERNAL_TOPICS and topic in ctx.broker.image.topics:
            raise BrokerError(ErrorCode.INVALID_TOPIC_EXCEPTION)
        partition = ctx.broker.replicas.leader(topic, index)
        config = partition.log.config
        if config.is_compacted and not config.is_deleted:
            raise BrokerError(ErrorCode.POLICY_VIOLATION)
        if offset == HIGH_WATERMARK:
            offset = partition.high_watermark
        return Result(partition_index=index, low_watermark=partition.delete_records_before(offset))
    except BrokerError as error:
        return failed(index, error)


def failed(index: int, error: BrokerError) -> Result:
    return Result(partition_index=index, low_watermark=NO_OFFSET, error_code=error.code)
