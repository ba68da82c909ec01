"""Dynamic broker settings: which may change, to what, of one broker or of all (KIP-226).

What is not known is kept, as in Kafka: it may be of a plug-in, and might be a secret, so its value is never told.
Unlike Kafka's, our listeners do not change while they are open.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from pykbroker.config.dynamic import CLUSTER_WIDE, PER_BROKER
from pykbroker.config.resources import ConfigOp, Operation, node_id_of
from pykbroker.config.settings import Settings, broker_definition, broker_definitions
from pykbroker.config.topics import log_config
from pykbroker.config.values import InvalidValueError, parse, split_list
from pykbroker.errors import BrokerError
from pykbroker.metadata.image import Configs, MetadataImage
from storage.errors import InvalidConfig
from wire.errors import ErrorCode

CORDONED = "cordoned.log.dirs"
_OF_LISTENER = re.compile(r"listener\.name\.[^.]*\.(.*)")
_NOT_HERE = frozenset(("listeners", "listener.security.protocol.map"))
# These belong to a listener's own keys.
_ONLY_OF_LISTENERS = frozenset(
    (
        "ssl.key.password",
        "ssl.keystore.certificate.chain",
        "ssl.keystore.key",
        "ssl.keystore.location",
        "ssl.keystore.password",
        "ssl.keystore.type",
        "ssl.truststore.certificates",
        "ssl.truststore.location",
        "ssl.truststore.password",
        "ssl.truststore.type",
    )
)
_OF_LISTENERS_OF_ALL = frozenset(("max.connections", "max.connection.creation.rate", "num.network.threads"))
_THREADS = (
    "background.threads",
    "num.io.threads",
    "num.network.threads",
    "num.recovery.threads.per.data.dir",
    "num.replica.fetchers",
)


def check_node_id(name: str, node_id: int) -> None:
    found = node_id_of(name)
    if found != node_id:
        message = f"Unexpected broker id, expected {node_id}, but received {name}"
        raise BrokerError(ErrorCode.INVALID_REQUEST, message)


def check_changes(name: str, node_id: int, changes: Sequence[ConfigOp]) -> None:
    if name:
        check_node_id(name, node_id)
    unknown = next((each.operation for each in changes if each.operation not in tuple(Operation)), None)
    if unknown is not None:
        raise BrokerError(ErrorCode.INVALID_REQUEST, f"Unknown operations type {unknown}")
    for change in changes:
        if change.operation in (Operation.APPEND, Operation.SUBTRACT):
            definition = broker_definitions().get(change.name)
            if definition is None:
                raise BrokerError(ErrorCode.INVALID_CONFIG, f"Unknown config name: {change.name}")
            if definition.type != "LIST":
                verb = Operation(change.operation).name.lower()
                message = f"Config value {verb} is not allowed for config key: {change.name}"
                raise BrokerError(ErrorCode.INVALID_CONFIG, message)


def checked(image: MetadataImage, settings: Settings, name: str, configs: Mapping[str, str]) -> Configs:
    """The same settings, if broker `name` ("" for all) may have them; else BrokerError."""
    if name:
        check_node_id(name, settings.node_id)
    _check_names(configs, of_all=not name)
    for key, text in configs.items():
        _check_value(image, settings, key, text)
    try:
        log_config(settings, image.with_broker_configs({name: configs}), "")
    except InvalidConfig as error:
        raise BrokerError(ErrorCode.INVALID_REQUEST, str(error)) from None
    return dict(configs)


def _check_names(configs: Mapping[str, str], *, of_all: bool) -> None:
    may_change = CLUSTER_WIDE | PER_BROKER - _NOT_HERE
    fixed = [name for name in configs if name in broker_definitions() and name not in may_change]
    _refuse("Cannot update these configs dynamically", fixed)
    prefix = "These security configs can be dynamically updated only per-listener using the listener prefix"
    _refuse(prefix, [name for name in configs if name in _ONLY_OF_LISTENERS])
    if of_all:
        prefix = "Cannot update these configs at default cluster level, broker id must be specified"
        _refuse(prefix, [name for name in configs if name in PER_BROKER or _is_listeners_own(name)])


def _is_listeners_own(name: str) -> bool:
    match = _OF_LISTENER.fullmatch(name)
    return match is not None and match[1] not in _OF_LISTENERS_OF_ALL


def _refuse(prefix: str, names: Sequence[str]) -> None:
    if names:
        raise BrokerError(ErrorCode.INVALID_REQUEST, f"{prefix}: [{', '.join(names)}]")


def _check_value(image: MetadataImage, settings: Settings, name: str, text: str) -> None:
    definition = broker_definition(name)
    if definition is None:
        return
    try:
        value = parse(definition, text)
    except InvalidValueError as error:
        raise BrokerError(ErrorCode.INVALID_REQUEST, str(error)) from None
    if name in _THREADS or name == "log.cleaner.threads":
        assert isinstance(value, int)
        if value == 0:  # Kafka divides a buffer by the number of cleaner threads
            raise BrokerError(ErrorCode.INVALID_REQUEST, "/ by zero")
        _check_threads(name, value, current=int(current_value(image, settings, name) or 1))
    elif name == "max.connections.per.ip.overrides":
        _check_overrides(text)
    elif name == CORDONED:
        _check_cordoned(text, settings)
    elif name == "group.consumer.assignment.interval.ms":
        assert isinstance(value, int)
        if value > settings.int("group.consumer.max.assignment.interval.ms"):
            message = f"{name} must be less than or equal to group.consumer.max.assignment.interval.ms"
            raise BrokerError(ErrorCode.INVALID_REQUEST, message)


def current_value(image: MetadataImage, settings: Settings, name: str) -> str | None:
    """What holds on this broker now: its own dynamic setting, that of all, the static one."""
    for node in (str(settings.node_id), ""):
        own = image.broker_configs.get(node, {})
        if name in own:
            return own[name]
    return settings.raw(name)


def is_on(image: MetadataImage, settings: Settings, name: str) -> bool:
    return (current_value(image, settings, name) or "").strip().lower() == "true"


def is_cordoned(image: MetadataImage, settings: Settings, directory: str) -> bool:
    """Whether a log directory is to take no new partitions (KIP-1066)."""
    cordoned = split_list(current_value(image, settings, CORDONED) or "")
    return cordoned == ("*",) or directory in cordoned


def _check_threads(name: str, value: int, *, current: int) -> None:
    if current // 2 <= value <= current * 2:
        return
    if name == "log.cleaner.threads":
        change, bound = ("increased", "more than double") if value > current else ("reduced", "less than half")
        reason = f"Log cleaner threads cannot be {change} to {bound} the current value {current}"
    else:
        bound = "not be greater than double" if value > current else "be at least half"
        failed = f"Dynamic thread count update validation failed for {name}={value}"
        reason = f"{failed}, value should {bound} the current value {current}"
    message = (
        f"Invalid value org.apache.kafka.common.config.ConfigException: {reason} "
        "for configuration Invalid dynamic configuration"
    )
    raise BrokerError(ErrorCode.INVALID_REQUEST, message)


def _check_overrides(text: str) -> None:
    for item in filter(None, text.split(",")):
        _, colon, count = item.rpartition(":")
        if not colon:  # Java's words, for Kafka looks for the colon and does not mind that there is none
            where = "Error parsing configuration property 'max.connections.per.ip.overrides'"
            raise BrokerError(ErrorCode.INVALID_REQUEST, f"{where}: begin 0, end -1, length {len(item)}")
        if not re.fullmatch(r"\s*[+-]?\d+\s*", count):
            raise BrokerError(ErrorCode.INVALID_REQUEST, f'For input string: "{count}"')


def _check_cordoned(text: str, settings: Settings) -> None:
    wanted = [item.strip() for item in text.split(",") if item.strip()]
    missing = [item for item in wanted if item not in settings.log_dirs]
    if wanted != ["*"] and missing:
        message = (
            "requirement failed: All entries in cordoned.log.dirs must be present in log.dirs or log.dir. "
            f"Missing entries : {','.join(missing)}"
        )
        raise BrokerError(ErrorCode.INVALID_REQUEST, message)
