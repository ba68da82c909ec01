"""What a producer sends is what lies in the log, byte for byte, unless its topic says otherwise. And what expands
beyond all bounds does not take the broker's memory with it.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer
from confluent_kafka import Consumer, Producer
from kafka import KafkaProducer

from interop_tests.harness import Broker, free_port
from interop_tests.raw import Connection, batch, create_topic, produce_request
from interop_tests.test_kafka_tools import Tools
from interop_tests.tools import Java
from wire.api.produce import ProduceRequest
from wire.compression import Codec
from wire.headers import RequestHeader, request_header_version
from wire.record_batch import RecordBatch, batches, build
from wire.records import Record

CODECS = ["none", "gzip", "snappy", "lz4", "zstd"]
COUNT = 300
EPOCH_END = 16  # before it are the base offset, the size, and the leader epoch


class Tap:
    """Between clients and a broker; keeps what the clients say. The broker must advertise its port."""

    def __init__(self, port: int, broker: Broker) -> None:
        self.port = port
        self.said: list[list[bytes]] = []  # by connection
        self._broker = broker
        self._listener = socket.create_server(("127.0.0.1", port))
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection((self._broker.host, self._broker.port))
            self.said.append([])
            for source, sink, kept in ((client, server, self.said[-1]), (server, client, [])):
                threading.Thread(target=self._pump, args=(source, sink, kept), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket, kept: list[bytes]) -> None:
        try:
            while data := source.recv(1 << 16):
                kept.append(data)
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def close(self) -> None:
        self._listener.close()

    def produced(self) -> Iterator[RecordBatch]:
        for stream in self.said:
            view = memoryview(b"".join(stream))
            while view:
                size = int.from_bytes(view[:4], "big")
                frame, view = view[4 : 4 + size], view[4 + size :]
                key, version = int.from_bytes(frame[:2], "big"), int.from_bytes(frame[2:4], "big")
                if key == ProduceRequest.api_key:
                    decode_header = RequestHeader.decoder(request_header_version(ProduceRequest, version))
                    _, position = decode_header(frame, 0)
                    request, _ = ProduceRequest.decoder(version)(frame, position)
                    for topic in request.topic_data:
                        for data in topic.partition_data:
                            yield from batches(data.records)


@pytest.fixture
def tapped(start_broker: Callable[..., Broker]) -> Iterator[tuple[Broker, Tap]]:
    port = free_port()
    broker = start_broker(advertised_listeners=f"PLAINTEXT://127.0.0.1:{port}")
    tap = Tap(port, broker)
    yield broker, tap
    tap.close()


def with_kafka_python(address: str, topic: str, codec: str) -> None:
    producer = KafkaProducer(
        bootstrap_servers=address, compression_type=None if codec == "none" else codec, linger_ms=5
    )
    for i in range(COUNT):
        producer.send(topic, b"value %d" % i, b"%d" % i, headers=[("h", b"x")])
    producer.close()


def with_confluent_kafka(address: str, topic: str, codec: str) -> None:
    producer = Producer(
        {"bootstrap.servers": address, "compression.type": codec, "enable.idempotence": True, "linger.ms": 5}
    )
    for i in range(COUNT):
        producer.produce(topic, b"value %d" % i, b"%d" % i, headers=[("h", b"x")])
    assert 0 == producer.flush(20)


def with_aiokafka(address: str, topic: str, codec: str) -> None:
    async def produce() -> None:
        compression = None if codec == "none" else codec
        async with AIOKafkaProducer(bootstrap_servers=address, compression_type=compression, linger_ms=5) as producer:
            sent = [await producer.send(topic, b"value %d" % i, b"%d" % i) for i in range(COUNT)]
            await asyncio.gather(*sent)

    asyncio.run(produce())


def log_of(broker: Broker, topic: str) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(Path(broker.data_dir, f"{topic}-0").glob("*.log")))


@pytest.mark.parametrize("produce", [with_kafka_python, with_confluent_kafka, with_aiokafka])
def test_what_is_sent_is_what_is_stored(tapped: tuple[Broker, Tap], produce: Callable[[str, str, str], None]) -> None:
    broker, tap = tapped
    for codec in CODECS:
        for setting in ("producer", "uncompressed" if codec == "none" else codec):
            topic = f"{codec}-{setting}"
            create_topic(broker, topic, compression_type=setting)
            for stream in tap.said:
                stream.clear()

            produce(f"127.0.0.1:{tap.port}", topic, codec)

            sent, stored = list(tap.produced()), batches(memoryview(log_of(broker, topic)))
            # kafka-python leaves a batch alone that its codec would make larger.
            assert Codec[codec.upper()] in {each.compression for each in stored} <= {Codec[codec.upper()], Codec.NONE}
            assert COUNT == sum(each.record_count for each in stored)
            assert [bytes(each.data[EPOCH_END:]) for each in sent] == [bytes(each.data[EPOCH_END:]) for each in stored]


def test_what_a_java_client_sends_is_what_is_stored(tapped: tuple[Broker, Tap], java: Java) -> None:
    broker, tap = tapped
    with contextlib.closing(Tools(java)) as tools:
        for codec in CODECS:
            create_topic(broker, codec)
            for stream in tap.said:
                stream.clear()

            status, printed = tools.run(
                "producer-performance", "--topic", codec, "--num-records", "2000", "--record-size", "100",
                "--throughput", "-1", "--producer-props",
                f"bootstrap.servers=127.0.0.1:{tap.port}", f"compression.type={codec}",
            )  # fmt: skip

            assert status == 0, printed
            sent, stored = list(tap.produced()), batches(memoryview(log_of(broker, codec)))
            assert {Codec[codec.upper()]} == {each.compression for each in stored}
            assert 2000 == sum(each.record_count for each in stored)
            assert [bytes(each.data[EPOCH_END:]) for each in sent] == [bytes(each.data[EPOCH_END:]) for each in stored]


@pytest.mark.parametrize("target", CODECS)
def test_what_is_recompressed_has_the_same_records(tapped: tuple[Broker, Tap], target: str) -> None:
    broker, tap = tapped
    setting = "uncompressed" if target == "none" else target
    for codec in CODECS:
        topic = f"{codec}-to-{target}"
        create_topic(broker, topic, compression_type=setting)
        for stream in tap.said:
            stream.clear()

        with_confluent_kafka(f"127.0.0.1:{tap.port}", topic, codec)

        sent, stored = list(tap.produced()), batches(memoryview(log_of(broker, topic)))
        assert {Codec[target.upper()]} == {each.compression for each in stored}
        assert [each.payload() for each in sent] == [each.payload() for each in stored]
        assert [(each.producer_id, each.base_sequence) for each in sent] == [
            (each.producer_id, each.base_sequence) for each in stored
        ]


@pytest.mark.parametrize("setting", ["producer", "lz4"])
@pytest.mark.parametrize("codec", [Codec.GZIP, Codec.ZSTD])
def test_batches_that_expand_beyond_all_bounds_are_refused_in_bounded_memory(
    start_broker: Callable[..., Broker], codec: Codec, setting: str
) -> None:
    """Eight at once, each of which would take 900 MB."""
    broker = start_broker(message_max_bytes=2_000_000)
    create_topic(broker, "bombed", compression_type=setting)
    bomb = build([Record(value=bytes(900_000_000))], compression=codec)
    assert len(bomb) < 2_000_000
    before = broker.peak_resident_bytes()

    connections = [Connection(broker, timeout_s=60) for _ in range(8)]
    for connection in connections:
        connection.send(produce_request("bombed", bomb), 8)
    told = [connection.receive().responses[0].partition_responses[0] for connection in connections]

    assert {10} == {each.error_code for each in told}  # MESSAGE_TOO_LARGE
    assert broker.peak_resident_bytes() - before < 400_000_000
    with Connection(broker) as connection:
        good = connection.ask(produce_request("bombed", bytes(batch([b"v"]))), 8)
    assert 0 == good.responses[0].partition_responses[0].error_code


def test_a_transaction_is_recompressed_as_a_transaction(broker: Broker, name: str) -> None:
    create_topic(broker, name, compression_type="lz4")
    producer = Producer(
        {"bootstrap.servers": broker.address, "transactional.id": name, "compression.type": "zstd", "linger.ms": 5}
    )
    producer.init_transactions(20)
    for number, finish in enumerate((producer.commit_transaction, producer.abort_transaction) * 3):
        producer.begin_transaction()
        for i in range(COUNT):
            producer.produce(name, b"%d of %d" % (i, number))
        producer.flush(20)
        finish(20)

    consumer = Consumer({"bootstrap.servers": broker.address, "group.id": name, "auto.offset.reset": "earliest"})
    consumer.subscribe([name])
    values: list[bytes] = []
    while len(values) < 3 * COUNT:
        values += [message.value() for message in consumer.consume(3 * COUNT - len(values), 20)]
    consumer.close()

    assert [b"%d of %d" % (i, number) for number in (0, 2, 4) for i in range(COUNT)] == values
    stored = batches(memoryview(log_of(broker, name)))
    assert {(False, Codec.LZ4), (True, Codec.NONE)} == {(each.is_control, each.compression) for each in stored}
