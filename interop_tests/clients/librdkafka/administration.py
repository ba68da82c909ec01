"""Topics, their offsets, and groups as an administrator sees them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from common import PATIENCE_S, Asked, code, eventually
from confluent_kafka import ConsumerGroupTopicPartitions, TopicPartition
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewPartitions,
    NewTopic,
    OffsetSpec,
    ResourceType,
)


def done(futures: Mapping[Any, Any]) -> Any:
    """Of one."""
    [future] = futures.values()
    return future.result(PATIENCE_S)


def offsets(asked: Asked) -> dict[str, Any]:
    producer = asked.producer(linger_ms=0)
    for number in range(10):
        asked.send(producer, b"v", partition=0, timestamp=1000 + number)
    admin = asked.admin()
    return {
        "earliest": [at(admin, asked, index, OffsetSpec.earliest()) for index in range(2)],
        "latest": [at(admin, asked, index, OffsetSpec.latest()) for index in range(2)],
        "at 1004": at(admin, asked, 0, OffsetSpec.for_timestamp(1004)),
        "largest": at(admin, asked, 0, OffsetSpec.max_timestamp()),
    }


def at(admin: AdminClient, asked: Asked, index: int, moment: OffsetSpec) -> int:
    return int(done(admin.list_offsets({TopicPartition(asked.topic, index): moment})).offset)


def topics(asked: Asked) -> dict[str, Any]:
    """Makes, changes and deletes a topic; the one it was given is there already."""
    admin, name = asked.admin(), f"{asked.topic}-made"
    wanted = NewTopic(name, 3, 1, config={"retention.ms": "60000"})
    unknown = NewTopic(f"{name}-2", 1, 1, config={"no.such": "1"})
    done(admin.create_topics([wanted]))
    eventually("it is there", lambda: count(admin, name) == 3)
    told: dict[str, Any] = {"created": count(admin, name), "settings": settings(admin, name)}
    told["again"] = code(lambda: done(admin.create_topics([wanted])))
    told["unknown setting"] = code(lambda: done(admin.create_topics([unknown])))

    alter(admin, name, ("retention.ms", "3600000", "SET"), ("cleanup.policy", "compact", "SET"))
    eventually("it is altered", lambda: settings(admin, name)[1] == "compact")
    told["altered"] = settings(admin, name)
    alter(admin, name, ("cleanup.policy", "", "DELETE"))
    eventually("it is the default", lambda: settings(admin, name)[1] == "delete")

    done(admin.create_partitions([NewPartitions(name, 5)]))
    eventually("there are more", lambda: count(admin, name) == 5)
    told["fewer partitions"] = code(lambda: done(admin.create_partitions([NewPartitions(name, 2)])))
    told["listed"] = name in admin.list_topics(timeout=PATIENCE_S).topics

    asked.send(asked.producer(), *([b"v"] * 5))
    deleted = done(admin.delete_records([TopicPartition(asked.topic, 0, 3)]))
    told["deleted before"] = [deleted.low_watermark, at(admin, asked, 0, OffsetSpec.earliest())]

    done(admin.delete_topics([name]))
    eventually("it is gone", lambda: name not in admin.list_topics(timeout=PATIENCE_S).topics)
    told["deleted again"] = code(lambda: done(admin.delete_topics([name])))
    told["nodes"] = len(admin.describe_cluster().result(PATIENCE_S).nodes)
    return told


def count(admin: AdminClient, topic: str) -> int:
    known = admin.list_topics(timeout=PATIENCE_S).topics
    return len(known[topic].partitions) if topic in known else 0


def settings(admin: AdminClient, topic: str) -> list[str]:
    described = done(admin.describe_configs([ConfigResource(ResourceType.TOPIC, topic)]))
    return [described[name].value for name in ("retention.ms", "cleanup.policy")]


def alter(admin: AdminClient, topic: str, *changes: tuple[str, str, str]) -> None:
    entries = [
        ConfigEntry(name, value, incremental_operation=AlterConfigOpType[operation])
        for name, value, operation in changes
    ]
    done(admin.incremental_alter_configs([ConfigResource(ResourceType.TOPIC, topic, incremental_configs=entries)]))


def groups(asked: Asked) -> dict[str, Any]:
    """Makes offsets of a group without members, changes and deletes them."""
    admin, group = asked.admin(), asked.topic
    commit(admin, asked, 1)
    told: dict[str, Any] = {"stored": stored(admin, group)}
    told["state"] = done(admin.describe_consumer_groups([group])).state.name.capitalize()
    listed = admin.list_consumer_groups().result(PATIENCE_S).valid
    told["listed"] = any(each.group_id == group for each in listed)
    commit(admin, asked, 7)
    told["altered"] = stored(admin, group)
    done(admin.delete_consumer_groups([group]))
    told["deleted again"] = code(lambda: done(admin.delete_consumer_groups([group])))
    told["left"] = len(stored(admin, group))
    return told


def commit(admin: AdminClient, asked: Asked, offset: int) -> None:
    partitions = [TopicPartition(asked.topic, index, offset + index) for index in range(2)]
    done(admin.alter_consumer_group_offsets([ConsumerGroupTopicPartitions(asked.topic, partitions)]))


def stored(admin: AdminClient, group: str) -> dict[int, int]:
    told = done(admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)]))
    return {each.partition: each.offset for each in told.topic_partitions}
