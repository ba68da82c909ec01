"""DescribeCluster: what Apache Kafka 4.3 was seen to answer."""

from __future__ import annotations

import pytest

from pykbroker.testing import CLUSTER_ID, InMemoryBroker
from wire.api.describe_cluster import DescribeClusterRequest, DescribeClusterResponse

Broker = DescribeClusterResponse.DescribeClusterBroker


@pytest.mark.parametrize("version", range(3))
@pytest.mark.parametrize(("included", "operations"), [(False, -2147483648), (True, 8096)])
async def test_a_cluster_is_its_id_and_its_brokers(
    broker: InMemoryBroker, version: int, included: bool, operations: int
) -> None:
    response = await broker.ask(DescribeClusterRequest(include_cluster_authorized_operations=included), version)

    expected = DescribeClusterResponse(
        cluster_id=CLUSTER_ID,
        controller_id=1,
        brokers=[Broker(broker_id=1, host="broker.example", port=9092, rack="r1")],
        cluster_authorized_operations=operations,
    )
    assert expected == response


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize(
    ("endpoint_type", "code", "message"),
    [
        (2, 114, "The request was sent to an endpoint of type BROKER, but we wanted an endpoint of type CONTROLLER"),
        (0, 115, "Unsupported endpoint type 0"),
        (3, 115, "Unsupported endpoint type 3"),
    ],
)
async def test_only_brokers_are_to_be_found_here(
    broker: InMemoryBroker, version: int, endpoint_type: int, code: int, message: str
) -> None:
    asked = DescribeClusterRequest(include_cluster_authorized_operations=False, endpoint_type=endpoint_type)

    response = await broker.ask(asked, version)

    assert DescribeClusterResponse(error_code=code, error_message=message, cluster_id="", brokers=[]) == response
