"""A shard in memory (see `groups.testing`) with topics, asked in the new protocol."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pykbroker.coordinator.decision import Caller
from pykbroker.coordinator.groups.config import GroupConfig
from pykbroker.coordinator.groups.consumer.config import Bounded, ConsumerGroupDefaults
from pykbroker.coordinator.groups.consumer.group import ConsumerGroup
from pykbroker.coordinator.groups.consumer.heartbeat import heartbeat
from pykbroker.coordinator.groups.testing import REBALANCE_MS, OneShard
from pykbroker.errors import BrokerError
from pykbroker.metadata.image import PartitionImage, TopicImage
from wire.api.consumer_group_heartbeat import ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse
from wire.errors import ErrorCode

TopicPartitions = ConsumerGroupHeartbeatRequest.TopicPartitions

SESSION_MS = 45_000
AT_ONCE = GroupConfig(
    initial_rebalance_delay_ms=0, consumer=ConsumerGroupDefaults(assignment_interval=Bounded(0, 0, 15_000))
)

Has = Mapping[str, Iterable[int]]  # topic -> partitions


def topic_image(name: str, partition_count: int) -> TopicImage:
    partitions = tuple(PartitionImage(index, 1, 0, (1,), (1,)) for index in range(partition_count))
    return TopicImage(name, name.encode().ljust(16, b"-"), partitions)


class OneConsumerShard(OneShard):
    """It has topics "t" of four partitions and "u" of two."""

    def __init__(self, config: GroupConfig = AT_ONCE) -> None:
        super().__init__(config)
        self.set_topics(t=4, u=2)
        self.restart()

    def set_topics(self, **partition_counts: int) -> None:
        self.image = self.image.with_topics(topic_image(name, count) for name, count in partition_counts.items())

    def group(self, group_id: str = "g") -> ConsumerGroup:
        return self.shard.consumer_groups[group_id]

    def beat(
        self,
        member_id: str,
        epoch: int = 0,
        *,
        group_id: str = "g",
        version: int = 1,
        instance: str | None = None,
        topics: Iterable[str] | None = None,
        regex: str | None = None,
        has: Has | None = None,
        assignor: str | None = None,
    ) -> ConsumerGroupHeartbeatResponse:
        """A heartbeat; one that joins reads "t" if it does not say otherwise. Raises BrokerError."""
        is_joining = epoch == 0
        if is_joining and topics is None and regex is None:
            topics = ["t"]
        claimed: Has | None = {} if is_joining and has is None else has
        request = ConsumerGroupHeartbeatRequest(
            group_id=group_id,
            member_id=member_id,
            member_epoch=epoch,
            instance_id=instance,
            rebalance_timeout_ms=REBALANCE_MS if is_joining else -1,
            subscribed_topic_names=None if topics is None else list(topics),
            subscribed_topic_regex=regex,
            server_assignor=assignor,
            topic_partitions=None
            if claimed is None
            else [
                TopicPartitions(topic_id=topic_image(topic, 0).id, partitions=list(partitions))
                for topic, partitions in claimed.items()
            ],
        )
        told: Any = self.do(heartbeat(self.shard, request, Caller("client", "/127.0.0.1", version), self.now_ms))
        assert isinstance(told, ConsumerGroupHeartbeatResponse)
        return told

    def refusal(self, member_id: str, epoch: int = 0, **how: Any) -> ErrorCode:
        """Why a heartbeat is refused; NONE if it is not."""
        try:
            self.beat(member_id, epoch, **how)
        except BrokerError as error:
            return error.code
        return ErrorCode.NONE


def given(response: ConsumerGroupHeartbeatResponse) -> dict[str, list[int]] | None:
    """What the member is told to have; None if it is told nothing."""
    if response.assignment is None:
        return None
    return {
        each.topic_id.rstrip(b"-").decode(): sorted(each.partitions) for each in response.assignment.topic_partitions
    }
