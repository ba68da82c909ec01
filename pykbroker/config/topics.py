"""A topic's settings: what may be set, and what holds in the end.

What holds is the first of: the topic's own setting; the broker's dynamic one (this node's, then the cluster's); the
broker's static one, under one of its older names too (log.retention.ms, .minutes, .hours); the default.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TypeAlias

from pykbroker.config.resources import dynamic_broker_configs
from pykbroker.config.settings import Settings, topic_definitions
from pykbroker.config.values import InvalidValueError, Value, parse, tidied
from pykbroker.errors import BrokerError
from pykbroker.metadata.image import MetadataImage
from storage.config import LogConfig
from wire.errors import ErrorCode

Items: TypeAlias = tuple[tuple[str, str], ...]  # a mapping that can be a cache's key
Synonym: TypeAlias = tuple[str, int]  # the broker's name for it, and how many of ours make one of its units

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS

# Topic settings without an entry (throttled replicas, remote storage switches) have no broker setting.
SYNONYMS: Mapping[str, tuple[Synonym, ...]] = {
    "cleanup.policy": (("log.cleanup.policy", 1),),
    "compression.gzip.level": (("compression.gzip.level", 1),),
    "compression.lz4.level": (("compression.lz4.level", 1),),
    "compression.type": (("compression.type", 1),),
    "compression.zstd.level": (("compression.zstd.level", 1),),
    "delete.retention.ms": (("log.cleaner.delete.retention.ms", 1),),
    "file.delete.delay.ms": (("log.segment.delete.delay.ms", 1),),
    "flush.messages": (("log.flush.interval.messages", 1),),
    "flush.ms": (("log.flush.interval.ms", 1), ("log.flush.scheduler.interval.ms", 1)),
    "index.interval.bytes": (("log.index.interval.bytes", 1),),
    "local.retention.bytes": (("log.local.retention.bytes", 1),),
    "local.retention.ms": (("log.local.retention.ms", 1),),
    "max.compaction.lag.ms": (("log.cleaner.max.compaction.lag.ms", 1),),
    "max.message.bytes": (("message.max.bytes", 1),),
    "message.timestamp.after.max.ms": (("log.message.timestamp.after.max.ms", 1),),
    "message.timestamp.before.max.ms": (("log.message.timestamp.before.max.ms", 1),),
    "message.timestamp.type": (("log.message.timestamp.type", 1),),
    "min.cleanable.dirty.ratio": (("log.cleaner.min.cleanable.ratio", 1),),
    "min.compaction.lag.ms": (("log.cleaner.min.compaction.lag.ms", 1),),
    "min.insync.replicas": (("min.insync.replicas", 1),),
    "preallocate": (("log.preallocate", 1),),
    "retention.bytes": (("log.retention.bytes", 1),),
    "retention.ms": (("log.retention.ms", 1), ("log.retention.minutes", MINUTE_MS), ("log.retention.hours", HOUR_MS)),
    "segment.bytes": (("log.segment.bytes", 1),),
    "segment.index.bytes": (("log.index.size.max.bytes", 1),),
    "segment.jitter.ms": (("log.roll.jitter.ms", 1), ("log.roll.jitter.hours", HOUR_MS)),
    "segment.ms": (("log.roll.ms", 1), ("log.roll.hours", HOUR_MS)),
    "unclean.leader.election.enable": (("unclean.leader.election.enable", 1),),
}


def validate_topic_configs(configs: Mapping[str, str | None]) -> dict[str, str]:
    """The same settings if a topic may have them; else BrokerError(INVALID_CONFIG) in Kafka's words."""
    without_value = [name for name, text in configs.items() if text is None]
    if without_value:
        message = f"Null value not supported for topic configs: {','.join(without_value)}"
        raise BrokerError(ErrorCode.INVALID_CONFIG, message)
    definitions = topic_definitions()
    for name in configs:
        if name not in definitions:
            raise BrokerError(ErrorCode.INVALID_CONFIG, f"Unknown topic config name: {name}")
    values: dict[str, Value] = {}
    for name, text in configs.items():
        try:
            values[name] = parse(definitions[name], text)
        except InvalidValueError as error:
            raise BrokerError(ErrorCode.INVALID_CONFIG, str(error)) from None
    _check_together(values)
    return {name: text for name, text in configs.items() if text is not None}


