"""What is set for a topic, a broker, a group: asked for by name, for the commands that show it."""

from __future__ import annotations

from collections.abc import Sequence

from pykbroker.config.resources import ResourceType
from pykbroker.console.client import Client, check
from wire.api.describe_configs import DescribeConfigsRequest, DescribeConfigsResponse

TOPIC = ResourceType.TOPIC
Entry = DescribeConfigsResponse.DescribeConfigsResult.DescribeConfigsResourceResult


def described(client: Client, kind: ResourceType, names: Sequence[str]) -> dict[str, list[Entry]]:
    """By name; raises CommandError if one is not there."""
    wanted = DescribeConfigsRequest.DescribeConfigsResource
    resources = [wanted(resource_type=kind, resource_name=name, configuration_keys=None) for name in names]
    told = {}
    for result in client.ask(DescribeConfigsRequest(resources=resources)).results if resources else ():
        what = f"cannot describe {kind.name.lower().replace('_', ' ')} {result.resource_name}".rstrip()
        check(result.error_code, result.error_message, what)
        told[result.resource_name] = sorted(result.configs, key=lambda each: str(each.name))
    return told
