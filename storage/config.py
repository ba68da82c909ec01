"""The topic settings that storage acts on, under Kafka's names and with Kafka's defaults.

A value object: a changed setting is a new `LogConfig` given to the log. Settings that storage has no use for are not
here and are passed over, so the full set of a topic's settings can be handed in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from functools import cached_property

from storage.errors import InvalidConfig
from wire.compression import LZ4_DEFAULT_LEVEL, ZSTD_DEFAULT_LEVEL, Codec

MAX_LONG = 2**63 - 1
MAX_INT = 2**31 - 1
DAY_MS = 24 * 60 * 60 * 1000


@dataclass(frozen=True)
class LogConfig:
    cleanup_policy: str = "delete"
    compression_gzip_level: int = -1  # zlib's default
    compression_lz4_level: int = LZ4_DEFAULT_LEVEL
    compression_type: str = "producer"
    compression_zstd_level: int = ZSTD_DEFAULT_LEVEL
    delete_retention_ms: int = DAY_MS
    file_delete_delay_ms: int = 60_000
    flush_messages: int = MAX_LONG
    flush_ms: int = MAX_LONG
    index_interval_bytes: int = 4096
    max_compaction_lag_ms: int = MAX_LONG
    max_message_bytes: int = 1_048_588
    message_timestamp_after_max_ms: int = 60 * 60 * 1000
    message_timestamp_before_max_ms: int = MAX_LONG
    message_timestamp_type: str = "CreateTime"
    min_cleanable_dirty_ratio: float = 0.5
    min_compaction_lag_ms: int = 0
    preallocate: bool = False
    retention_bytes: int = -1
    retention_ms: int = 7 * DAY_MS
    segment_bytes: int = 1 << 30
    segment_index_bytes: int = 10 << 20
    segment_jitter_ms: int = 0
    segment_ms: int = 7 * DAY_MS

    @classmethod
    def from_mapping(cls, values: Mapping[str, str]) -> LogConfig:
        """Settings by their Kafka names ("segment.bytes"); raises InvalidConfig for a bad value."""
        chosen: dict[str, float | bool | str] = {}
        for field in fields(cls):
            name = field.name.replace("_", ".")
            if (text := values.get(name)) is not None:
                chosen[field.name] = _parse(name, text, type(field.default))
        return cls(**chosen)  # type: ignore[arg-type]  # the parser gave each field its default's type

    @cached_property
    def target_codec(self) -> Codec | None:
        """What batches are compressed with in the log; None if that is the producer's to say."""
        if self.compression_type == "producer":
            return None
        return Codec.NONE if self.compression_type in ("none", "uncompressed") else Codec[self.compression_type.upper()]

    def level_of(self, codec: Codec) -> int | None:
        """None where the codec has no levels."""
        match codec:
            case Codec.GZIP:
                return self.compression_gzip_level
            case Codec.LZ4:
                return self.compression_lz4_level
            case Codec.ZSTD:
                return self.compression_zstd_level
        return None

    @cached_property
    def is_compacted(self) -> bool:
        return "compact" in self.cleanup_policy.split(",")

    @cached_property
    def is_deleted(self) -> bool:
        return "delete" in self.cleanup_policy.split(",")

    @cached_property
    def max_segment_ms(self) -> int:
        """After which a segment is rolled: compaction does not touch the last one, and must not come too late."""
        if self.is_compacted and self.max_compaction_lag_ms > 0:
            return min(self.segment_ms, self.max_compaction_lag_ms)
        return self.segment_ms

    @cached_property
    def wants_flushes(self) -> bool:
        return min(self.flush_messages, self.flush_ms) < MAX_LONG

    @cached_property
    def uses_log_append_time(self) -> bool:
        return self.message_timestamp_type == "LogAppendTime"

    @cached_property
    def bounds_timestamps_before(self) -> bool:
        """Whether old timestamps are refused: only then must a batch's records be looked at."""
        return self.message_timestamp_before_max_ms < MAX_LONG


_MINIMUM = {
    "compression.gzip.level": -1,
    "compression.zstd.level": -(1 << 17),
    "index.interval.bytes": 0,
    "max.message.bytes": 0,
    "retention.bytes": -MAX_LONG - 1,  # below zero, whatever it is, is no limit
    "retention.ms": -1,
    "segment.bytes": 1,  # Kafka asks for 1 MiB; that is the server's to say, tests want small segments
    "segment.index.bytes": 4,
    "segment.ms": 1,
    "flush.messages": 1,
}
_INTS = frozenset({"index.interval.bytes", "max.message.bytes", "segment.bytes", "segment.index.bytes"})
_CHOICES: dict[str, Callable[[str], bool]] = {
    "cleanup.policy": lambda text: set(text.split(",")) <= {"compact", "delete", ""},
    "compression.type": lambda text: text in ("uncompressed", "zstd", "lz4", "snappy", "gzip", "producer", "none"),
    "message.timestamp.type": lambda text: text in ("CreateTime", "LogAppendTime"),
}


def _maximum(name: str) -> int:
    if name == "min.cleanable.dirty.ratio":
        return 1
    return MAX_INT if name in _INTS else MAX_LONG


def _parse(name: str, text: str, kind: type) -> float | bool | str:
    text = text.strip()
    if kind is bool:
        if text.lower() not in ("true", "false"):
            raise InvalidConfig(
                f"Invalid value {text} for configuration {name}: Expected value to be either true or false"
            )
        return text.lower() == "true"
    if kind is str:
        value = ",".join(part.strip() for part in text.split(","))
        if not _CHOICES[name](value):
            raise InvalidConfig(f"Invalid value {text} for configuration {name}")
        return value
    try:
        number = float(text) if kind is float else int(text)
    except ValueError:
        raise InvalidConfig(f"Invalid value {text} for configuration {name}: Not a number") from None
    if number < _MINIMUM.get(name, 0) or number > _maximum(name):  # not a number is neither, in Java as here
        raise InvalidConfig(f"Invalid value {number} for configuration {name}: out of range")
    return number
