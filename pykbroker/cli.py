"""The `pykbroker` command.

Whatever goes wrong before the broker serves is one line on standard error and an exit status: 1 for the machine's fault
(port in use, directory not writable), 2 for the caller's (usage, settings). Never a traceback.

argparse, because it is there and costs a millisecond or two where others cost ten: starting fast is a feature. What a
command needs is imported when that command runs.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from pykbroker import __version__
from pykbroker.console.options import add_to

if TYPE_CHECKING:
    from pykbroker.config.settings import Settings
    from pykbroker.controller import NewTopic

# Generic names: another package of the same name may come first on the path.
COMPANIONS = ("wire", "storage")
PROTOCOL_FLOORS = ("4.0",)


def main(arguments: Sequence[str] | None = None, environment: Mapping[str, str] = os.environ) -> int:
    options = _parser().parse_args(arguments)
    foreign = foreign_companions()
    if foreign:
        print(f"pykbroker: {foreign}", file=sys.stderr)
        return 1
    from pykbroker.errors import StartupError

    try:
        command: Callable[[argparse.Namespace, Mapping[str, str]], int] = options.run
        return command(options, environment)
    except StartupError as error:
        print(f"pykbroker: {error.message}", file=sys.stderr)
        return error.exit_status
    except KeyboardInterrupt:
        return 130  # as a shell reports SIGINT
    except BrokenPipeError:  # whoever reads has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141  # as a shell reports SIGPIPE


def serve(options: argparse.Namespace, environment: Mapping[str, str]) -> int:
    from pykbroker import logs
    from pykbroker.config.settings import Settings

    settings = Settings.load(file=options.config, environment=environment, overrides=flags(options), is_strict=True)
    topics = _topics(options, environment)
    logs.set_up(options.log_format, options.log_level)
    _warn(settings)

    from pykbroker.server import run

    run(
        settings,
        ephemeral=options.ephemeral,
        protocol_floor=options.protocol_floor,
        topics=topics,
        fsync=options.durability == "fsync",
        http=not options.no_http,
        read_only=bool(options.read_only),
    )
    return 0


def show_config(options: argparse.Namespace, environment: Mapping[str, str]) -> int:
    from pykbroker.config.listing import listed
    from pykbroker.config.settings import Settings

    settings = Settings.load(file=options.config, environment=environment, overrides=flags(options))
    print(listed(settings, only_set=options.set, as_json=options.json))
    for warning in settings.warnings:
        print(f"pykbroker: {warning}", file=sys.stderr)
    return 0


def flags(options: argparse.Namespace) -> dict[str, str]:
    """Settings given as options; a plain `--override` wins over the short forms."""
    given = {}
    if options.listen:
        given["listeners"] = ",".join(f"PLAINTEXT://{address}" for address in options.listen)
    if options.data_dir:
        given["log.dirs"] = str(options.data_dir)
    if getattr(options, "read_only", None):
        given.update(_read_only_settings(options))
    given.update(options.override)
    return given


def _read_only_settings(options: argparse.Namespace) -> dict[str, str]:
    from pykbroker.errors import StartupError
    from pykbroker.read_only import settings_for

    for name, given in (
        ("--data-dir", options.data_dir),
        ("--ephemeral", options.ephemeral),
        ("--topic", options.topic),
    ):
        if given:
            raise StartupError(f"{name} does not go with --read-only", 2)
    return settings_for(options.read_only)


def foreign_companions() -> str | None:
    """Which of the packages that belong beside this one is somebody else's, and where that lies."""
    beside = Path(__file__).resolve().parent.parent
    for name in COMPANIONS:
        spec = find_spec(name)
        if spec is None:
            return f"its package '{name}' is missing: it should lie in {beside / name}"
        origin = spec.origin or next(iter(spec.submodule_search_locations or ()), "?")
        found = Path(origin).resolve()
        found = found.parent if found.name == "__init__.py" else found
        if found != beside / name:
            return f"its package '{name}' in {beside / name} is hidden by another of that name: {found}"
    return None


def dump_log(options: argparse.Namespace, _environment: Mapping[str, str]) -> int:
    from pykbroker.dump_log import dump

    return _print(dump(options.files, deep=options.deep, print_data=options.print_data))


def verify(options: argparse.Namespace, _environment: Mapping[str, str]) -> int:
    """1 if anything is wrong."""
    from pykbroker.console.progress import progress
    from pykbroker.errors import StartupError
    from storage.errors import StorageError
    from storage.files import RealFiles
    from storage.log_verifier import Verified, verify_directory

    verified, count = Verified(), 0
    total_bytes = sum(log.stat().st_size for directory in options.directories for log in directory.glob("*/*.log"))
    try:
        with progress("verifying", total_bytes, lambda: verified.size_bytes):
            for directory in options.directories:
                for finding in verify_directory(RealFiles(), str(directory), verified):
                    count += 1
                    print(finding)
    except StorageError as error:
        raise StartupError(str(error)) from error
    print(
        f"{verified.partitions} partitions, {verified.segments} segments, {verified.batches} batches, "
        f"{verified.records} records, {verified.size_bytes} bytes: {count or 'nothing'} wrong"
    )
    return 1 if count else 0


