"""What has settings that can be changed while the broker runs, and what a change to one of them is.

A resource's own settings are text by name, as in `MetadataImage`; what they mean is `definitions`' to say.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import IntEnum
from typing import NamedTuple

from pykbroker.errors import BrokerError
from pykbroker.metadata.image import Configs, MetadataImage
from wire.errors import ErrorCode


class ResourceType(IntEnum):
    """Kafka's codes; those of the wire's other resources (groups as such, users) have no settings."""

    TOPIC = 2
    BROKER = 4  # by node id; "" is every broker
    BROKER_LOGGER = 8
    CLIENT_METRICS = 16
    GROUP = 32


class Resource(NamedTuple):
    type: int  # a ResourceType, once it was checked
    name: str


class Operation(IntEnum):
    SET = 0
    DELETE = 1
    APPEND = 2
    SUBTRACT = 3


class ConfigOp(NamedTuple):
    """One change to one setting; `operation` is as it came, and may be none of Kafka's."""

    name: str
    operation: int
    value: str | None


def node_id_of(name: str, what: str = "Node") -> int:
    """Of a broker as a resource, read as Java reads it: without white space. Raises BrokerError."""
    if not re.fullmatch(r"[+-]?[0-9]{1,10}", name):
        raise BrokerError(ErrorCode.INVALID_REQUEST, f"{what} id must be an integer, but it is: {name}")
    return int(name)


def own_configs(image: MetadataImage, resource: Resource) -> Configs:
    """What was set for the resource itself; a logger's level is not metadata."""
    return _of_all(image, resource.type).get(resource.name, {})


def group_configs(image: MetadataImage, node_id: int, group_id: str) -> Configs:
    """What was set while the brokers run: for the group, else for all (`group.consumer.assignment.interval.ms`)."""
    of_all = dynamic_broker_configs(image, node_id).items()
    own = image.group_configs.get(group_id, {})
    return {**{name.removeprefix("group."): text for name, text in of_all if name.startswith("group.")}, **own}


def dynamic_broker_configs(image: MetadataImage, node_id: int) -> Configs:
    """What was set for one broker, over what was set for all."""
    return {**image.broker_configs.get("", {}), **image.broker_configs.get(str(node_id), {})}


def with_own_configs(image: MetadataImage, configs: Mapping[Resource, Configs]) -> MetadataImage:
    """The image where these resources have these settings and no others."""
    for resource, own in configs.items():
        changed = {resource.name: own}
        if resource.type == ResourceType.TOPIC:
            image = image.with_topic_configs(changed)
        elif resource.type == ResourceType.BROKER:
            image = image.with_broker_configs(changed)
        elif resource.type == ResourceType.GROUP:
            image = image.with_group_configs(changed)
        else:
            assert resource.type == ResourceType.CLIENT_METRICS, resource
            image = image.with_client_metrics_configs(changed)
    return image


def _of_all(image: MetadataImage, kind: int) -> Mapping[str, Configs]:
    return {
        ResourceType.TOPIC: image.topic_configs,
        ResourceType.BROKER: image.broker_configs,
        ResourceType.GROUP: image.group_configs,
        ResourceType.CLIENT_METRICS: image.client_metrics_configs,
    }[ResourceType(kind)]
