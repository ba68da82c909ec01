"""ShareFetch (key 78): acquire records for a member of a share group, and acknowledge earlier ones (KIP-932).

Served: v1 and v2. v0 was early access, and Kafka 4.1 and later do not serve it.

v2  strict limit on the number of records (KIP-1206); renewal of acquisitions (KIP-1222)

Above its quota a client is given nothing. Kafka then acquires the records all the same: nobody sees them until their
time is over, and they count as delivered. That is a way to lose them, which we do not take.

Answered are the partitions with records, with an error, or with acknowledgements. As in Kafka, it is not asked whether
the caller is a member: a share session is enough.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import IntEnum

import trio

from pykbroker.context import RequestContext
from pykbroker.coordinator.share.sessions import FINAL_EPOCH, INITIAL_EPOCH, ShareSession, TopicPartition
from pykbroker.coordinator.share.state_shard import Place
from pykbroker.errors import BrokerError
from pykbroker.loop_clock import loop_ms
from pykbroker.purgatory import Waiter, Watched, standing_at
from pykbroker.quotas import sent_bytes
from pykbroker.share_acknowledging import acknowledge, by_topic, read, words
from pykbroker.share_partition_manager import Shared
from pykbroker.share_reading import Readable, grouped, look, records_of, size_of_first
from wire.api.share_fetch import ShareFetchRequest, ShareFetchResponse
from wire.errors import ErrorCode

TopicResult = ShareFetchResponse.ShareFetchableTopicResponse
PartitionResult = TopicResult.PartitionData
Results = dict[TopicPartition, PartitionResult]


class AcquireMode(IntEnum):
    BATCH_OPTIMIZED = 0
    RECORD_LIMIT = 1


async def handle(request: ShareFetchRequest, ctx: RequestContext) -> ShareFetchResponse:
    fetch = ShareFetch(request, ctx)
    results: Results = {}
    await fetch.acknowledge(results)
    if fetch.is_final:
        await fetch.close()
    elif not request.is_renew_ack:
        await fetch.acquire(results)
    response = ShareFetchResponse(
        acquisition_lock_timeout_ms=fetch.config.record_lock_duration_ms,
        responses=[
            TopicResult(topic_id=topic_id, partitions=[results[topic_id, index] for index in indexes])
            for topic_id, indexes in by_topic(results)
        ],
        node_endpoints=(),
    )
    if ctx.usage is not None:
        ctx.broker.quotas.correct_fetch(ctx.usage, sent_bytes(response, ctx.api_version) - fetch.charged_bytes)
    return response


class ShareFetch:
    """One request, and the session that it opens, continues or ends."""

    def __init__(self, request: ShareFetchRequest, ctx: RequestContext) -> None:
        self._request = request
        self._ctx = ctx
        self._shares = ctx.broker.shares
        self._group_id, self._member_id = request.group_id or "", request.member_id or ""
        self.config = self._shares.config(self._group_id)
        self._batches = read(
            ((topic.topic_id, asked.partition_index), asked.acknowledgement_batches)
            for topic in request.topics
            for asked in topic.partitions
        )
        self.is_final = request.share_session_epoch == FINAL_EPOCH
        self._check()
        self._session = self._find_session()
        self.charged_bytes = 0  # to the client's quota, for what there was to acquire

    def _check(self) -> None:
        """Raises BrokerError."""
        request = self._request
        if request.share_acquire_mode not in AcquireMode.__members__.values():
            raise BrokerError(ErrorCode.INVALID_REQUEST, f"Unknown share acquire mode: {request.share_acquire_mode}.")
        if request.is_renew_ack and any(
            (request.max_wait_ms, request.min_bytes, request.max_bytes, request.max_records)
        ):
            message = "Renewals come without a fetch: max bytes, min bytes, max records and max wait must be 0."
            raise BrokerError(ErrorCode.INVALID_REQUEST, message)
        if request.share_session_epoch == INITIAL_EPOCH and self._batches:
            raise BrokerError(ErrorCode.INVALID_REQUEST)

    def _find_session(self) -> ShareSession:
        """Raises BrokerError."""
        request, sessions = self._request, self._shares.sessions
        key = (self._group_id, self._member_id)
        if self.is_final:
            return sessions.find(key)
        if request.share_session_epoch == INITIAL_EPOCH:
            session = sessions.open(key, self._ctx)
        else:
            session = sessions.use(key, request.share_session_epoch)
        asked = [(topic.topic_id, each.partition_index) for topic in request.topics for each in topic.partitions]
        forgotten = [(topic.topic_id, index) for topic in request.forgotten_topics_data for index in topic.partitions]
        session.update(asked, forgotten)
        return session

    async def acknowledge(self, results: Results) -> None:
        may_renew = self._request.is_renew_ack and self.config.is_renewal_enabled
        told = await acknowledge(self._shares, self._group_id, self._member_id, self._batches, may_renew=may_renew)
        for where, error in told.items():
            result = results[where] = _result(where)
            result.acknowledge_error_code = ErrorCode.NONE if error is None else error.code
            result.acknowledge_error_message = words(error)

    async def close(self) -> None:
        self._shares.sessions.close(self._session.key)
        await self._shares.release(self._session)

    # --- acquiring

    async def acquire(self, results: Results) -> None:
        """Wait until there is enough to acquire, something failed, or the time is over."""
        found = await self._find(results)
        has_failed = len(found) < len(self._session.partitions)
        deadline_s = trio.current_time() + self._request.max_wait_ms / 1000
        while True:
            waiter = Waiter(missing_bytes=max(1, self._request.min_bytes))
            with standing_at(_places(found), waiter):
                readable = self._look(found, results)
                size_bytes = sum(each.size_bytes for _, each in readable)
                is_enough = size_bytes >= max(1, self._request.min_bytes) or has_failed
                left_ms = (deadline_s - trio.current_time()) * 1000
                if is_enough or left_ms <= 0 or not found or self._ctx.broker.is_stopping:
                    break
                waiter.missing_bytes -= size_bytes
                await waiter.wait(timeout_ms=left_ms)
            found = [shared for shared in found if shared.is_current]
        if self._is_within_quota(readable):
            self._take(readable, results)

    def _is_within_quota(self, readable: Sequence[tuple[Shared, Readable]]) -> bool:
        usage = self._ctx.usage
        if usage is None:
            return True
        size_bytes = size_of_first(self._request.max_records, (each for _, each in readable))
        if not self._ctx.broker.quotas.charge_fetch(usage, size_bytes):
            return False
        self.charged_bytes = size_bytes
        return True

    async def _find(self, results: Results) -> list[Shared]:
        """The share partitions of the session; of those that cannot be had, the error."""
        found = []
        for topic_id, index in list(self._session.partitions):
            try:
                found.append(await self._shares.find(Place(self._group_id, topic_id, index)))
            except BrokerError as error:
                _fail(results, (topic_id, index), error)
        return found

    def _look(self, found: Sequence[Shared], results: Results) -> list[tuple[Shared, Readable]]:
        left = min(self._request.max_bytes, self._ctx.broker.fetch_max_bytes)
        if self._ctx.usage is not None:
            left = min(left, self._ctx.broker.quotas.most_fetch_bytes(self._ctx.usage))
        readable = []
        for shared in found:
            if left <= 0:
                break
            try:
                each = look(shared, max_bytes=left, config=self.config)
            except BrokerError as error:
                _fail(results, _where(shared), error)
                continue
            if each.spans:
                readable.append((shared, each))
                left -= each.size_bytes
        return readable

    def _take(self, readable: Sequence[tuple[Shared, Readable]], results: Results) -> None:
        left = self._request.max_records
        is_strict = self._request.share_acquire_mode == AcquireMode.RECORD_LIMIT
        batch_size = left if is_strict else self._request.batch_size  # a strict limit is the only one, as in Kafka
        served = []
        for shared, each in readable:
            if left <= 0:
                break
            acquired = shared.share.acquire(
                self._member_id,
                each.spans,
                max_records=left,
                is_strict=is_strict,
                now_ms=loop_ms(),
                config=self.config,
            )
            if not acquired:
                continue
            left -= sum(last - first + 1 for first, last, _ in acquired)
            where = _where(shared)
            result = results.setdefault(where, _result(where))
            result.records = records_of(each, acquired)
            self._ctx.broker.counts.bytes_out["", where[0]] += len(result.records)
            result.acquired_records = [
                PartitionResult.AcquiredRecords(first_offset=first, last_offset=last, delivery_count=count)
                for first, last, count in grouped(acquired, batch_size)
            ]
            served.append(where)
        self._session.move_to_end(served)
        self._shares.look_at_timer()


def _places(found: Sequence[Shared]) -> Iterator[Watched]:
    """Where something may happen: records are let go, or come."""
    for shared in found:
        yield shared
        yield shared.partition


def _where(shared: Shared) -> TopicPartition:
    return shared.place.topic_id, shared.place.partition


def _result(where: TopicPartition) -> PartitionResult:
    return PartitionResult(
        partition_index=where[1],
        acknowledge_error_code=ErrorCode.NONE,
        current_leader=PartitionResult.LeaderIdAndEpoch(leader_id=0, leader_epoch=0),
        records=b"",
        acquired_records=(),
    )


def _fail(results: Results, where: TopicPartition, error: BrokerError) -> None:
    result = results.setdefault(where, _result(where))
    result.error_code = error.code
    result.error_message = words(error)


def error_response(_request: ShareFetchRequest, error: BrokerError, _ctx: RequestContext) -> ShareFetchResponse:
    return ShareFetchResponse(error_code=error.code, error_message=words(error), responses=(), node_endpoints=())
