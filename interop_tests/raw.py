"""A connection that says exactly what it is told to: requests of kafka-python's message classes, or any bytes.

The message classes are of a client that is not ours, so what they read is what clients read.
"""

from __future__ import annotations

import socket
import struct
from types import TracebackType
from uuid import UUID

from kafka.protocol.admin import CreateTopicsRequest
from kafka.protocol.api_header import ResponseClassRegistry
from kafka.protocol.api_message import ApiMessage
from kafka.protocol.consumer import ListOffsetsRequest
from kafka.protocol.producer import ProduceRequest
from kafka.record.default_records import DefaultRecordBatchBuilder

from interop_tests.harness import Broker, wait_until


class Closed(Exception):
    """The broker closed the connection."""


class Connection:
    """Context manager; requests are answered in the order they were sent."""

    def __init__(
        self,
        broker: Broker,
        *,
        timeout_s: float = 20,
        receive_buffer_bytes: int | None = None,
        client_id: str = "raw",
        source: str = "",
    ) -> None:
        self._socket = socket.socket(socket.AF_INET6 if "[" in broker.host else socket.AF_INET)
        if receive_buffer_bytes is not None:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer_bytes)
        self._socket.settimeout(timeout_s)
        if source:
            self._socket.bind((source, 0))
        self._socket.connect((broker.host.strip("[]"), broker.port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._client_id = client_id
        self._next_correlation_id = 1
        self._sent: list[tuple[int, type[ApiMessage], int]] = []

    def __enter__(self) -> Connection:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()

    def ask(self, request: ApiMessage, version: int) -> ApiMessage:
        self.send(request, version)
        return self.receive()

    def send(self, request: ApiMessage, version: int) -> None:
        self.send_bytes(self.encode(request, version))

    def encode(self, request: ApiMessage, version: int) -> bytes:
        """The whole frame; its answer is expected in its turn."""
        correlation_id, self._next_correlation_id = self._next_correlation_id, self._next_correlation_id + 1
        request.API_VERSION = version
        request.with_header(correlation_id=correlation_id, client_id=self._client_id)
        if not (isinstance(request, ProduceRequest) and request.acks == 0):
            self._sent.append((correlation_id, response_class(request), version))
        return bytes(request.encode(version=version, framed=True, header=True))

    def receive(self) -> ApiMessage:
        correlation_id, response, version = self._sent.pop(0)
        frame = self.receive_frame()
        assert correlation_id == struct.unpack(">i", frame[:4])[0], "answers come in the order of the requests"
        return response.decode(frame, version=version, header=True)

    def send_bytes(self, data: bytes) -> None:
        self._socket.sendall(data)

    def send_frame(self, payload: bytes) -> None:
        self.send_bytes(struct.pack(">i", len(payload)) + payload)

    def receive_frame(self) -> bytes:
        [size] = struct.unpack(">i", self._receive_exactly(4))
        return self._receive_exactly(size)

    def is_closed_by_peer(self) -> bool:
        """Wait for the end of the connection; False if the broker says something, or nothing until the timeout."""
        try:
            return self._socket.recv(1) == b""
        except ConnectionError:
            return True
        except TimeoutError:
            return False

    def _receive_exactly(self, size: int) -> bytes:
        data = bytearray()
        while len(data) < size:
            try:
                piece = self._socket.recv(min(size - len(data), 1 << 20))
            except ConnectionError as reset:
                raise Closed from reset
            if not piece:
                raise Closed
            data += piece
        return bytes(data)


def response_class(request: ApiMessage) -> type[ApiMessage]:
    return ResponseClassRegistry._response_class_registry[request.API_KEY]


def create_topic(broker: Broker, name: str, *, partitions: int = 1, **configs: str) -> UUID:
    """Its id, once its partitions answer: Apache Kafka tells of a topic before its leader takes records."""
    wanted = CreateTopicsRequest.CreatableTopic
    settings = [wanted.CreatableTopicConfig(name=key.replace("_", "."), value=value) for key, value in configs.items()]
    topic = wanted(name=name, num_partitions=partitions, replication_factor=1, assignments=[], configs=settings)
    with Connection(broker) as connection:
        request = CreateTopicsRequest(topics=[topic], timeout_ms=10_000, validate_only=False)
        [created] = connection.ask(request, 7).topics
    assert created.error_code == 0, created
    wait_until(lambda: all(next_offset(broker, name, partition=index) is not None for index in range(partitions)))
    return created.topic_id


def next_offset(broker: Broker, topic: str, *, partition: int = 0) -> int | None:
    """Where the partition's log ends; None where there is no such partition."""
    wanted = ListOffsetsRequest.ListOffsetsTopic
    latest = wanted.ListOffsetsPartition(partition_index=partition, timestamp=-1)
    topics = [wanted(name=topic, partitions=[latest])]
    with Connection(broker) as connection:
        answer = connection.ask(ListOffsetsRequest(replica_id=-1, isolation_level=0, topics=topics), 5)
    [told] = answer.topics[0].partitions
    return None if told.error_code else told.offset


def batch(
    values: list[bytes | None],
    *,
    codec: int = 0,
    producer_id: int = -1,
    producer_epoch: int = -1,
    base_sequence: int = -1,
    timestamp_ms: int = 1_600_000_000_000,
) -> bytearray:
    """One record batch v2."""
    builder = DefaultRecordBatchBuilder(2, codec, False, producer_id, producer_epoch, base_sequence, 1 << 30)
    for offset, value in enumerate(values):
        builder.append(offset, timestamp_ms, None, value, [])
    return bytearray(builder.build())


def produce_request(
    topic: str, records: bytes | bytearray | None, *, partition: int = 0, acks: int = -1, timeout_ms: int = 10_000
) -> ProduceRequest:
    data = ProduceRequest.TopicProduceData.PartitionProduceData(index=partition, records=records and bytes(records))
    topics = [ProduceRequest.TopicProduceData(name=topic, partition_data=[data])]
    return ProduceRequest(transactional_id=None, acks=acks, timeout_ms=timeout_ms, topic_data=topics)
