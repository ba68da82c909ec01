"""CreatePartitions (key 37): topics grow to a number of partitions (KIP-195).

Served: v0-v3.

v3  THROTTLING_QUOTA_EXCEEDED, before that only silence afterwards (KIP-599)

With no time at all (`timeout_ms` of 0 or less) nothing is made.
"""

from __future__ import annotations

from pykbroker.context import RequestContext
from pykbroker.controller import NewPartitions
from pykbroker.errors import BrokerError
from wire.api.create_partitions import CreatePartitionsRequest, CreatePartitionsResponse
from wire.errors import ErrorCode

Asked = CreatePartitionsRequest.CreatePartitionsTopic
Result = CreatePartitionsResponse.CreatePartitionsTopicResult

FIRST_WITH_STRICT_QUOTA = 3


async def handle(request: CreatePartitionsRequest, ctx: RequestContext) -> CreatePartitionsResponse:
    if request.timeout_ms <= 0:
        raise BrokerError(ErrorCode.REQUEST_TIMED_OUT)
    charge = ctx.broker.quotas.mutations(ctx.usage, is_strict=ctx.api_version >= FIRST_WITH_STRICT_QUOTA)
    grown = await ctx.broker.controller.create_partitions(
        [new_partitions(topic) for topic in request.topics], validate_only=request.validate_only, charge=charge
    )
    return CreatePartitionsResponse(
        results=[Result(name=each.name) if each.error is None else failed(each.name, each.error) for each in grown]
    )


def error_response(
    request: CreatePartitionsRequest, error: BrokerError, _ctx: RequestContext
) -> CreatePartitionsResponse:
    return CreatePartitionsResponse(results=[failed(topic.name, error) for topic in request.topics])


def new_partitions(topic: Asked) -> NewPartitions:
    assignments = None if topic.assignments is None else [each.broker_ids for each in topic.assignments]
    return NewPartitions(topic.name, topic.count, assignments)


def failed(name: str, error: BrokerError) -> Result:
    # Without words of its own an error has none on the wire.
    message = None if error.message == error.code.message else error.message
    return Result(name=name, error_code=error.code, error_message=message)
