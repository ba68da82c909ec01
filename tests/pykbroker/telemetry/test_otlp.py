"""OpenTelemetry's metrics: all kinds are read, whatever the codec, and nothing that a client sends takes us far."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.metrics.v1.metrics_pb2 import (
    AggregationTemporality,
    Gauge,
    Histogram,
    HistogramDataPoint,
    Metric,
    MetricsData,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from pykbroker.telemetry import otlp
from pykbroker.telemetry.receiver import MAX_SERIES_OF_CLIENT, Kind, Point
from wire.compression import Codec, compress
from wire.errors import ProtocolError

DELTA = AggregationTemporality.AGGREGATION_TEMPORALITY_DELTA
CUMULATIVE = AggregationTemporality.AGGREGATION_TEMPORALITY_CUMULATIVE


def attribute(key: str, **value: object) -> KeyValue:
    return KeyValue(key=key, value=AnyValue(**value))  # type: ignore[arg-type]


def pushed(*metrics: Metric, resource: list[KeyValue] | None = None) -> bytes:
    return MetricsData(
        resource_metrics=[
            ResourceMetrics(
                resource=Resource(attributes=resource or []), scope_metrics=[ScopeMetrics(metrics=list(metrics))]
            )
        ]
    ).SerializeToString()


def test_all_kinds_of_metrics_are_read() -> None:
    topic = [attribute("topic", string_value="t"), attribute("partition", int_value=3)]
    data = pushed(
        Metric(name="g", gauge=Gauge(data_points=[NumberDataPoint(as_double=1.5, attributes=topic)])),
        Metric(
            name="d",
            sum=Sum(data_points=[NumberDataPoint(as_int=2)], is_monotonic=True, aggregation_temporality=DELTA),
        ),
        Metric(
            name="c",
            sum=Sum(data_points=[NumberDataPoint(as_int=3)], is_monotonic=True, aggregation_temporality=CUMULATIVE),
        ),
        Metric(name="n", sum=Sum(data_points=[NumberDataPoint(as_int=-4)], aggregation_temporality=CUMULATIVE)),
        Metric(
            name="h",
            histogram=Histogram(data_points=[HistogramDataPoint(count=5, sum=6.5)], aggregation_temporality=DELTA),
        ),
        resource=[attribute("client_rack", string_value="r1")],
    )

    found = otlp.read(data, Codec.NONE)

    assert (("client_rack", "r1"),) == found.resource
    assert [
        Point("g", (("partition", "3"), ("topic", "t")), Kind.GAUGE, 1.5),
        Point("d", (), Kind.DELTA, 2.0),
        Point("c", (), Kind.TOTAL, 3.0),
        Point("n", (), Kind.GAUGE, -4.0),
        Point("h.count", (), Kind.DELTA, 5),
        Point("h.sum", (), Kind.DELTA, 6.5),
    ] == found.points


@pytest.mark.parametrize("codec", list(Codec))
def test_it_may_be_compressed(codec: Codec) -> None:
    data = pushed(Metric(name="g", gauge=Gauge(data_points=[NumberDataPoint(as_int=1)])))

    assert ["g"] == [point.name for point in otlp.read(compress(codec, data), codec).points]


@pytest.mark.parametrize("codec", [Codec.GZIP, Codec.SNAPPY, Codec.LZ4, Codec.ZSTD])
def test_what_the_codec_cannot_read_or_expands_too_far_is_refused(codec: Codec) -> None:
    for data in (b"not compressed", compress(codec, bytes(otlp.EXPANDED_LIMIT_BYTES + 1))):
        with pytest.raises(ProtocolError):
            otlp.read(data, codec)


def test_of_very_many_points_and_very_long_words_some_is_kept() -> None:
    points = [NumberDataPoint(as_int=1, attributes=[attribute("k" * 1000, string_value="v" * 1000)])]
    data = pushed(Metric(name="n" * 1000, gauge=Gauge(data_points=points * (MAX_SERIES_OF_CLIENT + 1))))

    found = otlp.read(data, Codec.NONE)

    assert MAX_SERIES_OF_CLIENT == len(found.points)
    assert (otlp.MAX_WORD,) * 3 == (len(found.points[0].name), *map(len, found.points[0].attributes[0]))


@given(st.binary(max_size=200))
def test_any_bytes_are_metrics_or_a_protocol_error(data: bytes) -> None:
    with suppress(ProtocolError):
        otlp.read(data, Codec.NONE)
