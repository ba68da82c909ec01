"""kafka-python 3: what its users do with a broker."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient, NewTopic
from kafka.consumer.fetcher import ConsumerRecord
from kafka.errors import MessageSizeTooLargeError, OffsetOutOfRangeError

from interop_tests.harness import Broker, wait_until

CODECS = [None, "gzip", "snappy", "lz4", "zstd"]
MEGABYTE = 1 << 20


@pytest.fixture
def admin(broker: Broker) -> Iterator[KafkaAdminClient]:
    with KafkaAdminClient(bootstrap_servers=broker.address) as client:
        yield client


@pytest.fixture
def topic(admin: KafkaAdminClient, name: str) -> str:
    admin.create_topics([NewTopic(name, 1, 1)])
    return name


def produce(broker: Broker, topic: str, values: list[bytes], **config: object) -> None:
    with KafkaProducer(bootstrap_servers=broker.address, **config) as producer:
        futures = [producer.send(topic, value, partition=0) for value in values]
        producer.flush()
        for future in futures:
            future.get(10)


def consumer(broker: Broker, *topics: str, **config: object) -> KafkaConsumer:
    config = {"auto_offset_reset": "earliest", "consumer_timeout_ms": 10_000} | config
    return KafkaConsumer(*topics, bootstrap_servers=broker.address, **config)


def consume(broker: Broker, topic: str, count: int, **config: object) -> list[ConsumerRecord]:
    with consumer(broker, topic, **config) as reader:
        return [record for _, record in zip(range(count), reader, strict=False)]


@pytest.mark.parametrize("codec", CODECS)
def test_records_come_back_as_sent_whatever_the_codec(broker: Broker, topic: str, codec: str | None) -> None:
    sent = [(b"key", b"value " * 1000, [("header", b"x"), ("empty", b""), ("twice", b"1"), ("twice", b"2")])]
    sent += [(None, b"no key", []), (b"no value", None, []), (b"", b"", [("", b"")])]
    with KafkaProducer(bootstrap_servers=broker.address, compression_type=codec, linger_ms=20) as producer:
        for key, value, headers in sent:
            producer.send(topic, key=key, value=value, headers=headers, timestamp_ms=1_600_000_000_000)

    records = consume(broker, topic, len(sent))

    assert sent == [(r.key, r.value, [*r.headers]) for r in records]
    assert [0, 1, 2, 3] == [r.offset for r in records]
    assert {1_600_000_000_000} == {r.timestamp for r in records}
    assert {0} == {r.timestamp_type for r in records}


@pytest.mark.parametrize("acks", [0, 1, "all"])
def test_every_kind_of_acknowledgement_stores_the_records(broker: Broker, topic: str, acks: int | str) -> None:
    produce(broker, topic, [b"%d" % i for i in range(100)], acks=acks, enable_idempotence=False)

    assert [b"%d" % i for i in range(100)] == [r.value for r in consume(broker, topic, 100)]


def test_a_send_answers_with_where_the_record_went(broker: Broker, topic: str) -> None:
    with KafkaProducer(bootstrap_servers=broker.address) as producer:
        first = producer.send(topic, b"1", partition=0, timestamp_ms=5).get(10)
        second = producer.send(topic, b"2", partition=0).get(10)

    assert (topic, 0, 0, 5) == (first.topic, first.partition, first.offset, first.timestamp)
    assert 1 == second.offset


def test_log_append_time_is_the_brokers_clock(broker: Broker, admin: KafkaAdminClient, name: str) -> None:
    configs = {"message.timestamp.type": "LogAppendTime"}
    admin.create_topics({name: {"num_partitions": 1, "replication_factor": 1, "configs": configs}})
    before_ms = int(time.time() * 1000)
    with KafkaProducer(bootstrap_servers=broker.address) as producer:
        answered = producer.send(name, b"1", timestamp_ms=5).get(10)

    [record] = consume(broker, name, 1)

    assert before_ms <= record.timestamp <= int(time.time() * 1000)
    assert 1 == record.timestamp_type
    assert record.timestamp == answered.timestamp


def test_a_megabyte_record_and_ten_thousand_tiny_ones_keep_their_order(broker: Broker, topic: str) -> None:
    values = [b"%d" % i for i in range(5000)] + [b"x" * (MEGABYTE - 1000)] + [b"%d" % i for i in range(5000)]
    produce(broker, topic, values, max_request_size=2 * MEGABYTE)

    assert values == [r.value for r in consume(broker, topic, len(values))]


def test_a_record_above_the_limit_is_refused_and_the_next_one_is_not(broker: Broker, topic: str) -> None:
    with KafkaProducer(
        bootstrap_servers=broker.address, max_request_size=4 * MEGABYTE, enable_idempotence=False
    ) as producer:
        with pytest.raises(MessageSizeTooLargeError):
            producer.send(topic, b"x" * (2 * MEGABYTE)).get(10)

        assert 0 == producer.send(topic, b"fits").get(10).offset


def test_a_record_larger_than_the_fetch_size_is_still_read(broker: Broker, topic: str) -> None:
    values = [b"x" * 300_000, b"y" * 300_000]
    produce(broker, topic, values)

    records = consume(broker, topic, 2, max_partition_fetch_bytes=1000, fetch_max_bytes=1000)

    assert values == [r.value for r in records]


def test_seeking_by_offset_lands_on_the_record(broker: Broker, topic: str) -> None:
    partition = TopicPartition(topic, 0)
    produce(broker, topic, [b"%d" % i for i in range(1000)])
    with consumer(broker) as reader:
        reader.assign([partition])
        for offset in (777, 0, 999, 500):
            reader.seek(partition, offset)

            assert (offset, b"%d" % offset) == (next(reader).offset, b"%d" % offset)

        reader.seek_to_end(partition)
        assert 1000 == reader.position(partition)
        reader.seek_to_beginning(partition)
        assert 0 == reader.position(partition)
        assert ({partition: 0}, {partition: 1000}) == (
            reader.beginning_offsets([partition]),
            reader.end_offsets([partition]),
        )


def test_seeking_by_time_lands_on_the_first_record_not_older(broker: Broker, topic: str) -> None:
    partition = TopicPartition(topic, 0)
    with KafkaProducer(bootstrap_servers=broker.address) as producer:
        for i in range(500):
            producer.send(topic, b"%d" % i, partition=0, timestamp_ms=1_600_000_000_000 + 10 * i)
    with consumer(broker) as reader:
        reader.assign([partition])
        for after_ms, offset in ((-1000, 0), (0, 0), (1, 1), (2500, 250), (4990, 499)):
            [found] = reader.offsets_for_times({partition: 1_600_000_000_000 + after_ms}).values()

            assert (offset, 1_600_000_000_000 + 10 * offset) == (found.offset, found.timestamp)

        assert {partition: None} == reader.offsets_for_times({partition: 1_600_000_005_000})


def test_an_offset_out_of_range_is_told_or_reset(broker: Broker, topic: str) -> None:
    partition = TopicPartition(topic, 0)
    produce(broker, topic, [b"0", b"1"])
    with consumer(broker, auto_offset_reset="none") as reader:
        reader.assign([partition])
        reader.seek(partition, 3)
        with pytest.raises(OffsetOutOfRangeError):
            next(reader)
    with consumer(broker, auto_offset_reset="earliest") as reader:
        reader.assign([partition])
        reader.seek(partition, 3)

        assert b"0" == next(reader).value


def test_a_consumer_that_waits_gets_a_record_as_it_arrives(broker: Broker, topic: str) -> None:
    with consumer(broker, topic, fetch_max_wait_ms=20_000, consumer_timeout_ms=10_000) as reader:
        reader.poll(300)
        sent_s = time.monotonic()
        produce(broker, topic, [b"at last"])

        assert b"at last" == next(reader).value
        assert time.monotonic() - sent_s < 5


def test_keys_choose_the_partition_and_order_holds_within_it(
    broker: Broker, admin: KafkaAdminClient, name: str
) -> None:
    admin.create_topics([NewTopic(name, 5, 1)])
    with KafkaProducer(bootstrap_servers=broker.address) as producer:
        for i in range(1000):
            producer.send(name, key=b"key %d" % (i % 20), value=b"%d" % i)

    records = consume(broker, name, 1000)

    assert 5 == len({r.partition for r in records})
    for key in {r.key for r in records}:
        mine = [r for r in records if r.key == key]
        assert 1 == len({r.partition for r in mine})
        assert sorted(int(r.value) for r in mine) == [int(r.value) for r in mine]


def test_a_topic_comes_into_being_when_first_produced_to(broker: Broker, admin: KafkaAdminClient, name: str) -> None:
    produce(broker, name, [b"first"])

    assert name in admin.list_topics()
    assert [b"first"] == [r.value for r in consume(broker, name, 1)]


def test_a_topic_comes_into_being_when_first_subscribed_to(broker: Broker, admin: KafkaAdminClient, name: str) -> None:
    with consumer(broker, name) as reader:
        reader.poll(1000)

    assert name in admin.list_topics()


def test_a_pattern_subscription_finds_the_topics_that_match(broker: Broker, admin: KafkaAdminClient, name: str) -> None:
    admin.create_topics([NewTopic(f"{name}-{suffix}", 1, 1) for suffix in ("a", "b", "other")])
    for suffix in ("a", "b", "other"):
        produce(broker, f"{name}-{suffix}", [suffix.encode()])
    with consumer(broker, group_id=name) as reader:
        reader.subscribe(pattern=f"^{name}-[ab]$")

        assert {b"a", b"b"} == {next(reader).value, next(reader).value}


def test_a_thousand_partitions_are_created_produced_to_and_read(
    broker: Broker, admin: KafkaAdminClient, name: str
) -> None:
    admin.create_topics([NewTopic(name, 1000, 1)], timeout_ms=60_000)
    assert set(range(1000)) == {p["partition_index"] for p in admin.describe_topics([name])[0]["partitions"]}
    with KafkaProducer(bootstrap_servers=broker.address) as producer:
        for index in range(1000):
            producer.send(name, b"%d" % index, partition=index)

    records = consume(broker, name, 1000, consumer_timeout_ms=20_000)

    assert set(range(1000)) == {r.partition for r in records}
    assert all(b"%d" % r.partition == r.value for r in records)
    admin.delete_topics([name])


def test_records_and_offsets_are_there_after_a_restart(start_broker: Callable[..., Broker], name: str) -> None:
    broker = start_broker(num_partitions=2)
    produce(broker, name, [b"%d" % i for i in range(100)])
    assert 60 == len(consume(broker, name, 60, group_id=name, max_poll_records=60))

    broker.terminate()
    broker.start()

    assert [b"%d" % i for i in range(60, 100)] == [r.value for r in consume(broker, name, 40, group_id=name)]
    with KafkaProducer(bootstrap_servers=broker.address) as producer:
        assert 100 == producer.send(name, b"next", partition=0).get(10).offset


def test_a_producer_and_a_group_live_through_a_restart(start_broker: Callable[..., Broker], name: str) -> None:
    broker = start_broker(num_partitions=1)
    with (
        KafkaProducer(bootstrap_servers=broker.address) as producer,
        consumer(broker, name, group_id=name, consumer_timeout_ms=30_000) as reader,
    ):
        producer.send(name, b"before").get(10)
        assert b"before" == next(reader).value

        broker.terminate()
        producer.send(name, b"meanwhile")
        broker.start()
        producer.send(name, b"after").get(30)

        assert [b"meanwhile", b"after"] == [next(reader).value, next(reader).value]
        wait_until(lambda: reader.commit() is None, what="a commit")