def effective_topic_config(settings: Settings, image: MetadataImage, topic: str) -> dict[str, str | None]:
    return {**_of_broker(settings, _dynamic(settings, image)), **image.topic_configs.get(topic, {})}


def log_config(settings: Settings, image: MetadataImage, topic: str) -> LogConfig:
    own = image.topic_configs.get(topic, {})
    return _log_config(settings, _dynamic(settings, image), tuple(own.items()))


def internal_topic_configs(settings: Settings, topic: str) -> dict[str, str]:
    """What a coordinator's own topic is made with."""
    if topic == "__consumer_offsets":
        return {
            "cleanup.policy": "compact",
            "compression.type": "producer",
            "segment.bytes": str(settings.int("offsets.topic.segment.bytes")),
        }
    if topic == "__transaction_state":
        return {
            "cleanup.policy": "compact",
            "compression.type": "uncompressed",
            "min.insync.replicas": str(settings.int("transaction.state.log.min.isr")),
            "segment.bytes": str(settings.int("transaction.state.log.segment.bytes")),
            "unclean.leader.election.enable": "false",
        }
    assert topic == "__share_group_state", topic
    return {
        "cleanup.policy": "delete",
        "compression.type": "producer",
        "min.insync.replicas": str(settings.int("share.coordinator.state.topic.min.isr")),
        "retention.ms": "-1",
        "segment.bytes": str(settings.int("share.coordinator.state.topic.segment.bytes")),
    }


def _dynamic(settings: Settings, image: MetadataImage) -> Items:
    if not image.broker_configs:
        return ()
    return tuple(dynamic_broker_configs(image, settings.node_id).items())


# Thousands of partitions are opened at a start, with the same few configs.
@lru_cache(maxsize=256)
def _log_config(settings: Settings, dynamic: Items, own: Items) -> LogConfig:
    effective = {**_of_broker(settings, dynamic), **dict(own)}
    definitions = topic_definitions()
    return LogConfig.from_mapping(
        {name: tidied(definitions[name], text) for name, text in effective.items() if text is not None}
    )


@lru_cache(maxsize=16)
def _of_broker(settings: Settings, dynamic: Items) -> Mapping[str, str | None]:
    """All topic settings as they hold for a topic that sets none."""
    by_name = dict(dynamic)
    return {name: _default(settings, by_name, name, item.default) for name, item in topic_definitions().items()}


def _default(settings: Settings, dynamic: Mapping[str, str], name: str, default: str | None) -> str | None:
    synonyms = SYNONYMS.get(name, ())
    for broker_name, _ in synonyms:
        if broker_name in dynamic:
            return _without_limit(broker_name, dynamic[broker_name])
    for broker_name, unit in synonyms:
        text = settings.raw(broker_name)
        if text is not None:
            return _without_limit(broker_name, text if unit == 1 else str(settings.int(broker_name) * unit))
    return default


def _without_limit(broker_name: str, text: str) -> str:
    """A broker's retention is any number: below zero is "no limit", in whatever unit."""
    return "-1" if broker_name.startswith("log.retention.") and text.strip().startswith("-") else text


def _check_together(values: Mapping[str, Value]) -> None:
    lowest, highest = values.get("min.compaction.lag.ms", 0), values.get("max.compaction.lag.ms", 2**63 - 1)
    assert isinstance(lowest, int)
    assert isinstance(highest, int)
    if lowest > highest:
        message = f"conflict topic config setting min.compaction.lag.ms ({lowest}) > max.compaction.lag.ms ({highest})"
        raise BrokerError(ErrorCode.INVALID_CONFIG, message)
    if values.get("remote.storage.enable"):
        message = (
            "Tiered Storage functionality is disabled in the broker. "
            "Topic cannot be configured with remote log storage."
        )
        raise BrokerError(ErrorCode.INVALID_CONFIG, message)
