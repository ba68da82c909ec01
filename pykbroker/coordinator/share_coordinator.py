"""The share coordinator: the delivery state of share groups, in `__share_group_state` (KIP-932).

Leaders of partitions ask it: what was delivered, before they deliver; and to keep what was acknowledged.
"""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable, Sequence
from inspect import isawaitable
from typing import TYPE_CHECKING, TypeVar

from pykbroker.coordinator.decision import Decision
from pykbroker.coordinator.runtime import Coordinator, Led, StateLog
from pykbroker.coordinator.share.state_shard import DeliveryState, Place, ShareStateShard, StateWrite
from wire.compression import Codec
from wire.state_records import SHARE_RECORDS

if TYPE_CHECKING:
    from pykbroker.config.settings import Settings
    from pykbroker.controller import Controller
    from pykbroker.metadata.image import TopicImage
    from pykbroker.replica_manager import ReplicaManager

SHARE_STATE_TOPIC = "__share_group_state"

R = TypeVar("R")


class ShareCoordinator(Coordinator[ShareStateShard]):
    def __init__(
        self, *, settings: Settings, controller: Controller, replicas: ReplicaManager, clock_ms: Callable[[], int]
    ) -> None:
        state_log = StateLog(
            SHARE_STATE_TOPIC,
            partition_count_setting="share.coordinator.state.topic.num.partitions",
            record_types=SHARE_RECORDS,
            commit_timeout_ms=settings.int("share.coordinator.write.timeout.ms"),
            compression=Codec(settings.int("share.coordinator.state.topic.compression.codec")),
        )
        updates = settings.int("share.coordinator.snapshot.update.records.per.snapshot")
        super().__init__(
            state_log,
            lambda: ShareStateShard(updates_per_snapshot=updates),
            settings=settings,
            controller=controller,
            replicas=replicas,
            clock_ms=clock_ms,
        )

    async def initialize(self, place: Place, *, state_epoch: int, start_offset: int = -1) -> None:
        """Raises BrokerError."""
        await self._decided(
            place,
            lambda shard, now_ms: shard.initialize(
                place, state_epoch=state_epoch, start_offset=start_offset, now_ms=now_ms
            ),
        )

    async def begin_anew(self, place: Place, *, start_offset: int) -> None:
        """Forget what was delivered, and fence who still delivers. Raises BrokerError."""
        await self._decided(
            place, lambda shard, now_ms: shard.begin_anew(place, start_offset=start_offset, now_ms=now_ms)
        )

    async def store(self, place: Place, write: StateWrite) -> None:
        """Raises BrokerError."""
        await self._decided(place, lambda shard, now_ms: shard.write(place, write, now_ms))

    async def take_over(self, place: Place, *, leader_epoch: int) -> DeliveryState | None:
        """The state, for a leader of that epoch; None if it was not initialized. Raises BrokerError."""
        return await self._decided(place, lambda shard, _: shard.read(place, leader_epoch=leader_epoch))

    async def summary(self, place: Place) -> DeliveryState | None:
        """Raises BrokerError."""
        return await self._decided(place, lambda shard, _: Decision(shard.states.get(place)))

    async def delete(self, place: Place) -> None:
        """Raises BrokerError."""
        await self._decided(place, lambda shard, _: shard.delete(place))

    async def _decided(self, place: Place, decide: Callable[[ShareStateShard, int], Decision[R]]) -> R:
        return await settled(self.write(key_of(place), decide))

    def _topics_deleted(self, led: Led[ShareStateShard], topics: Sequence[TopicImage]) -> None:
        self._submit(led, led.shard.forget_topics({topic.id for topic in topics}))


async def settled(result: R | Awaitable[R]) -> R:
    """What a coordinator answers, at once or later."""
    return await result if isawaitable(result) else result


def key_of(place: Place) -> str:
    """As Kafka writes it: what places the state in a partition of the topic."""
    topic_id = base64.urlsafe_b64encode(place.topic_id).decode().rstrip("=")
    return f"{place.group_id}:{topic_id}:{place.partition}"
