"""The group coordinator: groups and their offsets, in `__consumer_offsets`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from pykbroker.coordinator.groups import commits, rebalance
from pykbroker.coordinator.groups.config import GroupConfig
from pykbroker.coordinator.groups.shard import GroupShard
from pykbroker.coordinator.runtime import Coordinator, Led, StateLog
from wire.state_records import GROUP_RECORDS

if TYPE_CHECKING:
    from pykbroker.config import Settings
    from pykbroker.controller import Controller
    from pykbroker.replica_manager import ReplicaManager

OFFSETS_TOPIC = "__consumer_offsets"


class GroupCoordinator(Coordinator[GroupShard]):
    def __init__(
        self, *, settings: Settings, controller: Controller, replicas: ReplicaManager, clock_ms: Callable[[], int]
    ) -> None:
        self.config = config = GroupConfig.of(settings)
        state_log = StateLog(
            OFFSETS_TOPIC,
            partition_count_setting="offsets.topic.num.partitions",
            record_types=GROUP_RECORDS,
            commit_timeout_ms=config.commit_timeout_ms,
            compression=config.compression,
        )
        super().__init__(
            state_log,
            lambda: GroupShard(config),
            settings=settings,
            controller=controller,
            replicas=replicas,
            clock_ms=clock_ms,
        )

    def _started(self, led: Led[GroupShard], now_ms: int) -> None:
        rebalance.start(led.shard, now_ms)
        commits.schedule_cleanup(led.shard, now_ms)

    def _stopped(self, shard: GroupShard) -> None:
        rebalance.stop(shard)

    def _topics_deleted(self, led: Led[GroupShard], topics: set[str]) -> None:
        self._submit(led, commits.forget_topics(led.shard, topics))

    def end_transaction(self, index: int, producer_id: int, *, committed: bool) -> None:
        """A transaction's marker is in this partition. (A shard that loads will find it there.)"""
        led = self._shards.get(index)
        if led is not None and led.shard.is_loaded:
            led.shard.replay_end_transaction(producer_id, committed=committed)
