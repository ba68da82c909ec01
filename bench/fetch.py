"""Raw Fetch of one megabyte: a topic of such batches, read round and round over one connection, one request at a time.

The requests are encoded before; of each response the error codes and the first batch's offset are checked.
"""

from __future__ import annotations

import itertools
import struct
import time

from bench.brokers import Broker
from bench.client import PRODUCE_VERSION, Client, batch, check, encode, produce, receive_into
from bench.method import Benchmark, Effort, Row
from wire.api.fetch import FetchRequest
from wire.api.produce import ProduceResponse

FETCH_VERSION = 11
BATCH_RECORDS, RECORD_BYTES, BATCHES = 1000, 1000, 100

FetchTopic = FetchRequest.FetchTopic

SIZE = struct.Struct(">i")
# Correlation id, throttle time, error code, session id, one topic, the length of its name.
HEAD = struct.Struct(">iihiih")
# Behind the name: one partition, its index, error code, high watermark, last stable and log start offset, aborted
# transactions (none), preferred replica, size of the records; then the base offset of the first batch.
PARTITION = struct.Struct(">iihqqqiiiq")


def measure(broker: Broker, effort: Effort) -> list[float]:
    topic = f"fetch-{time.time_ns()}"
    with Client(broker) as client:
        client.create_topic(topic)
        records = batch(BATCH_RECORDS, RECORD_BYTES)
        fill(client, topic, records)
        requests = [
            (encode(fetch(topic, index * BATCH_RECORDS, len(records)), FETCH_VERSION), index * BATCH_RECORDS)
            for index in range(BATCHES)
        ]
        rate = read(client, requests, topic, len(records), effort.seconds)
        client.delete_topic(topic)
    return [rate / 1e9]


def fill(client: Client, topic: str, records: bytes) -> None:
    request = produce(topic, 0, records)
    for _ in range(BATCHES):
        response = client.ask(request, PRODUCE_VERSION, ProduceResponse)
        check(partition.error_code for each in response.responses for partition in each.partition_responses)


def fetch(topic: str, offset: int, max_bytes: int, *, max_wait_ms: int = 500) -> FetchRequest:
    """Outside of a session (epoch -1), so that every request is complete in itself."""
    asked = FetchTopic.FetchPartition(partition=0, fetch_offset=offset, partition_max_bytes=max_bytes)
    return FetchRequest(
        max_wait_ms=max_wait_ms, min_bytes=1, max_bytes=max_bytes, topics=[FetchTopic(topic=topic, partitions=[asked])]
    )


def read(client: Client, requests: list[tuple[bytes, int]], topic: str, batch_bytes: int, seconds: float) -> float:
    """Bytes of records per second."""
    response = memoryview(bytearray(SIZE.size + HEAD.size + len(topic) + PARTITION.size - 8 + batch_bytes))
    begin = time.perf_counter()
    end = begin + seconds
    for count, (request, offset) in enumerate(itertools.cycle(requests)):
        if time.perf_counter() > end:
            return count * batch_bytes / (time.perf_counter() - begin)
        client.socket.sendall(request)
        receive_into(client.socket, response)
        check_response(response, len(topic), offset, batch_bytes)
    raise AssertionError("an endless loop ended")


def check_response(response: memoryview, name_bytes: int, offset: int, batch_bytes: int) -> None:
    _, _, error_code, _, _, _ = HEAD.unpack_from(response, SIZE.size)
    _, _, partition_error, _, _, _, _, _, size, base_offset = PARTITION.unpack_from(
        response, SIZE.size + HEAD.size + name_bytes
    )
    check((error_code, partition_error))
    if (size, base_offset) != (batch_bytes, offset):
        raise RuntimeError(f"asked for offset {offset}: {size} bytes from offset {base_offset}")


BENCHMARKS = [Benchmark([Row("fetch", "Fetch of 1 MB", "GB/s", "more", times_kafka=1.0, limit=3)], measure)]
