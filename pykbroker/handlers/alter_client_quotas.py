"""AlterClientQuotas (key 49): set and remove quotas of users, client ids and addresses (KIP-546).

Served: v0-v1. An entity's quotas change together or not at all; one that is named twice does not change.
"""

from __future__ import annotations

import ipaddress

import trio

from pykbroker import client_quotas
from pykbroker.client_quotas import Op
from pykbroker.context import RequestContext
from pykbroker.errors import BrokerError
from pykbroker.metadata.image import MetadataImage, QuotaEntity
from wire.api.alter_client_quotas import AlterClientQuotasRequest, AlterClientQuotasResponse
from wire.errors import ErrorCode

Asked = AlterClientQuotasRequest.EntryData
Result = AlterClientQuotasResponse.EntryData


async def handle(request: AlterClientQuotasRequest, ctx: RequestContext) -> AlterClientQuotasResponse:
    errors: dict[QuotaEntity, BrokerError | None] = {}
    changes: dict[QuotaEntity, list[Op]] = {}
    for asked in request.entries:
        entity = entity_of(asked)
        ops = [Op(op.key, None if op.remove else op.value) for op in asked.ops]
        is_twice = entity in errors or len({op.key for op in ops}) < len(ops)
        errors[entity] = await refusal(entity, is_twice=is_twice)
        changes[entity] = ops

    def decide(image: MetadataImage) -> MetadataImage:
        decided = {}
        for entity, ops in changes.items():
            try:
                if errors[entity] is None:
                    decided[entity] = client_quotas.altered(image, entity, ops)
            except BrokerError as error:
                errors[entity] = error
        return image if request.validate_only or not decided else image.with_client_quotas(decided)

    await ctx.broker.controller.change(decide)
    return AlterClientQuotasResponse(entries=[result(entity, error) for entity, error in errors.items()])


def error_response(
    request: AlterClientQuotasRequest, error: BrokerError, _ctx: RequestContext
) -> AlterClientQuotasResponse:
    return AlterClientQuotasResponse(entries=[result(entity_of(asked), error) for asked in request.entries])


def entity_of(asked: Asked) -> QuotaEntity:
    return client_quotas.entity_of((part.entity_type, part.entity_name) for part in asked.entity)


async def refusal(entity: QuotaEntity, *, is_twice: bool) -> BrokerError | None:
    """What is wrong with an entity whatever its quotas."""
    if is_twice:
        message = f"Ignoring duplicate entity {client_quotas.shown(entity)}"
        return BrokerError(ErrorCode.INVALID_REQUEST, message)
    try:
        client_quotas.check_entity(entity)
    except BrokerError as error:
        return error
    for kind, name in entity:
        if kind == client_quotas.IP and name is not None and not await is_resolvable(name):
            return BrokerError(ErrorCode.INVALID_REQUEST, f"{name} is not a valid IP or resolvable host.")
    return None


async def is_resolvable(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        try:
            await trio.socket.getaddrinfo(host, None)
        except (OSError, UnicodeError):
            return False
    return True


def result(entity: QuotaEntity, error: BrokerError | None) -> Result:
    return Result(
        error_code=0 if error is None else error.code,
        error_message=None if error is None else error.message,
        entity=[Result.EntityData(entity_type=kind, entity_name=name) for kind, name in entity],
    )
