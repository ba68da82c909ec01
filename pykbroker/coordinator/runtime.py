"""Runs a coordinator: one shard for each partition of its internal topic that this node leads.

It appends what a shard decides, replays it, and lets go of the response once it is committed; runs the shards' timers
in one task; loads shards from the log, and lets them go when they move on.

Invariants
  A shard has replayed exactly what is in its partition's log.
  A response leaves only when the records that it stands for are below the high watermark. So does one that only
  reads: it may tell of nothing that could still be lost.

Time, for shards, runs evenly: sessions neither end nor last longer because somebody sets the clock.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

import trio

from pykbroker.coordinator.decision import NO_PRODUCER, Decision, Pending
from pykbroker.coordinator.java import partition_for
from pykbroker.coordinator.loading import Shard, load
from pykbroker.errors import BrokerError
from pykbroker.loop_clock import loop_ms
from wire.compression import Codec
from wire.errors import ErrorCode
from wire.record_batch import Record, RecordBatch, build
from wire.state_records import KeyTypes, encode_key, encode_value

if TYPE_CHECKING:
    from pykbroker.config.settings import Settings
    from pykbroker.controller import Controller
    from pykbroker.metadata.image import MetadataChange, MetadataImage, TopicImage
    from pykbroker.partition import Partition
    from pykbroker.replica_manager import ReplicaManager

log = logging.getLogger(__name__)

# Records of one decision go into batches of about this size, well below what a batch may have.
BATCH_BYTES = 256 * 1024
CLOCK_CHECK_SECONDS = 30.0
CLOCK_TOLERANCE_MS = 1_000

R = TypeVar("R")
S = TypeVar("S", bound=Shard)

# How clients of a coordinator are told of what befell its partition.
_TOLD_AS = {
    ErrorCode.UNKNOWN_TOPIC_OR_PARTITION: ErrorCode.COORDINATOR_NOT_AVAILABLE,
    ErrorCode.NOT_ENOUGH_REPLICAS: ErrorCode.COORDINATOR_NOT_AVAILABLE,
    ErrorCode.REQUEST_TIMED_OUT: ErrorCode.COORDINATOR_NOT_AVAILABLE,
    ErrorCode.NOT_LEADER_OR_FOLLOWER: ErrorCode.NOT_COORDINATOR,
    ErrorCode.KAFKA_STORAGE_ERROR: ErrorCode.NOT_COORDINATOR,
    ErrorCode.MESSAGE_TOO_LARGE: ErrorCode.UNKNOWN_SERVER_ERROR,
    ErrorCode.RECORD_LIST_TOO_LARGE: ErrorCode.UNKNOWN_SERVER_ERROR,
}


@dataclass(frozen=True, slots=True)
class StateLog:
    """The internal topic of a coordinator, and how its records are written."""

    topic: str
    partition_count_setting: str
    record_types: KeyTypes
    commit_timeout_ms: int
    compression: Codec = Codec.NONE


class Led(Generic[S]):
    """A shard, and the partition that holds its records."""

    __slots__ = ("partition", "shard")

    def __init__(self, partition: Partition, shard: S) -> None:
        self.partition = partition
        self.shard = shard


class Coordinator(Generic[S]):
    """What handlers ask. Made with the broker; works while `run` runs."""

    def __init__(
        self,
        state_log: StateLog,
        new_shard: Callable[[], S],
        *,
        settings: Settings,
        controller: Controller,
        replicas: ReplicaManager,
        clock_ms: Callable[[], int],
    ) -> None:
        self._state_log = state_log
        self._new_shard = new_shard
        self._settings = settings
        self._controller = controller
        self._replicas = replicas
        self._clock_ms = clock_ms
        self._clock_offset_ms = 0  # from the event loop's clock to the time of day
        self._shards: dict[int, Led[S]] = {}
        self._nursery: trio.Nursery | None = None
        self._wake_timers = trio.Event()
        self._sleeping_until_ms: float = 0
        self._is_stopped = False

    # --- what kinds of coordinators do differently

    def _started(self, led: Led[S], now_ms: int) -> None:
        """A shard is loaded: set its timers, take up what was left undone."""

    def _stopped(self, shard: S) -> None:
        """A shard is led elsewhere now, or nowhere: send away who waits."""

    def _topics_deleted(self, led: Led[S], topics: Sequence[TopicImage]) -> None:
        """Forget them."""

    # --- for handlers

    def write(
        self, key: str, decide: Callable[[S, int], Decision[R]], *, while_loading: R | None = None
    ) -> R | Awaitable[R]:
        """Have the shard of a group, or whatever `key` is, decide, and answer once that is committed.

        Raises BrokerError.
        """
        led = self._led(key)
        if not led.shard.is_loaded:
            if while_loading is not None:
                return while_loading
            raise BrokerError(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS)
        pending = self._submit(led, decide(led.shard, self._now_ms()))
        return pending.result() if pending.is_resolved else _outcome(pending)

    def read(self, key: str, look: Callable[[S], R]) -> R | Awaitable[R]:
        """What the shard of `key` knows. Raises BrokerError."""
        return self.write(key, lambda shard, _: Decision(look(shard)))

    def read_all(self, look: Callable[[S], list[R]]) -> list[R]:
        """What all shards of this node know. Raises BrokerError while one of them loads."""
        if self._is_stopped:
            raise BrokerError(ErrorCode.COORDINATOR_NOT_AVAILABLE)
        if not all(led.shard.is_loaded for led in self._shards.values()):
            raise BrokerError(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS)
        return [found for led in self._shards.values() for found in look(led.shard)]

    @property
    def topic(self) -> str:
        return self._state_log.topic

    def partition_of(self, key: str) -> int:
        topic = self._controller.image.topic(self.topic)
        count = self._settings.int(self._state_log.partition_count_setting) if topic is None else len(topic.partitions)
        return partition_for(key, count)

    async def create_topic(self) -> None:
        """Make the internal topic, unless it is there. Raises BrokerError."""
        if self._controller.image.topic(self.topic) is None:
            try:
                await self._controller.create_topic(self.topic)
            except BrokerError as error:
                if error.code != ErrorCode.TOPIC_ALREADY_EXISTS:
                    raise

    # --- life

    async def run(self, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Load what this node leads, and run the timers, until cancelled."""
        self._clock_offset_ms = self._clock_ms() - loop_ms()
        self._controller.subscribe(self._follow_metadata)
        try:
            async with trio.open_nursery() as nursery:
                self._nursery = nursery
                self._take_over(self._controller.image)
                task_status.started()
                await self._run_timers()
        finally:
            self.stop()

    def stop(self) -> None:
        """Send away who waits, and answer no more: all goes on where it is led next."""
        self._is_stopped = True
        for index in list(self._shards):
            self._let_go(index)

    def _take_over(self, image: MetadataImage) -> None:
        """Make the shards those of the partitions that this node leads now."""
        topic = image.topic(self.topic)
        led_now = {}
        for placed in () if topic is None else topic.partitions:
            try:
                led_now[placed.index] = self._replicas.leader(self.topic, placed.index)
            except BrokerError:
                continue  # led elsewhere, or its disk failed
        for index, led in list(self._shards.items()):
            if led_now.get(index) is not led.partition:
                self._let_go(index)
        assert self._nursery is not None
        loading = []
        for index, partition in led_now.items():
            if index not in self._shards:
                led = self._shards[index] = Led(partition, self._new_shard())
                if partition.log.next_offset == partition.log.log_start_offset:
                    self._loaded(led)
                else:
                    loading.append(led)
        if loading:
            self._nursery.start_soon(self._load, loading)

    async def _load(self, shards: list[Led[S]]) -> None:
        started_ms = loop_ms()
        for led in shards:
            await load(led.shard, led.partition, self._state_log.record_types)
            if self._shards.get(led.partition.index) is led:
                self._loaded(led)
        loaded = sum(led.shard.size for led in shards)
        fields = {"topic": self.topic, "partitions": len(shards), "loaded": loaded, "ms": loop_ms() - started_ms}
        log.info("coordinator state loaded", extra={"fields": fields})

    def _loaded(self, led: Led[S]) -> None:
        now_ms = self._now_ms()
        led.shard.finish_loading()
        self._started(led, now_ms)
        self._look_at_timers(led)

    def _let_go(self, index: int) -> None:
        led = self._shards.pop(index)
        self._stopped(led.shard)

    async def _follow_metadata(self, change: MetadataChange) -> None:
        if self._is_stopped:
            return
        changed = (*change.created, *change.altered, *change.deleted)
        if any(topic.name == self.topic for topic in changed):
            self._take_over(change.after)
        if change.deleted:
            for led in list(self._shards.values()):
                if led.shard.is_loaded:
                    self._topics_deleted(led, change.deleted)

    # --- deciding, appending, replaying

    def _led(self, key: str) -> Led[S]:
        if self._is_stopped:
            raise BrokerError(ErrorCode.COORDINATOR_NOT_AVAILABLE)
        led = self._shards.get(self.partition_of(key))
        if led is None or not led.partition.is_leader or led.partition.is_offline:
            raise BrokerError(ErrorCode.NOT_COORDINATOR)
        return led

    def _submit(self, led: Led[S], decision: Decision[R]) -> Pending[R]:
        """Carry out a decision; its response, or the error that came of it, sooner or later."""
        told: Pending[R] = Pending()
        partition = led.partition
        next_offset = partition.log.next_offset
        if decision.records:
            try:
                next_offset = self._append(led, decision)
            except BrokerError as error:
                self._failed(led, decision, told, error)
                return told
        if partition.high_watermark >= next_offset:
            self._committed(led, decision, told)
        else:
            assert self._nursery is not None
            # Not in the task of the client, which may hang up: what was begun is brought to its end.
            self._nursery.start_soon(self._await_commit, led, decision, told, next_offset)
        return told

    def _append(self, led: Led[S], decision: Decision[R]) -> int:
        now_ms = self._clock_ms()
        encoded = [
            Record(timestamp_ms=now_ms, key=encode_key(key), value=None if value is None else encode_value(value))
            for key, value in decision.records
        ]
        batches = self._batches(encoded, decision.producer)
        appended = led.partition.append_as_leader(batches, now_ms=now_ms, from_client=False, acks_all=True)
        for offset, (key, value) in enumerate(decision.records, appended.base_offset):
            led.shard.replay(key, value, record_offset=offset, producer_id=decision.producer[0])
        return appended.next_offset

    def _batches(self, records: list[Record], producer: tuple[int, int]) -> list[RecordBatch]:
        """Of a producer there can be only one."""
        producer_id, producer_epoch = producer
        is_transactional = producer != NO_PRODUCER
        built = (
            build(
                batch,
                compression=self._state_log.compression,
                producer_id=producer_id,
                producer_epoch=producer_epoch,
                transactional=is_transactional,
            )
            for batch in ([records] if is_transactional else _in_batches(records))
        )
        return [RecordBatch(memoryview(bytearray(data))) for data in built]

    async def _await_commit(self, led: Led[S], decision: Decision[R], told: Pending[R], next_offset: int) -> None:
        try:
            await led.partition.wait_committed(next_offset, timeout_ms=self._state_log.commit_timeout_ms)
        except BrokerError as error:
            self._failed(led, decision, told, error)
        else:
            self._committed(led, decision, told)

    def _committed(self, led: Led[S], decision: Decision[R], told: Pending[R]) -> None:
        if decision.committed is not None:
            decision.committed(self._now_ms())
        self._look_at_timers(led)
        response = decision.response
        if isinstance(response, Pending):
            response.pass_on(told)
        else:
            told.resolve(response)

    def _failed(self, led: Led[S], decision: Decision[R], told: Pending[R], error: BrokerError) -> None:
        code = _TOLD_AS.get(error.code, error.code)
        fields = {"topic": self.topic, "error": error.code.name, "why": error.message}
        log.error("coordinator state could not be stored", extra={"fields": fields})
        if decision.failed is not None:
            self._submit(led, decision.failed(code, self._now_ms()))
        if isinstance(decision.response, Pending):
            decision.response.pass_on(told)
        else:
            told.refuse(BrokerError(code))

    # --- time

    def _now_ms(self) -> int:
        return loop_ms() + self._clock_offset_ms

    def _look_at_timers(self, led: Led[S]) -> None:
        """Something may have to happen sooner than we thought."""
        deadline_ms = led.shard.timers.next_deadline_ms
        if deadline_ms is not None and deadline_ms < self._sleeping_until_ms:
            self._wake_timers.set()

    async def _run_timers(self) -> None:
        while True:
            self._correct_clock()
            now_ms = self._now_ms()
            deadlines = (led.shard.timers.next_deadline_ms for led in self._shards.values())
            self._sleeping_until_ms = min((each for each in deadlines if each is not None), default=float("inf"))
            self._wake_timers = trio.Event()
            wait_ms = max(0, self._sleeping_until_ms - now_ms)  # what came due while others were run does not wait
            with trio.move_on_after(min(wait_ms / 1000, CLOCK_CHECK_SECONDS)):
                await self._wake_timers.wait()
            for led in list(self._shards.values()):
                self._run_due(led)

    def _run_due(self, led: Led[S]) -> None:
        try:
            for decision in led.shard.timers.due(self._now_ms()):
                self._submit(led, decision)
        except Exception:
            # A bug of ours in one group must not be the end of all.
            fields = {"topic": self.topic, "partition": led.partition.index}
            log.exception("a timer of a coordinator failed", extra={"fields": fields})

    def _correct_clock(self) -> None:
        """Follow the time of day where it was set, and have the timers keep their distance."""
        drift_ms = self._clock_ms() - self._now_ms()
        if abs(drift_ms) > CLOCK_TOLERANCE_MS:
            self._clock_offset_ms += drift_ms
            for led in self._shards.values():
                led.shard.timers.shift(drift_ms)


async def _outcome(pending: Pending[R]) -> R:
    if not pending.is_resolved:
        resolved = trio.Event()
        pending.on_resolved = resolved.set
        await resolved.wait()
    return pending.result()


def _in_batches(records: list[Record]) -> list[list[Record]]:
    batches: list[list[Record]] = [[]]
    size_bytes = 0
    for record in records:
        record_bytes = len(record.key or b"") + len(record.value or b"")
        if batches[-1] and size_bytes + record_bytes > BATCH_BYTES:
            batches.append([])
            size_bytes = 0
        batches[-1].append(record)
        size_bytes += record_bytes
    return batches
