"""StreamsGroupHeartbeat (key 88): be a member of a streams group, whose tasks the coordinator assigns (KIP-1071).

Served: v0.

A topology's internal topics that are missing are made here; the member learns with its next heartbeat that they are
there, or why not, as with Kafka. What could not be made is left alone for two heartbeats' time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pykbroker import features
from pykbroker.context import RequestContext
from pykbroker.controller import BROKER_DEFAULT, NewTopic, check_partition_count
from pykbroker.coordinator.decision import Caller
from pykbroker.coordinator.groups.streams.configuring import InternalTopic, StatusCode
from pykbroker.coordinator.groups.streams.heartbeat import heartbeat
from pykbroker.coordinator.groups.streams.topology import UNDEFINED
from pykbroker.coordinator.java import printed_address
from pykbroker.coordinator.share_coordinator import settled
from pykbroker.errors import BrokerError
from wire.api.streams_group_heartbeat import StreamsGroupHeartbeatRequest, StreamsGroupHeartbeatResponse
from wire.errors import ErrorCode

FEATURE = "streams.version"
MOST_TOLD = 3  # failures, in a status


async def handle(request: StreamsGroupHeartbeatRequest, ctx: RequestContext) -> StreamsGroupHeartbeatResponse:
    check_served(ctx)
    caller = Caller(ctx.client_id, printed_address(ctx.client_host), ctx.api_version)
    groups = ctx.broker.groups
    told = await settled(
        groups.write(request.group_id, lambda shard, now_ms: heartbeat(shard, request, caller, now_ms))
    )
    if told.missing:
        failures = groups.topic_failures.of([topic.name for topic in told.missing], ctx.broker.clock_ms())
        untried = [topic for topic in told.missing if topic.name not in failures]
        if untried:
            await _make(untried, told.response, ctx)
        if failures:
            _add_failures(told.response, failures)
    return told.response


def check_served(ctx: RequestContext) -> None:
    """Raises BrokerError."""
    if not features.level(ctx.broker.image, FEATURE) or not ctx.broker.groups.config.streams.is_served:
        raise BrokerError(ErrorCode.UNSUPPORTED_VERSION)


async def _make(missing: Sequence[InternalTopic], response: StreamsGroupHeartbeatResponse, ctx: RequestContext) -> None:
    topics = [
        NewTopic(
            topic.name,
            partition_count=topic.partition_count,
            replication_factor=BROKER_DEFAULT if topic.replication_factor == UNDEFINED else topic.replication_factor,
            configs=topic.configs,
        )
        for topic in missing
    ]
    until_ms = ctx.broker.clock_ms() + 2 * response.heartbeat_interval_ms
    for name, error in (await _created(topics, ctx)).items():
        # Another member's heartbeat may have been faster.
        if error.code != ErrorCode.TOPIC_ALREADY_EXISTS:
            ctx.broker.groups.topic_failures.note(name, error.message, until_ms)


async def _created(topics: Sequence[NewTopic], ctx: RequestContext) -> dict[str, BrokerError]:
    """What could not be."""
    try:
        check_partition_count(sum(topic.partition_count for topic in topics))
        results = await ctx.broker.controller.create_topics(topics)
    except BrokerError as error:
        return {topic.name: error for topic in topics}
    return {result.name: result.error for result in results if result.error is not None}


def _add_failures(response: StreamsGroupHeartbeatResponse, failures: Mapping[str, str]) -> None:
    told = [f"{topic} ({reason})" for topic, reason in failures.items()]
    more = len(told) - MOST_TOLD
    listed = ", ".join(told[:MOST_TOLD]) + (f" and {more} more" if more > 0 else "")
    for status in response.status or ():
        if status.status_code == StatusCode.MISSING_INTERNAL_TOPICS:
            status.status_detail += f"; Creation failed: {listed}."


def error_response(
    _request: StreamsGroupHeartbeatRequest, error: BrokerError, _ctx: RequestContext
) -> StreamsGroupHeartbeatResponse:
    has_words = error.message != error.code.message
    return StreamsGroupHeartbeatResponse(
        error_code=error.code,
        error_message=error.message if has_words else None,
        member_id="",
        member_epoch=0,
        heartbeat_interval_ms=0,
        acceptable_recovery_lag=0,
        task_offset_interval_ms=0,
        status=(),
        endpoint_information_epoch=0,
    )
