"""GetTelemetrySubscriptions and PushTelemetry: nothing is wanted, and what comes nevertheless is checked."""

from __future__ import annotations

import pytest

from pykbroker.handlers.get_telemetry_subscriptions import SUBSCRIPTION_ID
from pykbroker.testing import InMemoryBroker, in_memory_broker
from wire.api.api_versions import ApiVersionsRequest
from wire.api.get_telemetry_subscriptions import GetTelemetrySubscriptionsRequest
from wire.api.push_telemetry import PushTelemetryRequest
from wire.errors import ErrorCode
from wire.registry import ApiKey
from wire.types import ZERO_UUID

ID = bytes(range(16))


async def test_a_client_gets_an_id_and_is_asked_for_nothing(broker: InMemoryBroker) -> None:
    first = await broker.ask(GetTelemetrySubscriptionsRequest(client_instance_id=ZERO_UUID), 0)
    again = await broker.ask(GetTelemetrySubscriptionsRequest(client_instance_id=first.client_instance_id), 0)

    assert first.client_instance_id not in (ZERO_UUID, ID)
    assert first == again
    assert [] == first.requested_metrics


@pytest.mark.parametrize(
    ("client", "subscription", "codec", "size", "code"),
    [
        (ID, SUBSCRIPTION_ID, 0, 10, 0),
        (ZERO_UUID, SUBSCRIPTION_ID, 0, 10, ErrorCode.INVALID_REQUEST),
        (ID, SUBSCRIPTION_ID + 1, 0, 10, ErrorCode.UNKNOWN_SUBSCRIPTION_ID),
        (ID, SUBSCRIPTION_ID, 9, 10, ErrorCode.UNSUPPORTED_COMPRESSION_TYPE),
        (ID, SUBSCRIPTION_ID, 0, 101, ErrorCode.TELEMETRY_TOO_LARGE),
    ],
)
async def test_pushed_metrics_are_checked(client: bytes, subscription: int, codec: int, size: int, code: int) -> None:
    async with in_memory_broker({"telemetry.max.bytes": "100"}) as broker:
        request = PushTelemetryRequest(
            client_instance_id=client,
            subscription_id=subscription,
            terminating=False,
            compression_type=codec,
            metrics=bytes(size),
        )

        assert code == (await broker.ask(request, 0)).error_code


async def test_clients_are_not_told_of_them(broker: InMemoryBroker) -> None:
    response = await broker.ask(ApiVersionsRequest(client_software_name="x", client_software_version="1"), 4)

    told = {each.api_key for each in response.api_keys}
    assert {ApiKey.FETCH} == told & {ApiKey.FETCH, ApiKey.GET_TELEMETRY_SUBSCRIPTIONS, ApiKey.PUSH_TELEMETRY}
