"""The settings of share groups: the broker's, and each group's own over them (KIP-932)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pykbroker.config.resources import group_configs

if TYPE_CHECKING:
    from pykbroker.config.settings import Settings
    from pykbroker.metadata.image import Configs, MetadataImage

READ_UNCOMMITTED, READ_COMMITTED = 0, 1


@dataclass(frozen=True, slots=True)
class DeliveryConfig:
    """How the records of a partition are given out."""

    record_lock_duration_ms: int = 30_000
    delivery_count_limit: int = 5
    max_record_locks: int = 2_000
    isolation_level: int = READ_UNCOMMITTED
    auto_offset_reset: str = "latest"
    is_renewal_enabled: bool = True


@dataclass(frozen=True, slots=True)
class ShareGroupConfig:
    """How members of a group are kept."""

    session_timeout_ms: int = 45_000
    heartbeat_interval_ms: int = 5_000
    assignment_interval_ms: int = 1_000
    max_size: int = 200


@dataclass(frozen=True, slots=True)
class ShareConfigs:
    """Of all groups: the broker's settings, and the limits within which a group may set its own."""

    settings: Settings

    def delivery(self, image: MetadataImage, group_id: str) -> DeliveryConfig:
        own = group_configs(image, self.settings.node_id, group_id)
        isolation = own.get("share.isolation.level", "read_uncommitted")
        return DeliveryConfig(
            record_lock_duration_ms=self._bounded("record.lock.duration.ms", own),
            delivery_count_limit=self._bounded("delivery.count.limit", own),
            max_record_locks=self._bounded("partition.max.record.locks", own),
            isolation_level=READ_COMMITTED if isolation == "read_committed" else READ_UNCOMMITTED,
            auto_offset_reset=own.get("share.auto.offset.reset", "latest"),
            is_renewal_enabled=own.get("share.renew.acknowledge.enable", "true").lower() == "true",
        )

    def group(self, image: MetadataImage, group_id: str) -> ShareGroupConfig:
        own = group_configs(image, self.settings.node_id, group_id)
        return ShareGroupConfig(
            session_timeout_ms=self._bounded("session.timeout.ms", own),
            heartbeat_interval_ms=self._bounded("heartbeat.interval.ms", own),
            assignment_interval_ms=self._bounded("assignment.interval.ms", own),
            max_size=self.settings.int("group.share.max.size"),
        )

    def _bounded(self, name: str, own: Configs) -> int:
        """A group's own value may have been set when the broker's limits were others."""
        if f"share.{name}" not in own:
            return self.settings.int(f"group.share.{name}")
        least, most = self.settings.int(f"group.share.min.{name}"), self.settings.int(f"group.share.max.{name}")
        return min(max(int(own[f"share.{name}"]), least), most)
