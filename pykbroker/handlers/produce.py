"""Produce (key 0): append record batches to partitions that this broker leads.

v0-v2  message sets, which become one batch; a batch is taken in these versions too
v1     throttle time
v2     log append time in the answer
v3     transactional id; v2 batches only (KIP-98)
v5     log start offset in the answer (KIP-207)
v7     zstd (KIP-110)
v8     per-record errors and an error text (KIP-467)
v10    the current leader comes with NOT_LEADER_OR_FOLLOWER (KIP-951)
v12    a transactional batch adds its partition to the transaction (KIP-890)
v13    topic ids instead of names (KIP-516)

A batch in another codec than the topic's is recompressed; only then, and for message sets, something is awaited before
the append. The connection waits too, so a client's batches are appended in the order in which they came.

acks=0 has no answer, but the connection is closed on an error; acks=all is answered when every in-sync replica has it.
Where flush.messages or `--durability fsync` want the batch on the disk first, both acks=1 and acks=all wait for that.
"""

from __future__ import annotations

from collections.abc import Awaitable, Sequence

from pykbroker.context import RequestContext
from pykbroker.conversion import Source, is_due
from pykbroker.errors import BrokerError, RecordsRefused
from pykbroker.handlers.produce_in_transaction import Refused, outside_of_transaction
from pykbroker.partition import Partition
from wire.api.produce import ProduceRequest, ProduceResponse
from wire.compression import Codec
from wire.errors import CorruptBatch, ErrorCode, InvalidRecord, ProtocolError
from wire.record_batch import CODEC_MASK, TRANSACTIONAL, RecordBatch, first_batch
from wire.registry import ApiKey
from wire.schema import maker

ACKS_NONE, ACKS_LEADER, ACKS_ALL = 0, 1, -1
FIRST_WITH_BATCHES_ONLY = 3
FIRST_WITH_ZSTD = 7
FIRST_WITH_TOPIC_IDS = 13

TopicData = ProduceRequest.TopicProduceData
PartitionData = TopicData.PartitionProduceData
TopicResult = ProduceResponse.TopicProduceResponse
PartitionResult = TopicResult.PartitionProduceResponse
RecordError = PartitionResult.BatchIndexAndErrorMessage
TOLD_WITHOUT_LOG_START = frozenset(
    {
        ErrorCode.CORRUPT_MESSAGE,
        ErrorCode.MESSAGE_TOO_LARGE,
        ErrorCode.RECORD_LIST_TOO_LARGE,
        ErrorCode.NOT_LEADER_OR_FOLLOWER,
        ErrorCode.KAFKA_STORAGE_ERROR,
    }
)
NONE_REFUSED: Refused = {}
new_topic_result, new_partition_result = maker(TopicResult), maker(PartitionResult)
new_response = maker(ProduceResponse)
Unconverted = list[tuple[PartitionResult, Partition, Source]]
Uncommitted = list[tuple[PartitionResult, Partition, int]]


def handle(request: ProduceRequest, ctx: RequestContext) -> ProduceResponse | Awaitable[ProduceResponse | None] | None:
    batches = first_batches(request)
    if request.acks not in (ACKS_NONE, ACKS_LEADER, ACKS_ALL):
        raise BrokerError(ErrorCode.INVALID_REQUIRED_ACKS)
    if request.transactional_id is not None:
        return append_in_transaction(request, request.transactional_id, batches, ctx)
    return append_all(request, batches, NONE_REFUSED, ctx)


async def append_in_transaction(
    request: ProduceRequest, transactional_id: str, batches: Sequence[RecordBatch | None], ctx: RequestContext
) -> ProduceResponse | None:
    refused = await outside_of_transaction(request, transactional_id, batches, ctx)
    answered = append_all(request, batches, refused, ctx)
    return await answered if isinstance(answered, Awaitable) else answered


