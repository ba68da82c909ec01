"""The options of the commands, and that `serve` does not pay for them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from pykbroker.cli import _parser, main

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
    ("words", "complaint"),
    [
        ("topics", "one of the arguments --list --describe --create --alter --delete is required"),
        ("topics --create --topic t --config x", "'x' is not KEY=VALUE"),
        ("offsets --time now", "'now' is none of latest, earliest, max-timestamp, and no number"),
        ("configs --describe --entity-type users --entity-name u", "invalid choice: 'users'"),
    ],
)
def test_a_wrong_option_is_one_line(words: str, complaint: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(words.split(), {})

    told = capsys.readouterr().err
    assert (2, 1) == (caught.value.code, told.count("\n"))
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
