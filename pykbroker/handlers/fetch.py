"""Fetch (key 1): read record batches, waiting for them if there are too few.

v0   message sets of magic 0; a first batch that is larger than asked for is not answered
v2   message sets of magic 1
v3   a limit for the whole answer, and always the first batch (KIP-74)
v4   record batches (KIP-98); isolation level: last stable offset and aborted transactions
v5   log start offset
v7   fetch sessions (KIP-227)
v9   the leader epoch that the client knows (KIP-320)
v10  zstd (KIP-110)
v11  the consumer's rack (KIP-392)
v12  flexible; the epoch fetched last, for truncation (KIP-595)
v13  topic ids instead of names (KIP-516)
v15  the replica's state instead of its id
v16  leaders' endpoints (KIP-951)
v17  the replica's directory id (KIP-853)
v18  the replica's high watermark

An answer holds at most `max_bytes`, and of each partition at most its `partition_max_bytes`, but always the first
batch that there is. Records go from the file to the socket; but those for old clients through a worker thread, which
makes message sets of them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Iterable, Iterator
from contextlib import suppress

import trio

from pykbroker.context import RequestContext
from pykbroker.errors import BrokerError
from pykbroker.fetch_sessions import FINAL_EPOCH, INITIAL_EPOCH, NO_SESSION, FetchSession, Key, Wanted
from pykbroker.partition import Partition
from pykbroker.purgatory import Waiter, standing_at
from pykbroker.quotas import sent_bytes
from storage.log_slice import LogSlice
from wire.api.fetch import FetchRequest, FetchResponse
from wire.compression import Codec
from wire.errors import ErrorCode
from wire.registry import ApiKey

FIRST_WITH_MAGIC_1 = 2
FIRST_WITH_FIRST_BATCH = 3
FIRST_WITH_BATCHES = 4
FIRST_WITH_STORAGE_ERROR = 6
FIRST_WITH_ZSTD = 10
FIRST_WITH_TOPIC_IDS = 13

TopicResult = FetchResponse.FetchableTopicResponse
PartitionResult = TopicResult.PartitionData
AbortedTransaction = PartitionResult.AbortedTransaction
EpochEndOffset = PartitionResult.EpochEndOffset
Result = tuple[Key, Wanted, PartitionResult]


def handle(request: FetchRequest, ctx: RequestContext) -> FetchResponse | Awaitable[FetchResponse]:
    fetch = Fetch(request, ctx)
    if ctx.api_version < FIRST_WITH_BATCHES:
        return fetch.wait_and_convert()
    results = fetch.read()
    if fetch.is_satisfied(results):
        return fetch.respond(results)
    return fetch.wait_and_read()


def error_response(_request: FetchRequest, error: BrokerError, _ctx: RequestContext) -> FetchResponse:
    return FetchResponse(error_code=error.code, responses=())


class Fetch:
    """One request: what it wants, and the session that it continues or opens."""

    def __init__(self, request: FetchRequest, ctx: RequestContext) -> None:
        self._request = request
        self._ctx = ctx
        self._session: FetchSession | None = None
        self._is_incremental = False
        self._is_diverging = False
        self._max_bytes = min(request.max_bytes, ctx.broker.fetch_max_bytes)
        if ctx.usage is not None:
            self._max_bytes = min(self._max_bytes, ctx.broker.quotas.most_fetch_bytes(ctx.usage))
        self._min_bytes = min(request.min_bytes, self._max_bytes)
        self._wanted = self._open_session()

    # --- what is asked

    def _open_session(self) -> list[tuple[Key, Wanted]]:
        """All partitions to read, in order. Raises BrokerError."""
        request, sessions = self._request, self._ctx.broker.fetch_sessions
        now_ms = self._ctx.broker.clock_ms()
        uses_topic_ids = self._ctx.api_version >= FIRST_WITH_TOPIC_IDS
        if request.session_epoch in (INITIAL_EPOCH, FINAL_EPOCH):
            asked = list(_asked(request))
            sessions.close(request.session_id)
            if request.session_epoch == INITIAL_EPOCH and asked:
                self._session = sessions.create(uses_topic_ids=uses_topic_ids, now_ms=now_ms)
                if self._session is not None:
                    self._session.partitions.update(asked)
            return asked
        self._session = session = sessions.use(
            request.session_id, request.session_epoch, uses_topic_ids=uses_topic_ids, now_ms=now_ms
        )
        self._is_incremental = True
        for topic in request.forgotten_topics_data:
            for index in topic.partitions:
                session.forget((topic.topic, topic.topic_id, index))
        for key, wanted in _asked(request):
            session.want(key, wanted)
        if not session.partitions:
            sessions.close(session.id)
            self._session = None
        return list(session.partitions.items())

    # --- what there is

    def read(self) -> list[Result]:
        left = self._max_bytes
        is_first = self._ctx.api_version >= FIRST_WITH_FIRST_BATCH
        results = []
        for key, wanted in self._wanted:
            result = self._read_one(key, wanted, max_bytes=left, at_least_one=is_first)
            if result.records:
                is_first = False
                left = max(0, left - _size(result))
            results.append((key, wanted, result))
        return results

    def _read_one(self, key: Key, wanted: Wanted, *, max_bytes: int, at_least_one: bool) -> PartitionResult:
        index = key[2]
        try:
            partition = self._partition(key, wanted)
            partition.check_leader(wanted.current_leader_epoch)
            if wanted.last_fetched_epoch >= 0 and (
                diverging := partition.divergence(wanted.last_fetched_epoch, wanted.fetch_offset)
            ):
                return self._diverging(index, partition, *diverging)
            if self._ctx.api_version < FIRST_WITH_ZSTD and partition.log.config.target_codec is Codec.ZSTD:
                raise BrokerError(ErrorCode.UNSUPPORTED_COMPRESSION_TYPE)  # KIP-110: the topic's word, not the batches'
            records = partition.read(
                wanted.fetch_offset,
                max_bytes=min(max_bytes, wanted.max_bytes),
                isolation_level=self._request.isolation_level,
                at_least_one=at_least_one,
            )
        except BrokerError as error:
            return self._refused(index, error.code)
        return PartitionResult(
            partition_index=index,
            high_watermark=partition.high_watermark,
            last_stable_offset=partition.last_stable_offset,
            log_start_offset=partition.log.log_start_offset,
            aborted_transactions=self._aborted(partition, wanted.fetch_offset, records.next_offset),
            records=records or b"",
        )

    def _diverging(self, index: int, partition: Partition, epoch: int, end_offset: int) -> PartitionResult:
        self._is_diverging = True
        return PartitionResult(
            partition_index=index,
            high_watermark=partition.high_watermark,
            last_stable_offset=partition.last_stable_offset,
            log_start_offset=partition.log_start_offset,
            diverging_epoch=EpochEndOffset(epoch=epoch, end_offset=end_offset),
            aborted_transactions=None,
            records=b"",
        )

    def _refused(self, index: int, code: ErrorCode) -> PartitionResult:
        if code == ErrorCode.KAFKA_STORAGE_ERROR and self._ctx.api_version < FIRST_WITH_STORAGE_ERROR:
            code = ErrorCode.NOT_LEADER_OR_FOLLOWER  # upon which old clients look for the leader again
        self._ctx.broker.counts.partition_errors[ApiKey.FETCH, code] += 1
        return PartitionResult(
            partition_index=index, error_code=code, high_watermark=-1, aborted_transactions=None, records=b""
        )

    def _aborted(self, partition: Partition, offset: int, next_offset: int) -> list[AbortedTransaction] | None:
        """For readers of committed records: which transactions they are to leave out."""
        if not self._request.isolation_level:
            return None
        return [
            AbortedTransaction(producer_id=aborted.producer_id, first_offset=aborted.first_offset)
            for aborted in partition.aborted_transactions(offset, next_offset)
        ]

    def _partition(self, key: Key, wanted: Wanted) -> Partition:
        """Raises BrokerError. A topic id that was known once keeps its name, as in Kafka: who goes on asking for it is
        told that this topic is gone, or that it is another's name now.
        """
        name, topic_id, index = key
        if self._ctx.api_version < FIRST_WITH_TOPIC_IDS:
            return self._ctx.broker.replicas.replica(name, index)
        if not wanted.topic_name:
            wanted.topic_name = self._ctx.broker.topic_name(topic_id)
        partition = self._ctx.broker.replicas.replica(wanted.topic_name, index)
        if partition.topic_id != topic_id:
            raise BrokerError(ErrorCode.INCONSISTENT_TOPIC_ID)
        return partition

    def is_satisfied(self, results: list[Result]) -> bool:
        """Is there enough, or is waiting of no use?"""
        request = self._request
        if request.max_wait_ms <= 0 or not self._wanted or self._is_diverging:
            return True
        if any(result.error_code for _, _, result in results):
            return True
        return sum(_size(result) for _, _, result in results) >= self._min_bytes

    async def wait_and_read(self) -> FetchResponse:
        """Wait until `min_bytes` have come, `max_wait_ms` is over, or something else happened.

        What came may be in a transaction, and not to be read before its end: then the wait goes on.
        """
        deadline = trio.current_time() + self._request.max_wait_ms / 1000
        while True:
            results = self.read()  # again: other answers may have had to leave since the first look
            left_ms = (deadline - trio.current_time()) * 1000
            if left_ms <= 0 or self.is_satisfied(results) or self._ctx.broker.is_stopping:
                return self.respond(results)
            missing_bytes = self._min_bytes - sum(_size(result) for _, _, result in results)
            with standing_at(self._readable(), Waiter(missing_bytes=missing_bytes)) as waiter:
                if await waiter.wait(timeout_ms=left_ms) and not self._request.isolation_level:
                    return self.respond(self.read())

    async def wait_and_convert(self) -> FetchResponse:
        """The same for clients that know message sets only: what has no place in them (transaction markers) is not
        counted, else such a client would ask again and again.
        """
        deadline = trio.current_time() + self._request.max_wait_ms / 1000
        while True:
            waiter = Waiter()
            with standing_at(self._readable(), waiter):
                results = [
                    (key, wanted, await self._converted(key, wanted, found)) for key, wanted, found in self.read()
                ]
                left_ms = 1000 * (deadline - trio.current_time())
                if self.is_satisfied(results) or left_ms <= 0 or self._ctx.broker.is_stopping:
                    return self.respond(results)
                waiter.missing_bytes += self._min_bytes - sum(_size(result) for _, _, result in results)
                await waiter.wait(timeout_ms=left_ms)

    async def _converted(self, key: Key, wanted: Wanted, found: PartitionResult) -> PartitionResult:
        if isinstance(found.records, LogSlice):
            try:
                found.records = await self._ctx.broker.conversions.for_consumer(
                    self._partition(key, wanted),
                    found.records,
                    offset=wanted.fetch_offset,
                    magic=1 if self._ctx.api_version >= FIRST_WITH_MAGIC_1 else 0,
                )
            except BrokerError as error:
                return self._refused(key[2], error.code)
        return found

    def _readable(self) -> Iterator[Partition]:
        for key, wanted in self._wanted:
            with suppress(BrokerError):
                yield self._partition(key, wanted)

    # --- what is answered

    def respond(self, results: Iterable[Result]) -> FetchResponse:
        session, bytes_out = self._session, self._ctx.broker.counts.bytes_out
        kept = [result for result in results if self._is_news(*result)]
        session_id = NO_SESSION if session is None else session.id
        response = FetchResponse(session_id=session_id, responses=list(_by_topic(kept)))
        if (usage := self._ctx.usage) is not None:
            size_bytes = sent_bytes(response, self._ctx.api_version)
            if not self._ctx.broker.quotas.charge_fetch(usage, size_bytes):
                return self._throttled()
        for key, wanted, result in kept:
            wanted.told_high_watermark = result.high_watermark
            wanted.told_log_start_offset = result.log_start_offset
            if result.records:
                bytes_out[key[:2]] += len(result.records)
            if session is not None and self._is_incremental and result.records and key in session.partitions:
                session.partitions.move_to_end(key)
        return response

    def _throttled(self) -> FetchResponse:
        """Nothing, as if nothing had been asked: a session that was to be opened is not, one that goes on knows no more
        of what the client knows.
        """
        session = self._session
        if session is None or self._is_incremental:
            return FetchResponse(session_id=NO_SESSION if session is None else session.id, responses=())
        self._ctx.broker.fetch_sessions.close(session.id)
        return FetchResponse(session_id=NO_SESSION, responses=())

    def _is_news(self, _key: Key, wanted: Wanted, result: PartitionResult) -> bool:
        """Must this partition be in the answer? In a session only if something is new to the client."""
        return (
            not self._is_incremental
            or bool(result.records)
            or result.error_code != ErrorCode.NONE
            or result.high_watermark != wanted.told_high_watermark
            or result.log_start_offset != wanted.told_log_start_offset
            or result.diverging_epoch.epoch >= 0
        )


def _asked(request: FetchRequest) -> Iterator[tuple[Key, Wanted]]:
    for topic in request.topics:
        for asked in topic.partitions:
            wanted = Wanted(
                fetch_offset=asked.fetch_offset,
                max_bytes=asked.partition_max_bytes,
                current_leader_epoch=asked.current_leader_epoch,
                last_fetched_epoch=asked.last_fetched_epoch,
            )
            yield (topic.topic, topic.topic_id, asked.partition), wanted


def _by_topic(results: list[Result]) -> Iterator[TopicResult]:
    """The results as the answer has them: neighbours of one topic together."""
    current: TopicResult | None = None
    partitions: list[PartitionResult] = []
    for (name, topic_id, _), _, result in results:
        if current is None or (current.topic, current.topic_id) != (name, topic_id):
            partitions = []
            current = TopicResult(topic=name, topic_id=topic_id, partitions=partitions)
            yield current
        partitions.append(result)


def _size(result: PartitionResult) -> int:
    return 0 if result.records is None else len(result.records)
