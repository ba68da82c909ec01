"""`pykbroker configs`: show and change what is set for a topic, broker or group, with the flags of kafka-configs."""

from __future__ import annotations

import argparse

from pykbroker.config_resources import Operation, ResourceType
from pykbroker.console.client import Client, CommandError, check
from pykbroker.console.output import Row, rendered
from wire.api.describe_configs import DescribeConfigsRequest
from wire.api.incremental_alter_configs import IncrementalAlterConfigsRequest

TYPES = {
    "topics": ResourceType.TOPIC,
    "brokers": ResourceType.BROKER,
    "groups": ResourceType.GROUP,
    "client-metrics": ResourceType.CLIENT_METRICS,
    "broker-loggers": ResourceType.BROKER_LOGGER,
}
SOURCES = (
    "unknown", "topic", "broker", "all brokers", "server.properties", "default", "logger", "client metrics", "group",
)  # fmt: skip
STATIC, DEFAULT = 4, 5


def run(options: argparse.Namespace) -> int:
    with Client(options.bootstrap_server) as client:
        if options.verb == "alter":
            alter(client, options)
        else:
            describe(client, options)
    return 0


def describe(client: Client, options: argparse.Namespace) -> None:
    wanted = DescribeConfigsRequest.DescribeConfigsResource(
        resource_type=TYPES[options.entity_type], resource_name=options.entity_name, configuration_keys=None
    )
    [result] = client.ask(DescribeConfigsRequest(resources=[wanted])).results
    check(result.error_code, result.error_message, f"cannot describe {options.entity_type} {options.entity_name}")
    rows: list[Row] = [
        {"name": each.name, "value": each.value, "source": SOURCES[each.config_source]}
        for each in sorted(result.configs, key=lambda each: str(each.name))
        if options.all or each.config_source not in (STATIC, DEFAULT)
    ]
    print(rendered(rows, as_json=options.json))


def alter(client: Client, options: argparse.Namespace) -> None:
    if not options.add_config and not options.delete_config:
        raise CommandError("--alter needs --add-config or --delete-config", 2)
    resource = IncrementalAlterConfigsRequest.AlterConfigsResource
    changes = [(name, Operation.SET, value) for name, value in options.add_config]
    wanted = resource(
        resource_type=TYPES[options.entity_type],
        resource_name=options.entity_name,
        configs=[
            resource.AlterableConfig(name=name, config_operation=operation, value=value)
            for name, operation, value in [
                *changes,
                *((name, Operation.DELETE, None) for name in options.delete_config),
            ]
        ],
    )
    [result] = client.ask(IncrementalAlterConfigsRequest(resources=[wanted], validate_only=False)).responses
    check(result.error_code, result.error_message, f"cannot alter {options.entity_type} {options.entity_name}")
