"""The options of these commands. What a command needs is imported when it runs: `serve` starts without it."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

DEFAULT_SERVER = "127.0.0.1:9092"
MOMENTS = {"latest": -1, "earliest": -2, "max-timestamp": -3}
ENTITY_TYPES = ("topics", "brokers", "groups", "client-metrics", "broker-loggers")


def add_to(commands: Any) -> None:
    """`commands` is argparse's action for subcommands."""
    ping = _command(commands, "ping", "wait until a broker answers")
    ping.add_argument("--timeout", metavar="SECONDS", type=float, default=10, help="how long to wait (default: 10)")

    topics = _command(commands, "topics", "list, describe, create, alter, delete topics")
    _add_verbs(topics, "list", "describe", "create", "alter", "delete")
    topics.add_argument(
        "--topic", metavar="NAME", help="a name, or a regular expression where topics are there already"
    )
    topics.add_argument("--partitions", type=int)
    topics.add_argument("--replication-factor", type=int)
    topics.add_argument("--config", metavar="KEY=VALUE", action="append", type=_pair, default=[])
    topics.add_argument("--if-exists", action="store_true")
    topics.add_argument("--if-not-exists", action="store_true")
    topics.add_argument("--json", action="store_true", help="for scripts")

    offsets = _command(commands, "offsets", "where partitions begin and end")
    offsets.add_argument("--topic", metavar="REGEX", help="default: all")
    offsets.add_argument(
        "--time", default=MOMENTS["latest"], type=_moment, help=f"{', '.join(MOMENTS)}, or milliseconds since 1970"
    )
    offsets.add_argument("--json", action="store_true", help="for scripts")

    groups = _command(commands, "groups", "list groups, show how far they have read, delete them")
    _add_verbs(groups, "list", "describe", "delete")
    groups.add_argument("--group", metavar="NAME")
    groups.add_argument("--json", action="store_true", help="for scripts")

    explain = _command(commands, "explain", "why a group rebalanced")
    explain.add_argument("what", choices=("group",))
    explain.add_argument("name", metavar="NAME")
    explain.add_argument("--json", action="store_true", help="for scripts")

    configs = _command(commands, "configs", "show and change settings of topics, brokers, groups")
    _add_verbs(configs, "describe", "alter")
    configs.add_argument("--entity-type", choices=ENTITY_TYPES, required=True)
    configs.add_argument("--entity-name", required=True, metavar="NAME", help="of brokers: a node id, or '' for all")
    configs.add_argument("--add-config", metavar="KEY=VALUE", action="append", type=_pair, default=[])
    configs.add_argument("--delete-config", metavar="KEY", action="append", default=[])
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
        group.add_argument(f"--{verb}", dest="verb", action="store_const", const=verb)


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


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise argparse.ArgumentTypeError(f"{text!r} is not KEY=VALUE")
    return name, value