def _print(lines: Iterable[str]) -> int:
    try:
        for line in lines:
            print(line)
    except BrokenPipeError:  # piped into `head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _warn(settings: Settings) -> None:
    import logging

    from pykbroker.config.effects import without_effect

    log = logging.getLogger("pykbroker.config.settings")
    for warning in settings.warnings:
        log.warning(warning)
    if ignored := without_effect(settings):
        log.info("settings without effect here: %s", ", ".join(ignored))


def _topics(options: argparse.Namespace, environment: Mapping[str, str]) -> list[NewTopic]:
    """Those to make at start; raises StartupError."""
    variable = environment.get("KAFKA_CREATE_TOPICS", "")
    if not options.topic and not variable:
        return []
    from pykbroker import initial_topics
    from pykbroker.errors import StartupError

    topics = []
    for source, text, parse in (
        (initial_topics.VARIABLE, variable, initial_topics.of_variable),
        *(("--topic", text, lambda text: [initial_topics.of_option(text)]) for text in options.topic),
    ):
        try:
            topics += parse(text)
        except ValueError as error:
            raise StartupError(f"{source}: {error}", 2) from None
    return topics


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")


def _parser() -> _Parser:
    parser = _Parser(prog="pykbroker", description="A Kafka broker.", allow_abbrev=False)
    parser.add_argument("--version", action="version", version=f"pykbroker {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    command = commands.add_parser("serve", help="run a broker until it is told to stop", allow_abbrev=False)
    command.set_defaults(run=serve)
    _add_settings(command)
    command.add_argument("--ephemeral", action="store_true", help="keep nothing: data goes when the broker stops")
    command.add_argument(
        "--read-only",
        metavar="DIR",
        action="append",
        type=Path,
        help="serve what is in this data directory, and write nothing there; may be repeated, as in log.dirs",
    )
    command.add_argument(
        "--durability",
        choices=("page-cache", "fsync"),
        default="page-cache",
        help="what is acknowledged survives a kill, as with Kafka (page-cache), or a power cut too (fsync)",
    )
    command.add_argument(
        "--topic",
        metavar="NAME[:PARTITIONS][,KEY=VALUE]...",
        action="append",
        default=[],
        help="a topic to make before clients are let in, if it is not there; may be repeated",
    )
    command.add_argument(
        "--protocol-floor", choices=PROTOCOL_FLOORS, help="refuse request versions older than this Kafka's"
    )
    command.add_argument(
        "--no-http",
        action="store_true",
        help="answer no HTTP, as Kafka does not: no /metrics, /healthz, explain, and no metrics of clients",
    )
    command.add_argument("--log-format", choices=("text", "json"), default="text")
    command.add_argument("--log-level", choices=("debug", "info", "warning", "error"), default="info")
    command = commands.add_parser("config", help="print every setting and where it comes from", allow_abbrev=False)
    command.set_defaults(run=show_config)
    _add_settings(command)
    command.add_argument("--set", action="store_true", help="only what file, environment and options set")
    command.add_argument("--json", action="store_true", help="for scripts")
    add_to(commands)
    _add_log_tools(commands)
    return parser


def _add_log_tools(commands: argparse._SubParsersAction[_Parser]) -> None:
    command = commands.add_parser("dump-log", help="print what is in a log's files", allow_abbrev=False)
    command.set_defaults(run=dump_log)
    command.add_argument(
        "files", metavar="FILE", nargs="+", type=Path, help=".log, .index, .timeindex, .snapshot, .txnindex"
    )
    command.add_argument("--deep", action="store_true", help="every record, not only batches")
    command.add_argument("--print-data", action="store_true", help="every record with its key and value")
    command = commands.add_parser(
        "verify", help="read all of data directories and say what is wrong", allow_abbrev=False
    )
    command.set_defaults(run=verify)
    command.add_argument("directories", metavar="DIR", nargs="+", type=Path, help="as in log.dirs; no broker may run")


def _add_settings(command: argparse.ArgumentParser) -> None:
    command.add_argument("--config", metavar="FILE", type=Path, help="settings, as in Kafka's server.properties")
    command.add_argument(
        "--listen",
        metavar="HOST:PORT",
        action="append",
        type=_address,
        help="where to listen; may be repeated; IPv6 as [::1]:9092, all interfaces as :9092 (default: 127.0.0.1:9092)",
    )
    command.add_argument("--data-dir", metavar="DIR", type=Path, help="where data is kept (default: ./pykbroker-data)")
    command.add_argument(
        "--override", metavar="KEY=VALUE", action=_Override, default={}, help="a setting; may be repeated"
    )


class _Override(argparse.Action):
    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: object,
        option_string: str | None = None,  # noqa: ARG002 - argparse's signature
    ) -> None:
        key, equals, value = str(values).partition("=")
        if not equals or not key.strip():
            parser.error(f"--override {values}: expected KEY=VALUE")
        namespace.override = {**namespace.override, key.strip(): value}


def _address(text: str) -> str:
    host, colon, port = text.rpartition(":")
    bare_ipv6 = ":" in host and not (host.startswith("[") and host.endswith("]"))
    if not colon or not port.isascii() or not port.isdigit() or int(port) > 65535 or bare_ipv6:
        raise argparse.ArgumentTypeError(f"{text!r} is not HOST:PORT (IPv6 as [HOST]:PORT)")
    return text
