"""300 MB through librdkafka: with kcat, and where it is not installed with confluent-kafka."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from bench.brokers import Broker
from bench.client import Client
from bench.clients import consume_all, produce_all
from bench.method import Benchmark, Effort, Row

LINES, LINE_BYTES = 300_000, 1000
KCAT = shutil.which("kcat") or shutil.which("kafkacat")
CLIENT = "kcat" if KCAT else "confluent-kafka"
TIMEOUT_S = 120
# With the defaults librdkafka waits for itself.
READ_SETTINGS = {"queued.max.messages.kbytes": 1_000_000, "queued.min.messages": 1_000_000}


def measure(broker: Broker, effort: Effort) -> list[float]:
    topic = f"kcat-{time.time_ns()}"
    lines = int(LINES * effort.scale)
    with Client(broker) as client, tempfile.NamedTemporaryFile("wb") as file:
        file.writelines(b"%0*d\n" % (LINE_BYTES, line) for line in range(lines))
        file.flush()
        client.create_topic(topic)
        produced_s = produce_file(broker, topic, Path(file.name), lines)
        if client.end_offsets(topic, 1) != [lines]:
            raise RuntimeError(f"{lines} lines produced, but the topic ends at {client.end_offsets(topic, 1)}")
        read_s = read_back(broker, topic, lines)
        client.delete_topic(topic)
    return [produced_s, read_s]


def produce_file(broker: Broker, topic: str, path: Path, lines: int) -> float:
    if KCAT is None:
        return produce_all(broker, topic, b"x" * LINE_BYTES, lines)
    return seconds([KCAT, "-P", "-b", broker.bootstrap, "-t", topic, "-p", "0", "-l", str(path)])


def read_back(broker: Broker, topic: str, lines: int) -> float:
    """With a count, kcat ends once it has them all, and fails by the time limit if they do not come."""
    if KCAT is None:
        return consume_all(broker, topic, lines, READ_SETTINGS)
    settings = [part for key, value in READ_SETTINGS.items() for part in ("-X", f"{key}={value}")]
    return seconds(
        [
            KCAT,
            "-C",
            "-b",
            broker.bootstrap,
            "-t",
            topic,
            "-p",
            "0",
            "-o",
            "beginning",
            "-c",
            str(lines),
            "-q",
            *settings,
        ]
    )


def seconds(command: list[str]) -> float:
    begin = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=True, timeout=TIMEOUT_S)
    return time.perf_counter() - begin


BENCHMARKS = [
    Benchmark(
        [
            Row("kcat-produce", f"{CLIENT} produces 300 MB to an existing topic", "s", "less", times_kafka=0.8),
            Row("kcat-read", f"{CLIENT} reads it", "s", "less", times_kafka=1.0),
        ],
        measure,
    )
]
