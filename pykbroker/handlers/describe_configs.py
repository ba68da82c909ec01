"""DescribeConfigs (key 32): the settings of topics, brokers, loggers, groups and client metrics (KIP-133).

Served: v0-v4. Kafka 4 has dropped v0, which is answered as Kafka 3.9 does.

v1  sources and synonyms (KIP-226) instead of is_default
v3  types and documentation (KIP-569)

A group or a subscription to client metrics need not be there: told then is what holds for all of them.
"""

from __future__ import annotations

from collections.abc import Iterable

from pykbroker import topic_names
from pykbroker.config import entries as config_entries
from pykbroker.config import loggers as config_loggers
from pykbroker.config import resources
from pykbroker.config.docs import documentation
from pykbroker.config.entries import ConfigEntry, ConfigSource
from pykbroker.context import RequestContext
from pykbroker.errors import BrokerError
from wire.api.describe_configs import DescribeConfigsRequest, DescribeConfigsResponse
from wire.errors import ErrorCode

Resource = DescribeConfigsRequest.DescribeConfigsResource
Result = DescribeConfigsResponse.DescribeConfigsResult
Config = Result.DescribeConfigsResourceResult
Synonym = Config.DescribeConfigsSynonym

TOPIC, BROKER, BROKER_LOGGER, CLIENT_METRICS, GROUP = 2, 4, 8, 16, 32
TYPES = ("UNKNOWN", "BOOLEAN", "STRING", "INT", "SHORT", "LONG", "DOUBLE", "LIST", "CLASS", "PASSWORD")


def handle(request: DescribeConfigsRequest, ctx: RequestContext) -> DescribeConfigsResponse:
    kinds = (TOPIC, BROKER, BROKER_LOGGER, CLIENT_METRICS, GROUP)
    if any(resource.resource_type not in kinds for resource in request.resources):
        raise BrokerError(ErrorCode.INVALID_REQUEST)
    return DescribeConfigsResponse(results=[describe_one(request, resource, ctx) for resource in request.resources])


def error_response(
    request: DescribeConfigsRequest, error: BrokerError, _ctx: RequestContext
) -> DescribeConfigsResponse:
    return DescribeConfigsResponse(
        results=[refused(resource, error, words=error.message) for resource in request.resources]
    )


def refused(resource: Resource, error: BrokerError, *, words: str | None) -> Result:
    return Result(
        error_code=error.code,
        error_message=words,
        resource_type=resource.resource_type,
        resource_name=resource.resource_name,
        configs=[],
    )


def describe_one(request: DescribeConfigsRequest, resource: Resource, ctx: RequestContext) -> Result:
    try:
        if resource.resource_type == BROKER_LOGGER:
            configs = loggers(resource, ctx)
        else:
            configs = [described(entry, request, ctx) for entry in entries(resource, ctx)]
    except BrokerError as error:
        return refused(resource, error, words=error.own_message or "")
    wanted = resource.configuration_keys
    return Result(
        error_message="",
        resource_type=resource.resource_type,
        resource_name=resource.resource_name,
        configs=[config for config in configs if not wanted or config.name in wanted],
    )


def entries(resource: Resource, ctx: RequestContext) -> Iterable[ConfigEntry]:
    name, settings, image = resource.resource_name, ctx.broker.settings, ctx.broker.image
    kind = resource.resource_type
    if kind == TOPIC:
        topic_names.check_name(name)
        if name not in image.topics:
            raise BrokerError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
        return config_entries.topic_entries(settings, image, name)
    if kind == GROUP:
        check_not_empty(name, "Group name")
        return config_entries.group_entries(settings, image, name)
    if kind == CLIENT_METRICS:
        check_not_empty(name, "Client metrics subscription name")
        return config_entries.client_metrics_entries(image, name)
    if not name:
        return config_entries.dynamic_default_entries(image)
    check_node(name, ctx, expected=f"{ctx.broker.node_id} or empty string, but")
    return config_entries.broker_entries(settings, image)


def described(entry: ConfigEntry, request: DescribeConfigsRequest, ctx: RequestContext) -> Config:
    config = Config(
        name=entry.definition.name,
        value=entry.value,
        read_only=entry.is_read_only,
        config_source=entry.source,
        is_sensitive=entry.definition.is_sensitive,
        synonyms=[Synonym(name=name, value=value, source=source) for name, value, source in shown(entry, request)],
        config_type=TYPES.index(entry.definition.type),
        documentation=documentation(entry.definition.name) if request.include_documentation else None,
    )
    if ctx.api_version == 0:
        config.is_default = entry.source == ConfigSource.DEFAULT
    return config


def shown(entry: ConfigEntry, request: DescribeConfigsRequest) -> tuple[config_entries.Synonym, ...]:
    return entry.synonyms if request.include_synonyms else ()


def loggers(resource: Resource, ctx: RequestContext) -> list[Config]:
    check_not_empty(resource.resource_name, "Broker id")
    check_node(resource.resource_name, ctx, expected=f"{ctx.broker.node_id} but")
    return [
        Config(
            name=name,
            value=level,
            read_only=False,
            config_source=ConfigSource.DYNAMIC_BROKER_LOGGER,
            is_sensitive=False,
        )
        for name, level in config_loggers.levels()
    ]


def check_not_empty(name: str, what: str) -> None:
    if not name:
        raise BrokerError(ErrorCode.INVALID_REQUEST, f"{what} must not be empty")


def check_node(name: str, ctx: RequestContext, *, expected: str) -> None:
    node_id = resources.node_id_of(name, "Broker")
    if node_id != ctx.broker.node_id:
        raise BrokerError(ErrorCode.INVALID_REQUEST, f"Unexpected broker id, expected {expected} received {node_id}")
