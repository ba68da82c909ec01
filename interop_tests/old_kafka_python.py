"""What test_kafka_python_old.py has an old kafka-python do; run by the python of a venv that has one.

    python old_kafka_python.py ADDRESS NAME [API_VERSION]

Any failure is a traceback and status 1. Written for kafka-python 2.0.2 and later.
"""

from __future__ import annotations

import sys
import threading

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, NewPartitions, NewTopic
from kafka.structs import OffsetAndMetadata

ADDRESS, NAME = sys.argv[1:3]
CONFIG = {"bootstrap_servers": ADDRESS}
if len(sys.argv) > 3:
    CONFIG["api_version"] = tuple(int(part) for part in sys.argv[3].split("."))


def main() -> None:
    admin = KafkaAdminClient(**CONFIG)
    for codec in (None, "gzip", "snappy", "lz4", "zstd"):
        records_come_back(admin, codec)
    seeking()
    groups(admin)
    administration(admin)
    admin.close()
    print("all is well")


def records_come_back(admin: KafkaAdminClient, codec: str | None) -> None:
    topic = f"{NAME}-{codec}"
    admin.create_topics([NewTopic(topic, 1, 1)])
    producer = KafkaProducer(compression_type=codec, acks="all", linger_ms=5, **CONFIG)
    first = producer.send(topic, key=b"k", value=b"v" * 1000, headers=[("h", b"1")], timestamp_ms=1000).get(20)
    assert (topic, 0, 0) == (first.topic, first.partition, first.offset), first
    futures = [producer.send(topic, b"%d" % i) for i in range(500)]
    futures.append(producer.send(topic, key=b"tombstone", value=None))
    assert list(range(1, 502)) == [future.get(20).offset for future in futures]
    producer.close()

    consumer = KafkaConsumer(topic, auto_offset_reset="earliest", consumer_timeout_ms=10_000, **CONFIG)
    records = [next(consumer) for _ in range(502)]
    consumer.close()
    assert (b"k", b"v" * 1000, [("h", b"1")], 1000) == (
        records[0].key,
        records[0].value,
        list(records[0].headers),
        records[0].timestamp,
    ), records[0]
    assert [b"%d" % i for i in range(500)] == [record.value for record in records[1:501]]
    assert (b"tombstone", None) == (records[501].key, records[501].value)


def seeking() -> None:
    partition = TopicPartition(f"{NAME}-None", 0)
    consumer = KafkaConsumer(consumer_timeout_ms=10_000, **CONFIG)
    consumer.assign([partition])
    consumer.seek(partition, 43)
    assert next(consumer).value == b"42"
    assert ({partition: 0}, {partition: 502}) == (
        consumer.beginning_offsets([partition]),
        consumer.end_offsets([partition]),
    )
    found = consumer.offsets_for_times({partition: 1000})[partition]
    assert (0, 1000) == (found.offset, found.timestamp), found
    consumer.close()


def groups(admin: KafkaAdminClient) -> None:
    topic = f"{NAME}-group"
    admin.create_topics([NewTopic(topic, 4, 1)])
    received: list[int] = []
    stop = threading.Event()
    balanced = threading.Barrier(3, timeout=60)

    def member() -> None:
        consumer = KafkaConsumer(
            topic, group_id=NAME, auto_offset_reset="earliest", heartbeat_interval_ms=300, **CONFIG
        )
        waits = True
        while not stop.is_set():
            for records in consumer.poll(100).values():
                received.extend(int(record.value) for record in records)
            if waits and len(consumer.assignment()) == 2:
                waits = False
                balanced.wait()
        consumer.close()

    members = [threading.Thread(target=member, daemon=True) for _ in range(2)]
    for thread in members:
        thread.start()
    balanced.wait()
    producer = KafkaProducer(**CONFIG)
    for i in range(100):
        producer.send(topic, b"%d" % i, partition=i % 4)
    producer.close()
    deadline = threading.Event()
    for _ in range(200):
        if len(received) >= 100:
            break
        deadline.wait(0.1)
    described = admin.describe_consumer_groups([NAME])[0]
    assert (described.group, described.state, len(described.members)) == (NAME, "Stable", 2), described
    stop.set()
    for thread in members:
        thread.join(20)
    assert list(range(100)) == sorted(received)
    committed = admin.list_consumer_group_offsets(NAME)
    assert {25} == {offset.offset for offset in committed.values()}, committed
    consumer = KafkaConsumer(group_id=f"{NAME}-simple", **CONFIG)
    at = OffsetAndMetadata(*(7, "note", -1)[: len(OffsetAndMetadata._fields)])
    consumer.commit({TopicPartition(topic, 0): at})
    assert consumer.committed(TopicPartition(topic, 0)) == 7
    consumer.close()


def administration(admin: KafkaAdminClient) -> None:
    topic = f"{NAME}-admin"
    admin.create_topics([NewTopic(topic, 1, 1, topic_configs={"retention.ms": "1000"})])
    admin.create_partitions({topic: NewPartitions(3)})
    assert topic in admin.list_topics()
    [described] = admin.describe_topics([topic])
    assert len(described["partitions"]) == 3, described
    assert len(admin.describe_cluster()["brokers"]) == 1
    [configs] = admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)])
    values = {entry[0]: entry[1] for entry in configs.resources[0][4]}
    assert values["retention.ms"] == "1000", values
    assert (NAME, "consumer") in admin.list_consumer_groups()
    assert [NAME] == [deleted[0] for deleted in admin.delete_consumer_groups([NAME])]
    admin.delete_topics([topic])
    assert topic not in admin.list_topics()


if __name__ == "__main__":
    main()
