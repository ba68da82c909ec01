"""One broker process: pykbroker, or Apache Kafka with the settings and the JVM flags it comes with.

Both get the same settings, all of them defaults. Kafka is started by `scripts/kafka`, which becomes the JVM.
"""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from interop_tests.harness import clean_environment, free_port

ROOT = Path(__file__).resolve().parent.parent
START_TIMEOUT_S = 120
POLL_S = 0.001
PYKBROKER, KAFKA = "pykbroker", "Kafka"
COMMANDS = {
    PYKBROKER: [sys.executable, "-P", "-m", "pykbroker", "serve"],
    KAFKA: [sys.executable, str(ROOT / "scripts" / "kafka")],
}
# What Kafka's own kafka-server-start.sh gives the JVM.
KAFKA_ENVIRONMENT = {
    "KAFKA_HEAP_OPTS": "-Xmx1G -Xms1G",
    "KAFKA_JVM_PERFORMANCE_OPTS": "-server -XX:+UseG1GC -XX:MaxGCPauseMillis=20"
    " -XX:InitiatingHeapOccupancyPercent=35 -XX:+ExplicitGCInvokesConcurrent -Djava.awt.headless=true",
}


class Broker:
    """A process and its directory; after `kill`, `start` finds the same data on the same port."""

    def __init__(self, name: str, directory: Path, *, kafka_version: str) -> None:
        self.name = name
        self.port = free_port()
        self._kafka_version = kafka_version
        self.directory = directory
        self._log_path = directory / "log"
        self.directory.mkdir(parents=True)
        self._process: subprocess.Popen[bytes] | None = None
        self._fresh_count = 0

    @property
    def address(self) -> tuple[str, int]:
        return "127.0.0.1", self.port

    @property
    def bootstrap(self) -> str:
        return f"127.0.0.1:{self.port}"

    def start(self) -> float:
        """Seconds from the start of the process until it accepts a connection."""
        begin = time.perf_counter()
        self._spawn()
        while not self._is_listening():
            self._check_alive(time.perf_counter() - begin)
            time.sleep(POLL_S)
        return time.perf_counter() - begin

    def kill(self) -> None:
        """As `kill -9`."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def resident_mb(self) -> float:
        assert self._process is not None
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        kilobytes = next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS:"))
        return int(kilobytes) * 1024 / 1e6

    def cpu_s(self) -> float:
        """Processor time of all its threads that there are."""
        assert self._process is not None
        nanoseconds = 0
        for path in Path(f"/proc/{self._process.pid}/task").glob("*/schedstat"):
            with contextlib.suppress(OSError):  # that thread has just ended
                nanoseconds += int(path.read_text().split()[0])
        return nanoseconds / 1e9

    @contextlib.contextmanager
    def fresh(self) -> Iterator[Broker]:
        """Another broker of this kind, with no data and not started; killed at the end.

        Kafka needs its directory formatted, which is no part of a start, so that is done here. The directory stays:
        for a while ext4 steps over every inode that was just freed, and to create a thousand files after having
        removed as many takes ten times as long.
        """
        self._fresh_count += 1
        directory = self.directory / f"fresh-{self._fresh_count}"
        other = Broker(self.name, directory, kafka_version=self._kafka_version)
        try:
            if self.name == KAFKA:
                other._format()
            yield other
        finally:
            other.kill()

    def _spawn(self) -> None:
        command = [*COMMANDS[self.name], "--listen", self.bootstrap, "--data-dir", str(self.directory / "data")]
        if self.name == KAFKA:
            command += ["--version", self._kafka_version]
        with self._log_path.open("ab") as log:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=clean_environment() | (KAFKA_ENVIRONMENT if self.name == KAFKA else {}),
                cwd=self.directory,
            )

    def _format(self) -> None:
        """Have `scripts/kafka` format the directory, and kill what it becomes.

        It says what it starts once the directory is formatted. Nothing must have run there: a broker that is known
        already waits nine seconds, until the session of the former one has expired.
        """
        begin = time.perf_counter()
        self._spawn()
        while not self._log_path.read_bytes().startswith(b"Apache Kafka"):
            self._check_alive(time.perf_counter() - begin)
            time.sleep(POLL_S)
        self.kill()

    def _is_listening(self) -> bool:
        try:
            socket.create_connection(self.address, timeout=1).close()
        except OSError:
            return False
        return True

    def _check_alive(self, waited_s: float) -> None:
        assert self._process is not None
        if self._process.poll() is not None or waited_s > START_TIMEOUT_S:
            log = self._log_path.read_text(errors="replace")
            raise RuntimeError(f"{self.name} does not start:\n{log[-3000:]}")


def kafka_is_available(version: str) -> bool:
    """Whether `scripts/kafka` can run: Java and Maven are there, and the jars can be had."""
    command = [*COMMANDS[KAFKA], "--libs", "--version", version]
    return subprocess.run(command, stdout=subprocess.DEVNULL, env=os.environ, check=False).returncode == 0
