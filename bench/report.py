"""The table: on the terminal, as JSON, and as docs/performance.md."""

from __future__ import annotations

import datetime
import json
import os
import platform
import shutil
import subprocess
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version

from bench.brokers import KAFKA, PYKBROKER, ROOT
from bench.method import Effort, Figures, Row, median

COLUMNS = ("", "pykbroker", "Apache Kafka", "ratio", "must reach", "reached")
WIDTH = 120
YES_NO = {True: "yes", False: "**no**", None: ""}

PAGE = """# How fast it is

Written by `scripts/bench --write` up to "Measured by hand". {date}, {machine}.
{versions}.

{table}

The ratio is pykbroker's figure divided by Kafka's. {spread}
{shortfalls}
## Method

- Client and brokers share the machine. Both brokers run all the time with default settings, Kafka with the JVM flags of
  its own start script; they are measured in one run, in alternating order ({rounds} rounds: A B, B A, ...), each row
  after a warm-up of {warm_up_s:g} s per broker. A figure is the median of its rounds.
- Before each run everything is written to disk (`sync`), and a run writes at most {max_bytes} MB, so that no run
  pays for the writes of another. Then a file as large is written and removed: memory that a virtual machine has to get
  from its host first is ten times slower, and would be all that is measured.
- Raw rows: one connection of a blocking Python client that sends requests encoded beforehand (Produce v7, acks=all, one
  batch without compression; Fetch v11) and checks every response's error codes and offsets. "In flight": as many are
  sent ahead, and one more for each that is answered.
- Latency: from sending the Produce request until the response of a Fetch that waited in the broker has begun to arrive.
- New topic: a confluent-kafka producer that is connected; the median of ten topics, until the acknowledgement.
- Start: of a new process until it accepts a connection, and until a record to a topic that does not exist yet is
  acknowledged. pykbroker's data directory is empty, Kafka's formatted. Idle memory: resident, five
  seconds after that record.
- Ready again: from the restart until every partition has answered for its end offset, and the offsets are right.
- Compaction: of one partition in segments of 16 MB, from when it may begin (`min.compaction.lag.ms`) until
  `cleaner-offset-checkpoint` names it; keys of a set of 200,000, values of 0 to 400 B. p99 is of one connection that
  sends a record to another topic, waits for the answer, and pauses for 1 ms.
- Broker CPU: processor time of all threads of the broker, whatever the client needs.
- Groups that commit: from a process of their own, evenly spread; p99 as with compaction.
"""
# What `--write` leaves as it is: from here to the page's end.
BY_HAND = "## Measured by hand"


@dataclass(frozen=True)
class Line:
    row: Row
    ours: float | None
    kafka: float | None
    figures: dict[str, list[float]]

    @property
    def reached(self) -> bool | None:
        return None if self.ours is None else self.row.is_reached(self.ours, self.kafka)

    @property
    def ratio(self) -> float | None:
        return self.ours / self.kafka if self.ours is not None and self.kafka else None

    def cells(self) -> tuple[str, ...]:
        ratio = "" if self.ratio is None else f"{self.ratio:.2f}"
        ours, kafka = (amount(value, self.row.unit) for value in (self.ours, self.kafka))
        return self.row.title, ours, kafka, ratio, self.row.must_reach, YES_NO[self.reached]


def line(row: Row, figures: Figures) -> Line:
    by_broker = figures[row.key]
    return Line(row, median(by_broker.get(PYKBROKER, [])), median(by_broker.get(KAFKA, [])), by_broker)


def amount(value: float | None, unit: str) -> str:
    """Three significant digits; more would be noise."""
    if value is None:
        return ""
    digits = max(0, 2 - len(str(int(abs(value)))) + (abs(value) >= 1)) if abs(value) >= 1 else 3
    return f"{value:,.{digits}f} {unit}"


def markdown(lines: Iterable[Line]) -> str:
    rows = [COLUMNS, ("---", *["---:"] * 3, "---", "---"), *(each.cells() for each in lines)]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in rows)


def as_json(lines: Iterable[Line]) -> str:
    return json.dumps(
        [asdict(each.row) | {"ratio": each.ratio, "reached": each.reached, "figures": each.figures} for each in lines],
        indent=2,
    )


def page(lines: Sequence[Line], effort: Effort, kafka_version: str | None, before: str) -> str:
    """`before` is the page as it was."""
    written = PAGE.format(
        date=datetime.date.today().isoformat(),
        machine=machine(),
        versions=", ".join(versions(kafka_version)),
        table=markdown(lines),
        spread=spread(lines),
        shortfalls=shortfalls(lines),
        rounds=effort.rounds,
        warm_up_s=effort.warm_up_s,
        max_bytes=effort.max_bytes // 1_000_000,
    )
    _, heading, by_hand = before.partition(BY_HAND)
    return f"{written}\n{heading}{by_hand}" if heading else written


def shortfalls(lines: Iterable[Line]) -> str:
    """Why a row is not reached; one reason may be that of several."""
    titles: dict[str, list[str]] = {}
    for each in lines:
        if each.reached is False and each.row.shortfall:
            titles.setdefault(each.row.shortfall, []).append(each.row.title)
    if not titles:
        return ""
    reasons = [
        textwrap.fill(f"- {'; '.join(rows)}: {reason}", WIDTH, subsequent_indent="  ")
        for reason, rows in titles.items()
    ]
    return "\n".join(["", "## What is not reached, and why", "", *reasons, ""])


def spread(lines: Iterable[Line]) -> str:
    """How far apart the rounds of one row were: on a machine that was not quiet, this is what tells."""
    widths = [
        (max(values) - min(values)) / middle
        for each in lines
        for values in each.figures.values()
        if len(values) > 1 and (middle := median(values))
    ]
    if not widths:
        return ""
    return f"Between the rounds of a row lay {median(widths):.0%} of its figure (median), {max(widths):.0%} at most."


def machine() -> str:
    memory_gb = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    release = ".".join(platform.release().split(".")[:2])
    return f"{os.cpu_count()} cores, {memory_gb:.0f} GB of memory, {platform.system()} {release}"


def versions(kafka_version: str | None) -> list[str]:
    found = [f"pykbroker {commit()}", f"Python {platform.python_version()}"]
    found += [f"{name} {version(name)}" for name in ("trio", "confluent-kafka") if is_installed(name)]
    if kafka_version is not None:
        java = subprocess.run(["java", "-version"], stderr=subprocess.PIPE, text=True, check=False)
        found += [f"Apache Kafka {kafka_version}", java.stderr.splitlines()[0].replace('"', "")]
    if shutil.which("kcat"):
        kcat = subprocess.run(["kcat", "-V"], stdout=subprocess.PIPE, text=True, check=False)
        found += [text.split(" (")[0] for text in kcat.stdout.splitlines() if text.startswith("Version")]
    return [each.replace("Version ", "kcat ") for each in found]


def commit() -> str:
    command = ["git", "-C", str(ROOT), "describe", "--always", "--dirty"]
    described = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False).stdout.strip()
    return described or "of unknown version"


def is_installed(name: str) -> bool:
    try:
        version(name)
    except PackageNotFoundError:
        return False
    return True
