"""Settings as they are told to clients: each with its value, where that comes from, and what would hold without it.

A setting's synonyms are the values that it would have, from the strongest source to the weakest; the first one counts.
A broker setting may stand under an older name as well (log.retention.ms, .minutes, .hours). Kafka lists synonyms from
the first that bears the setting's own name on: a retention set in hours is told as a default, though it holds.

Values are written as Kafka writes them back: `TRUE` is `true`, `a , b` is `a,b`. Secrets are never told.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import IntEnum
from itertools import dropwhile
from typing import NamedTuple

from pykbroker.config.dynamic import CLUSTER_WIDE, PER_BROKER
from pykbroker.config.resources import dynamic_broker_configs
from pykbroker.config.settings import (
    Settings,
    Source,
    broker_definition,
    broker_definitions,
    group_definitions,
    topic_definitions,
)
from pykbroker.config.topics import SYNONYMS, effective_topic_config
from pykbroker.config.values import Definition, parse, text_of
from pykbroker.metadata.image import MetadataImage


class ConfigSource(IntEnum):
    """Where a value comes from; a lower one wins."""

    TOPIC = 1
    DYNAMIC_BROKER = 2
    DYNAMIC_DEFAULT_BROKER = 3
    STATIC_BROKER = 4
    DEFAULT = 5
    DYNAMIC_BROKER_LOGGER = 6
    CLIENT_METRICS = 7
    GROUP = 8


class Synonym(NamedTuple):
    name: str
    value: str | None
    source: ConfigSource


class ConfigEntry(NamedTuple):
    definition: Definition  # by the name that is told
    value: str | None
    is_read_only: bool
    synonyms: tuple[Synonym, ...] = ()

    @property
    def source(self) -> ConfigSource:
        return self.synonyms[0].source if self.synonyms else ConfigSource.DEFAULT


CLIENT_METRICS = (
    Definition("interval.ms", "INT", "300000", None),
    Definition("match", "LIST", "", None),
    Definition("metrics", "LIST", "", None),
)

# Those of a family stand for each other, the first is the strongest.
_FAMILIES = (
    ("log.flush.interval.ms", "log.flush.scheduler.interval.ms"),
    ("log.retention.ms", "log.retention.minutes", "log.retention.hours"),
    ("log.roll.jitter.ms", "log.roll.jitter.hours"),
    ("log.roll.ms", "log.roll.hours"),
)
_FAMILY_OF = {name: family for family in _FAMILIES for name in family if name != "log.flush.scheduler.interval.ms"}


def canonical(definition: Definition, text: str | None) -> str | None:
    if text is None or definition.is_sensitive:
        return None
    if text == definition.default:  # is Kafka's own text, of which Java writes some numbers in its own way
        return text
    return text_of(parse(definition, text))


def topic_entries(settings: Settings, image: MetadataImage, topic: str) -> Iterator[ConfigEntry]:
    own = image.topic_configs.get(topic, {})
    effective = effective_topic_config(settings, image, topic)
    for name, definition in topic_definitions().items():
        value = canonical(definition, effective[name])
        synonyms = broker_synonyms(settings, image, SYNONYMS[name][0][0]) if name in SYNONYMS else ()
        if name in own:
            synonyms = (Synonym(name, value, ConfigSource.TOPIC), *synonyms)
        yield ConfigEntry(definition, value, False, synonyms)


def broker_entries(settings: Settings, image: MetadataImage) -> Iterator[ConfigEntry]:
    """Of this node: all that Kafka knows, and what was set for single listeners."""
    dynamic = dynamic_broker_configs(image, settings.node_id)
    for name in dict.fromkeys((*broker_definitions(), *settings.overrides, *dynamic)):
        definition = broker_definition(name) or _unknown(name)
        text = dynamic.get(name) or _static(settings, name) or definition.default
        synonyms = broker_synonyms(settings, image, name)
        yield ConfigEntry(definition._replace(name=name), canonical(definition, text), _is_read_only(name), synonyms)


def dynamic_default_entries(image: MetadataImage) -> Iterator[ConfigEntry]:
    """What was set for all brokers while they ran."""
    for name, text in image.broker_configs.get("", {}).items():
        definition = (broker_definition(name) or _unknown(name))._replace(name=name)
        value = canonical(definition, text)
        synonym = Synonym(name, value, ConfigSource.DYNAMIC_DEFAULT_BROKER)
        yield ConfigEntry(definition, value, _is_read_only(name), (synonym,))


def group_entries(settings: Settings, image: MetadataImage, group: str) -> Iterator[ConfigEntry]:
    own = image.group_configs.get(group, {})
    for name, definition in group_definitions().items():
        broker_name = f"group.{name}"
        if broker_name in broker_definitions():
            value = dynamic_broker_configs(image, settings.node_id).get(broker_name, settings.raw(broker_name))
            synonyms = broker_synonyms(settings, image, broker_name)
        else:
            value = definition.default
            synonyms = (Synonym(name, value, ConfigSource.DEFAULT),)
        if name in own:
            value = own[name]
            synonyms = (Synonym(name, value, ConfigSource.GROUP), *synonyms)
        yield ConfigEntry(definition, canonical(definition, value), False, synonyms)


def client_metrics_entries(image: MetadataImage, subscription: str) -> Iterator[ConfigEntry]:
    own = image.client_metrics_configs.get(subscription, {})
    for definition in CLIENT_METRICS:
        value = own.get(definition.name)
        if value is None:
            yield ConfigEntry(definition, definition.default, False)
        else:
            synonym = Synonym(definition.name, value, ConfigSource.CLIENT_METRICS)
            yield ConfigEntry(definition, value, False, (synonym,))


def broker_synonyms(settings: Settings, image: MetadataImage, name: str) -> tuple[Synonym, ...]:
    names = _names_of(name)
    found = (
        *_dynamic(image, str(settings.node_id), names, ConfigSource.DYNAMIC_BROKER),
        *_dynamic(image, "", names, ConfigSource.DYNAMIC_DEFAULT_BROKER),
        *(Synonym(each, _static(settings, each), ConfigSource.STATIC_BROKER) for each in names),
        *(Synonym(each, _default(each), ConfigSource.DEFAULT) for each in names),
    )
    given = dropwhile(lambda synonym: synonym.name != name, (synonym for synonym in found if synonym.value is not None))
    return tuple(_without_secret(synonym) for synonym in given)


def topic_value_source(settings: Settings, image: MetadataImage, topic: str, name: str) -> ConfigSource:
    """Where the value that holds really comes from, under whatever name it was set: what CreateTopics tells."""
    if name in image.topic_configs.get(topic, {}):
        return ConfigSource.TOPIC
    for broker_name, _ in SYNONYMS.get(name, ()):
        synonyms = broker_synonyms(settings, image, broker_name)
        if synonyms and synonyms[0].source != ConfigSource.DEFAULT:
            return synonyms[0].source
    return ConfigSource.DEFAULT


def _is_read_only(name: str) -> bool:
    return name not in CLUSTER_WIDE and name not in PER_BROKER


def _names_of(name: str) -> tuple[str, ...]:
    definition = broker_definition(name)
    if definition is not None and definition.name != name:  # given for one listener, else as for all
        return name, definition.name
    return _FAMILY_OF.get(name, (name,))


def _dynamic(image: MetadataImage, node: str, names: Iterable[str], source: ConfigSource) -> Iterator[Synonym]:
    configs = image.broker_configs.get(node, {})
    return (Synonym(name, configs[name], source) for name in names if name in configs)


def _static(settings: Settings, name: str) -> str | None:
    """As given at the start; our own defaults count as given too, for Kafka's are others."""
    if name in ("broker.id", "node.id"):
        return str(settings.node_id)
    if broker_definition(name) is None or settings.source(name) == Source.DEFAULT:
        return None
    return settings.raw(name)


def _default(name: str) -> str | None:
    definition = broker_definitions().get(name)
    return None if definition is None else definition.default


def _unknown(name: str) -> Definition:
    return Definition(name, "UNKNOWN", None, None)


def _without_secret(synonym: Synonym) -> Synonym:
    definition = broker_definition(synonym.name)
    is_secret = definition is None or definition.is_sensitive
    return synonym._replace(value=None) if is_secret else synonym
