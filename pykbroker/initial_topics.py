"""Topics that are there from the start: `--topic a:3,retention.ms=60000`, KAFKA_CREATE_TOPICS="a:3:1,b:1:1:compact".

Made before the first client is let in. One that exists already stays as it is.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from pykbroker.controller import BROKER_DEFAULT, Controller, NewTopic
from pykbroker.errors import StartupError
from wire.errors import ErrorCode

log = logging.getLogger(__name__)

VARIABLE = "KAFKA_CREATE_TOPICS"


def of_option(text: str) -> NewTopic:
    """NAME[:PARTITIONS[:REPLICAS]][,SETTING=VALUE]...; raises ValueError."""
    head, *items = text.split(",")
    settings: dict[str, str | None] = {}
    last = None
    for item in items:
        name, equals, value = item.partition("=")
        if equals:
            last = name.strip()
            settings[last] = value.strip()
        elif last is not None:  # a list goes on: cleanup.policy=compact,delete
            settings[last] = f"{settings[last]},{item.strip()}"
        else:
            raise ValueError(f"{item!r} is not SETTING=VALUE")
    name, partitions, replicas = _counts(head)
    return NewTopic(name, partitions, replicas, configs=settings)


def of_variable(text: str) -> list[NewTopic]:
    """NAME:PARTITIONS:REPLICAS[:CLEANUP_POLICY], several separated by commas; raises ValueError."""
    topics = []
    for item in filter(None, (part.strip() for part in text.split(","))):
        head, colon, policy = item, "", ""
        if item.count(":") == 3:
            head, colon, policy = item.rpartition(":")
        name, partitions, replicas = _counts(head)
        topics.append(NewTopic(name, partitions, replicas, configs={"cleanup.policy": policy} if colon else {}))
    return topics


def _counts(head: str) -> tuple[str, int, int]:
    name, *counts = (part.strip() for part in head.split(":"))
    if not name or len(counts) > 2 or not all(count.isascii() and count.isdigit() for count in counts):
        raise ValueError(f"{head!r} is not NAME:PARTITIONS:REPLICAS")
    numbers = [*map(int, counts), BROKER_DEFAULT, BROKER_DEFAULT]
    return name, numbers[0], numbers[1]


async def create(controller: Controller, topics: Sequence[NewTopic]) -> None:
    """Raises StartupError for the first that cannot be."""
    wanted = [topic for topic in topics if topic.name not in controller.image.topics]
    for result in await controller.create_topics(wanted) if wanted else ():
        if result.error is not None and result.error.code != ErrorCode.TOPIC_ALREADY_EXISTS:
            raise StartupError(f"cannot create topic {result.name}: {result.error.message}", 2)
        log.info("topic created", extra={"fields": {"topic": result.name}})
