"""What AlterConfigs and IncrementalAlterConfigs share: each resource by itself, changed whole or not at all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol, TypeVar

from pykbroker.config.resources import Resource, ResourceType
from pykbroker.context import RequestContext
from pykbroker.errors import BrokerError
from pykbroker.metadata.image import Configs, MetadataImage
from wire.errors import ErrorCode


class Asked(Protocol):
    resource_type: int
    resource_name: str


A = TypeVar("A", bound=Asked)


async def alter(
    asked: Sequence[A],
    change_of: Callable[[A, Resource], Callable[[MetadataImage], Configs] | None],
    ctx: RequestContext,
    *,
    validate_only: bool,
) -> list[BrokerError | None]:
    """What went wrong with each. `change_of` gives nothing for what it has done by itself, and raises BrokerError."""
    times = Counter((each.resource_type, each.resource_name) for each in asked)
    changes: dict[Resource, Callable[[MetadataImage], Configs]] = {}
    errors: dict[tuple[int, str], BrokerError | None] = {}
    for each in asked:
        key = each.resource_type, each.resource_name
        errors[key] = None
        try:
            if times[key] > 1:
                raise BrokerError(ErrorCode.INVALID_REQUEST, "Each resource must appear at most once.")
            # A type that has no settings is refused by the change, which has more to say before that.
            resource = Resource(each.resource_type, each.resource_name)
            change = change_of(each, resource)
            if change is not None:
                changes[resource] = change
        except BrokerError as error:
            errors[key] = error
    for resource, failed in (await ctx.broker.controller.alter_configs(changes, validate_only=validate_only)).items():
        errors[resource.type, resource.name] = failed
    return [errors[each.resource_type, each.resource_name] for each in asked]


def refuse_repeated(names: Iterable[str]) -> None:
    names = list(names)
    if len(names) > len(set(names)):
        raise BrokerError(ErrorCode.INVALID_REQUEST, "Error due to duplicate config keys")


def refuse_null(names: Iterable[str]) -> None:
    if listed := ", ".join(names):
        raise BrokerError(ErrorCode.INVALID_REQUEST, f"Null value not supported for : {listed}")


def refuse_unknown(resource: Resource, known: Sequence[int] = tuple(ResourceType)) -> None:
    if resource.type not in known:
        raise BrokerError(ErrorCode.INVALID_REQUEST, f"Unknown resource type {int(resource.type)}")
