"""aiokafka: the producer, the consumer and the groups that asyncio programs use."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from interop_tests.harness import Broker


def consumer(broker: Broker, *topics: str, **config: object) -> AIOKafkaConsumer:
    settings = {"auto_offset_reset": "earliest", "heartbeat_interval_ms": 300} | config
    return AIOKafkaConsumer(*topics, bootstrap_servers=broker.address, **settings)


async def take(reader: AIOKafkaConsumer, count: int) -> list[object]:
    async with asyncio.timeout(20):
        return [await reader.getone() for _ in range(count)]


@pytest.mark.parametrize("codec", [None, "gzip", "snappy", "lz4", "zstd"])
@pytest.mark.parametrize("idempotence", [False, True])
def test_records_come_back_as_sent_whatever_the_codec(
    broker: Broker, name: str, codec: str | None, idempotence: bool
) -> None:
    async def scenario() -> None:
        config = {"compression_type": codec, "enable_idempotence": idempotence}
        async with AIOKafkaProducer(bootstrap_servers=broker.address, linger_ms=5, **config) as producer:
            await producer.send_and_wait(name, b"value " * 500, key=b"key", headers=[("h", b"1")], timestamp_ms=1000)
            await producer.send_and_wait(name, None, key=b"tombstone")
            sent = [await producer.send(name, b"%d" % i) for i in range(500)]
            assert list(range(2, 502)) == [(await future).offset for future in sent]
        async with consumer(broker, name) as reader:
            first, second, *rest = await take(reader, 502)

        assert (b"key", b"value " * 500, (("h", b"1"),), 1000) == (
            first.key,
            first.value,
            first.headers,
            first.timestamp,
        )
        assert (b"tombstone", None) == (second.key, second.value)
        assert [b"%d" % i for i in range(500)] == [record.value for record in rest]

    asyncio.run(scenario())


def test_seeking_by_offset_and_by_time(broker: Broker, name: str) -> None:
    async def scenario() -> None:
        partition = TopicPartition(name, 0)
        async with AIOKafkaProducer(bootstrap_servers=broker.address) as producer:
            for i in range(100):
                await producer.send(name, b"%d" % i, partition=0, timestamp_ms=1000 + i)
        async with consumer(broker) as reader:
            reader.assign([partition])
            reader.seek(partition, 42)
            assert b"42" == (await reader.getone()).value
            found = await reader.offsets_for_times({partition: 1050})
            assert (50, 1050) == (found[partition].offset, found[partition].timestamp)
            assert {partition: 0} == await reader.beginning_offsets([partition])
            assert {partition: 100} == await reader.end_offsets([partition])

    asyncio.run(scenario())


@pytest.mark.parametrize("count", [1, 2, 5])
def test_a_group_reads_every_record_once(broker: Broker, name: str, count: int) -> None:
    async def scenario() -> None:
        await create(broker, name, 5)
        members = [consumer(broker, name, group_id=name) for _ in range(count)]
        await asyncio.gather(*(member.start() for member in members))
        async with asyncio.timeout(20):
            while any(len(member.assignment()) != 5 // count for member in members) and count != 2:
                await asyncio.sleep(0.05)
            while sum(len(member.assignment()) for member in members) != 5:
                await asyncio.sleep(0.05)
        async with AIOKafkaProducer(bootstrap_servers=broker.address) as producer:
            for i in range(100):
                await producer.send_and_wait(name, b"%d" % i, partition=i % 5)
        received: list[int] = []
        async with asyncio.timeout(20):
            while len(received) < 100:
                for member in members:
                    for records in (await member.getmany(timeout_ms=50)).values():
                        received += [int(record.value) for record in records]
        await asyncio.gather(*(member.stop() for member in members))

        assert list(range(100)) == sorted(received)

    asyncio.run(scenario())


def test_a_group_goes_on_where_it_committed(broker: Broker, name: str) -> None:
    async def scenario() -> None:
        partition = TopicPartition(name, 0)
        async with AIOKafkaProducer(bootstrap_servers=broker.address) as producer:
            for i in range(20):
                await producer.send(name, b"%d" % i, partition=0)
        async with consumer(broker, name, group_id=name, enable_auto_commit=False) as reader:
            await take(reader, 5)
            await reader.commit({partition: (5, "five")})
            assert 5 == await reader.committed(partition)
        async with consumer(broker, name, group_id=name) as reader:
            assert [b"%d" % i for i in range(5, 20)] == [record.value for record in await take(reader, 15)]

    asyncio.run(scenario())


def test_a_producer_lives_through_a_restart(start_broker: Callable[..., Broker], name: str) -> None:
    async def scenario() -> None:
        broker = start_broker()
        async with AIOKafkaProducer(bootstrap_servers=broker.address, enable_idempotence=True) as producer:
            await producer.send_and_wait(name, b"before")
            await asyncio.to_thread(broker.kill)
            pending = await producer.send(name, b"meanwhile")
            await asyncio.to_thread(broker.start)
            assert 1 == (await pending).offset
            assert 2 == (await producer.send_and_wait(name, b"after")).offset
        async with consumer(broker, name) as reader:
            assert [b"before", b"meanwhile", b"after"] == [record.value for record in await take(reader, 3)]

    asyncio.run(scenario())


def test_the_admin_client_creates_describes_and_deletes(broker: Broker, name: str) -> None:
    async def scenario() -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=broker.address)
        await admin.start()
        try:
            await admin.create_topics([NewTopic(name, 3, 1)])
            assert name in await admin.list_topics()
            [described] = await admin.describe_topics([name])
            assert [0, 1, 2] == sorted(partition["partition"] for partition in described["partitions"])
            await admin.delete_topics([name])
        finally:
            await admin.close()

    asyncio.run(scenario())


async def create(broker: Broker, topic: str, partitions: int) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=broker.address)
    await admin.start()
    await admin.create_topics([NewTopic(topic, partitions, 1)])
    await admin.close()
