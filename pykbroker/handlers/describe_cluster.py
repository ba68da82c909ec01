"""DescribeCluster (key 60): cluster id, controller and brokers (KIP-700).

Served: v0-v2.

v1  endpoint type: brokers or controllers (KIP-919); a client's listener knows brokers only
v2  fenced brokers too, if asked for (KIP-1073); there are none here: a node is in the metadata while it is alive
"""

from __future__ import annotations

from pykbroker.authorized_operations import CLUSTER_OPERATIONS, NOT_ASKED_FOR
from pykbroker.context import RequestContext
from pykbroker.errors import BrokerError
from pykbroker.reachability import reachable_nodes
from wire.api.describe_cluster import DescribeClusterRequest, DescribeClusterResponse
from wire.errors import ErrorCode

BROKERS, CONTROLLERS = 1, 2


def handle(request: DescribeClusterRequest, ctx: RequestContext) -> DescribeClusterResponse:
    if request.endpoint_type == CONTROLLERS:
        message = "The request was sent to an endpoint of type BROKER, but we wanted an endpoint of type CONTROLLER"
        raise BrokerError(ErrorCode.MISMATCHED_ENDPOINT_TYPE, message)
    if request.endpoint_type != BROKERS:
        message = f"Unsupported endpoint type {request.endpoint_type}"
        raise BrokerError(ErrorCode.UNSUPPORTED_ENDPOINT_TYPE, message)
    image = ctx.broker.image
    return DescribeClusterResponse(
        cluster_id=image.cluster_id,
        controller_id=image.controller_id,
        brokers=[
            DescribeClusterResponse.DescribeClusterBroker(broker_id=node.id, host=host, port=port, rack=node.rack)
            for node, host, port in reachable_nodes(image, ctx)
        ],
        cluster_authorized_operations=(
            CLUSTER_OPERATIONS if request.include_cluster_authorized_operations else NOT_ASKED_FOR
        ),
    )


def error_response(
    _request: DescribeClusterRequest, error: BrokerError, _ctx: RequestContext
) -> DescribeClusterResponse:
    return DescribeClusterResponse(error_code=error.code, error_message=error.message, cluster_id="", brokers=[])
