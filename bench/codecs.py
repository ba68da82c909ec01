"""Measure the codecs at their default levels: ratio, speed, and how fast records go through a broker with them.

scripts/bench-codecs            # prints the table
scripts/bench-codecs --quick    # a first look
scripts/bench-codecs --write    # and rewrites docs/codecs.md and docs/codecs.svg

Three kinds of record batches, of about 100 KB each: JSON events, lines of a web server's log, random bytes. Through
the broker: one client on one connection that compresses each batch and produces it with acks=all, four on their way;
then it fetches them, a megabyte at a time, and decompresses. Figures are of the records before compression.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench.brokers import PYKBROKER, ROOT, Broker
from bench.client import Client, check, encode, produce
from bench.codecs_page import Figures, page, picture, table
from wire.api.fetch import FetchRequest, FetchResponse
from wire.api.produce import ProduceResponse
from wire.compression import Codec, compress
from wire.record_batch import HEADER_BYTES, Record, RecordBatch, batches, build, with_body

BATCH_BYTES = 100_000
BATCHES_PER_KIND = 20
IN_FLIGHT = 4
PRODUCE_VERSION, FETCH_VERSION = 7, 11
LIMIT_BYTES = 1 << 27
DOCS = ROOT / "docs"


@dataclass(frozen=True)
class Effort:
    rounds: int
    seconds: float  # of one measurement in memory
    volume_bytes: int  # that goes through the broker in one


FULL = Effort(rounds=5, seconds=0.5, volume_bytes=100_000_000)
QUICK = Effort(rounds=1, seconds=0.1, volume_bytes=20_000_000)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="scripts/bench-codecs", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="one short round; not the figures that count")
    parser.add_argument("--write", action="store_true", help="rewrite docs/codecs.md and docs/codecs.svg")
    options = parser.parse_args()
    figures = measure(QUICK if options.quick else FULL)
    print(table(figures))
    if options.write:
        DOCS.mkdir(exist_ok=True)
        (DOCS / "codecs.md").write_text(page(figures))
        (DOCS / "codecs.svg").write_text(picture(figures))


def measure(effort: Effort) -> list[Figures]:
    directory = ROOT / ".cache" / "bench-codecs"
    shutil.rmtree(directory, ignore_errors=True)
    broker = Broker(PYKBROKER, directory, kafka_version="")
    try:
        broker.start()
        rounds = [measure_once(broker, effort) for _ in range(effort.rounds)]
    finally:
        broker.kill()
        shutil.rmtree(directory, ignore_errors=True)
    return [median_of(of_one) for of_one in zip(*rounds, strict=True)]


def measure_once(broker: Broker, effort: Effort) -> list[Figures]:
    """Every kind and codec once: what disturbs the machine for a while disturbs all alike."""
    found = []
    for kind, batches_of in SAMPLES.items():
        sample = batches_of()
        for codec in Codec:
            ratio, compress_mb_s, decompress_mb_s = in_memory(codec, sample, effort)
            produce_mb_s, consume_mb_s = through_broker(broker, codec, sample, effort)
            name = codec.name.lower()
            found.append(Figures(kind, name, ratio, compress_mb_s, decompress_mb_s, produce_mb_s, consume_mb_s))
    return found


def median_of(figures: Sequence[Figures]) -> Figures:
    columns = list(zip(*figures, strict=True))
    return Figures(*columns[0][:1], *columns[1][:1], *(statistics.median(column) for column in columns[2:]))


# --- records


def json_events() -> list[RecordBatch]:
    seeded = random.Random(1)

    def event() -> bytes:
        return json.dumps(
            {
                "event_id": f"{seeded.getrandbits(128):032x}",
                "type": seeded.choice(["page_view", "click", "purchase", "add_to_cart", "login"]),
                "user": {"id": seeded.randrange(1_000_000), "country": seeded.choice(["DE", "FR", "US", "JP", "BR"])},
                "timestamp": 1_700_000_000_000 + seeded.randrange(86_400_000),
                "properties": {"price": round(seeded.random() * 500, 2), "items": seeded.randrange(12)},
            }
        ).encode()

    return batches_of(event)


def log_lines() -> list[RecordBatch]:
    seeded = random.Random(2)
    paths = [f"/api/v1/{seeded.choice(['orders', 'users', 'carts'])}/{seeded.randrange(9999)}" for _ in range(300)]
    agents = ["Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", "curl/8.5.0", "okhttp/4.12.0"]

    def line() -> bytes:
        address = ".".join(str(seeded.randrange(256)) for _ in range(4))
        at = f"2024-03-{seeded.randrange(1, 29):02}T{seeded.randrange(24):02}:{seeded.randrange(60):02}:07.123Z"
        status, size = seeded.choice([200, 200, 200, 304, 404, 500]), seeded.randrange(20_000)
        asked = f"GET {seeded.choice(paths)} HTTP/1.1"
        return f'{address} - - [{at}] "{asked}" {status} {size} "{seeded.choice(agents)}"'.encode()

    return batches_of(line)


def random_bytes() -> list[RecordBatch]:
    seeded = random.Random(3)
    return batches_of(lambda: seeded.randbytes(1000))


SAMPLES = {"JSON events": json_events, "log lines": log_lines, "random bytes": random_bytes}


def batches_of(value: Callable[[], bytes]) -> list[RecordBatch]:
    found = []
    for _ in range(BATCHES_PER_KIND):
        records: list[Record] = []
        size = 0
        while size < BATCH_BYTES:
            records.append(Record(timestamp_ms=int(time.time() * 1000), value=value()))
            size += len(records[-1].value or b"")
        found.append(RecordBatch(memoryview(bytearray(build(records)))))
    return found


# --- what is measured


def in_memory(codec: Codec, sample: Sequence[RecordBatch], effort: Effort) -> tuple[float, float, float]:
    """Ratio, and MB/s of compression and decompression."""
    plain = [batch.payload() for batch in sample]
    packed = [with_body(batch.data[:HEADER_BYTES], codec, compress(codec, batch.payload())) for batch in sample]
    size = sum(map(len, plain))
    if codec is Codec.NONE:
        return 1.0, 0.0, 0.0
    compressing = mb_per_second(lambda: [compress(codec, each) for each in plain], size, effort.seconds)
    decompressing = mb_per_second(
        lambda: [RecordBatch(each.data).payload(limit_bytes=LIMIT_BYTES) for each in packed], size, effort.seconds
    )
    return size / sum(each.size_bytes - HEADER_BYTES for each in packed), compressing, decompressing


def mb_per_second(action: Callable[[], object], size_bytes: int, seconds: float) -> float:
    begin, count = time.perf_counter(), 0
    while (elapsed := time.perf_counter() - begin) < seconds:
        action()
        count += 1
    return count * size_bytes / elapsed / 1e6


def through_broker(broker: Broker, codec: Codec, sample: Sequence[RecordBatch], effort: Effort) -> tuple[float, float]:
    topic = f"codecs-{time.time_ns()}"
    sizes = [len(batch.payload()) for batch in sample]
    with Client(broker) as client:
        client.create_topic(topic)
        begin = time.perf_counter()
        volume = produced(client, topic, codec, sample, sizes, effort.volume_bytes)
        producing = time.perf_counter() - begin
        begin = time.perf_counter()
        consumed(client, topic, volume)
        consuming = time.perf_counter() - begin
        client.delete_topic(topic)
    return volume / producing / 1e6, volume / consuming / 1e6


def produced(
    client: Client, topic: str, codec: Codec, sample: Sequence[RecordBatch], sizes: Sequence[int], volume_bytes: int
) -> int:
    """How many bytes of records went in."""
    volume = waiting = turn = 0
    while volume < volume_bytes:
        batch = sample[turn % len(sample)]
        sent = with_body(batch.data[:HEADER_BYTES], codec, compress(codec, batch.payload()))
        client.socket.sendall(encode(produce(topic, 0, bytes(sent.data)), PRODUCE_VERSION))
        volume += sizes[turn % len(sample)]
        turn += 1
        waiting += 1
        if waiting == IN_FLIGHT:
            acknowledged(client)
            waiting -= 1
    for _ in range(waiting):
        acknowledged(client)
    return volume


def acknowledged(client: Client) -> None:
    response = client.answer(PRODUCE_VERSION, ProduceResponse)
    check(each.error_code for topic in response.responses for each in topic.partition_responses)


def consumed(client: Client, topic: str, volume_bytes: int) -> None:
    """Fetch and decompress so many bytes of records from the start on."""
    wanted, offset, volume = FetchRequest.FetchTopic, 0, 0
    while volume < volume_bytes:
        partition = wanted.FetchPartition(partition=0, fetch_offset=offset, partition_max_bytes=1 << 20)
        request = FetchRequest(
            max_wait_ms=500, min_bytes=1, max_bytes=1 << 20, topics=[wanted(topic=topic, partitions=[partition])]
        )
        response = client.ask(request, FETCH_VERSION, FetchResponse)
        records = memoryview(response.responses[0].partitions[0].records or b"")
        for batch in whole(records):
            volume += len(batch.payload())
            offset = batch.next_offset


def whole(records: memoryview) -> list[RecordBatch]:
    """The batches that are all there; the last one may be cut."""
    end = 0
    while end + HEADER_BYTES <= len(records):
        size = int.from_bytes(records[end + 8 : end + 12], "big") + 12
        if end + size > len(records):
            break
        end += size
    return batches(records[:end])


if __name__ == "__main__":
    main()
