"""What scripts/bench-codecs shows: a table, docs/codecs.md with what was expected beside it, and a picture."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from html import escape
from typing import NamedTuple

from bench.report import commit, machine

# Of what is usually said of them: groups in falling order; within one, no order is claimed.
EXPECTED_SPEED = (("lz4",), ("snappy",), ("zstd", "gzip"))
EXPECTED_RATIO = (("zstd",), ("lz4",), ("gzip",), ("snappy",))

SAME = 1.03  # two figures that are no further apart say nothing about an order

PAGE = """# Codecs

Written by `scripts/bench-codecs --write`; do not edit. {date}, {machine}, pykbroker {commit}.

Every codec at its default level, on record batches of 100 KB. Figures are medians of several rounds, and MB/s of the
records before compression. *Produce* and *consume* are one client that compresses (decompresses) and one broker on the
same machine, over one connection; with `compression.type=producer` the broker stores what it gets. It looks at every
record of every batch, decompressed, before it stores them, as Kafka does: that, and not the codec, is what bounds
*produce* of many small records.

{table}

![Ratio and throughput of each codec](codecs.svg)

## Expected and measured

{comparison}

"No" too where two figures lie within 3 %.

## A topic's own codec

A batch in another codec than its topic's `compression.type` is decompressed, checked and compressed again, in a worker
thread. Of what 100 KB of JSON (550 records) from zstd to lz4 take, the check is half, decompression and compression a
third; the check is Python, which one thread runs at a time, so this does not grow with the connections as it does in
Kafka. `scripts/bench --only recompress-1,recompress-4` measures it beside Kafka.
"""


class Figures(NamedTuple):
    kind: str
    codec: str
    ratio: float
    compress_mb_s: float
    decompress_mb_s: float
    produce_mb_s: float
    consume_mb_s: float


def table(figures: Sequence[Figures]) -> str:
    lines = [
        "| records | codec | ratio | compress MB/s | decompress MB/s | produce MB/s | consume MB/s |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for each in figures:
        speeds = [f"{value:,.0f}" if value else "" for value in each[3:]]
        lines.append(" | ".join([f"| {each.kind}", each.codec, f"{each.ratio:.2f}", *speeds]) + " |")
    return "\n".join(lines)


def page(figures: Sequence[Figures]) -> str:
    return PAGE.format(
        date=datetime.date.today().isoformat(),
        machine=machine(),
        commit=commit(),
        table=table(figures),
        comparison=comparison(figures),
    )


def comparison(figures: Sequence[Figures]) -> str:
    lines = [
        f"Expected throughput: {_text(EXPECTED_SPEED)}. Expected ratio: {_text(EXPECTED_RATIO)}.",
        "",
        "| records | what | measured | differs from what is expected |",
        "| --- | --- | --- | --- |",
    ]
    columns = {
        "produce": ("produce_mb_s", EXPECTED_SPEED),
        "consume": ("consume_mb_s", EXPECTED_SPEED),
        "ratio": ("ratio", EXPECTED_RATIO),
    }
    for kind in dict.fromkeys(each.kind for each in figures):
        for what, (field, expected) in columns.items():
            values = {
                each.codec: getattr(each, field) for each in figures if each.kind == kind and each.codec != "none"
            }
            measured = " > ".join(sorted(values, key=values.__getitem__, reverse=True))
            wrong = [f"{low} above {high}" for high, low in contradictions(values, expected)]
            lines.append(f"| {kind} | {what} | {measured} | {', '.join(wrong) or 'no'} |")
    return "\n".join(lines)


def contradictions(values: dict[str, float], expected: Sequence[Sequence[str]]) -> list[tuple[str, str]]:
    """(expected to be above, expected to be below) where it was the other way round, by more than noise."""
    pairs = [
        (high, low)
        for index, group in enumerate(expected)
        for high in group
        for below in expected[index + 1 :]
        for low in below
    ]
    return [(high, low) for high, low in pairs if values[low] > values[high] * SAME]


def _text(expected: Sequence[Sequence[str]]) -> str:
    return " > ".join(" and ".join(group) for group in expected)


# --- the picture

WIDTH, BAR, GAP, LABEL, PANEL_GAP = 900, 16, 22, 74, 56
COLORS = {"none": "#8c8c8c", "gzip": "#b4562d", "snappy": "#4f8f5b", "lz4": "#2f6fb0", "zstd": "#7a4fa3"}
PANELS = (
    ("Compression ratio", "ratio", "{:.2f}"),
    ("Produce, MB/s", "produce_mb_s", "{:,.0f}"),
    ("Consume, MB/s", "consume_mb_s", "{:,.0f}"),
)


def picture(figures: Sequence[Figures]) -> str:
    """Bars: one panel for each thing measured, in it a group for each kind of records."""
    kinds = list(dict.fromkeys(each.kind for each in figures))
    panel_width = (WIDTH - PANEL_GAP * (len(PANELS) - 1) - 20) / len(PANELS)
    parts: list[str] = []
    height = 0.0
    for index, (title, field, form) in enumerate(PANELS):
        left = 10 + index * (panel_width + PANEL_GAP)
        parts.append(f'<text x="{left:.0f}" y="24" class="title">{escape(title)}</text>')
        top = 46.0
        largest = max(getattr(each, field) for each in figures)
        for kind in kinds:
            parts.append(f'<text x="{left:.0f}" y="{top:.0f}">{escape(kind)}</text>')
            top += 8
            for each in (each for each in figures if each.kind == kind):
                value = getattr(each, field)
                length = max(1.0, (panel_width - LABEL - 46) * value / largest)
                baseline = top + BAR - 4
                parts += [
                    f'<text x="{left + LABEL - 8:.0f}" y="{baseline:.0f}" class="name">{each.codec}</text>',
                    f'<rect x="{left + LABEL:.0f}" y="{top:.0f}" width="{length:.1f}" height="{BAR - 3}" '
                    f'fill="{COLORS[each.codec]}"/>',
                    f'<text x="{left + LABEL + length + 6:.0f}" y="{baseline:.0f}">{form.format(value)}</text>',
                ]
                top += BAR
            top += GAP
        height = max(height, top)
    style = (
        "text{font:12px sans-serif;fill:#222}.title{font-weight:bold;font-size:14px}.name{text-anchor:end;fill:#555}"
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" width="{WIDTH}" '
        f'height="{height:.0f}">\n<style>{style}</style>\n<rect width="100%" height="100%" fill="#fff"/>\n'
        + "\n".join(parts)
        + "\n</svg>\n"
    )
