"""The `pykbroker` command: what it takes, and one line and a status for what is wrong."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from pykbroker.cli import _parser, flags, foreign_companions, main

ROOT = Path(__file__).resolve().parents[2]


def run(*arguments: str, path: Path | None = None) -> subprocess.CompletedProcess[str]:
    search = f"{path}{os.pathsep}{ROOT}" if path else str(ROOT)
    return subprocess.run(
        [sys.executable, "-P", "-m", "pykbroker", *arguments],
        env={"PYTHONPATH": search},
        capture_output=True,
        text=True,
        check=False,
    )


def given(*arguments: str) -> dict[str, str]:
    return flags(_parser().parse_args(["serve", *arguments]))


def test_the_version_is_the_packages(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--version"])

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert 0 == caught.value.code
    assert f"pykbroker {project['version']}\n" == capsys.readouterr().out


def test_options_are_settings() -> None:
    assert {} == given()
    assert {"listeners": "PLAINTEXT://:9092,PLAINTEXT://[::1]:0"} == given("--listen", ":9092", "--listen", "[::1]:0")
    assert {"log.dirs": "/tmp/x"} == given("--data-dir", "/tmp/x")
    assert {"a": "1=2", "b": ""} == given("--override", "a=1=2", "--override", "b=")


def test_an_override_wins_over_the_option_of_its_own() -> None:
    assert {"log.dirs": "b"} == given("--override", "log.dirs=b", "--data-dir", "a")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "COMMAND"),
        (["dance"], "dance"),
        (["serve", "--listen", "localhost"], "'localhost' is not HOST:PORT"),
        (["serve", "--listen", "::1:9092"], "'::1:9092' is not HOST:PORT"),
        (["serve", "--listen", "a:70000"], "'a:70000' is not HOST:PORT"),
        (["serve", "--override", "num.partitions"], "expected KEY=VALUE"),
        (["serve", "--protocol-floor", "3"], "--protocol-floor"),
        (["serve", "--data"], "--data"),
    ],
)
def test_wrong_usage_is_one_line_and_status_2(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)

    line = capsys.readouterr().err
    assert 2 == caught.value.code
    assert words in line
    assert 1 == line.count("\n")


@pytest.mark.parametrize(
    ("arguments", "environment", "line"),
    [
        (
            ["--override", "num.partitions=x"],
            {},
            "bad value for num.partitions: 'x' (command line); expected an integer",
        ),
        ([], {"KAFKA_NODE_ID": "-3"}, "bad value for node.id: '-3' (KAFKA_NODE_ID); expected an integer of at least 0"),
        (["--config", "/nonexistent"], {}, "cannot read settings from /nonexistent: No such file or directory"),
    ],
)
def test_bad_settings_are_one_line_and_status_2(
    arguments: list[str], environment: dict[str, str], line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    status = main(["serve", *arguments], environment)

    error = capsys.readouterr().err
    assert 2 == status
    assert error.startswith(f"pykbroker: {line}")
    assert 1 == error.count("\n")


def test_the_packages_it_stands_on_lie_beside_it() -> None:
    assert foreign_companions() is None


def test_a_foreign_package_of_the_same_name_is_told_and_where_it_lies(tmp_path: Path) -> None:
    (tmp_path / "wire").mkdir()
    (tmp_path / "wire" / "__init__.py").write_text("raise RuntimeError('never to be imported')\n")

    result = run("serve", path=tmp_path)

    assert (1, "") == (result.returncode, result.stdout)
    assert (
        f"pykbroker: its package 'wire' in {ROOT / 'wire'} is hidden by another of that name: {tmp_path / 'wire'}\n"
        == (result.stderr)
    )


def test_it_runs_as_a_module() -> None:
    result = run("serve", "--override", "num.partitions=0")

    assert (2, 1) == (result.returncode, result.stderr.count("\n"))


def test_config_prints_each_value_and_where_it_comes_from(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "server.properties"
    file.write_text("\nnum.partitions = 5\nssl.key.password=secret\n")
    environment = {"KAFKA_LOG_RETENTION_HOURS": "3", "KAFKA_NUM_IO_THREADS": "3"}

    assert 0 == main(
        ["config", "--config", str(file), "--override", "log.cleanup.policy=compact , delete"], environment
    )

    printed = dict(re.split(r"\s{2,}", line) for line in capsys.readouterr().out.splitlines())
    assert len(printed) > 300
    assert {
        "num.partitions=5": "server.properties line 2",
        "ssl.key.password=(hidden)": "server.properties line 3, without effect",
        "log.retention.hours=3": "KAFKA_LOG_RETENTION_HOURS",
        "num.io.threads=3": "KAFKA_NUM_IO_THREADS, without effect",
        "log.cleanup.policy=compact,delete": "command line",
        "message.max.bytes=1048588": "default",
        "offsets.topic.num.partitions=4": "default (Kafka's: 50)",
    }.items() <= printed.items()


def test_config_prints_for_scripts_only_what_is_set(capsys: pytest.CaptureFixture[str]) -> None:
    assert 0 == main(["config", "--set", "--json", "--override", "num.partitions=2"], {})

    printed = json.loads(capsys.readouterr().out)
    assert [{"name": "num.partitions", "value": "2", "origin": "command line"}] == printed


@pytest.mark.parametrize(
    ("arguments", "environment", "words"),
    [
        (["--topic", "a:x"], {}, "--topic: 'a:x' is not NAME:PARTITIONS:REPLICAS"),
        ([], {"KAFKA_CREATE_TOPICS": "a:x:1"}, "KAFKA_CREATE_TOPICS: 'a:x:1' is not NAME:PARTITIONS:REPLICAS"),
    ],
)
def test_a_topic_that_makes_no_sense_is_told_before_anything_starts(
    arguments: list[str], environment: dict[str, str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert 2 == main(["serve", *arguments], environment)

    assert f"pykbroker: {words}\n" == capsys.readouterr().err
