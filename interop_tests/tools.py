"""Clients that are not of this Python: Apache Kafka's JVM tools, and Python clients in venvs of their own."""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path

from interop_tests.harness import ROOT, clean_environment

CACHE = ROOT / ".cache"

# Started for seconds only: what makes a JVM quick later makes it slow to start.
JVM_FLAGS = ("-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto")
JVM_LOGGING = "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"


class Unavailable(Exception):
    """Why a client cannot be had on this machine."""


@dataclass(frozen=True)
class Java:
    """The command-line tools of one version of Apache Kafka."""

    version: str
    libs: Path

    def command(self, main_class: str, *arguments: str) -> list[str]:
        return ["java", *JVM_FLAGS, JVM_LOGGING, "-cp", f"{self.libs}/*", main_class, *arguments]

    def run(self, main_class: str, *arguments: str, stdin: str = "", timeout_s: float = 60) -> str:
        """Its standard output and error; a tool that fails fails the test."""
        return run(self.command(main_class, *arguments), stdin=stdin, timeout_s=timeout_s)


def java_tools(version: str, *, artifact: str | None = None) -> Java:
    """Fetches the jars if need be: of the tools, or of another artifact of Apache Kafka's. Raises Unavailable."""
    for tool in ("java", "mvn"):
        if shutil.which(tool) is None:
            raise Unavailable(f"Apache Kafka's own {artifact or 'tools'} need `{tool}`")
    command = [sys.executable, str(ROOT / "scripts" / "kafka"), "--libs", "--version", version]
    command += [] if artifact is None else ["--artifact", artifact]
    fetched = subprocess.run(command, capture_output=True, text=True, check=False)
    if fetched.returncode:
        raise Unavailable(f"the jars of Apache Kafka {version} cannot be had: {fetched.stderr.strip()[-300:]}")
    return Java(version, Path(fetched.stdout.strip().splitlines()[-1]))


@dataclass(frozen=True)
class Venv:
    python: Path

    @classmethod
    def with_packages(cls, *requirements: str) -> Venv:
        wanted = "\n".join([sys.version, *sorted(requirements)])
        home = CACHE / "venvs" / hashlib.sha256(wanted.encode()).hexdigest()[:12]
        home.parent.mkdir(parents=True, exist_ok=True)
        with home.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not (home / "complete").exists():
                shutil.rmtree(home, ignore_errors=True)
                venv.create(home, with_pip=True)
                install = [home / "bin" / "python", "-m", "pip", "install", "-q", *requirements]
                subprocess.run(install, capture_output=True, text=True, check=True, env=clean_environment())
                (home / "complete").write_text(wanted)
        return cls(home / "bin" / "python")

    def run(self, *arguments: str, stdin: str = "", timeout_s: float = 60) -> str:
        return run([str(self.python), *arguments], stdin=stdin, timeout_s=timeout_s)


def run(command: list[str], *, stdin: str = "", timeout_s: float = 60) -> str:
    done = subprocess.run(
        command, input=stdin, text=True, timeout=timeout_s, env=clean_environment(), check=False,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    assert 0 == done.returncode, f"{' '.join(command)[:300]}\n{done.stdout[-3000:]}"
    return done.stdout
