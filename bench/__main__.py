"""Measure pykbroker, and Apache Kafka beside it where Java and Maven are there; print the table.

scripts/bench                              # everything, about 25 minutes
scripts/bench --quick                      # a first look: one round, a tenth of the volume
scripts/bench --only produce-one,recovery  # some rows; --help names them all
scripts/bench --write                      # everything, and rewrite docs/performance.md
"""

from __future__ import annotations

import argparse
import contextlib
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench import (
    clients,
    compaction,
    fetch,
    groups,
    kcat,
    latency,
    metadata,
    produce,
    recompress,
    scale,
    start,
    transactions,
)
from bench.brokers import KAFKA, PYKBROKER, ROOT, Broker, kafka_is_available
from bench.method import FULL, QUICK, Benchmark, Figures, compare
from bench.report import Line, as_json, line, markdown, page

BENCHMARKS: list[Benchmark] = [
    *produce.BENCHMARKS,
    *recompress.BENCHMARKS,
    *kcat.BENCHMARKS,
    *fetch.BENCHMARKS,
    *clients.BENCHMARKS,
    *transactions.BENCHMARKS,
    *compaction.BENCHMARKS,
    *groups.BENCHMARKS,
    *latency.BENCHMARKS,
    *start.BENCHMARKS,
    *scale.BENCHMARKS,
    *metadata.BENCHMARKS,
]
PAGE = ROOT / "docs" / "performance.md"
KEYS = [row.key for benchmark in BENCHMARKS for row in benchmark.rows]


def main() -> None:
    options = parse_arguments()
    effort = QUICK if options.quick else FULL
    chosen = [each for each in BENCHMARKS if any(row.key in options.only for row in each.rows)]
    with running(options, chosen) as brokers:
        lines = list(measure(chosen, brokers, options))
    compared = options.kafka_version if any(broker.name == KAFKA for broker in brokers) else None
    print(as_json(lines) if options.json else markdown(lines))
    if options.write:
        PAGE.parent.mkdir(exist_ok=True)
        PAGE.write_text(page(lines, effort, compared, PAGE.read_text() if PAGE.exists() else ""))


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", type=row_keys, default=KEYS, metavar="ROW,ROW", help=", ".join(KEYS))
    parser.add_argument("--quick", action="store_true", help="one short round; not the figures that count")
    parser.add_argument("--no-kafka", action="store_true", help="pykbroker alone")
    parser.add_argument("--no-pykbroker", action="store_true", help="Kafka alone")
    parser.add_argument("--kafka-version", default="4.3.0")
    parser.add_argument("--data-dir", type=Path, default=ROOT / ".cache" / "bench", help="emptied at start and end")
    parser.add_argument("--json", action="store_true", help="every round's figure, instead of the table")
    parser.add_argument("--write", action="store_true", help=f"rewrite {PAGE.relative_to(ROOT)}")
    options = parser.parse_args()
    if options.write and (options.quick or options.only != KEYS):
        parser.error("--write wants all rows at full length")
    return options


def row_keys(text: str) -> list[str]:
    keys = text.split(",")
    if unknown := set(keys) - set(KEYS):
        raise argparse.ArgumentTypeError(f"no such row: {', '.join(sorted(unknown))}")
    return keys


@contextlib.contextmanager
def running(options: argparse.Namespace, chosen: Sequence[Benchmark]) -> Iterator[list[Broker]]:
    """The brokers to compare; started, unless every benchmark starts its own."""
    names = [] if options.no_pykbroker else [PYKBROKER]
    if not options.no_kafka:
        if kafka_is_available(options.kafka_version):
            names.append(KAFKA)
        else:
            print("Apache Kafka cannot be had (see above): measuring without it", file=sys.stderr)
    shutil.rmtree(options.data_dir, ignore_errors=True)
    brokers = [Broker(name, options.data_dir / name, kafka_version=options.kafka_version) for name in names]
    try:
        for broker in brokers:
            if not all(benchmark.starts_broker for benchmark in chosen):
                broker.start()
        yield brokers
    finally:
        for broker in brokers:
            broker.kill()
        shutil.rmtree(options.data_dir, ignore_errors=True)


def measure(chosen: Sequence[Benchmark], brokers: Sequence[Broker], options: argparse.Namespace) -> Iterator[Line]:
    for benchmark in chosen:
        figures: Figures = compare(benchmark, brokers, QUICK if options.quick else FULL)
        for row in benchmark.rows:
            if row.key in options.only:
                measured = line(row, figures)
                print("  ".join(filter(None, measured.cells())), file=sys.stderr, flush=True)
                yield measured


if __name__ == "__main__":
    main()
