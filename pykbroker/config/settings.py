"""Settings: Kafka's names, types and defaults, layered defaults < file < environment < flags.

Immutable once loaded, and checked whole: a `Settings` holds no bad value. Each value remembers where it came from.
Unknown keys are refused on the command line (`is_strict`); elsewhere they are kept out and told in `warnings`, with the
nearest known name. Dynamic settings are not here: they are cluster metadata, and `topics` puts them over these.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import IntEnum
from functools import cache
from pathlib import Path
from typing import NamedTuple, TypeAlias

from pykbroker.config import definitions, properties
from pykbroker.config import environment as config_environment
from pykbroker.config.values import Definition, InvalidValueError, Value, expected, parse
from pykbroker.endpoints import Listener, parse_listeners, parse_protocol_map
from pykbroker.errors import StartupError

# The typed accesses below are named for what they return, and would shadow these in annotations.
Bool: TypeAlias = bool
Float: TypeAlias = float
Int: TypeAlias = int
Str: TypeAlias = str

NEVER_EMPTY = ("advertised.listeners", "group.consumer.assignors", "listeners", "log.dir", "log.dirs")
SERVED_PROTOCOLS = ("PLAINTEXT",)
# Whoever sets one of these relies on it.
PROTECTIONS_NOT_SERVED = ("create.topic.policy.class.name", "alter.config.policy.class.name")
STANDARD_AUTHORIZER = "org.apache.kafka.metadata.authorizer.StandardAuthorizer"


class Source(IntEnum):
    DEFAULT = 0
    PROFILE = 1  # our default, where Kafka's only makes sense for a cluster
    FILE = 2
    ENVIRONMENT = 3
    FLAG = 4


class Given(NamedTuple):
    """A value as somebody wrote it."""

    text: Str
    source: Source
    origin: Str  # for messages: "server.properties line 12"


class Settings:
    def __init__(self, given: Mapping[Str, Given], *, cluster_id: Str | None = None) -> None:
        """Of what was given, by key; raises StartupError for what is wrong with it."""
        self.cluster_id = cluster_id  # of a new cluster
        self._given: dict[Str, Given] = {}
        self._values: dict[Str, Value] = {}
        warnings: list[Str] = []
        passed_over: list[Str] = []
        for key, item in given.items():
            definition = broker_definition(key)
            if definition is None and is_passed_over(key):
                passed_over.append(key)
                continue
            if definition is None:
                warnings.append(f"{_unknown(key, item.origin)}: it is ignored")
                continue
            self._values[key] = _checked(definition, item)
            self._given[key] = item
            if key in PROTECTIONS_NOT_SERVED and item.text.strip():
                warnings.append(f"{key} ({item.origin}) has no effect: nothing is refused on its account")
        if authorizer := self.str("authorizer.class.name").strip():
            is_known = authorizer == STANDARD_AUTHORIZER
            kept = "ACLs are kept and described, but NOT ENFORCED" if is_known else "it has no effect"
            warnings.append(f"authorizer.class.name={authorizer}: {kept}: nobody is refused anything")
        self.warnings: tuple[Str, ...] = tuple(warnings)
        self.passed_over: tuple[Str, ...] = tuple(passed_over)  # names that mean something elsewhere
        self.node_id: Int = self._node_id()
        self.listeners: tuple[Listener, ...] = self._listeners()
        self.advertised_listeners: Mapping[Str, tuple[Str, Int]] | None = self._advertised()

    @classmethod
    def load(
        cls,
        *,
        file: Path | None = None,
        environment: Mapping[Str, Str] | None = None,
        overrides: Mapping[Str, Str] | None = None,
        is_strict: bool = False,
    ) -> Settings:
        """`is_strict`: an unknown key among the overrides is refused."""
        given = {} if file is None else _from_file(file)
        if is_strict:  # a slip of the hand; files and environments are written for others too
            for key in overrides or {}:
                if broker_definition(key) is None and not is_passed_over(key):
                    raise StartupError(_unknown(key, "command line"), exit_status=2)
        variables = config_environment.settings_of(environment or {})
        given.update({key: Given(text, Source.ENVIRONMENT, name) for key, (text, name) in variables.items()})
        given.update({key: Given(text, Source.FLAG, "command line") for key, text in (overrides or {}).items()})
        advertised = variables.get("advertised.listeners")
        if advertised is not None and "listeners" not in given:
            listeners = config_environment.listeners_for(advertised.text)
            if listeners is not None:
                given["listeners"] = Given(listeners, Source.ENVIRONMENT, advertised.name)
        return cls(given, cluster_id=config_environment.cluster_id_of(environment or {}))

    @classmethod
    def of(cls, values: Mapping[Str, Str]) -> Settings:
        return cls.load(overrides=values)

    def raw(self, name: Str) -> Str | None:
        """The value's text as given, or Kafka's own text of the default."""
        if name in self._given:
            return self._given[name].text.strip()
        profile = definitions.DEVELOPMENT_PROFILE.get(name)
        return _known(name).default if profile is None else profile

    def source(self, name: Str) -> Source:
        if name in self._given:
            return self._given[name].source
        _known(name)
        return Source.PROFILE if name in definitions.DEVELOPMENT_PROFILE else Source.DEFAULT

    def origin(self, name: Str) -> Str:
        return self._given[name].origin if name in self._given else "default"

    @property
    def overrides(self) -> Mapping[Str, Str]:
        """What file, environment and flags set: Kafka's static broker configuration."""
        return {name: item.text.strip() for name, item in self._given.items()}

    def value(self, name: Str) -> Value:
        try:
            return self._values[name]
        except KeyError:
            value = self._values[name] = parse(_known(name), self.raw(name))
            return value

    def int(self, name: Str) -> Int:
        value = self.value(name)
        assert isinstance(value, Int), (name, value)
        return value

    def float(self, name: Str) -> Float:
        value = self.value(name)
        assert isinstance(value, Float), (name, value)
        return value

    def bool(self, name: Str) -> Bool:
        value = self.value(name)
        assert isinstance(value, Bool), (name, value)
        return value

    def str(self, name: Str) -> Str:
        value = self.value(name)
        assert isinstance(value, Str), (name, value)
        return value

    def optional_str(self, name: Str) -> Str | None:
        return None if self.value(name) is None else self.str(name)

    def list(self, name: Str) -> tuple[Str, ...]:
        value = self.value(name)
        assert value is None or isinstance(value, tuple), (name, value)
        return value or ()

    @property
    def rack(self) -> Str | None:
        return self.optional_str("broker.rack")

    @property
    def log_dirs(self) -> tuple[Str, ...]:
        return self.list("log.dirs") or self.list("log.dir")

    def _node_id(self) -> Int:
        node, broker = self._given.get("node.id"), self._given.get("broker.id")
        if node and broker and self.int("node.id") != self.int("broker.id"):
            raise StartupError(f"node.id is {node.text} ({node.origin}) but broker.id is {broker.text}", 2)
        return self.int("broker.id") if broker and not node else self.int("node.id")

    def _listeners(self) -> tuple[Listener, ...]:
        try:
            protocols = parse_protocol_map(self.str("listener.security.protocol.map"))
        except ValueError as error:
            raise self._wrong("listener.security.protocol.map", error) from None
        controllers = {name.upper() for name in self.list("controller.listener.names")}
        if "listener.security.protocol.map" not in self._given:
            protocols.update(dict.fromkeys(controllers, "PLAINTEXT"))
        try:
            listeners = parse_listeners(self.list("listeners"), protocols)
        except ValueError as error:
            raise self._wrong("listeners", error) from None
        # KRaft's own listener: there is no Raft quorum here that could answer on it.
        served = tuple(listener for listener in listeners if listener.name not in controllers)
        if not served:
            raise self._wrong("listeners", ValueError("there is none for clients"))
        for listener in served:
            # To open it in the clear would be worse than not to start.
            if listener.security_protocol not in SERVED_PROTOCOLS:
                message = f"listener {listener.name} is to speak {listener.security_protocol}, which is not served yet"
                raise self._wrong("listeners", ValueError(message))
        return served

    def _advertised(self) -> Mapping[Str, tuple[Str, Int]] | None:
        items = self.list("advertised.listeners")
        if not items or tuple(item.lower() for item in items) == ("auto",):
            return None
        protocols = {listener.name: listener.security_protocol for listener in self.listeners}
        controllers = dict.fromkeys((name.upper() for name in self.list("controller.listener.names")), "PLAINTEXT")
        try:
            advertised = parse_listeners(items, {**controllers, **protocols}, known_from="listeners")
        except ValueError as error:
            raise self._wrong("advertised.listeners", error) from None
        for item in advertised:
            if item.host in ("", "0.0.0.0", "::"):
                raise self._wrong("advertised.listeners", ValueError("a client cannot connect to every interface"))
        return {item.name: (item.host, item.port) for item in advertised if item.name in protocols}

    def _wrong(self, name: Str, error: ValueError) -> StartupError:
        return StartupError(f"bad value for {name}: {self.raw(name)!r} ({self.origin(name)}): {error}", 2)


