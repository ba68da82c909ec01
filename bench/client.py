"""A client of raw frames: blocking, one connection, no retries but those a row asks for.

What is sent in a measured loop is encoded before it. Versions are pinned to ones without tagged fields where a loop
reads its responses by position.
"""

from __future__ import annotations

import random
import socket
import time
from collections.abc import Iterable
from typing import Self, TypeVar

from bench.brokers import Broker
from wire.api.create_topics import CreateTopicsRequest, CreateTopicsResponse
from wire.api.delete_topics import DeleteTopicsRequest, DeleteTopicsResponse
from wire.api.list_offsets import ListOffsetsRequest, ListOffsetsResponse
from wire.api.produce import ProduceRequest
from wire.errors import ErrorCode
from wire.frame import frame
from wire.headers import RequestHeader, ResponseHeader, request_header_version, response_header_version
from wire.record_batch import Record, build
from wire.registry import ApiKey, request_class
from wire.schema import Request, Response

PRODUCE_VERSION = 7
CORRELATION_ID = 7
LATEST = -1
RETRY_S = 0.002
READY_TIMEOUT_S = 120

CreatableTopic = CreateTopicsRequest.CreatableTopic
TopicData = ProduceRequest.TopicProduceData
OffsetsTopic = ListOffsetsRequest.ListOffsetsTopic


ResponseT = TypeVar("ResponseT", bound=Response)


class Client:
    """One connection."""

    def __init__(self, broker: Broker) -> None:
        self.socket = socket.create_connection(broker.address)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def ask(self, request: Request, version: int, expected: type[ResponseT]) -> ResponseT:
        self.send(request, version)
        return self.answer(version, expected)

    def send(self, request: Request, version: int) -> None:
        self.socket.sendall(encode(request, version))

    def answer(self, version: int, expected: type[ResponseT]) -> ResponseT:
        return self.body(int.from_bytes(self.receive(4)), version, expected)

    def body(self, size: int, version: int, expected: type[ResponseT]) -> ResponseT:
        """The response whose size was received already."""
        return self.body_of(self.receive(size), version, expected)

    @staticmethod
    def body_of(data: bytearray, version: int, expected: type[ResponseT]) -> ResponseT:
        body = memoryview(data)
        asked = request_class(ApiKey(expected.api_key))
        header, end = ResponseHeader.decoder(response_header_version(asked, version))(body, 0)
        assert header.correlation_id == CORRELATION_ID
        return expected.decode(body[end:], version)

    def receive(self, size: int) -> bytearray:
        data = bytearray(size)
        receive_into(self.socket, memoryview(data))
        return data

    def create_topic(self, name: str, partitions: int = 1, **configs: str) -> None:
        """Create it, and wait until every partition has a leader that answers. Settings with `_` for `.`."""
        settings = [CreatableTopic.CreatableTopicConfig(name=k.replace("_", "."), value=v) for k, v in configs.items()]
        topic = CreatableTopic(
            name=name, num_partitions=partitions, replication_factor=1, assignments=(), configs=settings
        )
        response = self.ask(CreateTopicsRequest(topics=[topic], timeout_ms=60_000), 5, CreateTopicsResponse)
        check(result.error_code for result in response.topics)
        self.end_offsets(name, partitions)

    def delete_topic(self, name: str) -> None:
        response = self.ask(DeleteTopicsRequest(topic_names=[name], timeout_ms=60_000), 3, DeleteTopicsResponse)
        check(result.error_code for result in response.responses)

    def end_offsets(self, topic: str, partitions: int) -> list[int]:
        """The end of every partition, once all of them can tell."""
        asked = [
            OffsetsTopic.ListOffsetsPartition(partition_index=index, timestamp=LATEST) for index in range(partitions)
        ]
        request = ListOffsetsRequest(replica_id=-1, topics=[OffsetsTopic(name=topic, partitions=asked)])
        deadline = time.perf_counter() + READY_TIMEOUT_S
        while True:
            response = self.ask(request, 4, ListOffsetsResponse)
            found = response.topics[0].partitions
            if all(partition.error_code == ErrorCode.NONE for partition in found):
                return [partition.offset for partition in sorted(found, key=lambda each: each.partition_index)]
            assert time.perf_counter() < deadline, f"{topic} is not ready"
            time.sleep(RETRY_S)


def encode(request: Request, version: int) -> bytes:
    header = RequestHeader(
        request_api_key=request.api_key, request_api_version=version, correlation_id=CORRELATION_ID, client_id="bench"
    )
    return frame(bytes(header.encode(request_header_version(type(request), version))), bytes(request.encode(version)))


def batch(records: int, record_bytes: int, *, varied: bool = False) -> bytes:
    """A batch without compression, of values of `record_bytes` and no keys; `varied`: from nothing to twice that."""
    now_ms = int(time.time() * 1000)
    seeded = random.Random(records)
    sizes = [seeded.randint(0, 2 * record_bytes) if varied else record_bytes for _ in range(records)]
    return build(Record(timestamp_ms=now_ms, value=b"x" * size) for size in sizes)


def produce(topic: str, partition: int, records: bytes) -> ProduceRequest:
    """With acks=all, as today's clients ask by default."""
    data = TopicData.PartitionProduceData(index=partition, records=records)
    return ProduceRequest(acks=-1, timeout_ms=30_000, topic_data=[TopicData(name=topic, partition_data=[data])])


def receive_into(connection: socket.socket, view: memoryview) -> None:
    """Fill `view`."""
    while view:
        received = connection.recv_into(view)
        if not received:
            raise ConnectionError("the broker closed the connection")
        view = view[received:]


def check(error_codes: Iterable[int]) -> None:
    for code in error_codes:
        if code != ErrorCode.NONE:
            name = next((known.name for known in ErrorCode if known == code), "an unknown error")
            raise RuntimeError(f"the broker answered {code}, {name}")
