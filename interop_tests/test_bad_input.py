"""What a hostile or broken peer sends: refused as Apache Kafka refuses it, and nobody else notices.

Each expectation was first seen from Apache Kafka; run with `--broker=kafka` to see it again.
"""

from __future__ import annotations

import random
import struct
import zlib
from collections.abc import Callable, Iterator

import pytest
from crc32c import crc32c
from kafka.protocol.metadata import ApiVersionsRequest, MetadataRequest

from interop_tests.harness import Broker
from interop_tests.raw import Closed, Connection, batch, create_topic, next_offset, produce_request

PRODUCE, FETCH, METADATA, VOTE, API_VERSIONS = 0, 1, 3, 52, 18

NONE, CORRUPT_MESSAGE, MESSAGE_TOO_LARGE, INVALID_TOPIC = 0, 2, 10, 17
INVALID_REQUIRED_ACKS, INVALID_TIMESTAMP, UNKNOWN_TOPIC_OR_PARTITION, UNSUPPORTED_VERSION = 21, 32, 3, 35
TRANSACTIONAL_ID_AUTHORIZATION_FAILED, INVALID_RECORD, UNKNOWN_TOPIC_ID, UNKNOWN_SERVER_ERROR = 53, 87, 100, -1


def frame(payload: bytes) -> bytes:
    return struct.pack(">i", len(payload)) + payload


def header(api_key: int, version: int, client_id: bytes = b"\x00\x01x") -> bytes:
    return struct.pack(">hhi", api_key, version, 1) + client_id


def metadata_v1(count: int, topics: bytes = b"") -> bytes:
    return frame(header(METADATA, 1) + struct.pack(">i", count) + topics)


def metadata_v9(body: bytes) -> bytes:
    return frame(header(METADATA, 9) + b"\x00" + body)


CLOSES = {
    "random bytes": random.Random(1).randbytes(500),
    "TLS": bytes.fromhex("16030102000100") + bytes(600),
    "size of nothing": struct.pack(">i", 0),
    "negative size": struct.pack(">i", -1),
    "most negative size": struct.pack(">i", -(2**31)),
    "size of 2 GB": struct.pack(">i", 2**31 - 1),
    "size above socket.request.max.bytes": struct.pack(">i", 104_857_601),
    "one byte": frame(b"x"),
    "half a header": frame(b"\x00\x03\x00\x01"),
    "header without client id": frame(struct.pack(">hhi", METADATA, 1, 1)),
    "client id that is not all there": frame(header(METADATA, 1, b"\x00\x05x")),
    "client id of length -2": frame(header(METADATA, 1, b"\xff\xfe")),
    "header without body": frame(header(METADATA, 1)),
    "unknown API key": frame(header(999, 0)),
    "API key not in use": frame(header(93, 0)),
    "negative API key": frame(header(-1, 0)),
    "API key of controllers": frame(header(VOTE, 0)),
    "unknown version": frame(header(METADATA, 99)),
    "negative version": frame(header(METADATA, -1)),
    "next version": frame(header(METADATA, 14)),
    "array of 2 thousand million": metadata_v1(2**31 - 1),
    "array of a million in a small frame": metadata_v1(1_000_000),
    "string that is not all there": metadata_v1(1, struct.pack(">h", 30_000)),
    "null where there is none": metadata_v1(1, struct.pack(">h", -1)),
    "varint without an end": metadata_v9(b"\xff" * 10),
    "compact array of 4 thousand million": metadata_v9(b"\xff\xff\xff\xff\x0f"),
    "tag that is not all there": metadata_v9(b"\x01\x00\x00\x00\x01\x05\x7f"),
    "records that are not all there": frame(
        header(PRODUCE, 9)
        + b"\x00\x00"
        + struct.pack(">hi", 1, 1000)
        + b"\x02\x02t\x02"
        + struct.pack(">i", 0)
        + b"\xff\xff\x03abc"
    ),
}

