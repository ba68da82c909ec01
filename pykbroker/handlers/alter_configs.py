"""AlterConfigs (key 33): replace all settings of a resource (KIP-133); clients prefer IncrementalAlterConfigs.

Served: v0-v2. A resource named twice is refused as by IncrementalAlterConfigs; Kafka 4.3 never answers that.
"""

from __future__ import annotations

from collections.abc import Callable

from pykbroker.config import alteration, changes
from pykbroker.config.resources import Resource, ResourceType
from pykbroker.context import RequestContext
from pykbroker.errors import BrokerError
from pykbroker.metadata.image import Configs, MetadataImage
from wire.api.alter_configs import AlterConfigsRequest, AlterConfigsResponse

Asked = AlterConfigsRequest.AlterConfigsResource
Result = AlterConfigsResponse.AlterConfigsResourceResponse

# A logger's levels are changed one by one only.
REPLACEABLE = tuple(kind for kind in ResourceType if kind != ResourceType.BROKER_LOGGER)


async def handle(request: AlterConfigsRequest, ctx: RequestContext) -> AlterConfigsResponse:
    def change_of(asked: Asked, resource: Resource) -> Callable[[MetadataImage], Configs]:
        alteration.refuse_repeated(config.name for config in asked.configs)
        alteration.refuse_null(config.name for config in asked.configs if config.value is None)
        alteration.refuse_unknown(resource, REPLACEABLE)
        configs = {config.name: config.value for config in asked.configs if config.value is not None}
        return lambda image: changes.replaced(image, ctx.broker.settings, resource, configs)

    errors = await alteration.alter(request.resources, change_of, ctx, validate_only=request.validate_only)
    return AlterConfigsResponse(responses=list(map(result, request.resources, errors)))


def error_response(request: AlterConfigsRequest, error: BrokerError, _ctx: RequestContext) -> AlterConfigsResponse:
    return AlterConfigsResponse(responses=[result(asked, error) for asked in request.resources])


def result(asked: Asked, error: BrokerError | None) -> Result:
    code, message = (0, None) if error is None else (error.code, error.own_message)
    return Result(
        error_code=code, error_message=message, resource_type=asked.resource_type, resource_name=asked.resource_name
    )
