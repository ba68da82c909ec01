"""Settings: Kafka's table of them, the layers they come from, and what is said of a wrong one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pykbroker.config import definitions, dynamic
from pykbroker.config.docs import DOCS, WITHOUT_EFFECT, documentation
from pykbroker.config.effects import has_effect
from pykbroker.config.settings import (
    STANDARD_AUTHORIZER,
    Settings,
    Source,
    broker_definition,
    broker_definitions,
    group_definitions,
    topic_definitions,
)
from pykbroker.config.values import Definition, InvalidValueError, expected, parse, text_of
from pykbroker.errors import StartupError

FACTS = json.loads((Path(__file__).parents[2] / "facts" / "kafka-configs.json").read_text())
TABLES = {"topic": topic_definitions(), "group": group_definitions(), "broker": broker_definitions()}


@pytest.mark.parametrize("kind", TABLES)
def test_the_table_is_kafkas(kind: str) -> None:
    facts = {fact["name"]: fact for fact in FACTS[kind]}
    ours = TABLES[kind]

    differing = {
        name: (facts.get(name), ours.get(name))
        for name in facts.keys() | ours.keys()
        if name not in facts or name not in ours or comparable(ours[name]) != of_fact(facts[name])
    }

    assert {} == differing


def comparable(definition: Definition) -> tuple[Any, ...]:
    text = definition.default
    numeric = definition.type in ("INT", "LONG", "SHORT", "DOUBLE", "BOOLEAN")
    default = parse(definition, text) if numeric else text
    return definition.name, definition.type, default, definition.valid


def of_fact(fact: dict[str, Any]) -> tuple[Any, ...]:
    default = fact["default"]
    if fact["type"] == "CLASS" and default:
        default = default.removeprefix("class ")  # how Java prints a class, not how a setting names it
    return fact["name"], fact["type"], default, fact["valid"]


@pytest.mark.parametrize("kind", TABLES)
def test_every_default_is_a_valid_value(kind: str) -> None:
    for definition in TABLES[kind].values():
        parse(definition, definition.default)


def test_the_development_profile_names_settings_that_exist_and_holds_valid_values() -> None:
    for name, text in definitions.DEVELOPMENT_PROFILE.items():
        definition = broker_definitions()[name]

        parse(definition, text)

        assert definition.default != text, name


def test_dynamic_settings_exist() -> None:
    names = dynamic.CLUSTER_WIDE | dynamic.PER_BROKER

    assert [] == [name for name in names if broker_definition(name) is None]
    assert not dynamic.CLUSTER_WIDE & dynamic.PER_BROKER


def test_nothing_given_is_one_node_here() -> None:
    settings = Settings.load()

    assert 1 == settings.node_id
    assert 1 == settings.int("offsets.topic.replication.factor")
    assert 0 == settings.int("group.initial.rebalance.delay.ms")
    assert [("PLAINTEXT", "127.0.0.1", 9092)] == [(item.name, item.host, item.port) for item in settings.listeners]
    assert settings.advertised_listeners is None
    assert Source.PROFILE == settings.source("offsets.topic.replication.factor")
    assert Source.DEFAULT == settings.source("num.partitions")
    assert () == settings.warnings


def test_flags_win_over_environment_over_file_over_defaults(tmp_path: Path) -> None:
    file = tmp_path / "server.properties"
    file.write_text("num.partitions=2\nmessage.max.bytes=2\nfetch.max.bytes=2222\n")
    environment = {"KAFKA_NUM_PARTITIONS": "3", "KAFKA_MESSAGE_MAX_BYTES": "3"}

    settings = Settings.load(file=file, environment=environment, overrides={"num.partitions": "4"})

    assert (4, Source.FLAG) == (settings.int("num.partitions"), settings.source("num.partitions"))
    assert (3, Source.ENVIRONMENT) == (settings.int("message.max.bytes"), settings.source("message.max.bytes"))
    assert (2222, Source.FILE) == (settings.int("fetch.max.bytes"), settings.source("fetch.max.bytes"))
    assert "server.properties line 3" == settings.origin("fetch.max.bytes")
    assert {"num.partitions", "message.max.bytes", "fetch.max.bytes"} == set(settings.overrides)


@pytest.mark.parametrize(
    ("variable", "key"),
    [
        ("KAFKA_LOG_DIRS", "log.dirs"),
        ("KAFKA_CFG_LOG_DIRS", "log.dirs"),
        ("KAFKA_LISTENER_NAME_SASL__SSL_SCRAM___SHA___256_SASL_JAAS_CONFIG", None),
    ],
)
def test_environment_variables_are_read_as_kafkas_images_do(variable: str, key: str | None) -> None:
    key = key or "listener.name.sasl_ssl.scram-sha-256.sasl.jaas.config"

    settings = Settings.load(environment={variable: "x"})

    assert {key: "x"} == settings.overrides
    assert variable == settings.origin(key)


def test_variables_of_scripts_and_images_are_no_settings() -> None:
    environment = {"KAFKA_HEAP_OPTS": "-Xmx1g", "KAFKA_HOME": "/opt/kafka", "KAFKA_LOG4J_ROOT_LOGLEVEL": "WARN"}

    assert () == Settings.load(environment=environment).warnings


def test_an_unknown_key_is_warned_of_with_the_nearest_name() -> None:
    settings = Settings.load(environment={"KAFKA_NUM_PARTITION": "3", "KAFKA_ZZZ": "1"})

    assert (
        "unknown setting num.partition (KAFKA_NUM_PARTITION), did you mean num.partitions?: it is ignored",
        "unknown setting zzz (KAFKA_ZZZ): it is ignored",
    ) == settings.warnings


def test_an_unknown_key_on_the_command_line_is_refused() -> None:
    with pytest.raises(StartupError) as refused:
        Settings.load(overrides={"num.partition": "3"}, is_strict=True)

    assert 2 == refused.value.exit_status
    assert "unknown setting num.partition (command line), did you mean num.partitions?" == refused.value.message


@pytest.mark.parametrize(
    ("key", "text", "line"),
    [
        ("num.partitions", "many", "'many' (command line); expected an integer of at least 1"),
        ("num.partitions", "0", "'0' (command line); expected an integer of at least 1"),
        ("message.max.bytes", "2147483648", "'2147483648' (command line); expected an integer of at least 0"),
        ("auto.create.topics.enable", "yes", "'yes' (command line); expected true or false"),
        ("log.dirs", " ", "' ' (command line); expected a list"),
        ("log.dirs", "a,", "'a,' (command line); expected a list"),
        ("log.cleanup.policy", "shred", "'shred' (command line); expected some of compact, delete"),
        ("compression.gzip.level", "0", "'0' (command line); expected an integer from 1 to 9, or -1"),
        ("sasl.kerberos.ticket.renew.jitter", "x", "'x' (command line); expected a number"),
        ("listeners", "localhost:9092", "'localhost:9092' (command line): 'localhost:9092' is not NAME://host:port"),
        ("advertised.listeners", "PLAINTEXT://:9", "'PLAINTEXT://:9' (command line): a client cannot connect to every"),
        (
            "listeners",
            "OUTSIDE://:9",
            "'OUTSIDE://:9' (command line): listener name OUTSIDE is not in listener.security",
        ),
        (
            "listeners",
            "SASL_SSL://:9",
            "'SASL_SSL://:9' (command line): listener SASL_SSL is to speak SASL_SSL, which is not",
        ),
        ("listeners", "CONTROLLER://:9", "'CONTROLLER://:9' (command line): there is none for clients"),
    ],
)
def test_a_bad_value_is_one_line_that_says_what_where_and_why(key: str, text: str, line: str) -> None:
    with pytest.raises(StartupError) as caught:
        Settings.of({key: text})

    assert f"bad value for {key}: {line}" in caught.value.message
    assert "\n" not in caught.value.message
    assert 2 == caught.value.exit_status


def test_protection_that_is_not_there_is_warned_of() -> None:
    (warning,) = Settings.of({"create.topic.policy.class.name": "org.example.Policy"}).warnings

    assert "create.topic.policy.class.name (command line) has no effect: nothing is refused on its account" == warning


@pytest.mark.parametrize(
    ("authorizer", "words"),
    [(STANDARD_AUTHORIZER, "ACLs are kept and described, but NOT ENFORCED"), ("org.example.A", "it has no effect")],
)
def test_an_authorizer_is_warned_of(authorizer: str, words: str) -> None:
    (warning,) = Settings.of({"authorizer.class.name": authorizer, "super.users": "User:admin"}).warnings

    assert f"authorizer.class.name={authorizer}: {words}: nobody is refused anything" == warning


def test_a_files_bad_value_is_found_by_its_line(tmp_path: Path) -> None:
    file = tmp_path / "server.properties"
    file.write_text("# one\n\nnum.partitions : \\\n   none\n")

    with pytest.raises(StartupError, match=r"'none' \(server.properties line 3\); expected an integer"):
        Settings.load(file=file)


def test_a_missing_file_and_a_broken_one_are_told(tmp_path: Path) -> None:
    with pytest.raises(StartupError, match="No such file"):
        Settings.load(file=tmp_path / "none")

    (tmp_path / "broken").write_text("a=\\u12\n")
    with pytest.raises(StartupError, match="line 1"):
        Settings.load(file=tmp_path / "broken")


def test_a_settings_access_by_a_wrong_name_is_our_bug() -> None:
    with pytest.raises(KeyError):
        Settings.of({}).int("num.partition")


def test_kafkas_own_server_properties_start_a_node(tmp_path: Path) -> None:
    file = tmp_path / "server.properties"
    file.write_text(
        "process.roles=broker,controller\nnode.id=7\n"
        "listeners=PLAINTEXT://:9092,CONTROLLER://:9093\ninter.broker.listener.name=PLAINTEXT\n"
        "advertised.listeners=PLAINTEXT://localhost:9092,CONTROLLER://localhost:9093\n"
        "controller.listener.names=CONTROLLER\ncontroller.quorum.bootstrap.servers=localhost:9093\n"
        "listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_SSL:SASL_SSL\n"
        "log.dirs=/tmp/kraft-combined-logs\nlog.retention.hours=168\n"
    )

    settings = Settings.load(file=file)

    assert 7 == settings.node_id
    assert ["PLAINTEXT"] == [item.name for item in settings.listeners]
    assert {"PLAINTEXT": ("localhost", 9092)} == settings.advertised_listeners
    assert ("/tmp/kraft-combined-logs",) == settings.log_dirs
    assert () == settings.warnings


def test_node_id_and_the_older_broker_id_must_agree() -> None:
    assert 5 == Settings.of({"broker.id": "5"}).node_id
    assert 5 == Settings.of({"broker.id": "5", "node.id": "5"}).node_id
    with pytest.raises(StartupError, match=r"node\.id is 4"):
        Settings.of({"broker.id": "5", "node.id": "4"})


THROTTLED = "leader.replication.throttled.replicas"
NOT_THROTTLED = (
    f"{THROTTLED} must be the literal '*' or a list of replicas in the following format: "
    "[partitionId]:[brokerId],[partitionId]:[brokerId],..."
)


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        # What Apache Kafka 4.3 answers.
        ("retention.ms", "abc", "Not a number of type LONG"),
        ("retention.ms", "5.0", "Not a number of type LONG"),
        ("retention.ms", "", "Not a number of type LONG"),
        ("retention.ms", "1_000", "Not a number of type LONG"),
        ("retention.ms", "-2", "Value must be at least -1"),
        ("segment.bytes", "99999999999", "Not a number of type INT"),
        ("cleanup.policy", "Delete", "String must be one of: compact, delete"),
        ("compression.gzip.level", "10", "Value must be between 1 and 9 or equal to -1"),
        ("compression.lz4.level", "18", "Value must be no more than 17"),
        ("min.cleanable.dirty.ratio", "1.5", "Value must be no more than 1"),
        ("min.cleanable.dirty.ratio", "x", "Not a number of type DOUBLE"),
        ("min.cleanable.dirty.ratio", "nan", "Not a number of type DOUBLE"),
        ("min.cleanable.dirty.ratio", "inf", "Not a number of type DOUBLE"),
        ("retention.ms", "\u20037", "Not a number of type LONG"),
        ("preallocate", "yes", "Expected value to be either true or false"),
        ("message.timestamp.type", "foo", "String must be one of: CreateTime, LogAppendTime"),
    ],
)
def test_a_topics_bad_value_is_refused_in_kafkas_words(name: str, text: str, reason: str) -> None:
    with pytest.raises(InvalidValueError) as caught:
        parse(topic_definitions()[name], text)

    assert f"Invalid value {text} for configuration {name}: {reason}" == str(caught.value)
    assert reason == caught.value.reason


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("cleanup.policy", "delete,,compact", "Configuration 'cleanup.policy' values must not be empty."),
        (THROTTLED, "abc", f"Invalid value [abc] for configuration {THROTTLED}: {NOT_THROTTLED}"),
    ],
)
def test_a_bad_list_is_refused_in_kafkas_words(name: str, text: str, message: str) -> None:
    with pytest.raises(InvalidValueError) as caught:
        parse(topic_definitions()[name], text)

    assert message == str(caught.value)


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("retention.ms", " 5 ", 5),
        ("retention.ms", "+5", 5),
        ("preallocate", " TRUE ", True),
        ("cleanup.policy", " delete , compact,delete", ("delete", "compact")),
        ("retention.ms", "\x027", 7),
        ("retention.ms", "\u0667", 7),
        ("min.cleanable.dirty.ratio", "0.5f", 0.5),
        ("min.cleanable.dirty.ratio", "0x1p-1", 0.5),
        ("min.cleanable.dirty.ratio", ".5e0D", 0.5),
        ("cleanup.policy", " ", ()),
        ("compression.type", " gzip", "gzip"),
        (THROTTLED, "*", ("*",)),
        (THROTTLED, "0:1,1:2", ("0:1", "1:2")),
    ],
)
def test_a_value_is_read_as_java_reads_it(name: str, text: str, value: object) -> None:
    assert value == parse(topic_definitions()[name], text)


@pytest.mark.parametrize("text", ["latest", "earliest", "by_duration:PT1H", "by_duration:P1DT2H3M4.5S"])
def test_a_share_group_may_start_anywhere_kafka_allows(text: str) -> None:
    assert text == parse(group_definitions()["share.auto.offset.reset"], text)


@pytest.mark.parametrize("text", ["newest", "by_duration:", "by_duration:P", "by_duration:1h"])
def test_a_share_group_may_not_start_elsewhere(text: str) -> None:
    with pytest.raises(InvalidValueError):
        parse(group_definitions()["share.auto.offset.reset"], text)


def test_what_is_documented_exists() -> None:
    assert [] == [name for name in DOCS if not any(name in table for table in TABLES.values())]


@pytest.mark.parametrize("name", sorted({name for table in TABLES.values() for name in table}))
def test_every_setting_is_documented_and_those_without_effect_say_so(name: str) -> None:
    text = documentation(name)

    assert text is not None
    assert text.endswith(".")
    assert has_effect(name) != text.endswith(WITHOUT_EFFECT)


EVERY = [definition for table in TABLES.values() for definition in table.values()]


@given(
    st.sampled_from(EVERY), st.text() | st.integers().map(str) | st.floats().map(str) | st.sampled_from(["", ",", "["])
)
def test_any_text_is_a_value_that_reads_back_or_is_refused(definition: Definition, text: str) -> None:
    try:
        value = parse(definition, text)
    except InvalidValueError:
        assert expected(definition)
        return
    assert repr(value) == repr(parse(definition, text_of(value)))
