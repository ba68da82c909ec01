"""Raw Produce: encoded once, sent over one connection as fast as the broker answers.

Every response has the same size, so all a measured loop does is receive into one large buffer and count; error codes
and offsets are checked afterwards, in all of them.
"""

from __future__ import annotations

import functools
import socket
import struct
import time
from dataclasses import dataclass

from bench.brokers import Broker
from bench.client import PRODUCE_VERSION, Client, batch, check, encode, produce
from bench.method import Benchmark, Effort, Row

MAX_REQUESTS = 500_000
# Behind the topic's name in a response of version 7: one partition, its index, error code, base offset; then log append
# time, log start offset, throttle time.
RESULT = struct.Struct(">iihqqqi")
# Before it: size, correlation id, one topic, the length of its name.
HEAD_BYTES = 4 + 4 + 4 + 2


@dataclass(frozen=True)
class Load:
    records: int
    record_bytes: int
    in_flight: int
    varied: bool = False  # in size: a broker may check records of one size faster than any others
    in_megabytes: bool = False


def measure(broker: Broker, effort: Effort, *, load: Load) -> list[float]:
    topic = f"produce-{time.time_ns()}"
    request = encode(produce(topic, 0, batch(load.records, load.record_bytes, varied=load.varied)), PRODUCE_VERSION)
    limit = min(MAX_REQUESTS, effort.max_bytes // len(request))
    with Client(broker) as client:
        client.create_topic(topic)
        size = HEAD_BYTES + len(topic) + RESULT.size
        responses = bytearray(limit * size)
        begin = time.perf_counter()
        count = drive(
            client.socket,
            request,
            in_flight=load.in_flight,
            responses=responses,
            limit=limit,
            end=begin + effort.seconds,
        )
        elapsed = time.perf_counter() - begin
        check_responses(responses, count, size, records=load.records)
        client.delete_topic(topic)
    rate = count / elapsed
    return [rate * load.records * load.record_bytes / 1e6 if load.in_megabytes else rate]


def drive(
    connection: socket.socket, request: bytes, *, in_flight: int, responses: bytearray, limit: int, end: float
) -> int:
    """Keep `in_flight` requests on their way, until `end` or `limit` of them; how many there were."""
    size = len(responses) // limit
    several = [request * count for count in range(in_flight + 1)]
    view = memoryview(responses)
    sent, answered, filled = min(in_flight, limit), 0, 0
    connection.sendall(several[sent])
    while answered < sent:
        received = connection.recv_into(view[filled:])
        if not received:
            raise ConnectionError("the broker closed the connection")
        filled += received
        complete = filled // size - answered
        answered += complete
        if complete and time.perf_counter() < end:
            more = min(complete, limit - sent)
            connection.sendall(several[more])
            sent += more
    return answered


def check_responses(responses: bytearray, count: int, size: int, *, records: int) -> None:
    """No error in any, and each base offset as many further as a batch has records: nothing lost, nothing twice."""
    for index in range(count):
        _, _, error_code, base_offset, _, _, _ = RESULT.unpack_from(responses, (index + 1) * size - RESULT.size)
        check([error_code])
        if base_offset != index * records:
            raise RuntimeError(f"batch {index} was given offset {base_offset}")


def row(key: str, title: str, load: Load, *, times_kafka: float | None = None, shortfall: str = "") -> Benchmark:
    unit = "MB/s" if load.in_megabytes else "req/s"
    described = Row(key, f"Produce {title}", unit, "more", times_kafka=times_kafka, shortfall=shortfall)
    return Benchmark([described], functools.partial(measure, load=load))


PIPELINE = (
    "a request takes 13.8 us of user and 1.4 of system time in the broker, where some 12 are wanted. By "
    "themselves, decoding it takes 1.2, the check of its batch 1.6, the rest of the append 2.4, the response 0.7."
)
ONE_AT_A_TIME = (
    "of such a request most is the way of two messages between two processes. The look at its 100 records is 12 "
    "us where they are of one size, 25 to 35 where they are not."
)

BENCHMARKS = [
    row("produce-one", "1 x 100 B, one at a time", Load(1, 100, 1), times_kafka=1.0),
    row("produce-pipeline", "1 x 100 B, 8 in flight", Load(1, 100, 8), times_kafka=4.0, shortfall=PIPELINE),
    row("produce-small", "100 x 100 B, one at a time", Load(100, 100, 1), times_kafka=1.0, shortfall=ONE_AT_A_TIME),
    row("produce-medium", "100 x 1000 B, one at a time", Load(100, 1000, 1), times_kafka=1.2, shortfall=ONE_AT_A_TIME),
    row("produce-varied", "100 x 0-2000 B, one at a time", Load(100, 1000, 1, varied=True)),
    row("produce-large", "1000 x 1000 B, 4 in flight", Load(1000, 1000, 4, in_megabytes=True), times_kafka=2.0),
]
