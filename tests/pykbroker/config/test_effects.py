"""Every setting of Kafka's is read by the code, or told to be without effect: there is no third kind.

Found out from the source, so that a setting which nobody reads cannot hide; and each that is read is named in a test.
"""

from __future__ import annotations

import ast
import json
import re
from functools import cache
from itertools import product
from pathlib import Path

import pytest

from pykbroker.config.dynamic import CLUSTER_WIDE, PER_BROKER
from pykbroker.config.effects import has_effect, without_effect
from pykbroker.config.settings import PROTECTIONS_NOT_SERVED, Settings
from pykbroker.config.topics import SYNONYMS

ROOT = Path(__file__).parents[3]
FACTS = json.loads((ROOT / "tests" / "facts" / "kafka-configs.json").read_text())
EVERY = sorted({item["name"] for kind in ("topic", "broker", "group") for item in FACTS[kind]})

# These know settings by name and act on none of them.
TABLES = {
    f"pykbroker/config/{name}.py"
    for name in ("definitions", "docs", "dynamic", "effects", "entries", "listing", "brokers", "topics")
}
OF_MEMBERS = ("assignment.interval.ms", "heartbeat.interval.ms", "session.timeout.ms")
OF_DELIVERY = ("delivery.count.limit", "partition.max.record.locks", "record.lock.duration.ms")
# Names that are put together where they are read, with a piece of them that is to be found there.
COMPOSED = {
    "cordoned.log.dirs": ("pykbroker/config/brokers.py", "def is_cordoned"),
    **{
        f"group.{kind}.{bound}{what}": (f"pykbroker/coordinator/groups/{kind}/config.py", f'bounded("{what}")')
        for kind, bound, what in product(("consumer", "streams"), ("", "min.", "max."), OF_MEMBERS)
    },
    **{
        f"{prefix}{what}": ("pykbroker/coordinator/share/config.py", f'_bounded("{what}"')
        for prefix, what in product(
            ("share.", "group.share.", "group.share.min.", "group.share.max."), (*OF_MEMBERS, *OF_DELIVERY)
        )
    },
    **{
        f"{topic}.{what}": ("pykbroker/controller.py", f'"{topic}"')
        for topic, what in product(
            ("offsets.topic", "transaction.state.log", "share.coordinator.state.topic"),
            ("num.partitions", "replication.factor"),
        )
    },
    **{
        name: ("pykbroker/config/topics.py", f'settings.int("{name}")')
        for name in (
            "offsets.topic.segment.bytes",
            "share.coordinator.state.topic.min.isr",
            "share.coordinator.state.topic.segment.bytes",
            "transaction.state.log.min.isr",
            "transaction.state.log.segment.bytes",
        )
    },
}
# How a setting is read as it was at the start.
STATIC_READ = re.compile(r'settings\.(?:optional_)?(?:int|str|bool|list|float|raw|value)\(\s*"([a-z0-9._]+)"\s*\)')


@cache
def sources(*folders: str) -> dict[str, str]:
    return {str(path.relative_to(ROOT)): path.read_text() for each in folders for path in (ROOT / each).rglob("*.py")}


@cache
def names_in_code() -> tuple[set[str], set[str]]:
    """Texts and attributes."""
    texts, attributes = set(), set()
    for path, source in sources("pykbroker", "storage").items():
        for node in ast.walk(ast.parse(source)) if path not in TABLES else ():
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                texts.add(node.value)
            elif isinstance(node, ast.Attribute):
                attributes.add(node.attr)
    return texts, attributes


def is_read(name: str) -> bool:
    if name in COMPOSED:
        path, piece = COMPOSED[name]
        return piece in sources("pykbroker", "storage")[path]
    texts, attributes = names_in_code()
    # Of a topic's settings, storage makes fields of its LogConfig.
    return name in texts or any(topic in texts or topic.replace(".", "_") in attributes for topic in topics_of(name))


def topics_of(name: str) -> list[str]:
    """The topic settings that it is, or gives the default of."""
    return [topic for topic, synonyms in SYNONYMS.items() if name == topic or name in dict(synonyms)]


@pytest.mark.parametrize("name", sorted(set(EVERY) - set(PROTECTIONS_NOT_SERVED)))
def test_a_setting_is_read_or_said_to_be_without_effect(name: str) -> None:
    assert has_effect(name) == is_read(name)


@pytest.mark.parametrize("name", [name for name in EVERY if has_effect(name)])
def test_a_setting_with_an_effect_is_named_in_a_test(name: str) -> None:
    names = {name, *topics_of(name)}
    names |= {broker_name for topic in topics_of(name) for broker_name in dict(SYNONYMS[topic])}
    names |= {each.replace(".", "_") for each in names}
    pattern = re.compile(r"(?<![\w.])(?:" + "|".join(map(re.escape, names)) + r")(?![\w.])")

    assert any(
        pattern.search(source)
        for path, source in sources("tests", "interop_tests").items()
        if path != "tests/pykbroker/config/test_effects.py"
    )


def test_what_may_change_while_the_broker_runs_is_not_read_as_it_was_at_the_start() -> None:
    read = {
        name
        for path, source in sources("pykbroker").items()
        if path not in TABLES
        for name in STATIC_READ.findall(source)
    }

    assert len(read) > 20
    assert set() == read & (CLUSTER_WIDE | PER_BROKER)


@pytest.mark.parametrize("name", PROTECTIONS_NOT_SERVED)
def test_a_protection_that_is_not_served_is_without_effect(name: str) -> None:
    assert not has_effect(name)


def test_only_what_somebody_set_is_told() -> None:
    settings = Settings.of(
        {"num.io.threads": "9", "num.partitions": "3", "listener.name.x.ssl.keystore.type": "PKCS12", "zzz": "1"}
    )

    assert ["listener.name.x.ssl.keystore.type", "num.io.threads"] == without_effect(settings)


def test_what_kafka_has_no_more_is_told_as_without_effect_and_not_as_unknown() -> None:
    settings = Settings.of({"zookeeper.connect": "z:2181", "inter.broker.protocol.version": "3.9"})

    assert () == settings.warnings
    assert ["inter.broker.protocol.version", "zookeeper.connect"] == without_effect(settings)
