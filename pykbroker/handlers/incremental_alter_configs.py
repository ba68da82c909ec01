"""IncrementalAlterConfigs (key 44): set, delete, append to and subtract from single settings (KIP-339).

Served: v0-v1. A resource is changed as a whole or not at all; a change takes effect before the answer leaves.
"""

from __future__ import annotations

from collections.abc import Callable

from pykbroker.config import alteration, changes, loggers
from pykbroker.config.resources import ConfigOp, Operation, Resource, ResourceType
from pykbroker.context import RequestContext
from pykbroker.errors import BrokerError
from pykbroker.metadata.image import Configs, MetadataImage
from wire.api.incremental_alter_configs import IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse

Asked = IncrementalAlterConfigsRequest.AlterConfigsResource
Result = IncrementalAlterConfigsResponse.AlterConfigsResourceResponse


async def handle(request: IncrementalAlterConfigsRequest, ctx: RequestContext) -> IncrementalAlterConfigsResponse:
    def change_of(asked: Asked, resource: Resource) -> Callable[[MetadataImage], Configs] | None:
        ops = [ConfigOp(config.name, config.config_operation, config.value) for config in asked.configs]
        alteration.refuse_repeated(op.name for op in ops)
        alteration.refuse_null(op.name for op in ops if op.value is None and op.operation != Operation.DELETE)
        alteration.refuse_unknown(resource)
        if resource.type == ResourceType.BROKER_LOGGER:
            loggers.alter(resource.name, ops, node_id=ctx.broker.node_id, validate_only=request.validate_only)
            return None
        return lambda image: changes.changed(image, ctx.broker.settings, resource, ops)

    errors = await alteration.alter(request.resources, change_of, ctx, validate_only=request.validate_only)
    results = [result(asked, error) for asked, error in zip(request.resources, errors, strict=True)]
    return IncrementalAlterConfigsResponse(responses=results)


def error_response(
    request: IncrementalAlterConfigsRequest, error: BrokerError, _ctx: RequestContext
) -> IncrementalAlterConfigsResponse:
    return IncrementalAlterConfigsResponse(responses=[result(asked, error) for asked in request.resources])


def result(asked: Asked, error: BrokerError | None) -> Result:
    answer = Result(resource_type=asked.resource_type, resource_name=asked.resource_name)
    if error is not None:
        answer.error_code = error.code
        answer.error_message = error.own_message
    return answer
