"""The settings of group coordination, read once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pykbroker.coordinator.groups.consumer.assignors import ASSIGNORS
from pykbroker.coordinator.groups.consumer.config import ConsumerGroupDefaults
from pykbroker.coordinator.groups.streams.config import StreamsGroupDefaults
from wire.compression import Codec

if TYPE_CHECKING:
    from pykbroker.config.settings import Settings

MINUTE_MS = 60_000


@dataclass(frozen=True, slots=True)
class GroupConfig:
    node_id: int = 1
    initial_rebalance_delay_ms: int = 3_000
    min_session_timeout_ms: int = 6_000
    max_session_timeout_ms: int = 30 * MINUTE_MS
    max_size: int = 0x7FFFFFFF
    offset_metadata_max_length: int = 4096
    offsets_retention_ms: int = 7 * 24 * 60 * MINUTE_MS
    offsets_retention_check_interval_ms: int = 10 * MINUTE_MS
    commit_timeout_ms: int = 5_000
    compression: Codec = Codec.NONE
    consumer_assignors: tuple[str, ...] = ("uniform", "range")  # the first is taken where members do not say
    consumer_max_size: int = 0x7FFFFFFF
    serves_consumer_protocol: bool = True
    migration_policy: str = "bidirectional"
    consumer: ConsumerGroupDefaults = field(default_factory=ConsumerGroupDefaults)
    streams: StreamsGroupDefaults = field(default_factory=StreamsGroupDefaults)
    # Not a setting in Kafka either. New members cannot heartbeat, as they do not know their id yet.
    new_member_join_timeout_ms: int = 5 * MINUTE_MS

    @classmethod
    def of(cls, settings: Settings) -> GroupConfig:
        return cls(
            node_id=settings.node_id,
            initial_rebalance_delay_ms=settings.int("group.initial.rebalance.delay.ms"),
            min_session_timeout_ms=settings.int("group.min.session.timeout.ms"),
            max_session_timeout_ms=settings.int("group.max.session.timeout.ms"),
            max_size=settings.int("group.max.size"),
            offset_metadata_max_length=settings.int("offset.metadata.max.bytes"),
            offsets_retention_ms=settings.int("offsets.retention.minutes") * MINUTE_MS,
            offsets_retention_check_interval_ms=settings.int("offsets.retention.check.interval.ms"),
            commit_timeout_ms=settings.int("offsets.commit.timeout.ms"),
            consumer_assignors=_assignors(settings),
            consumer_max_size=settings.int("group.consumer.max.size"),
            serves_consumer_protocol="consumer" in settings.list("group.coordinator.rebalance.protocols"),
            migration_policy=settings.str("group.consumer.migration.policy").lower(),
            consumer=ConsumerGroupDefaults.of(settings),
            streams=StreamsGroupDefaults.of(settings),
            compression=Codec(settings.int("offsets.topic.compression.codec")),
        )


def _assignors(settings: Settings) -> tuple[str, ...]:
    """Those that are ours: a class of Java is of no use here."""
    known = tuple(name for name in settings.list("group.consumer.assignors") if name in ASSIGNORS)
    return known or tuple(ASSIGNORS)
