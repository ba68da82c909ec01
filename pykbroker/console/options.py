"""The options of these commands. What a command needs is imported when it runs: `serve` starts without it."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

DEFAULT_SERVER = "127.0.0.1:9092"
# Kafka's names of moments; the last three are of tiered storage, and answered without it.
MOMENTS = {
    "latest": -1,
    "earliest": -2,
    "max-timestamp": -3,
    "earliest-local": -4,
    "latest-tiered": -5,
    "earliest-pending-upload": -6,
}
# kafka-configs' short forms, and the entity type that each stands for.
SHORT_FOR = {
    "topic": "topics",
    "broker": "brokers",
    "broker-logger": "broker-loggers",
    "user": "users",
    "client": "clients",
    "ip": "ips",
    "group": "groups",
    "client-metrics": "client-metrics",
}
DEFAULTS_OF = {
    "broker-defaults": "brokers",
    "user-defaults": "users",
    "client-defaults": "clients",
    "ip-defaults": "ips",
}
ENTITY_TYPES = tuple(SHORT_FOR.values())


def add_to(commands: Any) -> None:
    """`commands` is argparse's action for subcommands."""
    ping = _command(commands, "ping", "wait until a broker answers")
    ping.add_argument("--timeout", metavar="SECONDS", type=float, default=10, help="how long to wait (default: 10)")

    _add_topics(commands)
    _add_offsets(commands)
    _add_groups(commands)
    _add_configs(commands)

    explain = _command(commands, "explain", "why a group rebalanced")
    explain.add_argument("what", choices=("group",))
    explain.add_argument("name", metavar="NAME")
    explain.add_argument("--json", action="store_true", help="for scripts")


def _add_topics(commands: Any) -> None:
    topics = _command(commands, "topics", "list, describe, create, alter, delete topics")
    _add_verbs(topics, "list", "describe", "create", "alter", "delete")
    topics.add_argument(
        "--topic", metavar="NAME", help="a name, or a regular expression where topics are there already"
    )
    topics.add_argument("--topic-id", metavar="ID", help="which to describe")
    topics.add_argument("--partitions", type=int)
    topics.add_argument("--replication-factor", type=int)
    topics.add_argument(
        "--replica-assignment", metavar="1:2,2:3", type=_assignment, help="brokers of each partition, leaders first"
    )
    topics.add_argument("--config", metavar="KEY=VALUE", action="append", type=_pair, default=[])
    for flag, what in (
        ("if-exists", "no error where there is no such topic"),
        ("if-not-exists", "no error where it is there already"),
        ("exclude-internal", "without Kafka's own topics"),
        ("topics-with-overrides", "those with settings of their own"),
        ("under-replicated-partitions", "those with fewer replicas in sync than they have"),
        ("unavailable-partitions", "those without a leader"),
        ("under-min-isr-partitions", "those that take no records with acks=all"),
        ("at-min-isr-partitions", "those with just enough replicas in sync"),
        ("json", "for scripts"),
    ):
        topics.add_argument(f"--{flag}", action="store_true", help=what)


def _add_offsets(commands: Any) -> None:
    offsets = _command(commands, "offsets", "where partitions begin and end; delete records before an offset")
    offsets.add_argument("--topic", metavar="REGEX", help="default: all")
    offsets.add_argument("--partitions", metavar="0,2-4", help="default: all")
    offsets.add_argument("--topic-partitions", metavar="REGEX:0,2-4,...", help="instead of --topic and --partitions")
    offsets.add_argument("--exclude-internal-topics", action="store_true", help="without Kafka's own topics")
    offsets.add_argument(
        "--time", default=MOMENTS["latest"], type=_moment, help=f"{', '.join(MOMENTS)}, or milliseconds since 1970"
    )
    offsets.add_argument("--delete-records", action="store_true", help="those before the offsets of --offset-json-file")
    offsets.add_argument("--offset-json-file", metavar="FILE", type=Path, help="as of Kafka's kafka-delete-records")
    offsets.add_argument("--json", action="store_true", help="for scripts")


