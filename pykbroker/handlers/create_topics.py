"""CreateTopics (key 19): make topics, with partitions placed by the broker or by hand, and settings of their own.

Served: v0-v7. Kafka 4 has dropped v0 and v1, which are answered as Kafka 3.9 does.

v1  validate_only, error messages
v4  -1 partitions or replicas: the broker's default (KIP-464); taken in older versions too, as Kafka does
v5  the new topic's partitions, replicas and settings in the answer (KIP-525)
v6  THROTTLING_QUOTA_EXCEEDED, before that only silence afterwards (KIP-599)
v7  topic ids (KIP-516)

A topic is usable when the answer leaves. With no time at all (`timeout_ms` of 0 or less) nothing is made.
"""

from __future__ import annotations

from pykbroker.config.entries import topic_value_source
from pykbroker.config.topics import effective_topic_config
from pykbroker.context import RequestContext
from pykbroker.controller import BROKER_DEFAULT, MAX_PARTITIONS_PER_REQUEST, NewTopic, TopicResult
from pykbroker.errors import BrokerError
from pykbroker.metadata.image import MetadataImage
from wire.api.create_topics import CreateTopicsRequest, CreateTopicsResponse
from wire.errors import ErrorCode

Asked = CreateTopicsRequest.CreatableTopic
Result = CreateTopicsResponse.CreatableTopicResult
Config = Result.CreatableTopicConfigs

FIRST_WITH_DETAILS = 5
FIRST_WITH_STRICT_QUOTA = 6


async def handle(request: CreateTopicsRequest, ctx: RequestContext) -> CreateTopicsResponse:
    if request.timeout_ms <= 0:
        raise BrokerError(ErrorCode.REQUEST_TIMED_OUT)
    default_count = ctx.broker.settings.int("num.partitions")
    if sum(partition_count(topic, default_count) for topic in request.topics) > MAX_PARTITIONS_PER_REQUEST:
        raise BrokerError(ErrorCode.POLICY_VIOLATION, "Excessively large number of partitions per request.")
    charge = ctx.broker.quotas.mutations(ctx.usage, is_strict=ctx.api_version >= FIRST_WITH_STRICT_QUOTA)
    made = await ctx.broker.controller.create_topics(
        [new_topic(topic) for topic in request.topics], validate_only=request.validate_only, charge=charge
    )
    return CreateTopicsResponse(topics=[answer(result, ctx) for result in made])


def error_response(request: CreateTopicsRequest, error: BrokerError, _ctx: RequestContext) -> CreateTopicsResponse:
    return CreateTopicsResponse(topics=[failed(topic.name, error) for topic in request.topics])


def partition_count(topic: Asked, default_count: int) -> int:
    if topic.assignments:
        return len(topic.assignments)
    return default_count if topic.num_partitions == BROKER_DEFAULT else max(0, topic.num_partitions)


def new_topic(topic: Asked) -> NewTopic:
    return NewTopic(
        topic.name,
        partition_count=topic.num_partitions,
        replication_factor=topic.replication_factor,
        assignments=[(assignment.partition_index, assignment.broker_ids) for assignment in topic.assignments],
        configs={config.name: config.value for config in topic.configs},
    )


def answer(result: TopicResult, ctx: RequestContext) -> Result:
    if result.error is not None:
        return failed(result.name, result.error)
    topic = result.topic
    assert topic is not None
    created = Result(name=topic.name, topic_id=topic.id)
    if ctx.api_version >= FIRST_WITH_DETAILS:
        created.num_partitions = len(topic.partitions)
        created.replication_factor = len(topic.partitions[0].replicas)
        created.configs = configs(result, ctx)
    return created


def configs(result: TopicResult, ctx: RequestContext) -> list[Config]:
    # Only what this topic sets itself matters: nothing else of it is in the image yet if it was only validated.
    image, settings = ctx.broker.image, ctx.broker.settings
    image = MetadataImage(
        version=image.version,
        cluster_id=image.cluster_id,
        controller_id=image.controller_id,
        topic_configs={result.name: result.configs},
        broker_configs=image.broker_configs,
    )
    return [
        Config(
            name=name,
            value=value,
            read_only=False,
            config_source=topic_value_source(settings, image, result.name, name),
            is_sensitive=False,
        )
        for name, value in effective_topic_config(settings, image, result.name).items()
    ]


def failed(name: str, error: BrokerError) -> Result:
    # Without words of its own an error has none on the wire.
    message = None if error.message == error.code.message else error.message
    return Result(name=name, error_code=error.code, error_message=message)
