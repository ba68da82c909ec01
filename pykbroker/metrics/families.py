"""Families made of what was found: a name, a text, and values by labels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeVar

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, SummaryMetricFamily, UnknownMetricFamily

Labels = TypeVar("Labels", bound=tuple[str, ...])


def gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, text, value=value)


def counter(name: str, text: str, value: float) -> Metric:
    return CounterMetricFamily(name, text, value=value)


def untyped(name: str, text: str, value: float) -> Metric:
    """For counters whose name in Kafka does not end in _total."""
    return UnknownMetricFamily(name, text, value=value)


def gauges(name: str, text: str, labels: Iterable[str], values: Mapping[Labels, float]) -> Metric:
    return _filled(GaugeMetricFamily(name, text), name, tuple(labels), values)


def counters(name: str, text: str, labels: Iterable[str], values: Mapping[Labels, float]) -> Metric:
    """`name` ends in _total."""
    return _filled(CounterMetricFamily(name, text), name, tuple(labels), values)


def summaries(name: str, text: str, label: str, values: Mapping[str, tuple[int, float]]) -> Metric:
    """A count and a sum for each."""
    family = SummaryMetricFamily(name, text, labels=[label])
    for found, (count, total) in values.items():
        family.add_metric([found], count, total)
    return family


def _filled(family: Metric, name: str, labels: tuple[str, ...], values: Mapping[Labels, float]) -> Metric:
    for found, value in values.items():
        family.add_sample(name, dict(zip(labels, found, strict=False)), value)
    return family
