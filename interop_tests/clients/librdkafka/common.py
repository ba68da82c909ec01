"""What a scenario is played on, and what all of them need."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

PATIENCE_S = 30


@dataclass(frozen=True)
class Asked:
    broker: str
    topic: str
    protocol: str

    def settings(self, **settings: object) -> dict[str, object]:
        """With `_` for `.`."""
        return {"bootstrap.servers": self.broker} | {key.replace("_", "."): value for key, value in settings.items()}

    def admin(self) -> AdminClient:
        return AdminClient(self.settings())

    def producer(self, **settings: object) -> Producer:
        """One that chooses partitions as Java does."""
        return Producer(self.settings(partitioner="murmur2_random", **settings))

    def consumer(self, **settings: object) -> Consumer:
        own = {"auto_offset_reset": "earliest", "enable_auto_commit": False, "group_id": self.topic}
        return Consumer(self.settings(**(own | settings)))

    def group_consumer(self, **settings: object) -> Consumer:
        """A member of the group that is called as the topic is, in the protocol that is asked for."""
        classic = {} if self.protocol == "consumer" else {"heartbeat_interval_ms": 200}
        return self.consumer(group_protocol=self.protocol, **classic, **settings)

    def send(self, producer: Producer, *values: bytes | None, **fields: object) -> list[Message]:
        """Of several, all before the first is waited for."""
        stored: list[Message] = []

        def delivered(error: KafkaError | None, message: Message) -> None:
            stored.append(message)

        for value in values:
            producer.produce(self.topic, value, on_delivery=delivered, **fields)
        producer.flush(PATIENCE_S)
        for message in stored:
            if message.error():
                raise KafkaException(message.error())
        assert len(values) == len(stored), "not in time: records to be stored"
        return stored

    def from_the_start(self, count: int, **settings: object) -> list[Message]:
        """So many records of the topic, partition by partition."""
        consumer = self.consumer(**settings)
        try:
            partitions = consumer.list_topics(self.topic, PATIENCE_S).topics[self.topic].partitions
            consumer.assign([TopicPartition(self.topic, index, 0) for index in partitions])
            return sorted(read(consumer, count), key=lambda each: (each.partition(), each.offset()))
        finally:
            consumer.close()


def read(consumer: Consumer, count: int) -> list[Message]:
    messages: list[Message] = []

    def are_all_there() -> bool:
        messages.extend(good(consumer.consume(count - len(messages), 0.2)))
        return len(messages) >= count

    eventually("records to read", are_all_there)
    return messages


def good(messages: Iterable[Message]) -> list[Message]:
    return [each for each in messages if each.error() is None]


def values(messages: Iterable[Message]) -> list[str]:
    return [each.value().decode() for each in messages]


def eventually(what: str, condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, f"not in time: {what}"
        time.sleep(0.02)


def code(action: Callable[[], object]) -> int:
    """Kafka's number of the error that it ends in; 0 without one."""
    try:
        action()
    except KafkaException as error:
        return int(error.args[0].code())
    return 0
