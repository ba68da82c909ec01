"""What test_old_formats.py has an old kafka-python do that takes the broker for an ancient one; run by the python of a
venv that has one.

    python ancient_kafka_python.py ADDRESS NAME API_VERSION

It produces to NAME-old-CODEC, and consumes that and NAME-new-CODEC, where a client of today has produced. Any failure
is a traceback and status 1. Written for kafka-python 1.4.7 and 2.0.2.
"""

from __future__ import annotations

import sys

from kafka import KafkaConsumer, KafkaProducer, TopicPartition

ADDRESS, NAME = sys.argv[1:3]
API_VERSION = tuple(int(part) for part in sys.argv[3].split("."))
CONFIG = {"bootstrap_servers": ADDRESS, "api_version": API_VERSION}
CODECS = (None, "gzip", "snappy", "lz4")
COUNT = 500
HAS_TIMESTAMPS = API_VERSION >= (0, 10)
HAS_HEADERS = API_VERSION >= (0, 11, 0)  # not (0, 11): it compares tuples, and takes that for something older


def main() -> None:
    for codec in CODECS:
        produced_in_order(codec)
        consumed(f"{NAME}-old-{codec}", has_headers=False)
        consumed(f"{NAME}-new-{codec}", has_headers=HAS_HEADERS)
    seeking()
    in_a_group()
    print("all is well")


def produced_in_order(codec: str | None) -> None:
    producer = KafkaProducer(compression_type=codec, acks="all", linger_ms=5, retries=0, **CONFIG)
    timestamps = {"timestamp_ms": 1000} if HAS_TIMESTAMPS else {}
    topic = f"{NAME}-old-{codec}"
    futures = [
        producer.send(topic, key=b"%d" % i, value=None if i == 7 else b"value %d" % i, **timestamps)
        for i in range(COUNT)
    ]
    assert list(range(COUNT)) == [future.get(20).offset for future in futures]
    producer.close()


def consumed(topic: str, *, has_headers: bool) -> None:
    consumer = KafkaConsumer(topic, auto_offset_reset="earliest", consumer_timeout_ms=10_000, **CONFIG)
    records = [next(consumer) for _ in range(COUNT)]
    consumer.close()
    assert list(range(COUNT)) == [record.offset for record in records], topic
    assert [b"%d" % i for i in range(COUNT)] == [record.key for record in records], topic
    values = [None if i == 7 else b"value %d" % i for i in range(COUNT)]
    assert values == [record.value for record in records], topic
    timestamps = {record.timestamp for record in records}
    assert timestamps == ({1000} if HAS_TIMESTAMPS else {None}), (topic, timestamps)
    headers = {tuple(record.headers) for record in records}
    assert headers == ({(("h", b"x"),)} if has_headers else {()}), (topic, headers)


def seeking() -> None:
    """Into the middle of batches, whose beginnings must not be seen."""
    for codec in CODECS:
        partition = TopicPartition(f"{NAME}-new-{codec}", 0)
        consumer = KafkaConsumer(consumer_timeout_ms=10_000, max_partition_fetch_bytes=20_000, **CONFIG)
        consumer.assign([partition])
        for offset in (0, 123, 3, COUNT - 1):
            consumer.seek(partition, offset)
            assert (offset, b"%d" % offset) == (lambda r: (r.offset, r.key))(next(consumer))
        consumer.close()


def in_a_group() -> None:
    topic = f"{NAME}-new-gzip"
    for expected in (range(100), range(100, 200)):
        consumer = KafkaConsumer(
            topic,
            group_id=NAME,
            auto_offset_reset="earliest",
            enable_auto_commit=False,
            max_poll_records=100,
            consumer_timeout_ms=20_000,
            **CONFIG,
        )
        assert list(expected) == [next(consumer).offset for _ in expected]
        consumer.commit()
        consumer.close()


if __name__ == "__main__":
    main()
