"""A running broker as handlers see it, through their context: its parts, and how they are told to stop.

Not here: how a broker comes to be, its listeners, its process; that is `server.py`.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from pykbroker.config.brokers import current_value
from pykbroker.config.settings import Settings
from pykbroker.controller import Controller
from pykbroker.conversion import Conversions
from pykbroker.coordinator.group_coordinator import GroupCoordinator
from pykbroker.coordinator.markers import MarkerWriter
from pykbroker.coordinator.share_coordinator import ShareCoordinator
from pykbroker.coordinator.transaction_coordinator import TransactionCoordinator
from pykbroker.counts import Counts
from pykbroker.errors import BrokerError
from pykbroker.fetch_sessions import FetchSessions
from pykbroker.handlers import APIS
from pykbroker.metadata.image import MetadataChange, MetadataImage
from pykbroker.metadata_answers import MetadataAnswers
from pykbroker.producer_ids import ProducerIds
from pykbroker.quotas import Quotas
from pykbroker.replica_alter_log_dirs import ReplicaAlterLogDirs
from pykbroker.replica_manager import ReplicaManager
from pykbroker.share_partition_manager import SharePartitionManager
from pykbroker.telemetry.instances import ClientInstances
from pykbroker.telemetry.receiver import Receiver
from storage.log_manager import LogManager
from wire.errors import ErrorCode
from wire.registry import ApiKey

MOVE_RATE = "replica.alter.log.dirs.io.max.bytes.per.second"


def wall_clock_ms() -> int:
    return time.time_ns() // 1_000_000


class Broker:
    """What handlers reach through their context. Made by `server.opened`, lives as long as its `async with`."""

    def __init__(
        self,
        settings: Settings,
        controller: Controller,
        logs: LogManager,
        *,
        clock_ms: Callable[[], int] = wall_clock_ms,
        protocol_floor: dict[ApiKey, int] | None = None,
        fsync: bool = False,
        read_only: bool = False,
    ) -> None:
        self.settings = settings
        self.controller = controller
        self.clock_ms = clock_ms
        self.node_id = settings.node_id
        self.is_stopping = False
        self.is_read_only = read_only
        self._protocol_floor = protocol_floor or {}
        self.replicas = ReplicaManager(logs, settings, node_id=self.node_id, fsync=fsync)
        self.quotas = Quotas(settings, controller)
        self.log_dir_moves = ReplicaAlterLogDirs(
            self.replicas, clock_ms=clock_ms, bytes_per_second=lambda: self._setting(MOVE_RATE)
        )
        self.conversions = Conversions()
        self.metadata_answers = MetadataAnswers()
        self.counts = Counts()
        self.client_instances = ClientInstances(max_bytes=settings.int("telemetry.max.bytes"))
        self.client_metrics = Receiver()
        self.fetch_sessions = FetchSessions(max_sessions=settings.int("max.incremental.fetch.session.cache.slots"))
        self.fetch_max_bytes = settings.int("fetch.max.bytes")
        self.producer_ids = ProducerIds(controller)
        self.groups = GroupCoordinator(
            settings=settings, controller=controller, replicas=self.replicas, clock_ms=clock_ms
        )
        self.markers = MarkerWriter(replicas=self.replicas, groups=self.groups, clock_ms=clock_ms)
        self.transactions = TransactionCoordinator(
            settings=settings,
            controller=controller,
            replicas=self.replicas,
            producer_ids=self.producer_ids,
            markers=self.markers,
            clock_ms=clock_ms,
        )
        self.share_state = ShareCoordinator(
            settings=settings, controller=controller, replicas=self.replicas, clock_ms=clock_ms
        )
        self.shares = SharePartitionManager(
            settings=settings,
            controller=controller,
            replicas=self.replicas,
            coordinator=self.share_state,
            clock_ms=clock_ms,
        )
        controller.subscribe(self._follow_metadata)

    @property
    def image(self) -> MetadataImage:
        return self.controller.image

    def topic_name(self, topic_id: bytes) -> str:
        """Raises BrokerError: UNKNOWN_TOPIC_ID."""
        topic = self.controller.image.topics_by_id.get(topic_id)
        if topic is None:
            raise BrokerError(ErrorCode.UNKNOWN_TOPIC_ID)
        return topic.name

    def _setting(self, name: str) -> int:
        """As it is now: it may change while the broker runs."""
        return int(current_value(self.image, self.settings, name) or 0)

    async def _follow_metadata(self, change: MetadataChange) -> None:
        await self.replicas.apply(change, now_ms=self.clock_ms())
        for topic in change.deleted:
            self.counts.forget_topic(topic.name, topic.id)

    def served_versions(self, key: ApiKey) -> tuple[int, int]:
        """The first and the last."""
        api = APIS[key]
        return max(api.first, self._protocol_floor.get(key, 0)), api.last

    def stop(self) -> None:
        """Let those who wait in a request answer with what there is."""
        self.is_stopping = True
        self.replicas.wake_waiters()
        self.groups.stop()
        self.transactions.stop()
        self.share_state.stop()
