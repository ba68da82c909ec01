"""Whose settings: kafka-configs' `--entity-type`, `--entity-name` and `--entity-default`, and short forms."""

from __future__ import annotations

import argparse
from typing import NamedTuple

from pykbroker.client_quotas import CLIENT_ID, IP, USER
from pykbroker.config.resources import ResourceType
from pykbroker.console.client import CommandError

RESOURCES = {
    "topics": ResourceType.TOPIC,
    "brokers": ResourceType.BROKER,
    "groups": ResourceType.GROUP,
    "client-metrics": ResourceType.CLIENT_METRICS,
    "broker-loggers": ResourceType.BROKER_LOGGER,
}
OF_QUOTAS = {"users": USER, "clients": CLIENT_ID, "ips": IP}
WITH_DEFAULT = ("brokers", *OF_QUOTAS)
DEFAULT = "<default>"


class Entity(NamedTuple):
    """Of a kind; either one of a name, or what holds for all without settings of their own, or all that there are."""

    kind: str
    name: str | None
    is_default: bool

    @property
    def is_all(self) -> bool:
        return self.name is None and not self.is_default


def chosen(options: argparse.Namespace) -> list[Entity]:
    """One, or a user and a client. Raises CommandError."""
    entities = [Entity(kind, name, name is None) for kind, name in options.entities]
    names: list[str | None] = list(options.entity_names)
    for position, kind in enumerate(options.entity_types):
        given = position < len(names)
        name = names[position] if given else None
        is_default = given and (name is None or (name == "" and kind in WITH_DEFAULT))
        entities.append(Entity(kind, None if is_default else name, is_default))
    if len(names) > len(options.entity_types):
        raise CommandError("--entity-name and --entity-default need an --entity-type each", 2)
    kinds = sorted(entity.kind for entity in entities)
    if not kinds:
        raise CommandError("it needs an entity: --topic, --broker, ..., or --entity-type with --entity-name", 2)
    if len(kinds) > 1 and kinds != ["clients", "users"]:
        raise CommandError(f"one entity, or a user and a client, not {' and '.join(kinds)}", 2)
    for entity in entities:
        if entity.is_default and entity.kind not in WITH_DEFAULT:
            raise CommandError(f"there is no default of {entity.kind}", 2)
    return sorted(entities, key=lambda entity: entity.kind, reverse=True)  # users before clients, as Kafka has it
