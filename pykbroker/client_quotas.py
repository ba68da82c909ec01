"""Client quotas: whose, how much, and which of them a filter means (KIP-546, KIP-612).

Whose is an entity: a user, a client id, both, or an IP address; a name of None is the default for all that have no
quota of their own. Whom they hold back is in `quotas.py`, and for addresses in `connection_rates.py`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from pykbroker.errors import BrokerError
from pykbroker.metadata.image import MetadataImage, QuotaEntity
from wire.errors import ErrorCode

USER, CLIENT_ID, IP = "user", "client-id", "ip"
TYPES = (CLIENT_ID, USER, IP)  # in the order in which Kafka names them

PRODUCER_BYTE_RATE, CONSUMER_BYTE_RATE = "producer_byte_rate", "consumer_byte_rate"
REQUEST_PERCENTAGE = "request_percentage"
CONTROLLER_MUTATION_RATE = "controller_mutation_rate"
CONNECTION_CREATION_RATE = "connection_creation_rate"

_LIMITS = {"INT": 2**31 - 1, "LONG": 2**63 - 1, "DOUBLE": math.inf}
_OF_CLIENTS = {
    PRODUCER_BYTE_RATE: "LONG",
    CONSUMER_BYTE_RATE: "LONG",
    REQUEST_PERCENTAGE: "DOUBLE",
    CONTROLLER_MUTATION_RATE: "DOUBLE",
}
_OF_ADDRESSES = {CONNECTION_CREATION_RATE: "INT"}

EXACT, DEFAULT, SPECIFIED = 0, 1, 2


class Op(NamedTuple):
    key: str
    value: float | None  # None removes it


class Component(NamedTuple):
    """What a filter says of one part of an entity."""

    type: str
    match_type: int
    match: str | None


def entity_of(parts: Iterable[tuple[str, str | None]]) -> QuotaEntity:
    return tuple(sorted(dict(parts).items(), key=lambda part: TYPES.index(part[0]) if part[0] in TYPES else len(TYPES)))


def shown(entity: QuotaEntity) -> str:
    parts = ", ".join(f"{kind}={'null' if name is None else name}" for kind, name in entity)
    return f"ClientQuotaEntity(entries={{{parts}}})"


def check_entity(entity: QuotaEntity) -> None:
    if not entity:
        raise _invalid("Invalid empty client quota entity")
    for kind, name in entity:
        if kind not in TYPES:
            raise _invalid(f"Unhandled client quota entity type: {kind}")
        if name == "":
            raise _invalid(f"Empty {kind} not supported")
    if len(entity) > 1 and any(kind == IP for kind, _ in entity):
        message = "Invalid quota entity combination, IP entity shouldnot be combined with User or ClientId"
        raise _invalid(message)


def altered(image: MetadataImage, entity: QuotaEntity, ops: Sequence[Op]) -> Mapping[str, float]:
    """The entity's quotas after these changes; raises BrokerError."""
    check_entity(entity)
    keys = _OF_ADDRESSES if entity[0][0] == IP else _OF_CLIENTS
    quotas = dict(image.client_quotas.get(entity, {}))
    for op in ops:
        if op.value is None:
            quotas.pop(op.key, None)
        else:
            quotas[op.key] = _checked(op.key, op.value, keys)
    return quotas


def _checked(key: str, value: float, keys: Mapping[str, str]) -> float:
    if key not in keys:
        raise _invalid(f"Invalid configuration key {key}")
    if not value > 0:
        raise _invalid(f"Quota {key} must be greater than 0")
    kind = keys[key]
    if value > _LIMITS[kind]:
        raise _invalid(f"Proposed value for {key} is too large for a{'n' if kind == 'INT' else ''} {kind}.")
    if kind != "DOUBLE" and value != int(value):
        raise _invalid(f"{key} cannot be a fractional value.")
    return value


def matching(
    image: MetadataImage, components: Sequence[Component], *, strict: bool
) -> list[tuple[QuotaEntity, Mapping[str, float]]]:
    """The quotas of the entities that have these parts, and, if strict, no others. Raises BrokerError."""
    _check_filter(components)
    return [
        (entity, quotas)
        for entity, quotas in image.client_quotas.items()
        if all(_matches(component, entity) for component in components)
        and (not strict or len(entity) == len(components))
    ]


def _matches(component: Component, entity: QuotaEntity) -> bool:
    parts = dict(entity)
    if component.type not in parts:
        return False
    # A specified match is any name, the default too.
    return component.match_type == SPECIFIED or parts[component.type] == component.match


def _check_filter(components: Sequence[Component]) -> None:
    seen: set[str] = set()
    for component in components:
        if not component.type:
            raise _invalid("Invalid empty entity type.")
        if component.type in seen:
            raise _invalid(f"Entity type {component.type} cannot appear more than once in the filter.")
        if component.type not in TYPES:
            raise BrokerError(ErrorCode.UNSUPPORTED_VERSION, f"Unsupported entity type {component.type}")
        seen.add(component.type)
        _check_match(component)
    if IP in seen and len(seen) > 1:
        message = (
            "Invalid entity filter component combination. IP filter component should not be used with user or clientId "
            "filter component."
        )
        raise _invalid(message)


def _check_match(component: Component) -> None:
    name = {EXACT: "EXACT", DEFAULT: "DEFAULT", SPECIFIED: "SPECIFIED"}.get(component.match_type)
    if name is None:
        raise _invalid(f"Unknown match type {component.match_type}")
    if component.match_type == EXACT and component.match is None:
        raise _invalid("Request specified MATCH_TYPE_EXACT, but set match string to null.")
    if component.match_type != EXACT and component.match is not None:
        raise _invalid(f"Request specified MATCH_TYPE_{name}, but also specified a match string.")


def _invalid(message: str) -> BrokerError:
    return BrokerError(ErrorCode.INVALID_REQUEST, message)
