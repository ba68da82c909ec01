"""DescribeClientQuotas (key 48): the quotas that match a filter (KIP-546). Served: v0-v1."""

from __future__ import annotations

from pykbroker import client_quotas
from pykbroker.client_quotas import Component
from pykbroker.context import RequestContext
from pykbroker.errors import BrokerError
from wire.api.describe_client_quotas import DescribeClientQuotasRequest, DescribeClientQuotasResponse

Entry = DescribeClientQuotasResponse.EntryData


def handle(request: DescribeClientQuotasRequest, ctx: RequestContext) -> DescribeClientQuotasResponse:
    components = [Component(each.entity_type, each.match_type, each.match) for each in request.components]
    found = client_quotas.matching(ctx.broker.image, components, strict=request.strict)
    entries = [
        Entry(
            entity=[Entry.EntityData(entity_type=kind, entity_name=name) for kind, name in entity],
            values=[Entry.ValueData(key=key, value=value) for key, value in sorted(quotas.items())],
        )
        for entity, quotas in found
    ]
    return DescribeClientQuotasResponse(error_message="", entries=entries)


def error_response(
    _request: DescribeClientQuotasRequest, error: BrokerError, _ctx: RequestContext
) -> DescribeClientQuotasResponse:
    return DescribeClientQuotasResponse(error_code=error.code, error_message=error.message, entries=None)
