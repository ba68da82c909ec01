"""A resource's settings after a change, checked: AlterConfigs replaces them, IncrementalAlterConfigs edits them.

Pure: from an image, the changes that were asked for and the static settings to new settings, or to BrokerError in
Kafka's words (some of them odd: tools show them and people search for them). Loggers are not here; they are not
metadata.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from pykbroker import topic_names
from pykbroker.config import brokers
from pykbroker.config.entries import CLIENT_METRICS
from pykbroker.config.resources import ConfigOp, Operation, Resource, ResourceType, own_configs
from pykbroker.config.settings import Settings, broker_definitions, group_definitions, topic_definitions
from pykbroker.config.topics import validate_topic_configs
from pykbroker.config.values import Definition, InvalidValueError, Value, parse, text_of
from pykbroker.errors import BrokerError
from pykbroker.metadata.image import Configs, MetadataImage
from wire.errors import ErrorCode

METRICS_INTERVAL_MS = (100, 3_600_000)
METRICS_SELECTORS = frozenset(
    (
        "client_instance_id",
        "client_id",
        "client_software_name",
        "client_software_version",
        "client_source_address",
        "client_source_port",
    )
)


def changed(image: MetadataImage, settings: Settings, resource: Resource, changes: Sequence[ConfigOp]) -> Configs:
    """With single settings set, deleted, appended to and subtracted from (KIP-339)."""
    if resource.type == ResourceType.BROKER:
        brokers.check_changes(resource.name, settings.node_id, changes)
    configs = dict(own_configs(image, resource))
    definitions = _definitions(resource.type)
    for change in changes:
        value = _changed_value(change, configs.get(change.name), definitions.get(change.name))
        if value is None:
            configs.pop(change.name, None)
        else:
            configs[change.name] = value
    return _checked(image, settings, resource, configs)


def replaced(image: MetadataImage, settings: Settings, resource: Resource, configs: Mapping[str, str]) -> Configs:
    """With all that was set before forgotten."""
    return _checked(image, settings, resource, configs)


def _definitions(kind: int) -> Mapping[str, Definition]:
    if kind == ResourceType.TOPIC:
        return topic_definitions()
    # Kafka's controller does not know that client metrics have lists.
    return broker_definitions() if kind == ResourceType.BROKER else {}


def _changed_value(change: ConfigOp, current: str | None, definition: Definition | None) -> str | None:
    if change.operation == Operation.DELETE:
        return None
    value = change.value
    assert value is not None, change
    if change.operation == Operation.SET:
        return value
    if change.operation not in tuple(Operation):
        raise BrokerError(ErrorCode.UNKNOWN_SERVER_ERROR)  # as Kafka, for all but brokers
    if definition is None or definition.type != "LIST":
        name = Operation(change.operation).name
        message = f"Can't {name} to key {change.name} because its type is not LIST."
        raise BrokerError(ErrorCode.INVALID_CONFIG, message)
    if current is None:
        current = definition.default
    items = list(filter(None, (current or "").split(",")))
    for item in value.split(","):
        if change.operation == Operation.APPEND and item not in items:
            items.append(item)
        elif change.operation == Operation.SUBTRACT and item in items:
            items.remove(item)
    return ",".join(items)


def _checked(image: MetadataImage, settings: Settings, resource: Resource, configs: Mapping[str, str]) -> Configs:
    if resource.type == ResourceType.TOPIC:
        return _checked_topic(image, resource.name, configs)
    if resource.type == ResourceType.BROKER:
        return brokers.checked(image, settings, resource.name, configs)
    if resource.type == ResourceType.GROUP:
        return checked_group(settings, resource.name, configs)
    return checked_client_metrics(resource.name, configs)


def _checked_topic(image: MetadataImage, name: str, configs: Mapping[str, str]) -> Configs:
    if not name:
        raise BrokerError(ErrorCode.INVALID_REQUEST, "Default topic resources are not allowed.")
    topic_names.check_name(name)
    valid = validate_topic_configs(configs)
    if name not in image.topics:
        raise BrokerError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, f"The topic '{name}' does not exist.")
    return valid


def checked_group(settings: Settings, name: str, configs: Mapping[str, str]) -> Configs:
    """A group's settings keep within bounds that the brokers' settings draw."""
    if not name:
        raise BrokerError(ErrorCode.INVALID_REQUEST, "Default group resources are not allowed.")
    definitions = group_definitions()
    for key in configs:
        if key not in definitions:
            raise BrokerError(ErrorCode.INVALID_CONFIG, f"Unknown group config name: {key}")
    values = _parsed(definitions, configs)
    for key, value in values.items():
        for bound, is_wrong, words in _GROUP_BOUNDS:
            limit = _group_bound(key, bound)
            if limit in broker_definitions() and is_wrong(value, settings.int(limit)):
                message = f"{key} must be {words} than or equal to {limit}"
                raise BrokerError(ErrorCode.INVALID_CONFIG, message)
    _check_group_timeouts(settings, values)
    return _texts(values)


_GROUP_BOUNDS: tuple[tuple[str, Callable[[Value, int], bool], str], ...] = (
    ("min", lambda value, limit: isinstance(value, int) and value < limit, "greater"),
    ("max", lambda value, limit: isinstance(value, int) and value > limit, "less"),
)


def _group_bound(key: str, bound: str) -> str:
    kind, _, rest = key.partition(".")
    return f"group.{kind}.{bound}.{rest.removeprefix('num.')}"


def _check_group_timeouts(settings: Settings, values: Mapping[str, Value]) -> None:
    for kind in ("consumer", "share", "streams"):
        heartbeat, session = f"{kind}.heartbeat.interval.ms", f"{kind}.session.timeout.ms"
        interval, timeout = (values.get(key, settings.int(f"group.{key}")) for key in (heartbeat, session))
        assert isinstance(interval, int)
        assert isinstance(timeout, int)
        if timeout <= interval:
            raise BrokerError(ErrorCode.INVALID_CONFIG, f"{session} must be greater than {heartbeat}")


def checked_client_metrics(name: str, configs: Mapping[str, str]) -> Configs:
    if not name:
        raise BrokerError(ErrorCode.INVALID_REQUEST, "Subscription name can't be empty")
    definitions = {definition.name: definition for definition in CLIENT_METRICS}
    for key in configs:
        if key not in definitions:
            raise BrokerError(ErrorCode.INVALID_REQUEST, f"Unknown client metrics configuration: {key}")
    values = _parsed(definitions, configs)
    interval = values.get("interval.ms", METRICS_INTERVAL_MS[0])
    assert isinstance(interval, int)
    if not METRICS_INTERVAL_MS[0] <= interval <= METRICS_INTERVAL_MS[1]:
        bounds = "{} and {} (1 hour)".format(*METRICS_INTERVAL_MS)
        message = f"Invalid value {interval} for interval.ms, interval must be between {bounds}"
        raise BrokerError(ErrorCode.INVALID_REQUEST, message)
    patterns = values.get("match", ())
    assert isinstance(patterns, tuple)
    for pattern in patterns:
        _check_pattern(pattern)
    return _texts(values)


def _check_pattern(pattern: str) -> None:
    name, _, expression = (part.strip() for part in pattern.partition("="))
    try:
        re.compile(expression)
    except re.error:
        expression = ""
    if name not in METRICS_SELECTORS or not expression or "=" in expression:
        raise BrokerError(ErrorCode.INVALID_CONFIG, f"Illegal client matching pattern: {pattern}")


def _parsed(definitions: Mapping[str, Definition], configs: Mapping[str, str]) -> dict[str, Value]:
    try:
        return {name: parse(definitions[name], text) for name, text in configs.items()}
    except InvalidValueError as error:
        raise BrokerError(ErrorCode.INVALID_CONFIG, str(error)) from None


def _texts(values: Mapping[str, Value]) -> Configs:
    return {name: text_of(value) or "" for name, value in values.items()}
