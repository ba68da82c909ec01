"""How two brokers are compared, and what the outcome must be.

A benchmark measures one or more rows of the table at once. It is warmed up on each broker, then measured in rounds
whose order alternates (A B, B A, A B, ...), with the disk quiet and memory at hand before each run (`settle`); what
counts is the median.
Both brokers run all the time, so that whatever the other one costs while idle, it costs both.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bench.brokers import Broker


@dataclass(frozen=True)
class Row:
    """One line of the table, and what pykbroker must reach in it: a multiple of Kafka's figure, a figure, or both.

    `shortfall` is told where that is not reached: what a profile shows.
    """

    key: str
    title: str
    unit: str
    better: Literal["more", "less"]
    times_kafka: float | None = None
    limit: float | None = None
    shortfall: str = ""

    @property
    def must_reach(self) -> str:
        sign = "≥" if self.better == "more" else "≤"
        wanted = [f"{self.times_kafka:.1f} x Kafka"] if self.times_kafka else []
        wanted += [f"{self.limit:g} {self.unit}"] if self.limit else []
        return f"{sign} {' and '.join(wanted)}" if wanted else ""

    def is_reached(self, ours: float, kafka: float | None) -> bool | None:
        """None where nothing is asked, or where it takes Kafka's figure to tell."""
        if self.times_kafka and kafka is None:
            return None
        bounds = [self.limit] if self.limit else []
        bounds += [self.times_kafka * kafka] if self.times_kafka and kafka else []
        if not bounds:
            return None
        return ours >= max(bounds) if self.better == "more" else ours <= min(bounds)


@dataclass(frozen=True)
class Effort:
    """How long and how much. The disk takes one to three GB at the speed of memory, so a run writes no more."""

    rounds: int
    seconds: float
    max_bytes: int
    warm_up_s: float
    scale: float  # of the counts that a row's title names: partitions, megabytes


FULL = Effort(rounds=5, seconds=3.0, max_bytes=1_000_000_000, warm_up_s=5.0, scale=1.0)
QUICK = Effort(rounds=1, seconds=1.0, max_bytes=200_000_000, warm_up_s=1.0, scale=0.1)
# One step of a warm-up: short, so that warming up does not fill the disk's buffers.
STEP_SECONDS, STEP_BYTES = 1.0, 200_000_000
# Of memory made ready: a broker and its client need some beside what is written.
MARGIN = 1.3


@dataclass(frozen=True)
class Benchmark:
    """`measure(broker, effort)` gives one figure per row.

    The broker is up and warmed up; or, where `starts_broker`, it has an empty data directory and was not started.
    """

    rows: Sequence[Row]
    measure: Callable[[Broker, Effort], Sequence[float]]
    starts_broker: bool = False
    max_rounds: int = 5


# By row, by broker: one figure per round.
Figures = dict[str, dict[str, list[float]]]


def compare(benchmark: Benchmark, brokers: Sequence[Broker], effort: Effort) -> Figures:
    figures: Figures = {row.key: {broker.name: [] for broker in brokers} for row in benchmark.rows}
    for broker in brokers:
        if not benchmark.starts_broker:
            warm_up(benchmark, broker, effort)
    for turn in range(min(effort.rounds, benchmark.max_rounds)):
        for broker in brokers if turn % 2 == 0 else reversed(brokers):
            settle(broker.directory, 0 if benchmark.starts_broker else effort.max_bytes)
            for row, figure in zip(benchmark.rows, run(benchmark, broker, effort), strict=True):
                figures[row.key][broker.name].append(figure)
    return figures


def run(benchmark: Benchmark, broker: Broker, effort: Effort) -> Sequence[float]:
    if not benchmark.starts_broker:
        return benchmark.measure(broker, effort)
    with broker.fresh() as fresh:
        return benchmark.measure(fresh, effort)


def settle(directory: Path, size_bytes: int) -> None:
    """Finish what was written, and have memory at hand for `size_bytes` of what is to be written.

    In a virtual machine, freed memory goes back to the host within seconds, and to get it again costs far more than
    the write: 0.5 GB/s instead of 5. Memory that has just been freed is fast, so a file comes and goes first.
    """
    os.sync()
    scratch = directory / "scratch"
    zeros = bytes(1_000_000)
    with scratch.open("wb", buffering=0) as file:
        for _ in range(int(size_bytes * MARGIN) // len(zeros)):
            file.write(zeros)
    scratch.unlink()


def warm_up(benchmark: Benchmark, broker: Broker, effort: Effort) -> None:
    """The JVM compiles what it runs often; and nobody's first run pays for connections, caches and lazy imports."""
    step = Effort(
        rounds=1,
        seconds=min(effort.seconds, STEP_SECONDS),
        max_bytes=min(effort.max_bytes, STEP_BYTES),
        warm_up_s=0,
        scale=effort.scale,
    )
    end = time.perf_counter() + effort.warm_up_s
    while time.perf_counter() < end:
        benchmark.measure(broker, step)


def median(figures: Sequence[float]) -> float | None:
    return statistics.median(figures) if figures else None