@cache
def _table(name: Str) -> dict[Str, Definition]:
    return {row[0]: Definition(*row) for row in getattr(definitions, name)}


def topic_definitions() -> Mapping[Str, Definition]:
    return _table("TOPIC")


def group_definitions() -> Mapping[Str, Definition]:
    return _table("GROUP")


def broker_definitions() -> Mapping[Str, Definition]:
    return _table("BROKER")


def broker_definition(name: Str) -> Definition | None:
    """Also of one that is not static or not public, and of a listener's own (`listener.name.<name>.<setting>`)."""
    found = broker_definitions().get(name) or _table("DYNAMIC_ONLY").get(name) or _table("INTERNAL").get(name)
    if found is None and name.startswith("listener.name."):
        # A listener's setting may be a SASL mechanism's in turn: listener.name.sasl_ssl.scram-sha-256.sasl.jaas.config
        parts = name.split(".")
        suffixes = (".".join(parts[start:]) for start in (3, 4))
        found = next((broker_definitions()[key] for key in suffixes if key in broker_definitions()), None)
    return found


def is_passed_over(name: Str) -> Bool:
    """Whether a file for Kafka may well have it, though Kafka's broker does not define it."""
    return name in definitions.PASSED_OVER or name.startswith(definitions.PASSED_OVER_FAMILIES)


