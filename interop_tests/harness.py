"""A broker in a process of its own: pykbroker, or the Apache Kafka it must not be told apart from.

Both are started, asked whether they are ready, killed and stopped in the same way, so a test does not know which one it
has. What differs (command line, how long a start may take) is in `Kind`.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# What both kinds are started with, unless a test asks otherwise: so that a difference is never one of settings.
COMMON_SETTINGS = {"offsets.topic.num.partitions": "4", "group.initial.rebalance.delay.ms": "0"}

API_VERSIONS_V0 = struct.pack(">ihhih", 10, 18, 0, 7, 0)


@dataclass(frozen=True)
class Kind:
    name: str
    command: tuple[str, ...]
    start_timeout_s: float


KINDS = {
    "pykbroker": Kind("pykbroker", (sys.executable, "-P", "-m", "pykbroker", "serve"), 15),
    "kafka": Kind("kafka", (sys.executable, str(ROOT / "scripts" / "kafka")), 300),
}


class Broker:
    """One broker process and its data directory; `start` again after `kill` or `stop` gives the same data and port."""

    def __init__(self, kind: Kind, data_dir: Path, *, listen: str | None = None, **overrides: object) -> None:
        self.kind = kind
        self.data_dir = data_dir
        self.host, _, port = (listen or f"127.0.0.1:{free_port()}").rpartition(":")
        self.port = int(port)
        self.options: tuple[str, ...] = ()  # of pykbroker's own
        self.overrides = COMMON_SETTINGS | {key.replace("_", "."): str(value) for key, value in overrides.items()}
        self.log_path = data_dir.with_name(data_dir.name + ".log")
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"{self.host}:{self.port}"

    @property
    def command(self) -> list[str]:
        overrides = [part for key, value in self.overrides.items() for part in ("--override", f"{key}={value}")]
        return [
            *self.kind.command,
            "--listen",
            self.address,
            "--data-dir",
            str(self.data_dir),
            *overrides,
            *self.options,
        ]

    @property
    def process(self) -> subprocess.Popen[bytes]:
        assert self._process is not None, "the broker was never started"
        return self._process

    @property
    def log(self) -> str:
        return self.log_path.read_text(errors="replace")

    def start(self) -> Broker:
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(
                self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env=clean_environment(), cwd=self.data_dir.parent,
            )  # fmt: skip
        wait_until(self._is_ready, timeout_s=self.kind.start_timeout_s, what=lambda: f"the broker\n{self.log[-3000:]}")
        return self

    def kill(self) -> None:
        """As `kill -9`: nothing is flushed, nothing is said."""
        self.process.kill()
        self.process.wait()

    def terminate(self, *, timeout_s: float = 30) -> int:
        """SIGTERM; the exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout_s)

    def close(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self.kill()

    def resident_bytes(self) -> int:
        return self._memory("VmRSS:")

    def peak_resident_bytes(self) -> int:
        return self._memory("VmHWM:")

    def _memory(self, key: str) -> int:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return 1024 * next(int(line.split()[1]) for line in status.splitlines() if line.startswith(key))

    def _is_ready(self) -> bool:
        if self.process.poll() is not None:
            raise AssertionError(f"the broker ended with status {self.process.returncode}\n{self.log[-3000:]}")
        return answers(self.host.strip("[]"), self.port)


def answers(host: str, port: int, *, timeout_s: float = 1) -> bool:
    """Whether a broker there answers ApiVersions."""
    try:
        with socket.create_connection((host, port), timeout=timeout_s) as connection:
            connection.sendall(API_VERSIONS_V0)
            return len(connection.recv(4)) == 4
    except OSError:
        return False


def free_port(host: str = "127.0.0.1") -> int:
    """A port that nobody listens on, below the ephemeral range, so that no client's own socket takes it meanwhile."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for _ in range(1000):
        port = 10_000 + int.from_bytes(os.urandom(2), "big") % 20_000
        with contextlib.suppress(OSError), socket.create_server((host, port), family=family):
            return port
    raise AssertionError("no free port")


def clean_environment() -> dict[str, str]:
    """What a user's shell has; without what would let the broker import from somewhere else or configure it."""
    unwanted = ("PYTHON", "KAFKA_", "PYTEST")
    return {key: value for key, value in os.environ.items() if not key.startswith(unwanted)} | {
        "PYTHONUNBUFFERED": "1",
        "PYTHONFAULTHANDLER": "1",
    }


def wait_until(
    condition: Callable[[], object], *, timeout_s: float = 15, what: str | Callable[[], str] = "the condition"
) -> None:
    """Poll: on a real port there is nothing else to wait for."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout_s} s: {what() if callable(what) else what}")
        time.sleep(0.02)


@contextlib.contextmanager
def in_background(target: Callable[[threading.Event], None]) -> Iterator[threading.Event]:
    """Run `target(stop)` in a thread; leaving the block sets `stop`, waits, and raises what the thread raised."""
    stop, failures = threading.Event(), []

    def run() -> None:
        try:
            target(stop)
        except BaseException as failure:
            failures.append(failure)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield stop
    finally:
        stop.set()
        thread.join(60)
    assert not thread.is_alive(), "the background thread did not end"
    if failures:
        raise failures[0]
