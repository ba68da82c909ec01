"""The options of the commands, and that `serve` does not pay for them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from pykbroker.cli import _parser, main
from pykbroker.console.entities import Entity, chosen

ROOT = Path(__file__).resolve().parents[3]


def test_kafkas_flags_are_understood() -> None:
    words = "topics --create --topic t --partitions 3 --replication-factor 1 --config a=b=c --config d= --if-not-exists"

    options = _parser().parse_args(words.split())

    assert ("create", "t", 3, 1, True) == (
        options.verb,
        options.topic,
        options.partitions,
        options.replication_factor,
        options.if_not_exists,
    )
    assert [("a", "b=c"), ("d", "")] == options.config
    assert "127.0.0.1:9092" == options.bootstrap_server


@pytest.mark.parametrize(
    ("words", "entities"),
    [
        ("--topic t", [Entity("topics", "t", False)]),
        ("--entity-type topics", [Entity("topics", None, False)]),
        ("--entity-type brokers --entity-default", [Entity("brokers", None, True)]),
        ("--broker-defaults", [Entity("brokers", None, True)]),
        (
            "--entity-type clients --entity-name c --entity-type users --entity-default",
            [Entity("users", None, True), Entity("clients", "c", False)],
        ),
        ("--user u --client-defaults", [Entity("users", "u", False), Entity("clients", None, True)]),
        ("--user u --entity-type clients", [Entity("users", "u", False), Entity("clients", None, False)]),
    ],
)
def test_whose_settings_are_meant(words: str, entities: list[Entity]) -> None:
    assert entities == chosen(_parser().parse_args(["configs", "--describe", *words.split()]))


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ("topics", "one of the arguments --list --describe --create --alter --delete is required"),
        ("topics --create --topic t --config x", "'x' is not KEY=VALUE"),
        ("offsets --time now", "'now' is none of latest, earliest, max-timestamp, "),
        ("configs --describe --entity-type nobody --entity-name u", "invalid choice: 'nobody'"),
        ("configs --describe", "it needs an entity"),
        ("configs --describe --topic t --broker 1", "one entity, or a user and a client, not brokers and topics"),
        ("configs --describe --entity-type topics --entity-default", "there is no default of topics"),
        ("configs --describe --entity-name u", "need an --entity-type each"),
        ("topics --create --topic t --replica-assignment 1:x", "'1:x' is not like 1:2,2:1"),
    ],
)
def test_a_wrong_option_is_one_line(words: str, complaint: str, capsys: pytest.CaptureFixture[str]) -> None:
    try:
        status: object = main(words.split(), {})
    except SystemExit as ended:
        status = ended.code

    told = capsys.readouterr().err
    assert (2, 1) == (status, told.count("\n"))
    assert complaint in told


def test_the_commands_are_imported_only_when_they_run() -> None:
    program = "import sys, pykbroker.cli; print([name for name in sys.modules if name.startswith(('wire', 'trio'))])"

    told = subprocess.run(
        [sys.executable, "-P", "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": str(ROOT)},
    )

    assert "[]\n" == told.stdout