ANSWERED = {
    "trailing bytes": metadata_v1(0, b"zz"),
    "array count -2": metadata_v1(-2),
    "topic that is no UTF-8": metadata_v1(1, b"\x00\x02\xff\xfe"),
    "unknown tagged fields": frame(
        struct.pack(">hhi", METADATA, 9, 1)
        + b"\x00\x01x"
        + b"\x01\x05\x02ab"
        + b"\x01\x00\x00\x00"
        + b"\x01\x63\x03abc"
    ),
    "boolean of 7": metadata_v9(b"\x01\x07\x00\x00\x00"),
    "null client id": frame(header(API_VERSIONS, 0, b"\xff\xff")),
}


@pytest.fixture(autouse=True)
def bystander(broker: Broker) -> Iterator[None]:
    """A well-behaved client, connected before and served after whatever the test does."""
    with Connection(broker) as connection:
        connection.ask(ApiVersionsRequest(), 0)
        yield
        assert connection.ask(ApiVersionsRequest(), 0).error_code == NONE


@pytest.fixture
def topic(broker: Broker, name: str) -> str:
    create_topic(broker, name)
    return name


@pytest.mark.parametrize("data", CLOSES.values(), ids=CLOSES)
def test_what_is_no_request_closes_the_connection(broker: Broker, data: bytes) -> None:
    with Connection(broker) as connection:
        connection.send_bytes(data)

        assert connection.is_closed_by_peer()


@pytest.mark.parametrize("data", ANSWERED.values(), ids=ANSWERED)
def test_what_is_odd_but_readable_is_answered(broker: Broker, data: bytes) -> None:
    with Connection(broker) as connection:
        connection.send_bytes(data)

        assert connection.receive_frame().startswith(struct.pack(">i", 1))


@pytest.mark.parametrize("version", [5, 99, -1])
def test_an_unknown_version_of_api_versions_is_answered_with_the_known_ones(broker: Broker, version: int) -> None:
    """KIP-511: in the format of v0, and with nothing but itself; the client then asks again."""
    with Connection(broker) as connection:
        tagged_fields = b"\x00" if version >= 3 else b""
        connection.send_bytes(frame(header(API_VERSIONS, version) + tagged_fields))
        answer = connection.receive_frame()

        assert struct.pack(">ihihhh", 1, UNSUPPORTED_VERSION, 1, API_VERSIONS, 0, 4) == answer
        assert connection.ask(ApiVersionsRequest(), 0).error_code == NONE


@pytest.mark.parametrize("software", ["", "a b!", "-", "x" * 200 + "-"])
def test_a_client_software_name_that_cannot_be_is_refused(broker: Broker, software: str) -> None:
    """KIP-511 says what characters it may have."""
    with Connection(broker) as connection:
        connection.send(ApiVersionsRequest(client_software_name=software, client_software_version="1"), 3)

        assert struct.pack(">ihbib", 1, 42, 1, 0, 0) == connection.receive_frame()


def test_requests_before_the_bad_one_are_answered(broker: Broker) -> None:
    with Connection(broker) as connection:
        connection.send(ApiVersionsRequest(), 0)
        connection.send_bytes(CLOSES["unknown API key"])

        assert connection.receive().error_code == NONE
        assert connection.is_closed_by_peer()


def test_a_frame_may_come_one_byte_at_a_time(broker: Broker) -> None:
    with Connection(broker) as connection:
        for byte in connection.encode(MetadataRequest(topics=[]), 4):
            connection.send_bytes(bytes([byte]))

        assert len(connection.receive().brokers) == 1