def append_all(
    request: ProduceRequest, batches: Sequence[RecordBatch | None], refused: Refused, ctx: RequestContext
) -> ProduceResponse | Awaitable[ProduceResponse | None] | None:
    following = iter(batches)
    now_ms = ctx.broker.clock_ms()
    unconverted: Unconverted = []
    uncommitted: Uncommitted = []
    topics = []
    for topic in request.topic_data:
        results = []
        for data in topic.partition_data:
            batch = next(following)
            results.append(append_one(ctx, topic, data, batch, refused, request.acks, now_ms, unconverted, uncommitted))
        topics.append(new_topic_result(name=topic.name, topic_id=topic.topic_id, partition_responses=results))
    if unconverted:
        return convert_and_append(request, batches, topics, ctx, unconverted, uncommitted)
    return answer(request, topics, uncommitted)


def answer(
    request: ProduceRequest, topics: list[TopicResult], uncommitted: Uncommitted
) -> ProduceResponse | Awaitable[ProduceResponse] | None:
    if request.acks == ACKS_NONE:
        check_unanswered(topics)
        return None
    response = new_response(responses=topics)
    if uncommitted:
        return wait_stored(response, uncommitted, request)
    return response


def first_batches(request: ProduceRequest) -> list[RecordBatch | None]:
    """The batch of each partition, None where there is no whole one. One whose frame cannot be read, or transactional
    without the request being so, spoils the whole request, as in Kafka.
    """
    found = []
    for topic in request.topic_data:
        for data in topic.partition_data:
            try:
                batch = first_batch(data.records) if isinstance(data.records, memoryview) else None
            except InvalidRecord:  # a message set
                batch = None
            except CorruptBatch as error:
                raise BrokerError(ErrorCode.CORRUPT_MESSAGE, str(error)) from error
            if batch is not None and batch.attributes & TRANSACTIONAL and request.transactional_id is None:
                raise BrokerError(ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED)
            found.append(batch)
    return found


def append_one(
    ctx: RequestContext,
    topic: TopicData,
    data: PartitionData,
    batch: RecordBatch | None,
    not_of_transaction: Refused,
    acks: int,
    now_ms: int,
    unconverted: Unconverted,
    uncommitted: Uncommitted,
) -> PartitionResult:
    """Append one partition's batch, or put it with those to convert; an error is that partition's alone."""
    log_start_offset = -1
    try:
        broker = ctx.broker
        name = topic.name if ctx.api_version < FIRST_WITH_TOPIC_IDS else broker.topic_name(topic.topic_id)
        partition = broker.replicas.replica(name, data.index)
        if batch is None:
            if ctx.api_version >= FIRST_WITH_BATCHES_ONLY or not isinstance(data.records, memoryview):
                raise BrokerError(ErrorCode.INVALID_RECORD)
            return convert_later(partition, data, data.records, unconverted)
        if FIRST_WITH_BATCHES_ONLY <= ctx.api_version < FIRST_WITH_ZSTD and batch.attributes & CODEC_MASK == Codec.ZSTD:
            raise BrokerError(ErrorCode.UNSUPPORTED_COMPRESSION_TYPE)
        if batch.data is not data.records:
            check_is_alone(batch, data.records)
        if not_of_transaction and (name, data.index) in not_of_transaction:
            raise not_of_transaction[name, data.index]
        log_start_offset = partition.log.log_start_offset
        config = partition.log.config
        if config.target_codec is not None and is_due(batch, config):
            return convert_later(partition, data, batch, unconverted)
        appended = partition.append_as_leader((batch,), now_ms=now_ms, acks_all=acks == ACKS_ALL)
    except BrokerError as error:
        ctx.broker.counts.partition_errors[ApiKey.PRODUCE, error.code] += 1
        result = PartitionResult(index=data.index, base_offset=-1)
        refuse(result, error, log_start_offset)
        return result
    result = new_partition_result(
        index=data.index,
        base_offset=appended.base_offset,
        log_append_time_ms=appended.log_append_time_ms,
        log_start_offset=log_start_offset,
    )
    if partition.high_watermark < appended.next_offset:
        uncommitted.append((result, partition, appended.next_offset))
    return result


def convert_later(
    partition: Partition, data: PartitionData, source: Source, unconverted: Unconverted
) -> PartitionResult:
    """The result as it stays if there is nothing to append: an old producer's empty set is no error."""
    partition.check_leader()
    result = PartitionResult(index=data.index, base_offset=-1, log_start_offset=partition.log.log_start_offset)
    unconverted.append((result, partition, source))
    return result


