"""Clients in other languages: programs of ours in `clients/`, made with their own tools and kept in `.cache/clients/`.

A program takes scenarios as lines of JSON and answers each with one, so that it is started once for many tests. What it
cannot do, because its client cannot, is listed here with the reason.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import select
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from interop_tests.harness import clean_environment
from interop_tests.tools import CACHE, Unavailable, java_tools

SOURCES = Path(__file__).with_name("clients")
BUILT = CACHE / "clients"
ANSWER_TIMEOUT_S = 90
NEW_PROTOCOL = ("group-consumer", "resume-consumer", "static-members-consumer")


@dataclass(frozen=True)
class Client:
    name: str
    command: Callable[[], list[str]]
    """Makes the program if need be; raises Unavailable."""
    lacks: Mapping[str, str] = field(default_factory=dict)
    """Scenarios that it cannot do, and why."""

    def start(self) -> Running:
        return Running(self)


class Running:
    """The client's program."""

    def __init__(self, client: Client) -> None:
        self.client = client
        BUILT.mkdir(parents=True, exist_ok=True)
        self.log = BUILT / f"{client.name}.log"
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                client.command(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True,
                env=clean_environment(),
            )  # fmt: skip

    def play(self, scenario: str, broker: str, topic: str, **details: str) -> Any:
        """What happened; what failed there fails the test."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(
            json.dumps({"scenario": scenario, "broker": broker, "topic": topic, **details}) + "\n"
        )
        self._process.stdin.flush()
        ready, _, _ = select.select([self._process.stdout], [], [], ANSWER_TIMEOUT_S)
        line = self._process.stdout.readline() if ready else ""
        if not line:
            self.close()
            raise AssertionError(f"{self.client.name} did not answer\n{self.log.read_text()[-3000:]}")
        answer = json.loads(line)
        assert "failed" not in answer, f"{answer['failed']}\n{self.log.read_text()[-3000:]}"
        return answer["told"]

    def is_there(self) -> bool:
        return self._process.poll() is None

    def close(self) -> None:
        self._process.kill()
        self._process.wait()


def go_program(name: str) -> Callable[[], list[str]]:
    def make(sources: Path, home: Path) -> None:
        caches = {"GOPATH": str(CACHE / "go"), "GOCACHE": str(CACHE / "go-build"), "GOFLAGS": "-modcacherw"}
        fetch(["go", "mod", "download"], at=sources, GOTOOLCHAIN="local", **caches)
        build(["go", "build", "-o", str(home / name), "."], at=sources, GOTOOLCHAIN="local", **caches)

    return lambda: [str(made(name, make, needs=("go",)) / name)]


def python_program(name: str) -> Callable[[], list[str]]:
    return lambda: [sys.executable, str(SOURCES / name / "main.py")]


def node_program(name: str) -> Callable[[], list[str]]:
    def make(sources: Path, home: Path) -> None:
        shutil.copytree(sources, home, dirs_exist_ok=True)
        fetch(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], at=home)

    return lambda: ["node", str(made(name, make, needs=("node", "npm")) / "main.js")]


def java_program(version: str, *folders: str) -> Callable[[], list[str]]:
    """Of the sources for all versions, and those in `folders`."""

    def command() -> list[str]:
        java = java_tools(version)

        def make(sources: Path, home: Path) -> None:
            files = [str(path) for folder in (".", *folders) for path in (sources / folder).glob("*.java")]
            build(["javac", "-nowarn", "-d", str(home), "-cp", f"{java.libs}/*", *files], at=sources)

        home = made("java", make, needs=("javac",), variant=version)
        # The last -cp counts.
        return java.command("-cp", f"{home}{os.pathsep}{java.libs}/*", "Main")

    return command


def made(name: str, make: Callable[[Path, Path], None], *, needs: tuple[str, ...], variant: str = "") -> Path:
    """The folder with what `make` made of the client's sources, from an earlier run if they are the same."""
    for tool in needs:
        if shutil.which(tool) is None:
            raise Unavailable(f"{name} needs `{tool}`")
    sources = SOURCES / name
    known = hashlib.sha256(variant.encode())
    for path in sorted(each for each in sources.rglob("*") if each.is_file()):
        known.update(path.read_bytes())
    home = BUILT / f"{name}{variant}-{known.hexdigest()[:12]}"
    BUILT.mkdir(parents=True, exist_ok=True)
    with home.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (home / "complete").exists():
            shutil.rmtree(home, ignore_errors=True)
            home.mkdir()
            make(sources, home)
            (home / "complete").touch()
    return home


def fetch(command: list[str], *, at: Path, **environment: str) -> None:
    """What the toolchain cannot get, or is too old for, is a reason to skip."""
    status, printed = run(command, at, environment)
    if status:
        raise Unavailable(f"`{' '.join(command[:3])}`: {printed.strip()[-300:]}")


def build(command: list[str], *, at: Path, **environment: str) -> None:
    """What does not compile is our fault."""
    status, printed = run(command, at, environment)
    assert 0 == status, f"{' '.join(command)[:200]}\n{printed[-3000:]}"


def run(command: list[str], at: Path, environment: Mapping[str, str]) -> tuple[int, str]:
    done = subprocess.run(
        command, cwd=at, env=clean_environment() | environment, text=True, check=False,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    return done.returncode, done.stdout


NO_NEW_PROTOCOL = dict.fromkeys(NEW_PROTOCOL, "the client has no KIP-848")
NO_LARGEST_OFFSET = {"largest offset": "the client cannot ask for it"}
NO_SHARE_GROUPS = {"share-group": "the client has no share groups"}
LACKS_OF_CONFLUENT = {
    "one group offset": "confluent-kafka cannot delete it",
    "share group members": "confluent-kafka cannot describe them",
}
LACKS_OF_KAFKAJS = {
    **NO_NEW_PROTOCOL,
    **NO_SHARE_GROUPS,
    **NO_LARGEST_OFFSET,
    "static-members": "the client has none",
    "one group offset": "the client cannot delete it",
}

CLIENTS = [
    Client("java-4.3", java_program("4.3.0", "share")),
    Client("java-3.9", java_program("3.9.1"), lacks=NO_SHARE_GROUPS),
    Client("java-2.8", java_program("2.8.2"), lacks=NO_NEW_PROTOCOL | NO_SHARE_GROUPS | NO_LARGEST_OFFSET),
    Client(
        "franz-go",
        go_program("franz"),
        lacks={"static-members-consumer": "the client (1.22.3) leaves without its instance id, which Kafka refuses"},
    ),
    Client("sarama", go_program("sarama"), lacks=NO_NEW_PROTOCOL | NO_SHARE_GROUPS | NO_LARGEST_OFFSET),
    Client("kafkajs", node_program("kafkajs"), lacks=LACKS_OF_KAFKAJS),
    Client("librdkafka", python_program("librdkafka"), lacks=LACKS_OF_CONFLUENT),
]
