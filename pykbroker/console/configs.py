"""`pykbroker configs`: show and change what is set for topics, brokers, groups, users, ..., with kafka-configs' flags.

Quotas and credentials, which Kafka keeps apart from settings, are in `quotas.py`.
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from pykbroker.config.properties import PropertiesError, parse
from pykbroker.config.resources import Operation, ResourceType
from pykbroker.console import quotas
from pykbroker.console.client import Client, CommandError, check
from pykbroker.console.entities import DEFAULT, OF_QUOTAS, RESOURCES, Entity, chosen
from pykbroker.console.output import Row, show
from pykbroker.console.resources import described
from pykbroker.console.topics import found
from wire.api.incremental_alter_configs import IncrementalAlterConfigsRequest
from wire.api.list_config_resources import ListConfigResourcesRequest
from wire.api.metadata import MetadataRequest

SOURCES = (
    "unknown", "topic", "broker", "all brokers", "server.properties", "default", "logger", "client metrics", "group",
)  # fmt: skip
STATIC, DEFAULT_VALUE = 4, 5
OF_ONE_BROKER = ("brokers", "broker-loggers")


def run(options: argparse.Namespace) -> int:
    entities = chosen(options)
    with Client(options.bootstrap_server) as client:
        if options.verb == "alter":
            alter(client, entities, options)
        else:
            is_quota = entities[0].kind in OF_QUOTAS
            rows = quotas.rows(client, entities) if is_quota else setting_rows(client, entities[0], options)
            show(rows, as_json=options.json)
    return 0


def setting_rows(client: Client, entity: Entity, options: argparse.Namespace) -> list[Row]:
    rows: list[Row] = []
    for name in names_of(client, entity):
        for each in described(asked_of(client, entity.kind, name), RESOURCES[entity.kind], [name])[name]:
            if options.all or entity.kind == "broker-loggers" or each.config_source not in (STATIC, DEFAULT_VALUE):
                row = {"entity_type": entity.kind, "entity_name": name or DEFAULT, "name": each.name}
                rows.append({**row, "value": each.value, "source": SOURCES[each.config_source]})
    return rows


def names_of(client: Client, entity: Entity) -> list[str]:
    if not entity.is_all:
        return [entity.name or ""]
    if entity.kind == "topics":
        return [topic.name or "" for topic in found(client, None)]
    if entity.kind in OF_ONE_BROKER:
        brokers = client.ask(MetadataRequest(topics=(), allow_auto_topic_creation=False)).brokers
        ids = [str(each.node_id) for each in brokers]
        return [*ids, ""] if entity.kind == "brokers" else ids
    kind = RESOURCES[entity.kind]
    answer = client.ask(ListConfigResourcesRequest(resource_types=[kind]))
    check(answer.error_code, None, f"cannot list {entity.kind}")
    return [each.resource_name for each in answer.config_resources]


def asked_of(client: Client, kind: str, name: str) -> Client:
    """What is set for one broker, that broker knows."""
    if kind not in OF_ONE_BROKER or not name:
        return client
    try:
        return client.broker(int(name))
    except ValueError:
        raise CommandError(f"{name!r} is no node id", 2) from None


def alter(client: Client, entities: list[Entity], options: argparse.Namespace) -> None:
    added = from_file(options.add_config_file) if options.add_config_file else {}
    for text in options.add_config:
        added |= pairs(text)
    deleted = [name.strip() for text in options.delete_config for name in text.split(",")]
    if not added and not deleted:
        raise CommandError("--alter needs --add-config, --add-config-file or --delete-config", 2)
    if any(entity.is_all for entity in entities):
        raise CommandError("--alter needs --entity-name or --entity-default for each --entity-type", 2)
    if entities[0].kind in OF_QUOTAS:
        quotas.alter(client, entities, added, deleted)
    else:
        alter_settings(client, entities[0], added, deleted)
    print(f"Altered {' and '.join(f'{each.kind} {each.name or DEFAULT}' for each in entities)}.")


def alter_settings(client: Client, entity: Entity, added: dict[str, str], deleted: list[str]) -> None:
    resource = IncrementalAlterConfigsRequest.AlterConfigsResource
    changes: list[tuple[str, Operation, str | None]] = [(name, Operation.SET, value) for name, value in added.items()]
    changes += [(name, Operation.DELETE, None) for name in deleted]
    name = entity.name or ""
    wanted = resource(
        resource_type=RESOURCES[entity.kind],
        resource_name=name,
        configs=[
            resource.AlterableConfig(name=key, config_operation=operation, value=value)
            for key, operation, value in changes
        ],
    )
    node = asked_of(client, entity.kind, name) if wanted.resource_type == ResourceType.BROKER_LOGGER else client
    [result] = node.ask(IncrementalAlterConfigsRequest(resources=[wanted], validate_only=False)).responses
    check(result.error_code, result.error_message, f"cannot alter {entity.kind} {name}".rstrip())


def pairs(text: str) -> dict[str, str]:
    """Of `a=1,b=[2,3]`: brackets are around values with commas."""
    told = {}
    for part in re.split(r",(?![^\[]*\])", text):
        name, equals, value = part.partition("=")
        if not equals or not name.strip():
            raise CommandError(f"{part!r} is not KEY=VALUE; a value with commas is in brackets: KEY=[A,B]", 2)
        value = value.strip()
        told[name.strip()] = value[1:-1] if value.startswith("[") and value.endswith("]") else value
    return told


def from_file(path: Path) -> dict[str, str]:
    try:
        return {name: each.value for name, each in parse(path.read_text()).items()}
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}") from None
    except PropertiesError as error:
        raise CommandError(f"{path}: {error}", 2) from None
