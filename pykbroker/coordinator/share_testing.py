"""For tests: members of share group "g", which read topic "t" of a broker in memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pykbroker.context import RequestContext
from pykbroker.coordinator.share.share_partition import Acquired
from pykbroker.metadata.image import MetadataImage
from pykbroker.testing import NOW_MS, InMemoryBroker
from wire.api.share_acknowledge import ShareAcknowledgeRequest
from wire.api.share_fetch import ShareFetchRequest
from wire.api.share_group_heartbeat import ShareGroupHeartbeatRequest

GROUP, TOPIC = "g", "t"

Acks = Sequence[tuple[int, int, Sequence[int]]]
FetchTopic = ShareFetchRequest.FetchTopic
AcknowledgeTopic = ShareAcknowledgeRequest.AcknowledgeTopic
Batch = AcknowledgeTopic.AcknowledgePartition.AcknowledgementBatch
FetchBatch = FetchTopic.FetchPartition.AcknowledgementBatch


class ShareMember:
    """One connection; it keeps count of its epochs."""

    def __init__(self, it: InMemoryBroker, member_id: str = "m") -> None:
        self.member_id = member_id
        self.epoch = 0
        self.session_epoch = 0
        self._it = InMemoryBroker(it.broker)
        topic = it.broker.image.topic(TOPIC)
        assert topic is not None
        self.topic_id = topic.id

    @property
    def connection(self) -> RequestContext:
        return self._it.context

    async def heartbeat(self, **fields: Any) -> Any:
        request = ShareGroupHeartbeatRequest(
            group_id=GROUP,
            member_id=self.member_id,
            member_epoch=self.epoch,
            subscribed_topic_names=None if self.epoch else [TOPIC],
        )
        response = await self._it.ask(_with(request, fields), 1)
        if response.error_code == 0:
            self.epoch = response.member_epoch
        return response

    async def fetch(self, *, acks: Acks = (), partition: int = 0, version: int = 2, **fields: Any) -> Any:
        """The whole response."""
        batches = [
            FetchBatch(first_offset=first, last_offset=last, acknowledge_types=types) for first, last, types in acks
        ]
        asked = FetchTopic.FetchPartition(partition_index=partition, acknowledgement_batches=batches)
        request = ShareFetchRequest(
            group_id=GROUP,
            member_id=self.member_id,
            share_session_epoch=self.session_epoch,
            max_wait_ms=0,
            min_bytes=1,
            max_records=500,
            batch_size=500,
            topics=[FetchTopic(topic_id=self.topic_id, partitions=[asked])],
            forgotten_topics_data=(),
        )
        response = await self._it.ask(_with(request, fields), version)
        self._count(response)
        return response

    async def acquire(self, **fields: Any) -> list[Acquired]:
        """What it gets."""
        response = await self.fetch(**fields)
        assert response.error_code == 0, response
        return acquired_in(response)

    async def acknowledge(self, *acks: tuple[int, int, Sequence[int]], version: int = 2, **fields: Any) -> Any:
        batches = [Batch(first_offset=first, last_offset=last, acknowledge_types=types) for first, last, types in acks]
        asked = AcknowledgeTopic.AcknowledgePartition(partition_index=0, acknowledgement_batches=batches)
        request = ShareAcknowledgeRequest(
            group_id=GROUP,
            member_id=self.member_id,
            share_session_epoch=self.session_epoch,
            topics=[AcknowledgeTopic(topic_id=self.topic_id, partitions=[asked])] if acks else [],
        )
        response = await self._it.ask(_with(request, fields), version)
        self._count(response)
        return response

    def _count(self, response: Any) -> None:
        if response.error_code == 0:
            self.session_epoch += 1


async def reading_member(it: InMemoryBroker, member_id: str = "m", **configs: str) -> ShareMember:
    """It has joined, in a group that reads from the beginning."""
    await configure(it, **{"share.auto.offset.reset": "earliest", **configs})
    member = ShareMember(it, member_id)
    response = await member.heartbeat()
    assert response.error_code == 0, response
    return member


async def configure(it: InMemoryBroker, **configs: str) -> None:
    def decide(image: MetadataImage) -> MetadataImage:
        return image.with_group_configs({GROUP: {**image.group_configs.get(GROUP, {}), **configs}})

    await it.broker.controller.change(decide)


def produce(it: InMemoryBroker, count: int, *, partition: int = 0) -> None:
    """One batch."""
    it.append(TOPIC, partition, [NOW_MS] * count)


def acquired_in(response: Any) -> list[Acquired]:
    return [
        Acquired(each.first_offset, each.last_offset, each.delivery_count)
        for topic in response.responses
        for partition in topic.partitions
        for each in partition.acquired_records
    ]


def _with(request: Any, fields: dict[str, Any]) -> Any:
    for name, value in fields.items():
        setattr(request, name, value)
    return request
