"""The group coordinator: groups and their offsets, in `__consumer_offsets`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from pykbroker.coordinator.groups import commits, rebalance
from pykbroker.coordinator.groups.config import GroupConfig
from pykbroker.coordinator.groups.consumer import leaving
from pykbroker.coordinator.groups.history import Histories
from pykbroker.coordinator.groups.shard import GroupShard
from pykbroker.coordinator.groups.streams import leaving as streams_leaving
from pykbroker.coordinator.groups.streams.failures import TopicFailures
from pykbroker.coordinator.runtime import Coordinator, Led, StateLog
from pykbroker.coordinator.share import membership as share_membership
from pykbroker.coordinator.share.config import ShareConfigs
from wire.state_records import GROUP_RECORDS

if TYPE_CHECKING:
    from pykbroker.config.settings import Settings
    from pykbroker.controller import Controller
    from pykbroker.metadata.image import TopicImage
    from pykbroker.replica_manager import ReplicaManager

OFFSETS_TOPIC = "__consumer_offsets"


class GroupCoordinator(Coordinator[GroupShard]):
    def __init__(
        self, *, settings: Settings, controller: Controller, replicas: ReplicaManager, clock_ms: Callable[[], int]
    ) -> None:
        self.config = config = GroupConfig.of(settings)
        self.histories = Histories()
        self.share_configs = ShareConfigs(settings)
        self.topic_failures = TopicFailures()
        state_log = StateLog(
            OFFSETS_TOPIC,
            partition_count_setting="offsets.topic.num.partitions",
            record_types=GROUP_RECORDS,
            commit_timeout_ms=config.commit_timeout_ms,
            compression=config.compression,
        )
        super().__init__(
            state_log,
            lambda: GroupShard(config, lambda: controller.image, self.histories),
            settings=settings,
            controller=controller,
            replicas=replicas,
            clock_ms=clock_ms,
        )

    def is_share_group(self, group_id: str) -> bool:
        """Raises BrokerError."""
        return group_id in self._led(group_id).shard.share_groups

    def _started(self, led: Led[GroupShard], now_ms: int) -> None:
        rebalance.start(led.shard, now_ms)
        leaving.start(led.shard, now_ms)
        streams_leaving.start(led.shard, now_ms)
        for group in led.shard.share_groups.values():
            config = self.share_configs.group(self._controller.image, group.group_id)
            share_membership.start(led.shard, group, config, now_ms)
        commits.schedule_cleanup(led.shard, now_ms)

    def _stopped(self, shard: GroupShard) -> None:
        rebalance.stop(shard)

    def _topics_deleted(self, led: Led[GroupShard], topics: Sequence[TopicImage]) -> None:
        self._submit(led, commits.forget_topics(led.shard, {topic.name for topic in topics}))
        self._submit(led, share_membership.forget_topics(led.shard, {topic.id for topic in topics}))

    def end_transaction(self, index: int, producer_id: int, *, committed: bool) -> None:
        """A transaction's marker is in this partition. (A shard that loads will find it there.)"""
        led = self._shards.get(index)
        if led is not None and led.shard.is_loaded:
            led.shard.replay_end_transaction(producer_id, committed=committed)
