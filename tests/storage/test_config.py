"""LogConfig: Kafka's names, defaults and ranges."""

from __future__ import annotations

import pytest

from storage.config import LogConfig
from storage.errors import InvalidConfig


def test_without_settings_kafkas_defaults_count() -> None:
    assert LogConfig() == LogConfig.from_mapping({})
    assert 7 * 24 * 3600 * 1000 == LogConfig().retention_ms


def test_settings_go_by_kafkas_names_and_others_are_passed_over() -> None:
    config = LogConfig.from_mapping({"segment.bytes": " 1000 ", "preallocate": "True", "min.insync.replicas": "2"})

    assert LogConfig(segment_bytes=1000, preallocate=True) == config


@pytest.mark.parametrize(
    ("policy", "is_deleted", "is_compacted"),
    [
        ("delete", True, False),
        ("compact", False, True),
        ("compact, delete", True, True),
        ("", False, False),
    ],
)
def test_a_cleanup_policy_may_be_both(policy: str, is_deleted: bool, is_compacted: bool) -> None:
    config = LogConfig.from_mapping({"cleanup.policy": policy})

    assert (is_deleted, is_compacted) == (config.is_deleted, config.is_compacted)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("segment.bytes", "many"),
        ("segment.bytes", "0"),
        ("segment.bytes", str(2**31)),
        ("retention.ms", "-2"),
        ("retention.ms", str(2**63)),
        ("preallocate", "maybe"),
        ("cleanup.policy", "shred"),
        ("message.timestamp.type", "Sometimes"),
    ],
)
def test_what_is_not_a_value_is_refused_by_name(name: str, text: str) -> None:
    with pytest.raises(InvalidConfig, match=name):
        LogConfig.from_mapping({name: text})


def test_for_ever_is_a_retention() -> None:
    config = LogConfig.from_mapping({"retention.ms": "-1", "retention.bytes": "-1"})

    assert (-1, -1) == (config.retention_ms, config.retention_bytes)
