"""Share partitions of the logs that this broker leads: made when first fetched from, by what the share coordinator has.

Invariants
  What a member was told of its acknowledgements is stored.
  A share partition is used only while its log is led in the epoch that it was loaded for, and in the state epoch that
  the share coordinator has; else it is dropped, and loaded again by the next who asks.

Time is the event loop's: acquisitions neither end nor last longer because somebody sets the clock.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import trio

from pykbroker.coordinator.share.config import DeliveryConfig, ShareConfigs
from pykbroker.coordinator.share.sessions import ShareSession, ShareSessions
from pykbroker.coordinator.share.share_partition import Acknowledgement, SharePartition, Transition
from pykbroker.coordinator.share.state_batches import StateBatch
from pykbroker.coordinator.share.state_shard import UNINITIALIZED_START, Place, StateWrite
from pykbroker.errors import BrokerError
from pykbroker.loop_clock import loop_ms
from pykbroker.share_start import start_offset_of
from wire.errors import ErrorCode

if TYPE_CHECKING:
    from pykbroker.config.settings import Settings
    from pykbroker.controller import Controller
    from pykbroker.coordinator.share_coordinator import ShareCoordinator
    from pykbroker.partition import Partition
    from pykbroker.purgatory import Waiter
    from pykbroker.replica_manager import ReplicaManager

log = logging.getLogger(__name__)

# The writer is of the past; what it has in memory is, too.
_FENCED = (ErrorCode.FENCED_STATE_EPOCH, ErrorCode.FENCED_LEADER_EPOCH)


class Shared:
    """A share partition, and the log that it gives out."""

    def __init__(self, place: Place, partition: Partition, share: SharePartition, *, state_epoch: int) -> None:
        self.place = place
        self.partition = partition
        self.share = share
        self.state_epoch = state_epoch
        self.leader_epoch = partition.leader_epoch
        self.waiters: set[Waiter] = set()

    @property
    def is_current(self) -> bool:
        return self.partition.is_leader and self.partition.leader_epoch == self.leader_epoch

    def wake_waiters(self) -> None:
        for waiter in list(self.waiters):
            waiter.wake()


class SharePartitionManager:
    """Made with the broker; frees what was held too long while `run` runs."""

    def __init__(
        self,
        *,
        settings: Settings,
        controller: Controller,
        replicas: ReplicaManager,
        coordinator: ShareCoordinator,
        clock_ms: Callable[[], int],
    ) -> None:
        self.sessions = ShareSessions(max_sessions=settings.int("group.share.max.share.sessions"))
        self._configs = ShareConfigs(settings)
        self._controller = controller
        self._replicas = replicas
        self._coordinator = coordinator
        self._clock_ms = clock_ms
        self._shared: dict[Place, Shared] = {}
        self._loading: dict[Place, trio.Lock] = {}
        self._nursery: trio.Nursery | None = None
        self._wake_timer = trio.Event()

    def config(self, group_id: str) -> DeliveryConfig:
        return self._configs.delivery(self._controller.image, group_id)

    # --- finding

    async def find(self, place: Place) -> Shared:
        """The share partition, loaded. Raises BrokerError."""
        found = self._shared.get(place)
        if found is not None and found.is_current:
            return found
        lock = self._loading.setdefault(place, trio.Lock())
        async with lock:
            found = self._shared.get(place)
            if found is None or not found.is_current:
                found = self._shared[place] = await self._load(place)
        if not lock.statistics().tasks_waiting:
            self._loading.pop(place, None)
        return found

    async def _load(self, place: Place) -> Shared:
        partition = self.partition(place)
        state = await self._coordinator.take_over(place, leader_epoch=partition.leader_epoch)
        if state is None:
            # Kafka has no better code for it: the group has not heard of the partition.
            raise BrokerError(ErrorCode.UNKNOWN_SERVER_ERROR)
        start_offset = state.start_offset
        if start_offset == UNINITIALIZED_START:
            reset = self.config(place.group_id).auto_offset_reset
            start_offset = start_offset_of(reset, partition, now_ms=self._clock_ms())
        share = SharePartition(start_offset, state.batches)
        return Shared(place, partition, share, state_epoch=state.state_epoch)

    def partition(self, place: Place) -> Partition:
        """Raises BrokerError."""
        topic = self._controller.image.topic_by_id(place.topic_id)
        if topic is None:
            raise BrokerError(ErrorCode.UNKNOWN_TOPIC_ID)
        return self._replicas.leader(topic.name, place.partition)

    def forget(self, group_id: str) -> None:
        """What the group has delivered was set anew."""
        for place in [place for place in self._shared if place.group_id == group_id]:
            self._drop(place)

    def _drop(self, place: Place) -> None:
        shared = self._shared.pop(place, None)
        if shared is not None:
            shared.wake_waiters()

    # --- acknowledging

    async def acknowledge(self, place: Place, member_id: str, acknowledgements: Sequence[Acknowledgement]) -> None:
        """Raises BrokerError, with nothing changed."""
        shared = await self.find(place)
        transition = shared.share.acknowledge(
            member_id, acknowledgements, now_ms=loop_ms(), config=self.config(place.group_id)
        )
        await self._store(shared, transition)

    async def release(self, session: ShareSession) -> None:
        """A member's session is over: give others what it has."""
        group_id, member_id = session.key
        for place, shared in list(self._shared.items()):
            if place.group_id == group_id and shared.is_current:
                transition = shared.share.release(member_id, self.config(group_id))
                try:
                    await self._store(shared, transition)
                except BrokerError as error:
                    _could_not_store(place, error)

    async def _store(self, shared: Shared, transition: Transition) -> None:
        if not transition:
            return
        try:
            await self._write(shared, transition.state_batches, transition.delivery_complete_count)
        except BaseException:
            transition.roll_back()
            self.look_at_timer()
            raise
        transition.commit()
        shared.wake_waiters()

    async def _write(self, shared: Shared, batches: Sequence[StateBatch], delivery_complete_count: int) -> None:
        write = StateWrite(
            start_offset=shared.share.start_offset,
            batches=batches,
            state_epoch=shared.state_epoch,
            leader_epoch=shared.leader_epoch,
            delivery_complete_count=delivery_complete_count,
        )
        try:
            await self._coordinator.store(shared.place, write)
        except BrokerError as error:
            if error.code in _FENCED and self._shared.get(shared.place) is shared:
                self._drop(shared.place)
            raise

    # --- connections

    def connection_closed(self, connection: object) -> None:
        """Its members will not acknowledge any more."""
        for session in self.sessions.of_connection(connection):
            self.sessions.close(session.key)
            if self._nursery is not None:
                self._nursery.start_soon(self.release, session)

    # --- time

    async def run(self, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Free what is held too long, until cancelled."""
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            task_status.started()
            while True:
                self._wake_timer = trio.Event()
                deadlines = (shared.share.next_deadline_ms for shared in self._shared.values())
                next_ms = min((each for each in deadlines if each is not None), default=None)
                wait_s = float("inf") if next_ms is None else max(0, next_ms - loop_ms()) / 1000
                with trio.move_on_after(wait_s):
                    await self._wake_timer.wait()
                for shared in list(self._shared.values()):
                    await self._expire(shared)

    def look_at_timer(self) -> None:
        """Something was acquired, or is held again."""
        self._wake_timer.set()

    async def _expire(self, shared: Shared) -> None:
        batches = shared.share.expire(loop_ms(), self.config(shared.place.group_id))
        if batches:
            shared.wake_waiters()
            try:
                await self._write(shared, batches, shared.share.delivery_complete_count)
            except BrokerError as error:
                # It is stored with what is stored next; if nothing is, after a restart they count as delivered less.
                _could_not_store(shared.place, error)


def _could_not_store(place: Place, error: BrokerError) -> None:
    fields = {"group": place.group_id, "partition": place.partition, "error": error.code.name}
    log.warning("delivery state of a share group could not be stored", extra={"fields": fields})
