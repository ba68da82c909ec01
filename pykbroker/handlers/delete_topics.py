"""DeleteTopics (key 20): topics leave, by name or by id.

Served: v0-v6. Kafka 4 has dropped v0, which is answered as Kafka 3.9 does.

v3  TOPIC_DELETION_DISABLED; before that INVALID_REQUEST (KIP-322)
v5  error messages; THROTTLING_QUOTA_EXCEEDED, before that only silence afterwards (KIP-599)
v6  topic ids (KIP-516)

A topic named twice, in whatever way, is left alone. With no time at all (`timeout_ms` of 0 or less) nothing is deleted.
"""

from __future__ import annotations

from collections import Counter

from pykbroker.context import RequestContext
from pykbroker.controller import TopicResult
from pykbroker.errors import BrokerError
from wire.api.delete_topics import DeleteTopicsRequest, DeleteTopicsResponse
from wire.errors import ErrorCode
from wire.types import ZERO_UUID

Asked = DeleteTopicsRequest.DeleteTopicState
Result = DeleteTopicsResponse.DeletableTopicResult

FIRST_WITH_DELETION_DISABLED = 3
FIRST_WITH_STRICT_QUOTA = 5


async def handle(request: DeleteTopicsRequest, ctx: RequestContext) -> DeleteTopicsResponse:
    if not ctx.broker.settings.bool("delete.topic.enable"):
        is_old = ctx.api_version < FIRST_WITH_DELETION_DISABLED
        raise BrokerError(ErrorCode.INVALID_REQUEST if is_old else ErrorCode.TOPIC_DELETION_DISABLED)
    results: list[Result] = []
    accepted: list[str | bytes] = []
    for topic, times in Counter((topic.name, topic.topic_id) for topic in asked_for(request)).items():
        name, topic_id = topic
        try:
            accepted.append(target(name, topic_id, times))
        except BrokerError as error:
            results.append(failed(name, topic_id, error))
    for name, topic_id in named_and_identified(request, ctx).items():
        accepted = [each for each in accepted if each not in (name, topic_id)]
        message = "The provided topic name maps to an ID that was already supplied."
        results.append(failed(name, topic_id, BrokerError(ErrorCode.INVALID_REQUEST, message)))
    charge = ctx.broker.quotas.mutations(ctx.usage, is_strict=ctx.api_version >= FIRST_WITH_STRICT_QUOTA)
    if accepted and request.timeout_ms <= 0:
        raise BrokerError(ErrorCode.REQUEST_TIMED_OUT)
    deleted = await ctx.broker.controller.delete_topics(accepted, charge=charge)
    results += [answer(target, result) for target, result in zip(accepted, deleted, strict=True)]
    return DeleteTopicsResponse(responses=results)


def error_response(request: DeleteTopicsRequest, error: BrokerError, _ctx: RequestContext) -> DeleteTopicsResponse:
    # Without words of its own an error of the whole request has none on the wire.
    message = None if error.message == error.code.message else error.message
    responses = [
        Result(name=topic.name, topic_id=topic.topic_id, error_code=error.code, error_message=message)
        for topic in asked_for(request)
    ]
    return DeleteTopicsResponse(responses=responses)


def asked_for(request: DeleteTopicsRequest) -> list[Asked]:
    """In the form of v6: before that there were only names."""
    return [*request.topics, *(Asked(name=name, topic_id=ZERO_UUID) for name in request.topic_names)]


def named_and_identified(request: DeleteTopicsRequest, ctx: RequestContext) -> dict[str, bytes]:
    """Topics asked for once by their name, and by their id as well."""
    names = Counter(topic.name for topic in asked_for(request) if topic.topic_id == ZERO_UUID)
    ids = {topic.topic_id for topic in asked_for(request) if topic.name is None}
    topics = [ctx.broker.image.topic(name) for name, times in names.items() if name is not None and times == 1]
    return {topic.name: topic.id for topic in topics if topic is not None and topic.id in ids}


def target(name: str | None, topic_id: bytes, times: int) -> str | bytes:
    """What the controller is to delete. Raises BrokerError."""
    has_id = topic_id != ZERO_UUID
    if name is not None and has_id:
        raise BrokerError(ErrorCode.INVALID_REQUEST, "You may not specify both topic name and topic id.")
    if name is None and not has_id:
        raise BrokerError(ErrorCode.INVALID_REQUEST, "Neither topic name nor id were specified.")
    if times > 1:
        raise BrokerError(ErrorCode.INVALID_REQUEST, f"Duplicate topic {'id' if name is None else 'name'}.")
    if name is None:
        return topic_id
    return name


def answer(asked: str | bytes, result: TopicResult) -> Result:
    name, topic_id = (asked, ZERO_UUID) if isinstance(asked, str) else (None, asked)
    if result.topic is None:
        assert result.error is not None
        return failed(name, topic_id, result.error)
    error_code = ErrorCode.NONE if result.error is None else result.error.code
    return Result(name=result.topic.name, topic_id=result.topic.id, error_code=error_code)


def failed(name: str | None, topic_id: bytes, error: BrokerError) -> Result:
    return Result(name=name, topic_id=topic_id, error_code=error.code, error_message=error.message)