def nearest_name(name: Str, names: Iterable[Str]) -> Str | None:
    import difflib  # costs some milliseconds at start, and is needed only when something is wrong

    return next(iter(difflib.get_close_matches(name, names, n=1, cutoff=0.6)), None)


def _known(name: Str) -> Definition:
    definition = broker_definition(name)
    if definition is None:
        raise KeyError(name)
    return definition


def _unknown(key: Str, origin: Str) -> Str:
    near = nearest_name(key, broker_definitions())
    return f"unknown setting {key} ({origin})" + (f", did you mean {near}?" if near else "")


def _checked(definition: Definition, item: Given) -> Value:
    if definition.name == "advertised.listeners" and item.text.strip().lower() == "auto":
        return ("auto",)
    try:
        value = parse(definition, item.text)
        if value == () and definition.name in NEVER_EMPTY:
            raise InvalidValueError("", "must not be empty")
        return value
    except InvalidValueError:
        shown = "(hidden)" if definition.is_sensitive else repr(item.text)
        message = f"bad value for {definition.name}: {shown} ({item.origin}); expected {expected(definition)}"
        raise StartupError(message, 2) from None


def _from_file(path: Path) -> dict[Str, Given]:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise StartupError(f"cannot read settings from {path}: {error.strerror}", 2) from None
    try:
        text = content.decode()
    except UnicodeDecodeError:
        text = content.decode("latin-1")  # what Java takes a .properties file for
    try:
        parsed = properties.parse(text)
    except properties.PropertiesError as error:
        raise StartupError(f"cannot read settings from {path}: {error}", 2) from None
    return {key: Given(item.value, Source.FILE, f"{path.name} line {item.line}") for key, item in parsed.items()}
