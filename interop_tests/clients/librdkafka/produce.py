"""Records, and what becomes of them."""

from __future__ import annotations

import os
from typing import Any

from common import PATIENCE_S, Asked, code, read, values
from confluent_kafka import Producer, TopicPartition

CODECS = ("none", "gzip", "snappy", "lz4", "zstd")


def codecs(asked: Asked) -> dict[str, Any]:
    for codec in CODECS:
        producer = asked.producer(compression_type=codec, linger_ms=50)
        asked.send(producer, *(f"{codec}-{number}-{'x' * 200}".encode() for number in range(10)))
    return {"read": values(asked.from_the_start(50))}


def keys(asked: Asked) -> dict[str, Any]:
    producer = asked.producer(linger_ms=0)
    sent = [message for number in range(50) for message in asked.send(producer, b"v", key=f"key-{number}")]
    places = [
        [[each.key().decode(), each.partition(), each.offset()] for each in messages]
        for messages in (sent, asked.from_the_start(50))
    ]
    return {"sent": places[0], "read": places[1]}


def records(asked: Asked) -> dict[str, Any]:
    producer = asked.producer(linger_ms=0)
    headers = [("a", b"1"), ("a", b"2"), ("empty", b""), ("ü", "ß".encode())]
    asked.send(producer, b"plain", timestamp=1000)
    asked.send(producer, None, key=b"k", timestamp=2000)
    asked.send(producer, b"", key=b"", timestamp=3000)
    asked.send(producer, b"v", key=b"h", headers=headers, timestamp=4000)
    return {
        "read": [
            {
                "offset": each.offset(),
                "key": text(each.key()),
                "value": text(each.value()),
                "headers": [[key, text(value)] for key, value in each.headers() or ()],
                "timestamp": each.timestamp()[1],
            }
            for each in asked.from_the_start(4)
        ]
    }


def text(data: bytes | None) -> str | None:
    return None if data is None else data.decode()


def acks(asked: Asked) -> dict[str, Any]:
    for level in ("0", "1", "all"):
        asked.send(asked.producer(acks=level), f"acks {level}".encode())
    return {"read": values(asked.from_the_start(3))}


def idempotent(asked: Asked) -> dict[str, Any]:
    producer = asked.producer(enable_idempotence=True, batch_num_messages=10, linger_ms=5)
    stored = asked.send(producer, *(b"%d" % number for number in range(500)))
    return {"offsets": [each.offset() for each in stored], "read": values(asked.from_the_start(500))}


def too_large(asked: Asked) -> dict[str, Any]:
    producer = asked.producer()
    error = code(lambda: asked.send(producer, os.urandom(5000)))
    return {"error": error, "offset after it": asked.send(producer, b"small")[0].offset()}


def transactions(asked: Asked) -> dict[str, Any]:
    producer = transactional(asked)
    transaction(asked, producer, b"c0", b"c1", b"c2")
    transaction(asked, producer, b"a0", b"a1", is_good=False)
    transaction(asked, producer, b"d0")
    consume_and_commit(asked, producer)
    newer = transactional(asked)
    transaction(asked, newer, b"n0")
    fenced = code(lambda: transaction(asked, producer, b"z0")) != 0
    [stored] = asked.consumer().committed([TopicPartition(asked.topic, 0)], PATIENCE_S)
    return {
        "committed": values(asked.from_the_start(5)),  # its default is to read what is committed
        "all": values(asked.from_the_start(7, isolation_level="read_uncommitted")),
        "fenced": fenced,
        "group's offset": stored.offset,
    }


def transactional(asked: Asked) -> Producer:
    producer = asked.producer(transactional_id=asked.topic)
    producer.init_transactions(PATIENCE_S)
    return producer


def transaction(asked: Asked, producer: Producer, *said: bytes, is_good: bool = True) -> None:
    producer.begin_transaction()
    asked.send(producer, *said)
    if is_good:
        producer.commit_transaction(PATIENCE_S)
    else:
        producer.abort_transaction(PATIENCE_S)


def consume_and_commit(asked: Asked, producer: Producer) -> None:
    """Reads the topic in a group, and commits in a transaction how far it is."""
    consumer = asked.group_consumer()
    consumer.subscribe([asked.topic])
    last = read(consumer, 4)[3]
    producer.begin_transaction()
    offsets = [TopicPartition(asked.topic, 0, last.offset() + 1)]
    producer.send_offsets_to_transaction(offsets, consumer.consumer_group_metadata(), PATIENCE_S)
    producer.commit_transaction(PATIENCE_S)
    consumer.close()