def _add_groups(commands: Any) -> None:
    groups = _command(commands, "groups", "list groups, show how far they have read, set that back, delete them")
    _add_verbs(groups, "list", "describe", "delete", "reset-offsets", "delete-offsets")
    groups.add_argument("--group", metavar="NAME", action="append", default=[], help="may be repeated")
    groups.add_argument("--all-groups", action="store_true")
    groups.add_argument(
        "--type", metavar="TYPES", nargs="?", const=True, help="list those of: classic,consumer,share,streams"
    )
    groups.add_argument(
        "--state", metavar="STATES", nargs="?", const=True, help="list those in: empty,stable,...; describe: the state"
    )
    groups.add_argument("--members", action="store_true", help="describe who is in it")
    groups.add_argument("--offsets", action="store_true", help="describe how far it has read (default)")
    groups.add_argument("--verbose", action="store_true", help="describe more of it")
    groups.add_argument("--topic", metavar="NAME[:0,1]", action="append", default=[], help="may be repeated")
    groups.add_argument("--all-topics", action="store_true", help="all that it has read")
    groups.add_argument("--to-earliest", action="store_true")
    groups.add_argument("--to-latest", action="store_true")
    groups.add_argument("--to-current", action="store_true")
    groups.add_argument("--to-offset", metavar="OFFSET", type=int)
    groups.add_argument("--shift-by", metavar="COUNT", type=int, help="negative: back")
    groups.add_argument("--to-datetime", metavar="YYYY-MM-DDThh:mm:ss.sss", help="UTC, unless it says otherwise")
    groups.add_argument("--by-duration", metavar="PnDTnHnMnS", help="how long ago")
    groups.add_argument("--from-file", metavar="FILE", type=Path, help="as --export wrote it")
    groups.add_argument("--execute", action="store_true", help="do it")
    groups.add_argument("--dry-run", action="store_true", help="only show what it would do (default)")
    groups.add_argument("--export", action="store_true", help="show it as --from-file reads it")
    groups.add_argument("--json", action="store_true", help="for scripts")


def _add_configs(commands: Any) -> None:
    configs = _command(commands, "configs", "show and change settings of topics, brokers, groups, users, clients, ...")
    _add_verbs(configs, "describe", "alter")
    configs.add_argument("--entity-type", dest="entity_types", choices=ENTITY_TYPES, action="append", default=[])
    configs.add_argument(
        "--entity-name", dest="entity_names", metavar="NAME", action="append", default=[], help="default: all of them"
    )
    configs.add_argument(
        "--entity-default", dest="entity_names", action="append_const", const=None, help="those without their own"
    )
    for flag, kind in SHORT_FOR.items():
        configs.add_argument(
            f"--{flag}", dest="entities", metavar="NAME", action="append", default=[], type=_named(kind),
            help=f"short for --entity-type {kind} --entity-name NAME",
        )  # fmt: skip
    for flag, kind in DEFAULTS_OF.items():
        configs.add_argument(
            f"--{flag}", dest="entities", action="append_const", const=(kind, None),
            help=f"short for --entity-type {kind} --entity-default",
        )  # fmt: skip
    configs.add_argument("--add-config", metavar="KEY=VALUE,KEY=[A,B]", action="append", default=[])
    configs.add_argument("--add-config-file", metavar="FILE", type=Path, help="as server.properties is written")
    configs.add_argument("--delete-config", metavar="KEY,KEY", action="append", default=[])
    configs.add_argument("--all", action="store_true", help="also what nobody set")
    configs.add_argument("--json", action="store_true", help="for scripts")


def _command(commands: Any, name: str, summary: str) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(name, help=summary, allow_abbrev=False)
    command.add_argument(
        "--bootstrap-server", metavar="HOST:PORT", default=DEFAULT_SERVER, help=f"default: {DEFAULT_SERVER}"
    )
    command.set_defaults(run=_runner(name))
    return command


def _add_verbs(command: argparse.ArgumentParser, *verbs: str) -> None:
    group = command.add_mutually_exclusive_group(required=True)
    for verb in verbs:
        group.add_argument(f"--{verb}", dest="verb", action="store_const", const=verb.replace("-", "_"))


def _moment(text: str) -> int:
    try:
        return MOMENTS[text] if text in MOMENTS else int(text)
    except ValueError:
        message = f"{text!r} is none of {', '.join(MOMENTS)}, and no number"
        raise argparse.ArgumentTypeError(message) from None


def _runner(name: str) -> Callable[[argparse.Namespace, Mapping[str, str]], int]:
    def run(options: argparse.Namespace, _environment: Mapping[str, str]) -> int:
        status: int = import_module(f"pykbroker.console.{name}").run(options)
        return status

    return run


def _named(kind: str) -> Callable[[str], tuple[str, str]]:
    return lambda name: (kind, name)


def _assignment(text: str) -> list[list[int]]:
    """Brokers by partition: `1:2,2:1`."""
    try:
        return [[int(broker) for broker in part.split(":")] for part in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not like 1:2,2:1") from None


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise argparse.ArgumentTypeError(f"{text!r} is not KEY=VALUE")
    return name, value
