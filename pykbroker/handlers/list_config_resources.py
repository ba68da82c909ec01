"""ListConfigResources (key 74): what has settings (KIP-1142).

Served: v0-v1.

v0  ListClientMetricsResources: client metrics subscriptions only (KIP-1000)

Topics and brokers are listed whether anything is set for them or not, groups and subscriptions only where it is.
"""

from __future__ import annotations

from collections.abc import Iterable

from pykbroker.config.resources import ResourceType
from pykbroker.context import RequestContext
from pykbroker.errors import BrokerError
from pykbroker.metadata.image import MetadataImage
from wire.api.list_config_resources import ListConfigResourcesRequest, ListConfigResourcesResponse
from wire.errors import ErrorCode

Found = ListConfigResourcesResponse.ConfigResource


def handle(request: ListConfigResourcesRequest, ctx: RequestContext) -> ListConfigResourcesResponse:
    kinds = set(request.resource_types) if ctx.api_version > 0 else {ResourceType.CLIENT_METRICS}
    if not kinds <= set(ResourceType):
        raise BrokerError(ErrorCode.UNSUPPORTED_VERSION)
    return ListConfigResourcesResponse(
        config_resources=[
            Found(resource_name=name, resource_type=kind)
            for kind in ResourceType
            if not kinds or kind in kinds
            for name in names(kind, ctx.broker.image)
        ]
    )


def error_response(
    _request: ListConfigResourcesRequest, error: BrokerError, _ctx: RequestContext
) -> ListConfigResourcesResponse:
    return ListConfigResourcesResponse(error_code=error.code, config_resources=[])


def names(kind: ResourceType, image: MetadataImage) -> Iterable[str]:
    if kind == ResourceType.TOPIC:
        return image.topics
    if kind == ResourceType.GROUP:
        return image.group_configs
    if kind == ResourceType.CLIENT_METRICS:
        return image.client_metrics_configs
    return (str(node_id) for node_id in image.nodes)
