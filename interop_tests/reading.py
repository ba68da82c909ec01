"""Reading all of a partition with librdkafka."""

from __future__ import annotations

from confluent_kafka import Consumer, TopicPartition

from interop_tests.harness import Broker


def read(
    broker: Broker, topic: str, isolation: str = "read_uncommitted", *, partition: int = 0
) -> list[tuple[int, bytes, bytes | None]]:
    """(offset, key, value) of all that is there."""
    reader = Consumer(
        {
            "bootstrap.servers": broker.address,
            "group.id": "unused",
            "enable.partition.eof": True,
            "isolation.level": isolation,
            "log_level": 0,
        }
    )
    reader.assign([TopicPartition(topic, partition, 0)])
    found = []
    try:
        while True:
            message = reader.poll(20)
            assert message is not None
            if message.error():
                return found
            found.append((message.offset(), message.key(), message.value()))
    finally:
        reader.close()
