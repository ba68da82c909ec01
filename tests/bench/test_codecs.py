"""What scripts/bench-codecs measures and shows."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from bench.codecs import SAMPLES, median_of, whole
from bench.codecs_page import EXPECTED_RATIO, EXPECTED_SPEED, Figures, comparison, contradictions, picture, table
from wire.compression import Codec
from wire.record_batch import Record, build

FIGURES = [
    Figures("JSON <events>", codec.name.lower(), 1.0 + codec, 100.0, 200.0, 10.0 * codec + 1, 20.0) for codec in Codec
]


@pytest.mark.parametrize("kind", SAMPLES)
def test_the_sample_batches_are_of_100_kb_and_always_the_same(kind: str) -> None:
    first, second = SAMPLES[kind](), SAMPLES[kind]()

    assert all(100_000 <= batch.size_bytes < 115_000 for batch in first)
    assert [[r.value for r in batch.records()] for batch in first] == [[r.value for r in b.records()] for b in second]


def test_a_figure_is_the_median_of_its_rounds() -> None:
    rounds = [Figures("a", "gzip", float(n), n * 2.0, 0.0, 1.0, 1.0) for n in (3, 1, 2)]

    assert Figures("a", "gzip", 2.0, 4.0, 0.0, 1.0, 1.0) == median_of(rounds)


def test_what_contradicts_the_expected_order_is_told() -> None:
    measured = {"lz4": 10.0, "snappy": 20.0, "zstd": 5.0, "gzip": 15.0}

    assert [("lz4", "snappy"), ("lz4", "gzip")] == contradictions(measured, EXPECTED_SPEED)
    assert [] == contradictions({"zstd": 4, "lz4": 3, "gzip": 2, "snappy": 1}, EXPECTED_RATIO)


def test_the_page_shows_expected_beside_measured() -> None:
    text = comparison(FIGURES)

    assert "lz4 > snappy > zstd and gzip" in text
    assert "| JSON <events> | produce | zstd > lz4 > snappy > gzip | zstd above lz4, zstd above snappy |" in text
    assert len(FIGURES) + 2 == len(table(FIGURES).splitlines())


def test_the_picture_is_well_formed_and_shows_every_figure() -> None:
    root = ElementTree.fromstring(picture(FIGURES))

    assert 3 * len(FIGURES) + 1 == len(root.findall("{http://www.w3.org/2000/svg}rect"))


def test_of_what_was_fetched_only_whole_batches_are_read() -> None:
    data = build([Record(value=b"v")])

    for end in range(len(data)):
        assert 1 == len(whole(memoryview(data + data[:end])))
