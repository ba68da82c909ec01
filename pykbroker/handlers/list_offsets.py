"""ListOffsets (key 2): an offset by time, or by one of the negative timestamps that mean something.

Served: v0-v11. Kafka 4 has dropped v0, which is answered as Kafka 3.9 does.

v0   up to max_num_offsets segment starts, newest first, instead of one offset
v2   isolation level: for read_committed, latest is the last stable offset
v4   leader epochs, asked for and answered (KIP-320)
v5   OFFSET_NOT_AVAILABLE after an election
v7   max timestamp (KIP-734)
v8   earliest local (KIP-405)
v9   latest tiered (KIP-1005)
v10  a timeout, for lookups in remote storage (KIP-1075); nothing waits here
v11  earliest pending upload (KIP-1023)

Nothing is tiered here: earliest local is the earliest, and of the tiered or to be uploaded there is none (-1).
"""

from __future__ import annotations

from collections import Counter

from pykbroker.context import RequestContext
from pykbroker.errors import BrokerError
from pykbroker.partition import READ_COMMITTED, READ_UNCOMMITTED, Partition, refused
from storage.errors import StorageError
from storage.log import TimestampOffset
from wire.api.list_offsets import ListOffsetsRequest, ListOffsetsResponse
from wire.errors import CorruptBatch, ErrorCode

Asked = ListOffsetsRequest.ListOffsetsTopic.ListOffsetsPartition
TopicResult = ListOffsetsResponse.ListOffsetsTopicResponse
PartitionResult = TopicResult.ListOffsetsPartitionResponse

LATEST, EARLIEST, MAX_TIMESTAMP, EARLIEST_LOCAL, LATEST_TIERED, EARLIEST_PENDING_UPLOAD = range(-1, -7, -1)
FIRST_VERSION = {
    LATEST: 0,
    EARLIEST: 0,
    MAX_TIMESTAMP: 7,
    EARLIEST_LOCAL: 8,
    LATEST_TIERED: 9,
    EARLIEST_PENDING_UPLOAD: 11,
}
FIRST_WITH_LEADER_EPOCH = 4
CONSUMER = -1  # as replica id; everybody else sees the log up to its end

NO_TIMESTAMP = NO_OFFSET = NO_EPOCH = -1
NOTHING = TimestampOffset(NO_TIMESTAMP, NO_OFFSET, NO_EPOCH)


def handle(request: ListOffsetsRequest, ctx: RequestContext) -> ListOffsetsResponse:
    if request.isolation_level not in (READ_UNCOMMITTED, READ_COMMITTED):
        raise BrokerError(ErrorCode.UNKNOWN_SERVER_ERROR)  # as Kafka, for whom it is an unforeseen value
    times_asked = Counter((topic.name, asked.partition_index) for topic in request.topics for asked in topic.partitions)
    results: dict[str, dict[int, PartitionResult]] = {}
    for topic in request.topics:
        for asked in topic.partitions:
            is_repeated = times_asked[topic.name, asked.partition_index] > 1
            result = list_one(request, topic.name, asked, is_repeated=is_repeated, ctx=ctx)
            results.setdefault(topic.name, {})[asked.partition_index] = result
    return ListOffsetsResponse(
        topics=[TopicResult(name=name, partitions=list(of_topic.values())) for name, of_topic in results.items()]
    )


def error_response(request: ListOffsetsRequest, error: BrokerError, _ctx: RequestContext) -> ListOffsetsResponse:
    return ListOffsetsResponse(
        topics=[
            TopicResult(
                name=topic.name,
                partitions=[
                    PartitionResult(partition_index=asked.partition_index, error_code=error.code)
                    for asked in topic.partitions
                ],
            )
            for topic in request.topics
        ]
    )


def list_one(
    request: ListOffsetsRequest, topic: str, asked: Asked, *, is_repeated: bool, ctx: RequestContext
) -> PartitionResult:
    """One partition's offset; an error is that partition's alone."""
    result = PartitionResult(partition_index=asked.partition_index)
    try:
        if is_repeated:
            raise BrokerError(ErrorCode.INVALID_REQUEST, "The partition is named twice.")
        if asked.timestamp < 0 and FIRST_VERSION.get(asked.timestamp, ctx.api_version + 1) > ctx.api_version:
            raise BrokerError(ErrorCode.UNSUPPORTED_VERSION)
        partition = ctx.broker.replicas.leader(topic, asked.partition_index)
        partition.check_leader(asked.current_leader_epoch)
        end = visible_end(partition, request)
        if ctx.api_version == 0:
            result.old_style_offsets = segment_offsets(partition, asked, end, ctx.broker.clock_ms())
            return result
        found = find(partition, asked.timestamp, end)
    except BrokerError as error:
        result.error_code = error.code
        return result
    result.timestamp, result.offset = found.timestamp_ms, found.offset
    if ctx.api_version >= FIRST_WITH_LEADER_EPOCH:
        result.leader_epoch = found.leader_epoch
    return result


def visible_end(partition: Partition, request: ListOffsetsRequest) -> int:
    if request.replica_id != CONSUMER:
        return partition.log.next_offset
    return partition.last_stable_offset if request.isolation_level == READ_COMMITTED else partition.high_watermark


def find(partition: Partition, timestamp: int, end: int) -> TimestampOffset:
    if timestamp == LATEST:
        return TimestampOffset(NO_TIMESTAMP, end, partition.leader_epoch)
    if timestamp in (EARLIEST, EARLIEST_LOCAL):
        return TimestampOffset(NO_TIMESTAMP, partition.log_start_offset, epoch_at_start(partition))
    if timestamp in (LATEST_TIERED, EARLIEST_PENDING_UPLOAD):
        return NOTHING
    found = by_time(partition, timestamp)
    return NOTHING if found is None or found.offset >= end else found


def epoch_at_start(partition: Partition) -> int:
    log = partition.log
    epoch = log.leader_epochs.epoch_of(log.log_start_offset)
    # A leader's epoch begins where it takes over, which is here, though nothing was written in it yet.
    is_empty = log.log_start_offset == log.next_offset
    return partition.leader_epoch if epoch == NO_EPOCH and is_empty else epoch


def by_time(partition: Partition, timestamp: int) -> TimestampOffset | None:
    try:
        if timestamp == MAX_TIMESTAMP:
            return partition.log.offset_of_max_timestamp()
        return partition.log.offset_for_timestamp(timestamp)
    except (StorageError, CorruptBatch) as error:
        raise refused(error) from error


def segment_offsets(partition: Partition, asked: Asked, end: int, now_ms: int) -> list[int]:
    """Of v0: the starts of the segments not modified after that time, newest first, before them the log's end, which
    is of now. Raises BrokerError.
    """
    if asked.max_num_offsets < 0:
        raise BrokerError(ErrorCode.UNKNOWN_SERVER_ERROR)  # as Kafka, for whom it is an unforeseen value
    log = partition.log
    found = [(max(each.base_offset, partition.log_start_offset), each.log.modified_ms()) for each in log.segments]
    if log.segments[-1].size_bytes:
        found.append((log.next_offset, now_ms))
    if asked.timestamp == LATEST:
        count = len(found)
    elif asked.timestamp == EARLIEST:
        count = 1
    else:
        count = max((at for at, (_, modified_ms) in enumerate(found, 1) if modified_ms <= asked.timestamp), default=0)
    newest_first = sorted((offset for offset, _ in found[:count]), reverse=True)[: asked.max_num_offsets]
    return [min(offset, end) for offset in newest_first]