def test_a_peer_that_goes_away_in_the_middle_of_a_frame_leaves_nothing_behind(broker: Broker, topic: str) -> None:
    request = produce_request(topic, batch([b"x" * 1000]))
    with Connection(broker) as connection:
        whole = connection.encode(request, 9)
    for cut in (2, 4, 10, len(whole) // 2, len(whole) - 1):
        with Connection(broker) as connection:
            connection.send_bytes(whole[:cut])

    assert next_offset(broker, topic) == 0


def altered(offset: int, layout: str, value: int) -> bytes:
    """Two records; a field of the header overwritten, and the CRC made right again."""
    data = batch([b"x", b"y"])
    struct.pack_into(layout, data, offset, value)
    struct.pack_into(">I", data, 17, crc32c(bytes(data[21:])))
    return bytes(data)


def wrong_crc() -> bytes:
    data = batch([b"x"])
    data[20] ^= 1
    return bytes(data)


def miscounted(count: int, *, codec: int = 0) -> bytes:
    """Two records, and a header that agrees with itself but says another count."""
    data = batch([b"x" * 100, b"y" * 100], codec=codec)
    struct.pack_into(">i", data, 23, count - 1)
    struct.pack_into(">i", data, 57, count)
    struct.pack_into(">I", data, 17, crc32c(bytes(data[21:])))
    return bytes(data)


def first_record(position: int, byte: int) -> bytes:
    """Two records; a byte of the first one overwritten."""
    return altered(61 + position, ">B", byte)


def with_bytes_after_the_records() -> bytes:
    data = batch([b"x"]) + b"zz"
    struct.pack_into(">i", data, 8, len(data) - 12)
    struct.pack_into(">I", data, 17, crc32c(bytes(data[21:])))
    return bytes(data)


LENGTH, MAGIC, ATTRIBUTES, LAST_OFFSET_DELTA, COUNT = (8, ">i"), (16, ">b"), (21, ">h"), (23, ">i"), (57, ">i")

REFUSED_RECORDS = {
    "no records at all": (b"", INVALID_RECORD),
    "wrong CRC": (wrong_crc(), CORRUPT_MESSAGE),
    "count too large": (altered(*COUNT, 3), INVALID_RECORD),
    "count too small": (altered(*COUNT, 1), INVALID_RECORD),
    "count of nothing": (altered(*COUNT, 0), INVALID_RECORD),
    "negative count": (altered(*COUNT, -1), INVALID_RECORD),
    "count of 2 thousand million": (altered(*COUNT, 2**31 - 1), INVALID_RECORD),
    "one record more than there are": (miscounted(3), INVALID_RECORD),
    "one record less than there are": (miscounted(1), INVALID_RECORD),
    "one record more than there are, in gzip": (miscounted(3, codec=1), INVALID_RECORD),
    "one record less than there are, in gzip": (miscounted(1, codec=1), INVALID_RECORD),
    "record longer than the batch": (first_record(0, 0x7E), INVALID_RECORD),
    "record of negative length": (first_record(0, 1), INVALID_RECORD),
    "value longer than its record": (first_record(5, 0x20), INVALID_RECORD),
    "bytes after the records": (with_bytes_after_the_records(), INVALID_RECORD),
    "last offset delta too large": (altered(*LAST_OFFSET_DELTA, 5), INVALID_RECORD),
    "last offset delta too small": (altered(*LAST_OFFSET_DELTA, 0), INVALID_RECORD),
    "negative last offset delta": (altered(*LAST_OFFSET_DELTA, -1), INVALID_RECORD),
    "base offset": (altered(0, ">q", 5), INVALID_RECORD),
    "magic 0": (altered(*MAGIC, 0), INVALID_RECORD),
    "magic 1": (altered(*MAGIC, 1), INVALID_RECORD),
    "magic 3": (altered(*MAGIC, 3), CORRUPT_MESSAGE),
    "length beyond the records": (altered(*LENGTH, 500), INVALID_RECORD),
    "length of 1 GB": (altered(*LENGTH, 2**30), INVALID_RECORD),
    "length below the least": (altered(*LENGTH, 10), CORRUPT_MESSAGE),
    "negative length": (altered(*LENGTH, -1), CORRUPT_MESSAGE),
    "unknown codec": (altered(*ATTRIBUTES, 5), UNKNOWN_SERVER_ERROR),
    "gzip that is none": (altered(*ATTRIBUTES, 1), UNKNOWN_SERVER_ERROR),
    "snappy that is none": (altered(*ATTRIBUTES, 2), UNKNOWN_SERVER_ERROR),
    "lz4 that is none": (altered(*ATTRIBUTES, 3), UNKNOWN_SERVER_ERROR),
    "zstd that is none": (altered(*ATTRIBUTES, 4), UNKNOWN_SERVER_ERROR),
    "control batch": (altered(*ATTRIBUTES, 0x20), INVALID_RECORD),
    "transactional without transactional id": (altered(*ATTRIBUTES, 0x10), TRANSACTIONAL_ID_AUTHORIZATION_FAILED),
    "producer id without sequence": (bytes(batch([b"x"], producer_id=5, producer_epoch=0)), INVALID_RECORD),
    "two batches": (bytes(batch([b"x"]) + batch([b"y"])), INVALID_RECORD),
    "zeros after the batch": (bytes(batch([b"x"])) + bytes(100), CORRUPT_MESSAGE),
    "cut batch": (bytes(batch([b"x"])[:-3]), INVALID_RECORD),
    "cut header": (bytes(batch([b"x"])[:30]), INVALID_RECORD),
    "ten bytes": (bytes(batch([b"x"])[:10]), INVALID_RECORD),
    "garbage": (b"\xff" * 100, CORRUPT_MESSAGE),
    "zeros": (bytes(100), CORRUPT_MESSAGE),
    "above message.max.bytes": (bytes(batch([b"x" * 1_200_000])), MESSAGE_TOO_LARGE),
    "time far ahead": (bytes(batch([b"x"], timestamp_ms=2**61)), INVALID_TIMESTAMP),
}


NOT_LOOKED_AT = {
    "no records at all",
    "magic 0",
    "magic 1",
    "length beyond the records",
    "length of 1 GB",
    "transactional without transactional id",
    "two batches",
    "cut batch",
    "cut header",
    "ten bytes",
}
WORDS = {
    "magic 3": "Invalid magic found in record: 3",
    "length below the least": "Record size 10 is less than the minimum record overhead (14)",
    "negative length": "Record size -1 is less than the minimum record overhead (14)",
    "garbage": "Record size -1 is less than the minimum record overhead (14)",
    "zeros": "Record size 0 is less than the minimum record overhead (14)",
    "time far ahead": "One or more records have been rejected due to invalid timestamp",
}


@pytest.mark.parametrize("what", REFUSED_RECORDS)
def test_records_that_cannot_be_are_refused_and_not_written(broker: Broker, topic: str, what: str) -> None:
    records, error = REFUSED_RECORDS[what]
    log_start_offset = -1 if what in NOT_LOOKED_AT or error in (CORRUPT_MESSAGE, MESSAGE_TOO_LARGE) else 0
    with Connection(broker) as connection:
        answer = connection.ask(produce_request(topic, records), 9).responses[0].partition_responses[0]

        told = (answer.error_code, answer.base_offset, answer.log_start_offset, answer.error_message)
        assert (error, -1, log_start_offset, WORDS.get(what)) == told
        assert next_offset(broker, topic) == 0
        after = connection.ask(produce_request(topic, batch([b"good"])), 9).responses[0].partition_responses[0]
        assert (NONE, 0) == (after.error_code, after.base_offset)


@pytest.mark.parametrize("tail", [b"garbage", bytes(batch([b"y"])[:-3])], ids=["garbage", "a cut batch"])
def test_a_batch_is_taken_and_what_cannot_be_one_after_it_is_not(broker: Broker, topic: str, tail: bytes) -> None:
    with Connection(broker) as connection:
        records = bytes(batch([b"x"])) + tail
        answer = connection.ask(produce_request(topic, records), 9).responses[0].partition_responses[0]

    assert (NONE, 0) == (answer.error_code, answer.base_offset)
    assert next_offset(broker, topic) == 1


def test_the_kind_of_timestamp_is_the_brokers_to_say(broker: Broker, topic: str) -> None:
    """A producer that claims LogAppendTime is not refused; its claim is not kept (see test_protocol.py)."""
    log_append_time = 0x8
    with Connection(broker) as connection:
        request = produce_request(topic, altered(*ATTRIBUTES, log_append_time))
        answer = connection.ask(request, 9).responses[0].partition_responses[0]

    assert (NONE, 0) == (answer.error_code, answer.base_offset)


def test_records_without_key_are_refused_by_a_compacted_topic(broker: Broker, name: str) -> None:
    create_topic(broker, name, cleanup_policy="compact")
    with Connection(broker) as connection:
        request = produce_request(name, batch([b"x", b"y"]))
        answer = connection.ask(request, 9).responses[0].partition_responses[0]

    assert answer.error_code == INVALID_RECORD
    assert [0, 1] == [error.batch_index for error in answer.record_errors]
    why = f"Compacted topic cannot accept message without key in topic partition {name}-0"
    assert [why, why] == [error.batch_index_error_message for error in answer.record_errors]
    assert answer.error_message == (
        "One or more records have been rejected due to 2 record errors in total, and only showing the first three "
        f"errors at most: [RecordError(batchIndex=0, message='{why}'), RecordError(batchIndex=1, message='{why}')]"
    )


def squeezed_zeros(megabytes: int) -> bytes:
    """A batch of one record whose value is that many megabytes of zeros, compressed with gzip a thousand times."""
    value_size = megabytes << 20
    head = b"\x00\x00\x00" + zigzag(-1) + zigzag(value_size)
    packer = zlib.compressobj(9, wbits=31)
    parts = [packer.compress(zigzag(len(head) + value_size + 1) + head)]
    parts += [packer.compress(bytes(1 << 20)) for _ in range(megabytes)]
    data = batch([b"x"], codec=1)[:61] + b"".join(parts) + packer.compress(zigzag(0)) + packer.flush()
    struct.pack_into(">i", data, 8, len(data) - 12)
    struct.pack_into(">h", data, 21, 1)
    struct.pack_into(">I", data, 17, crc32c(bytes(data[21:])))
    return bytes(data)


def zigzag(value: int) -> bytes:
    unsigned = (value << 1) ^ (value >> 31)
    groups = []
    while unsigned > 0x7F:
        groups.append(unsigned & 0x7F | 0x80)
        unsigned >>= 7
    return bytes([*groups, unsigned])


def test_what_was_squeezed_well_may_be_far_above_the_limit(broker: Broker, topic: str) -> None:
    """message.max.bytes is about bytes as sent."""
    with Connection(broker) as connection:
        request = produce_request(topic, squeezed_zeros(16))
        answer = connection.ask(request, 9).responses[0].partition_responses[0]

    assert (NONE, 0) == (answer.error_code, answer.base_offset)


@pytest.mark.only_pykbroker
@pytest.mark.parametrize("compression_type", ["producer", "lz4"])
def test_a_bomb_does_not_fill_the_memory(broker: Broker, name: str, compression_type: str) -> None:
    """Apache Kafka reads the records as a stream; whoever unpacks them whole must stop in time."""
    create_topic(broker, name, compression_type=compression_type)
    before = broker.resident_bytes()
    with Connection(broker) as connection:
        request = produce_request(name, squeezed_zeros(900))
        answer = connection.ask(request, 9).responses[0].partition_responses[0]

    assert broker.peak_resident_bytes() - before < 200 << 20
    if compression_type != "producer":
        assert answer.error_code != NONE
        assert next_offset(broker, name) == 0


@pytest.mark.parametrize("acks", [2, -2, 5])
def test_acknowledgements_that_do_not_exist_are_refused(broker: Broker, topic: str, acks: int) -> None:
    with Connection(broker) as connection:
        request = produce_request(topic, batch([b"x"]), acks=acks)
        answer = connection.ask(request, 9).responses[0].partition_responses[0]

    assert (INVALID_REQUIRED_ACKS, -1, -1) == (answer.error_code, answer.base_offset, answer.log_start_offset)
    assert next_offset(broker, topic) == 0


@pytest.mark.parametrize("partition", [1, -1, 2**31 - 1])
def test_a_partition_that_is_not_there_is_told(broker: Broker, topic: str, partition: int) -> None:
    with Connection(broker) as connection:
        request = produce_request(topic, batch([b"x"]), partition=partition)
        answer = connection.ask(request, 9).responses[0].partition_responses[0]

    assert (partition, UNKNOWN_TOPIC_OR_PARTITION) == (answer.index, answer.error_code)


def test_an_error_that_nobody_is_told_of_closes_the_connection(broker: Broker, topic: str) -> None:
    """A producer with acks=0 has no other way to learn that it must look again."""
    for request in (
        produce_request(topic, wrong_crc(), acks=0),
        produce_request(f"{topic}-missing", batch([b"x"]), acks=0),
    ):
        with Connection(broker) as connection:
            connection.send(request, 9)

            assert connection.is_closed_by_peer()


@pytest.mark.parametrize("allow_creation", [True, False])
@pytest.mark.parametrize("topic_name", ["", ".", "..", "a/b", "x" * 250, "a b", "a\x00b", "ü"])
def test_a_topic_name_that_cannot_be_is_told_and_not_created(
    broker: Broker, topic_name: str, allow_creation: bool
) -> None:
    wanted = [MetadataRequest.MetadataRequestTopic(name=topic_name)]
    with Connection(broker) as connection:
        request = MetadataRequest(topics=wanted, allow_auto_topic_creation=allow_creation)
        [answered] = connection.ask(request, 8).topics
        everything = connection.ask(MetadataRequest(topics=None, allow_auto_topic_creation=False), 8)

    assert (topic_name, INVALID_TOPIC, []) == (answered.name, answered.error_code, answered.partitions)
    assert topic_name not in {topic.name for topic in everything.topics}


def test_produce_does_not_create_a_topic(broker: Broker, name: str) -> None:
    with Connection(broker) as connection:
        answer = connection.ask(produce_request(name, batch([b"x"])), 9).responses[0].partition_responses[0]

    assert answer.error_code == UNKNOWN_TOPIC_OR_PARTITION
    assert next_offset(broker, name) is None


@pytest.mark.only_pykbroker
def test_memory_stays_bounded_whatever_is_sent(start_broker: Callable[..., Broker]) -> None:
    broker = start_broker()
    seed = random.Random(7)
    with Connection(broker) as connection:
        connection.ask(ApiVersionsRequest(), 0)
    before = broker.resident_bytes()
    for _ in range(300):
        with Connection(broker) as connection:
            connection.send_bytes(mutated(seed))
    open_frames = [Connection(broker) for _ in range(20)]
    for connection in open_frames:
        connection.send_bytes(struct.pack(">i", 104_857_600) + bytes(10_000))

    with Connection(broker) as connection:
        assert connection.ask(ApiVersionsRequest(), 0).error_code == NONE
    assert broker.resident_bytes() - before < 64 << 20
    assert "Traceback" not in broker.log
    for connection in open_frames:
        connection.__exit__(None, None, None)


def mutated(seed: random.Random) -> bytes:
    """A request with a few bytes of its payload changed; the frame's size is right."""
    request = produce_request("t", batch([b"x" * 100]))
    request.API_VERSION = 9
    request.with_header(correlation_id=1, client_id="x")
    payload = bytearray(request.encode(version=9, header=True))
    for _ in range(seed.randrange(1, 6)):
        payload[seed.randrange(len(payload))] = seed.randrange(256)
    return frame(bytes(payload))


def test_mutated_requests_never_disturb_another_client(broker: Broker, topic: str) -> None:
    seed = random.Random(3)
    for i in range(100):
        try:
            with Connection(broker, timeout_s=1) as connection:
                connection.send_bytes(mutated(seed) + CLOSES["unknown API key"])
                while True:
                    connection.receive_frame()
        except Closed:
            pass
        with Connection(broker) as connection:
            answer = connection.ask(produce_request(topic, batch([b"x"])), 9).responses[0].partition_responses[0]
            assert (NONE, i) == (answer.error_code, answer.base_offset)