async def convert_and_append(
    request: ProduceRequest,
    batches: Sequence[RecordBatch | None],
    topics: list[TopicResult],
    ctx: RequestContext,
    unconverted: Unconverted,
    uncommitted: Uncommitted,
) -> ProduceResponse | None:
    """Append what could not be appended at once, and answer the request."""
    broker = ctx.broker
    converted = []
    for result, partition, source in unconverted:
        try:
            batch = await broker.conversions.for_log(source, partition, now_ms=broker.clock_ms())
        except BrokerError as error:
            refuse(result, error, result.log_start_offset)
        else:
            if batch is not None:
                converted.append((result, partition, batch))
    refused = NONE_REFUSED
    if request.transactional_id is not None:  # again, for the transaction may have ended meanwhile
        refused = await outside_of_transaction(request, request.transactional_id, batches, ctx)
    for result, partition, batch in converted:
        try:
            if (partition.topic, partition.index) in refused:
                raise refused[partition.topic, partition.index]
            now_ms = broker.clock_ms()
            appended = partition.append_as_leader((batch,), now_ms=now_ms, acks_all=request.acks == ACKS_ALL)
        except BrokerError as error:
            refuse(result, error, result.log_start_offset)
            continue
        result.base_offset = appended.base_offset
        result.log_append_time_ms = appended.log_append_time_ms
        if partition.high_watermark < appended.next_offset:
            uncommitted.append((result, partition, appended.next_offset))
    answered = answer(request, topics, uncommitted)
    return await answered if isinstance(answered, Awaitable) else answered


def check_is_alone(batch: RecordBatch, records: object) -> None:
    """A partition gets one batch in a request (KIP-98); a cut one behind it is passed over."""
    assert isinstance(records, memoryview)
    if len(records) > batch.size_bytes:
        try:
            another = first_batch(records[batch.size_bytes :]) is not None
        except InvalidRecord:  # a message set
            another = True
        except CorruptBatch as error:
            raise BrokerError(ErrorCode.CORRUPT_MESSAGE) from error
        if another:
            raise BrokerError(ErrorCode.INVALID_RECORD)


def refuse(result: PartitionResult, error: BrokerError, log_start_offset: int) -> None:
    """Kafka says in words only what is wrong with single records, and no log start offset where it did not get to
    look at them.
    """
    result.error_code = error.code
    result.log_start_offset = -1 if error.code in TOLD_WITHOUT_LOG_START else log_start_offset
    if isinstance(error, RecordsRefused):
        result.error_message = error.message
        result.record_errors = [
            RecordError(batch_index=batch_index, batch_index_error_message=why)
            for batch_index, why in error.record_errors
        ]


async def wait_stored(response: ProduceResponse, uncommitted: Uncommitted, request: ProduceRequest) -> ProduceResponse:
    """Hold the answer until every batch is on the disk, where that is asked of the log, and with acks=all below its
    high watermark; or say which were not. The time that the client gives is for the other replicas, not for our disk.
    """
    for result, partition, next_offset in uncommitted:
        try:
            await partition.wait_flushed(next_offset)
            if request.acks == ACKS_ALL:
                await partition.wait_committed(next_offset, timeout_ms=request.timeout_ms)
        except BrokerError as error:
            result.error_code = error.code
    return response


def check_unanswered(topics: list[TopicResult]) -> None:
    """With acks=0 an error shows only as a closed connection, upon which clients refresh their metadata."""
    for topic in topics:
        for result in topic.partition_responses:
            if result.error_code:
                raise ProtocolError(f"acks=0, error {result.error_code} at {topic.name}-{result.index}")


def error_response(request: ProduceRequest, error: BrokerError, _ctx: RequestContext) -> ProduceResponse:
    """The whole request is refused."""
    if request.acks == ACKS_NONE:
        raise ProtocolError(f"acks=0, {error.message}")
    words = None if error.message == error.code.message else error.message
    topics = []
    for topic in request.topic_data:
        results = [
            PartitionResult(index=data.index, base_offset=-1, error_code=error.code, error_message=words)
            for data in topic.partition_data
        ]
        topics.append(TopicResult(name=topic.name, topic_id=topic.topic_id, partition_responses=results))
    return ProduceResponse(responses=topics)
