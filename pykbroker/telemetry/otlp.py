"""OpenTelemetry's metrics, as clients push them, into points: a name, attributes, a number.

Everything is bounded: what it expands to, how many points, how long the words.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

from google.protobuf.message import DecodeError
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.metrics.v1.metrics_pb2 import (
    AggregationTemporality,
    Histogram,
    Metric,
    MetricsData,
    NumberDataPoint,
    Sum,
)

from pykbroker.telemetry.receiver import MAX_SERIES_OF_CLIENT, Attributes, Kind, Point, Pushed
from wire.compression import Codec, decompress
from wire.errors import ProtocolError

EXPANDED_LIMIT_BYTES = 8 * 1024 * 1024
MAX_WORD = 256
MAX_ATTRIBUTES = 32


def read(data: bytes, codec: Codec) -> Pushed:
    """Raises ProtocolError."""
    if codec is not Codec.NONE:
        data = decompress(codec, data, limit_bytes=EXPANDED_LIMIT_BYTES)
    try:
        message = MetricsData.FromString(data)
    except DecodeError as error:
        raise ProtocolError(f"no metrics of OpenTelemetry's: {error}") from error
    resource = _attributes(pair for each in message.resource_metrics for pair in each.resource.attributes)
    return Pushed(resource, list(islice(_points(message), MAX_SERIES_OF_CLIENT)))


def _points(message: MetricsData) -> Iterator[Point]:
    for resource in message.resource_metrics:
        for scope in resource.scope_metrics:
            for metric in scope.metrics:
                yield from _points_of(metric)


def _points_of(metric: Metric) -> Iterator[Point]:
    name = metric.name[:MAX_WORD]
    if metric.HasField("gauge"):
        for point in metric.gauge.data_points:
            yield Point(name, _attributes(point.attributes), Kind.GAUGE, _number(point))
    elif metric.HasField("sum"):
        kind = _kind(metric.sum) if metric.sum.is_monotonic else Kind.GAUGE
        for point in metric.sum.data_points:
            yield Point(name, _attributes(point.attributes), kind, _number(point))
    elif metric.HasField("histogram"):  # no client known sends one: its count and sum must do
        kind = _kind(metric.histogram)
        for each in metric.histogram.data_points:
            yield Point(f"{name}.count", _attributes(each.attributes), kind, each.count)
            yield Point(f"{name}.sum", _attributes(each.attributes), kind, each.sum)


def _kind(counted: Sum | Histogram) -> Kind:
    is_delta = counted.aggregation_temporality == AggregationTemporality.AGGREGATION_TEMPORALITY_DELTA
    return Kind.DELTA if is_delta else Kind.TOTAL


def _number(point: NumberDataPoint) -> float:
    return float(point.as_double if point.HasField("as_double") else point.as_int)


def _attributes(pairs: Iterable[KeyValue]) -> Attributes:
    return tuple(sorted((pair.key[:MAX_WORD], _text(pair.value)) for pair in islice(pairs, MAX_ATTRIBUTES)))


def _text(value: AnyValue) -> str:
    kind = value.WhichOneof("value")
    return "" if kind is None else str(getattr(value, kind))[:MAX_WORD]
