"""GetTelemetrySubscriptions and PushTelemetry, as a client asks them."""

from __future__ import annotations

import pytest
from opentelemetry.proto.metrics.v1.metrics_pb2 import (
    Gauge,
    Metric,
    MetricsData,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
)

from pykbroker.testing import NOW_MS, InMemoryBroker, in_memory_broker
from wire.api.api_versions import ApiVersionsRequest
from wire.api.get_telemetry_subscriptions import GetTelemetrySubscriptionsRequest, GetTelemetrySubscriptionsResponse
from wire.api.incremental_alter_configs import IncrementalAlterConfigsRequest
from wire.api.push_telemetry import PushTelemetryRequest
from wire.compression import Codec, compress
from wire.errors import ErrorCode
from wire.registry import ApiKey
from wire.types import ZERO_UUID

METRICS = MetricsData(
    resource_metrics=[
        ResourceMetrics(
            scope_metrics=[
                ScopeMetrics(metrics=[Metric(name="m", gauge=Gauge(data_points=[NumberDataPoint(as_int=7)]))])
            ]
        )
    ]
).SerializeToString()


async def subscribe(broker: InMemoryBroker, **configs: str) -> None:
    resource = IncrementalAlterConfigsRequest.AlterConfigsResource
    changes = [
        resource.AlterableConfig(name=name.replace("_", "."), config_operation=0, value=value)
        for name, value in configs.items()
    ]
    asked = [resource(resource_type=16, resource_name="s", configs=changes)]
    answer = await broker.ask(IncrementalAlterConfigsRequest(resources=asked, validate_only=False), 1)
    assert 0 == answer.responses[0].error_code, answer


async def asked(broker: InMemoryBroker) -> GetTelemetrySubscriptionsResponse:
    answer = await broker.ask(GetTelemetrySubscriptionsRequest(client_instance_id=ZERO_UUID), 0)
    assert isinstance(answer, GetTelemetrySubscriptionsResponse)
    return answer


async def push(broker: InMemoryBroker, told: GetTelemetrySubscriptionsResponse, metrics: bytes, codec: Codec) -> int:
    request = PushTelemetryRequest(
        client_instance_id=told.client_instance_id,
        subscription_id=told.subscription_id,
        terminating=False,
        compression_type=codec,
        metrics=metrics,
    )
    code: int = (await broker.ask(request, 0)).error_code
    return code


async def test_a_client_is_told_what_to_push_and_how(broker: InMemoryBroker) -> None:
    await subscribe(broker, metrics="org.apache.kafka.", interval_ms="60000", match="client_software_name=java")
    assert [] == (await asked(broker)).requested_metrics

    await broker.ask(ApiVersionsRequest(client_software_name="java", client_software_version="1"), 3)
    told = await asked(broker)

    assert (["org.apache.kafka."], 60_000, 1_048_576, True, [4, 3, 1, 2]) == (
        told.requested_metrics,
        told.push_interval_ms,
        told.telemetry_max_bytes,
        told.delta_temporality,
        told.accepted_compression_types,
    )


async def test_who_comes_too_soon_is_throttled(broker: InMemoryBroker) -> None:
    told = await asked(broker)

    again = await broker.ask(GetTelemetrySubscriptionsRequest(client_instance_id=told.client_instance_id), 0)

    assert ErrorCode.THROTTLING_QUOTA_EXCEEDED == again.error_code


@pytest.mark.parametrize("codec", list(Codec))
async def test_what_is_pushed_is_received(broker: InMemoryBroker, codec: Codec) -> None:
    told = await asked(broker)

    assert 0 == await push(broker, told, compress(codec, METRICS), codec)

    (client,) = broker.broker.client_metrics.clients(NOW_MS)
    assert {("m", ()): 7.0} == client.gauges
    assert "test" == client.attributes["client_id"]


async def test_what_cannot_be_read_is_an_invalid_record(broker: InMemoryBroker) -> None:
    assert ErrorCode.INVALID_RECORD == await push(broker, await asked(broker), b"\xff\xff", Codec.NONE)
    assert ErrorCode.INVALID_RECORD == await push(broker, await asked(broker), METRICS, Codec.GZIP)
    assert [] == list(broker.broker.client_metrics.clients(NOW_MS))


async def test_a_push_of_nothing_is_none(broker: InMemoryBroker) -> None:
    assert 0 == await push(broker, await asked(broker), b"", Codec.GZIP)


@pytest.mark.parametrize(("is_open", "is_wanted"), [(True, True), (False, True), (True, False)])
async def test_clients_are_told_of_it_where_somebody_reads_what_they_push_and_wants_it(
    broker: InMemoryBroker, is_open: bool, is_wanted: bool
) -> None:
    broker.broker.client_metrics.is_open = is_open
    if is_wanted:
        await subscribe(broker, metrics="org.apache.kafka.")

    response = await broker.ask(ApiVersionsRequest(client_software_name="x", client_software_version="1"), 4)

    both = {ApiKey.GET_TELEMETRY_SUBSCRIPTIONS, ApiKey.PUSH_TELEMETRY}
    assert (both if is_open and is_wanted else set()) == both & {each.api_key for each in response.api_keys}


async def test_telemetry_max_bytes_is_told_and_held_to() -> None:
    async with in_memory_broker({"telemetry.max.bytes": "100"}) as broker:
        told = await asked(broker)
        assert 100 == told.telemetry_max_bytes

        assert ErrorCode.TELEMETRY_TOO_LARGE == await push(broker, told, bytes(101), Codec.NONE)
