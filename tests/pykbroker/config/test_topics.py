"""What a topic may set, and what holds for it in the end."""

from __future__ import annotations

import pytest

from pykbroker.config.settings import Settings, broker_definitions, topic_definitions
from pykbroker.config.topics import (
    SYNONYMS,
    effective_topic_config,
    internal_topic_configs,
    log_config,
    validate_topic_configs,
)
from pykbroker.errors import BrokerError
from pykbroker.metadata.image import INTERNAL_TOPICS, MetadataImage
from pykbroker.testing import NOW_MS, in_memory_broker
from storage.config import LogConfig
from wire.errors import ErrorCode

NO_TOPICS = MetadataImage(1, "cluster", 1)


def effective(name: str, settings: dict[str, str], image: MetadataImage = NO_TOPICS) -> str | None:
    return effective_topic_config(Settings.of(settings), image, "t")[name]


def test_with_nothing_set_every_topic_setting_has_kafkas_default() -> None:
    defaults = {name: definition.default for name, definition in topic_definitions().items()}

    assert defaults == effective_topic_config(Settings.of({}), NO_TOPICS, "t")
    assert LogConfig() == log_config(Settings.of({}), NO_TOPICS, "t")


def test_every_synonym_is_a_setting_of_topic_and_broker() -> None:
    assert topic_definitions().keys() > SYNONYMS.keys()
    assert broker_definitions().keys() > {name for names in SYNONYMS.values() for name, _ in names}


@pytest.mark.parametrize(
    ("settings", "retention_ms"),
    [
        ({"log.retention.hours": "2"}, "7200000"),
        ({"log.retention.hours": "2", "log.retention.minutes": "3"}, "180000"),
        ({"log.retention.hours": "2", "log.retention.minutes": "3", "log.retention.ms": "4"}, "4"),
        ({"log.retention.hours": "-1"}, "-1"),
    ],
)
def test_the_finest_of_the_brokers_names_for_it_wins(settings: dict[str, str], retention_ms: str) -> None:
    assert retention_ms == effective("retention.ms", settings)


def test_topic_over_node_over_cluster_over_static() -> None:
    settings = {"log.retention.ms": "1", "node.id": "5"}
    cluster = NO_TOPICS.with_broker_configs({"": {"log.retention.ms": "2"}})
    node = cluster.with_broker_configs({"5": {"log.retention.ms": "3"}, "6": {"log.retention.ms": "9"}})
    own = node.with_topic_configs({"t": {"retention.ms": "4"}, "u": {"retention.ms": "9"}})

    found = [effective("retention.ms", settings, image) for image in (NO_TOPICS, cluster, node, own)]

    assert ["1", "2", "3", "4"] == found


def test_storage_gets_what_holds() -> None:
    image = NO_TOPICS.with_topic_configs({"t": {"cleanup.policy": " compact , delete "}})

    config = log_config(Settings.of({"log.roll.hours": "1"}), image, "t")

    assert (3_600_000, True, True) == (config.segment_ms, config.is_compacted, config.is_deleted)


@pytest.mark.parametrize(
    ("configs", "message"),
    [
        # What Apache Kafka 4.3 answers.
        ({"nosuch": "1"}, "Unknown topic config name: nosuch"),
        ({"retention.ms": "x"}, "Invalid value x for configuration retention.ms: Not a number of type LONG"),
        (
            {"segment.ms": None, "preallocate": None},
            "Null value not supported for topic configs: segment.ms,preallocate",
        ),
        (
            {"min.compaction.lag.ms": "10", "max.compaction.lag.ms": "5"},
            "conflict topic config setting min.compaction.lag.ms (10) > max.compaction.lag.ms (5)",
        ),
        (
            {"remote.storage.enable": "true"},
            "Tiered Storage functionality is disabled in the broker. "
            "Topic cannot be configured with remote log storage.",
        ),
    ],
)
def test_a_bad_setting_is_refused_in_kafkas_words(configs: dict[str, str | None], message: str) -> None:
    with pytest.raises(BrokerError) as caught:
        validate_topic_configs(configs)

    assert (ErrorCode.INVALID_CONFIG, message) == (caught.value.code, caught.value.message)


def test_a_setting_is_kept_as_it_was_written_and_understood_as_kafka_does() -> None:
    given = {
        "retention.ms": " +5 ",
        "cleanup.policy": "delete, compact",
        "preallocate": "TRUE",
        "retention.bytes": "-9",
    }

    assert given == validate_topic_configs({**given})
    image = NO_TOPICS.with_topic_configs({"t": given})
    config = log_config(Settings.of({}), image, "t")
    assert (5, True, True, True) == (config.retention_ms, config.is_compacted, config.is_deleted, config.preallocate)
    assert -9 == config.retention_bytes  # below zero is no limit


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("min.cleanable.dirty.ratio", "0x1p-1"),
        ("min.cleanable.dirty.ratio", "NaN"),
        ("retention.ms", "\x027"),
        ("retention.bytes", "-9223372036854775808"),
        ("segment.bytes", "\u0661\u0660\u0664\u0668\u0665\u0667\u0666"),
        ("min.insync.replicas", " +\u0661"),
    ],
)
async def test_what_kafka_accepts_makes_a_topic_that_works(name: str, text: str) -> None:
    async with in_memory_broker() as broker:
        await broker.create("t", configs={name: text})

        assert 0 == broker.append("t", 0, [NOW_MS]).log.log_start_offset


@pytest.mark.parametrize("topic", sorted(INTERNAL_TOPICS))
def test_internal_topics_have_valid_configs(topic: str) -> None:
    assert validate_topic_configs(internal_topic_configs(Settings.of({}), topic))
